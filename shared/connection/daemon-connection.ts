import type { ContractHub } from '../client/contract-hub.ts';
import type { WireAnswer } from '../client/wire.ts';
import type { Certificate, ConnectionState, ConnectionStatus, Snapshot } from '../ipc/connections.ts';
import type { StreamEvent } from '../ipc/events.ts';
import { failure, type IpcErrorCode, IpcFailure } from '../ipc/failure.ts';
import { type BackoffOptions, backoff, pause } from './backoff.ts';
import { clientOn } from './client-on.ts';
import { Credentials } from './credentials.ts';
import { type EventStreamOptions, followEvents, type StreamRefused } from './event-stream.ts';
import { checkHealth, type Health, type Recognition, recognise } from './probe.ts';
import { authorization, type Secret } from './secret.ts';
import { takeSnapshot } from './snapshot.ts';
import type { StreamAnswer, Transport, TransportRequest } from './transport.ts';

export interface Timing {
  /** Between two looks at the health while connected. */
  healthMs: number;
  /** The same without an event stream that reports changes. */
  pollMs: number;
  /** Between two snapshots. */
  snapshotMs: number;
  /** Longest silence of the event stream. */
  silenceMs: number;
  backoff: BackoffOptions;
}

export const TIMING: Timing = {
  healthMs: 15_000,
  pollMs: 10_000,
  snapshotMs: 30_000,
  silenceMs: 45_000,
  backoff: { base: 1000, max: 60_000 },
};

/** What a connection needs of its surroundings. */
export interface DaemonConnectionOptions {
  /** Shown in messages. */
  name(): string;
  transport: Transport;
  /** Status until the first attempt is over; `connecting` by default. */
  status?: ConnectionStatus;
  lastSeenAt: string | null;
  version: string | null;
  timing: Timing;
  /** The credential as the secret store has it. @throws KEYCHAIN_LOCKED and its kin */
  readSecret(): Promise<string | null>;
  /** Puts a renewed session in the place of the old one. */
  writeSecret(secret: string): Promise<void>;
  onState(state: ConnectionState): void;
  onEvents(events: StreamEvent[]): void;
  /** Events were lost. */
  onGap(): void;
  /** Absent: no snapshots are taken. */
  onSnapshot?(snapshot: Snapshot): void;
  /** Another way to follow the event stream than a separate connection. */
  followEvents?(options: EventStreamOptions): Promise<void>;
  /** Stricter checks than the ones that every host makes. */
  checkHealth?(transport: Transport, signal: AbortSignal): Promise<Health>;
  recognise?(transport: Transport, token: string, signal: AbortSignal): Promise<Recognition>;
}

const STATUS_OF: Partial<Record<IpcErrorCode, ConnectionStatus>> = {
  TLS_UNTRUSTED: 'untrusted',
  TLS_CHANGED: 'untrusted',
  TLS_INVALID: 'untrusted',
  NO_CREDENTIAL: 'signed-out',
  SIGN_IN_FAILED: 'signed-out',
  SECOND_FACTOR_REQUIRED: 'signed-out',
  SECOND_FACTOR_INVALID: 'signed-out',
  NO_PASSWORD_SIGN_IN: 'signed-out',
  KEYCHAIN_LOCKED: 'locked',
  KEYCHAIN_NONE: 'signed-out',
  KEYCHAIN_FAILED: 'locked',
  NOT_STREAMHUB: 'unusable',
  UNSUPPORTED_VERSION: 'unusable',
  REDIRECTED: 'unusable',
};

/** The longest wait that a timer takes. */
const FOREVER = 2 ** 31 - 1;

/** How long to wait for reports about other nodes of the same failure before reading all nodes. */
const GATHER_MS = 500;

/** Looks again by itself only where that can help. */
const SETTLED: ReadonlySet<ConnectionStatus> = new Set(['signed-out', 'locked']);

/**
 * The life of one connection: reach the daemon, sign in, stay in touch by its event stream and its health, and after a
 * failure say so and come back by itself. Everything it knows is in `state`.
 */
export class DaemonConnection {
  readonly #options: DaemonConnectionOptions;
  readonly #credentials: Credentials;
  /** The client for what this side asks by itself. */
  readonly client: ContractHub = clientOn(this);
  #transport: Transport;
  #state: ConnectionState;
  #running: { stop: AbortController; done: Promise<void> } | undefined;
  /** Ends the present wait, so that the next round begins immediately. */
  #round = new AbortController();
  #settled = Promise.withResolvers<void>();
  #lastEventId: string | undefined;
  #hadStream = false;
  #lookNow: (() => void) | undefined;
  #countNow: (() => void) | undefined;

  constructor(options: DaemonConnectionOptions) {
    this.#options = options;
    this.#credentials = new Credentials({ name: options.name, read: options.readSecret, write: options.writeSecret });
    this.#transport = options.transport;
    this.#state = {
      status: options.status ?? 'connecting',
      since: now(),
      lastSeenAt: options.lastSeenAt,
      latencyMs: null,
      version: options.version,
      account: null,
      live: false,
      error: null,
      attempts: 0,
      nextTryAt: null,
      certificate: null,
    };
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get transport(): Transport {
    return this.#transport;
  }

  start(): void {
    if (this.#running !== undefined) return;
    const stop = new AbortController();
    this.#running = { stop, done: this.#run(stop.signal) };
  }

  async stop(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.stop.abort();
    this.#round.abort();
    await this.#transport.close();
    await running?.done;
  }

  /** Tries again now, with a credential that was refused too. */
  retry(): void {
    this.#credentials.allow();
    this.#again();
  }

  /** The credential in the secret store is another one now. */
  credentialChanged(): void {
    this.#credentials.forget();
    this.#lastEventId = undefined;
    this.#again();
  }

  /** The credential is gone; nothing that it gave access to may be shown any longer. */
  signedOut(): void {
    this.credentialChanged();
    this.#change({ status: 'signed-out', account: null, live: false, error: null });
  }

  /** Resolves when the present attempt has succeeded or failed. */
  settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Uses another way from now on: another address, or another pinned certificate. */
  async reroute(transport: Transport): Promise<void> {
    const old = this.#transport;
    this.#transport = transport;
    this.#again();
    await old.close();
  }

  /** Something hints that the daemon may be away; look now. */
  suspect(): void {
    this.#lookNow?.();
  }

  /** Headers that show the credential of this connection. @throws NO_CREDENTIAL or what the secret store says */
  async authorization(): Promise<Record<string, string>> {
    return authorization((await this.#credentials.current()).token);
  }

  /** A request with the credential. A session that has run out is renewed from the kept password, once. */
  request(request: TransportRequest): Promise<WireAnswer> {
    return this.#authorized(request, (ready) => this.#transport.request(ready));
  }

  /** The same; the answer is passed on as it comes. */
  stream(request: TransportRequest): Promise<StreamAnswer> {
    return this.#authorized(request, (ready) => this.#transport.stream(ready));
  }

  async #authorized<A extends { status: number }>(
    request: TransportRequest,
    carry: (request: TransportRequest) => Promise<A>,
  ): Promise<A> {
    const send = ({ token }: Secret): Promise<A> =>
      carry({ ...request, headers: { ...request.headers, ...authorization(token) } });
    try {
      const secret = await this.#credentials.current();
      let answer = await send(secret);
      if (answer.status === 401 && (await this.#credentials.renew(secret, this.#transport)))
        answer = await send(await this.#credentials.current());
      const { status } = this.#state;
      if (answer.status === 401 ? status === 'online' : status === 'offline') this.#again();
      return answer;
    } catch (error) {
      const code = error instanceof IpcFailure ? error.code : 'INTERNAL';
      if (STATUS_OF[code] === 'signed-out' && this.#state.status === 'online') this.#again();
      else if (code !== 'CANCELLED') this.suspect();
      throw error;
    }
  }

  #checkHealth(signal: AbortSignal): Promise<Health> {
    return (this.#options.checkHealth ?? checkHealth)(this.#transport, signal);
  }

  #recognise({ token }: Secret, signal: AbortSignal): Promise<Recognition> {
    return (this.#options.recognise ?? recognise)(this.#transport, token, signal);
  }

  async #run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      this.#round = new AbortController();
      const signal = AbortSignal.any([stop, this.#round.signal]);
      try {
        await this.#connect(signal);
        if (!signal.aborted) this.#settled.resolve();
        await this.#stay(signal);
        await pause(this.#options.timing.backoff.base, signal); // the credential is in doubt: not in a tight loop
      } catch (error) {
        if (stop.aborted) return;
        if (signal.aborted) continue;
        await this.#failed(error, signal);
      }
    }
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { version, latencyMs } = await this.#checkHealth(signal);
    this.#seen({ version, latencyMs });
    const secret = await this.#credentials.current();
    let recognised = await this.#recognise(secret, signal);
    if (!recognised.accepted && (await this.#credentials.renew(secret, this.#transport)))
      recognised = await this.#recognise(await this.#credentials.current(), signal);
    if (!recognised.accepted) {
      const why = failure('SIGN_IN_FAILED', { reason: recognised.message }, { hint: 'Sign in again.' });
      this.#credentials.refuse(await this.#credentials.current(), why);
      throw why;
    }
    const { account } = recognised;
    this.#change({ status: 'online', account, error: null, attempts: 0, nextTryAt: null, certificate: null });
  }

  /** In touch until something speaks against it. */
  async #stay(signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const parts = [this.#watchHealth(both), this.#watchEvents(both), this.#watchNumbers(both)];
    try {
      await Promise.race(parts);
    } finally {
      ended.abort();
      await Promise.allSettled(parts);
      this.#change({ live: false });
    }
  }

  async #watchHealth(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wake = new AbortController();
      this.#lookNow = () => wake.abort();
      const { healthMs, pollMs } = this.#options.timing;
      await pause(this.#state.live ? healthMs : pollMs, AbortSignal.any([signal, wake.signal]));
      this.#lookNow = undefined;
      if (signal.aborted) return;
      this.#seen(await this.#checkHealth(signal));
    }
  }

  async #watchEvents(signal: AbortSignal): Promise<void> {
    const { timing, onGap, onEvents } = this.#options;
    const end = await (this.#options.followEvents ?? followEvents)({
      source: () => this,
      path: '/api/v1/events',
      lastEventId: this.#lastEventId,
      signal,
      timing,
      endsSignedOut: true,
      onOpen: (isResumed) => {
        this.#change({ live: true });
        if (this.#hadStream && !isResumed) onGap();
        this.#hadStream = true;
      },
      onId: (id) => {
        this.#lastEventId = id;
      },
      onEvent: (event) => {
        if (/^(?:node|plugin)\.|^job\.failed$|^config\.(?:changed|invalid)$/.test(event.type)) this.#countNow?.();
        if (event.type === 'reset') onGap();
        else if (event.type !== 'hello' && event.type !== 'bye') onEvents([event]);
      },
      onBreak: () => {
        this.#change({ live: false });
        this.suspect();
      },
      onPause: () => this.#change({ live: false }),
    }).catch((refused: StreamRefused) => refused);
    // revoked or expired: a new round finds out. No such route: polling the health has to do
    if (end !== undefined && end.status !== 401) await pause(FOREVER, signal);
  }

  async #watchNumbers(signal: AbortSignal): Promise<void> {
    const { onSnapshot } = this.#options;
    if (onSnapshot === undefined) return await pause(FOREVER, signal);
    while (!signal.aborted) {
      try {
        const snapshot = await takeSnapshot(this.#state.account, this.client, signal);
        if (snapshot !== null) onSnapshot(snapshot);
      } catch {
        // a daemon that is away is noticed by the look at its health
      }
      const wake = new AbortController();
      this.#countNow = () => wake.abort();
      await pause(this.#options.timing.snapshotMs, AbortSignal.any([signal, wake.signal]));
      this.#countNow = undefined;
      // what happens to a node, a plugin, a job or a config is news for the tray; a rack that fails is read once
      if (wake.signal.aborted) await pause(GATHER_MS, signal);
    }
  }

  async #failed(error: unknown, signal: AbortSignal): Promise<void> {
    const failed = failureOf(error, this.#transport);
    const status = STATUS_OF[failed.code] ?? 'offline';
    const attempts = this.#state.attempts + 1;
    const wait = SETTLED.has(status)
      ? this.#options.timing.backoff.max
      : backoff(attempts, this.#options.timing.backoff);
    this.#change({
      status,
      live: false,
      account: status === 'signed-out' ? null : this.#state.account,
      error: { ...failed.toJSON(), at: now() },
      attempts,
      nextTryAt: new Date(Date.now() + wait).toISOString(),
      certificate: (failed.details?.['certificate'] as Certificate | undefined) ?? null,
    });
    this.#settled.resolve();
    await pause(wait, signal);
  }

  #again(): void {
    this.#settled.resolve();
    this.#settled = Promise.withResolvers();
    this.#round.abort();
  }

  #seen({ version, latencyMs }: { version: string; latencyMs: number }): void {
    this.#change({ version, latencyMs, lastSeenAt: now() });
  }

  #change(part: Partial<ConnectionState>): void {
    const before = this.#state;
    const differs = (Object.keys(part) as (keyof ConnectionState)[]).some((key) => before[key] !== part[key]);
    if (!differs) return;
    const since = part.status !== undefined && part.status !== before.status ? now() : before.since;
    this.#state = { ...before, ...part, since };
    if (this.#running !== undefined) this.#options.onState(this.#state);
  }
}

/** Transports throw failures of the contract; anything else broke inside this app or on the line. */
const failureOf = (error: unknown, { base }: Transport): IpcFailure =>
  error instanceof IpcFailure
    ? error
    : failure('CONNECTION_LOST', { host: new URL(base).host, reason: (error as Error).message }, { cause: error });

const now = (): string => new Date().toISOString();
