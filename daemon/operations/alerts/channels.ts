import { type EndpointPolicy, endpointProblem } from '#daemon/platform/net/endpoint-policy.ts';
import type { NamedSecrets } from '#daemon/platform/secrets/secret-file.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type { AlertChannel, ChannelKind, CreateChannelBody, PatchChannelBody } from '#shared/schema/alerts.ts';
import type { AlertRepository, ChannelRow } from './repository.ts';
import type { AlertRules } from './rules.ts';

const MAX_CHANNELS = 50;
const PER_HOUR = 20;

type Fields = Pick<AlertChannel, 'name' | 'enabled' | 'minSeverity' | 'maxPerHour' | 'to'>;

export interface ChannelsDeps {
  repository: Pick<AlertRepository, 'channels' | 'addChannel' | 'putChannel' | 'removeChannel'>;
  secrets: { get(name: string): string | undefined; set(changes: NamedSecrets): Promise<void> };
  policy: EndpointPolicy;
  rules: Pick<AlertRules, 'checkWithout' | 'load'>;
}

/** A channel with what is needed to send. */
export interface Channel extends Fields {
  id: number;
  kind: ChannelKind;
  failingSince: string | null;
  lastError: string | null;
  held: number;
}

/** Kinds whose receiver is an address that the operator enters. */
const HAS_URL: ReadonlySet<ChannelKind> = new Set(['webhook', 'slack', 'discord', 'teams', 'ntfy', 'pagerduty']);
/** Kinds that can't send without an address. */
const NEEDS_URL: ReadonlySet<ChannelKind> = new Set(['webhook', 'slack', 'discord', 'teams', 'ntfy']);
/** Kinds that have a token, a key or a signing secret. */
const HAS_SECRET: ReadonlySet<ChannelKind> = new Set(['webhook', 'ntfy', 'pagerduty']);

const urlName = (id: number): string => `ALERT_CHANNEL_${id}_URL`;
const secretName = (id: number): string => `ALERT_CHANNEL_${id}_SECRET`;

/** The ways in which alerts leave. Addresses of receivers are kept in the secret store, because most contain a secret. */
export class AlertChannels {
  readonly #deps: ChannelsDeps;
  #rows: ChannelRow[];

  constructor(deps: ChannelsDeps) {
    this.#deps = deps;
    this.#rows = deps.repository.channels();
  }

  list(): AlertChannel[] {
    return this.#rows.map((row) => this.#view(row));
  }

  all(): Channel[] {
    return this.#rows.map(({ id, kind, fields_json, failing_since, last_error, held }) => ({
      id,
      kind,
      ...fieldsOf(fields_json),
      failingSince: failing_since,
      lastError: last_error,
      held,
    }));
  }

  url = (id: number): string => this.#deps.secrets.get(urlName(id)) ?? '';
  secret = (id: number): string => this.#deps.secrets.get(secretName(id)) ?? '';

  /** Whether such a channel could be stored, with all of its fields. @param isNew it would be one more */
  check({ kind, url = '', secret = '', ...given }: CreateChannelBody, isNew: boolean): Fields {
    if (isNew && this.#rows.length >= MAX_CHANNELS)
      throw new ApiError('ALERT_LIMIT_REACHED', { limit: MAX_CHANNELS, what: 'channels' });
    const fields: Fields = { enabled: true, minSeverity: 'warning', maxPerHour: PER_HOUR, to: [], ...given };
    this.#check(kind, fields, { url, secret, hasUrl: url !== '', hasSecret: secret !== '' });
    return fields;
  }

  async create(body: CreateChannelBody): Promise<AlertChannel> {
    const fields = this.check(body, true);
    const { kind, url = '', secret = '' } = body;
    const id = this.#deps.repository.addChannel(kind, JSON.stringify(fields), serverOf(url));
    try {
      await this.#deps.secrets.set({ [urlName(id)]: url, [secretName(id)]: secret });
    } catch (error) {
      this.#deps.repository.removeChannel(id);
      throw error;
    }
    this.#load();
    return this.#view(this.#require(id));
  }

  /** @throws ApiError ALERT_CHANNEL_NOT_FOUND */
  async update(id: number, { url, secret, ...change }: PatchChannelBody): Promise<AlertChannel> {
    const row = this.#require(id);
    const fields = { ...fieldsOf(row.fields_json), ...change };
    this.#check(row.kind, fields, {
      url: url ?? '',
      secret: secret ?? '',
      hasUrl: url === undefined ? this.url(id) !== '' : url !== '',
      hasSecret: secret === undefined ? this.secret(id) !== '' : secret !== '',
    });
    await this.#deps.secrets.set({
      ...(url === undefined ? {} : { [urlName(id)]: url }),
      ...(secret === undefined ? {} : { [secretName(id)]: secret }),
    });
    const address = url === undefined ? row.address : serverOf(url);
    // what failed was another receiver, or one that gets nothing now
    const isOver = url !== undefined || secret !== undefined || change.to !== undefined || !fields.enabled;
    const state = isOver ? { failing_since: null, last_error: null } : {};
    this.note(id, { fields_json: JSON.stringify(fields), address, ...state });
    return this.#view(this.#require(id));
  }

  /** @throws ApiError ALERT_CHANNEL_NOT_FOUND, ALERT_CHANNEL_IN_USE */
  async remove(id: number): Promise<AlertChannel> {
    const { repository, rules, secrets } = this.#deps;
    const channel = this.#view(this.#require(id));
    rules.checkWithout(channel, () => true);
    repository.removeChannel(id);
    rules.load();
    this.#load();
    await secrets.set({ [urlName(id)]: null, [secretName(id)]: null });
    return channel;
  }

  /** @throws ApiError ALERT_CHANNEL_NOT_FOUND */
  require(id: number): Channel {
    this.#require(id);
    return this.all().find((channel) => channel.id === id) as Channel;
  }

  /** Notes the state of a channel; one that is gone is left alone. */
  note(id: number, change: Partial<Omit<ChannelRow, 'id' | 'kind'>>): void {
    const row = this.#rows.find((one) => one.id === id);
    if (row === undefined) return;
    const next = { ...row, ...change };
    this.#deps.repository.putChannel(next);
    this.#rows = this.#rows.map((one) => (one.id === id ? next : one));
  }

  #check(
    kind: ChannelKind,
    { to }: Fields,
    { url, secret, hasUrl, hasSecret }: { url: string; secret: string; hasUrl: boolean; hasSecret: boolean },
  ): void {
    if (url !== '' && !HAS_URL.has(kind)) throw fieldError('body.url', `must be left out for ${kind}`);
    if (NEEDS_URL.has(kind) && !hasUrl) throw fieldError('body.url', `is needed for ${kind}`);
    const problem = url === '' ? undefined : endpointProblem(url, this.#deps.policy);
    if (problem !== undefined) throw fieldError('body.url', problem);
    if (kind === 'ntfy' && url !== '' && new URL(url).pathname.replace(/\//g, '') === '')
      throw fieldError('body.url', 'must end with the topic, as https://ntfy.sh/my-topic');
    if (secret !== '' && !HAS_SECRET.has(kind)) throw fieldError('body.secret', `must be left out for ${kind}`);
    if (kind === 'pagerduty' && !hasSecret)
      throw fieldError('body.secret', 'is needed: the routing key of the service');
    if (kind === 'email' && to.length === 0) throw fieldError('body.to', 'needs at least one address');
    if (kind !== 'email' && to.length > 0) throw fieldError('body.to', `must be empty for ${kind}`);
  }

  #require(id: number): ChannelRow {
    const row = this.#rows.find((one) => one.id === id);
    if (row === undefined) throw new ApiError('ALERT_CHANNEL_NOT_FOUND', { id });
    return row;
  }

  #load(): void {
    this.#rows = this.#deps.repository.channels();
  }

  #view({ id, kind, fields_json, address, failing_since, last_error, last_sent_at, held }: ChannelRow): AlertChannel {
    return {
      id,
      kind,
      ...fieldsOf(fields_json),
      address,
      hasUrl: this.url(id) !== '',
      hasSecret: this.secret(id) !== '',
      failingSince: failing_since,
      lastError: last_error,
      lastSentAt: last_sent_at,
      held,
    };
  }
}

const fieldsOf = (json: string): Fields => JSON.parse(json) as Fields;
/** The path of such an address is often the secret. */
const serverOf = (url: string): string => (url === '' ? '' : `${new URL(url).origin}/…`);
