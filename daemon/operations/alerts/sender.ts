import { backoff } from '#daemon/media/callbacks/backoff.ts';
import type { SendResult } from '#daemon/media/callbacks/sender.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Mail } from '#daemon/platform/mail/messages.ts';
import { iso } from '#shared/instants.ts';
import { FORMS } from './bodies.ts';
import type { AlertChannels, Channel } from './channels.ts';

import type { Notice } from './notice.ts';
import type { AlertRepository, MessageRow } from './repository.ts';

const LOOK_MS = 5000;
/** How long a message is worth sending. */
const LIFETIME_MS = 24 * 3_600_000;
const ANSWER_LENGTH = 500;

export interface AlertSenderDeps {
  repository: Pick<AlertRepository, 'due' | 'sent' | 'failed' | 'keepNotice'>;
  channels: AlertChannels;
  post: {
    send(
      request: {
        url: string;
        body: string;
        secret: string;
        event: string;
        delivery: string;
        timestamp: string;
        headers?: Readonly<Record<string, string>>;
        readsAnswer?: boolean;
      },
      signal: AbortSignal,
    ): Promise<SendResult>;
    close(): void;
  };
  mailer: { readonly canSend: boolean; send(to: string, mail: Mail): Promise<void> };
  bus: EventBus;
  /** Id of this installation. */
  installation: string;
  /** Removes secrets from a text of a receiver. */
  clean(text: string): string;
  background: Background;
  clock: Clock;
  log: Log<'info' | 'warn'>;
  /** A channel began to fail, or works again. */
  onChange(): void;
}

type Outcome = Pick<SendResult, 'isDelivered' | 'status' | 'error' | 'retryAfterMs'> & {
  answer: string | null;
  /** Addresses of the channel that need no other try: they have it, or the mail server knows no such mailbox. */
  told?: readonly string[];
};

/** As it is stored, with the addresses of earlier tries. */
type StoredNotice = Notice & Pick<Outcome, 'told'>;

/** Sends stored messages, each channel's one after the other, and tries again with growing waits for a day. */
export class AlertSender {
  readonly #deps: AlertSenderDeps;
  readonly #abort = new AbortController();
  #timer: Repeated | undefined;

  constructor(deps: AlertSenderDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#deps.background.every('alert messages', LOOK_MS, () => this.#sendDue(), { first: 1000 });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#timer?.stop();
    this.#deps.post.close();
  }

  wake(): void {
    this.#timer?.soon();
  }

  /** Sends a message now, stored or not. */
  async send(channel: Channel, notice: StoredNotice, delivery: string): Promise<Outcome> {
    const { channels, post, installation, clean } = this.#deps;
    if (channel.kind === 'email') return this.#mail(channel, notice);
    if (channel.kind === 'desktop') return this.#show(notice);
    const secret = channels.secret(channel.id);
    const { url, body, headers } = FORMS[channel.kind](notice, { url: channels.url(channel.id), secret, installation });
    const sent = await post.send(
      {
        url,
        body: JSON.stringify(body),
        secret: channel.kind === 'webhook' ? secret : '',
        event: `incident.${notice.kind}`,
        delivery,
        timestamp: notice.at,
        ...(headers === undefined ? {} : { headers }),
        readsAnswer: true,
      },
      this.#abort.signal,
    );
    const answer = clean(sent.answer ?? '').slice(0, ANSWER_LENGTH);
    const { isDelivered, status, error, retryAfterMs } = sent;
    return { isDelivered, status, error, retryAfterMs, answer: answer === '' ? null : answer };
  }

  /** A mail for each address, so that one that is refused costs no other its mail. */
  async #mail({ to }: Channel, { title, lines, url, kind, told = [] }: StoredNotice): Promise<Outcome> {
    const { mailer, clean } = this.#deps;
    if (!mailer.canSend) return failure('No mail server is set up (STREAMHUB_SMTP_HOST and STREAMHUB_SMTP_FROM).');
    const subject = `[StreamHub] ${title}`.replace(/\s+/g, ' ').slice(0, 200);
    const text = [title, '', ...lines, '', kind === 'test' ? '' : `Open it: ${url}`].join('\n').trimEnd();
    const done = to.filter((address) => told.includes(address));
    const refused: { address: string; reason: string; isFinal: boolean }[] = [];
    for (const address of to) {
      if (told.includes(address)) continue;
      try {
        await mailer.send(address, { subject, text: `${text}\n` });
        done.push(address);
      } catch (error) {
        const { message = '', response, responseCode = 0, command } = error as Partial<SmtpError>;
        const isFinal = command === 'RCPT TO' && responseCode >= 500;
        refused.push({ address, reason: clean(response ?? message), isFinal });
      }
    }
    if (refused.length === 0) return { ...DELIVERED, answer: 'The mail server took it.' };
    const [first] = refused;
    const names = to.length === 1 ? '' : ` ${refused.map(({ address }) => address).join(', ')}`;
    const error = `The mail server refuses${names}: ${first?.reason}`.slice(0, ANSWER_LENGTH);
    // while nobody has it, an address may still be corrected
    if (done.length === 0) return failure(error);
    const finals = refused.filter(({ isFinal }) => isFinal);
    if (finals.length === refused.length) return { ...DELIVERED, error, answer: null };
    return { ...failure(error), told: [...done, ...finals.map(({ address }) => address)] };
  }

  /** Desktops and open consoles that read the event stream show it. */
  #show({ kind, severity, title, lines, url, incidents }: Notice): Outcome {
    const [first] = incidents;
    const incident = incidents.length === 1 && first !== undefined ? { incident: first.id } : {};
    this.#deps.bus.publish({
      type: 'alert.notice',
      live: true,
      data: { kind, severity, title, lines, url, ...incident },
    });
    return DELIVERED;
  }

  async #sendDue(): Promise<void> {
    const { repository, channels, clock } = this.#deps;
    const byChannel = new Map<number, MessageRow[]>();
    for (const row of repository.due(clock.now())) {
      const list = byChannel.get(row.channel_id);
      if (list === undefined) byChannel.set(row.channel_id, [row]);
      else list.push(row);
    }
    const known = new Map(channels.all().map((channel) => [channel.id, channel]));
    const runs = [...byChannel].map(async ([id, rows]) => {
      const channel = known.get(id);
      for (const row of rows) {
        if (this.#abort.signal.aborted) return;
        if (channel === undefined || !channel.enabled) repository.failed(row.id, null, 'The channel was turned off.');
        else if (!(await this.#sendOne(channel, row))) return;
      }
    });
    const failed = (await Promise.allSettled(runs)).find(({ status }) => status === 'rejected');
    if (failed !== undefined && !this.#abort.signal.aborted) throw (failed as PromiseRejectedResult).reason;
  }

  /** @returns true when the next message of the channel can be sent immediately */
  async #sendOne(channel: Channel, row: MessageRow): Promise<boolean> {
    const { repository, clock } = this.#deps;
    const notice = JSON.parse(row.notice_json) as StoredNotice;
    const { isDelivered, error, retryAfterMs, told } = await this.send(channel, notice, row.id);
    const now = clock.now();
    if (isDelivered) {
      repository.sent(row.id, iso(now));
      this.noteResult(channel, error);
      return true;
    }
    if (told !== undefined) repository.keepNotice(row.id, JSON.stringify({ ...notice, told }));
    const isTooOld = now - Date.parse(row.created_at) >= LIFETIME_MS;
    const next = isTooOld ? null : now + Math.max(backoff(row.attempts + 1), Math.min(retryAfterMs ?? 0, 3_600_000));
    repository.failed(row.id, next, error ?? 'It failed.');
    this.noteResult(channel, error ?? 'It failed.');
    return false;
  }

  /** Notes how it went with a channel. */
  noteResult({ id, name }: Channel, error: string | null): void {
    const { channels, clock, log, onChange } = this.#deps;
    const now = iso(clock.now());
    const before = channels.all().find((one) => one.id === id);
    if (before === undefined) return;
    if (error === null) channels.note(id, { failing_since: null, last_error: null, last_sent_at: now });
    else channels.note(id, { failing_since: before.failingSince ?? now, last_error: error });
    if ((before.failingSince === null) === (error === null)) return;
    if (error === null) log.info({ channel: name }, 'alerts are delivered again');
    else log.warn({ channel: name, error }, 'alerts could not be delivered; retrying');
    onChange();
  }
}

/** What nodemailer says of an SMTP command that failed. */
interface SmtpError {
  message: string;
  response: string;
  responseCode: number;
  command: string;
}

const DELIVERED: Outcome = { isDelivered: true, status: null, error: null, retryAfterMs: null, answer: null };

const failure = (error: string): Outcome => ({ ...DELIVERED, isDelivered: false, error });
