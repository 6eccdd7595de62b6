import type { ServerResponse } from 'node:http';
import { ApiError, fieldError } from '#shared/errors.ts';
import { EVENTS_KEPT, EVENTS_KEPT_DAYS } from '#shared/limits.ts';
import {
  EVENT_TOPICS,
  EVENT_TYPES,
  type EventMessage,
  type EventQuery,
  type EventTopic,
} from '#shared/schema/events.ts';
import type { Background, Repeated } from '../background.ts';
import { type Clock, SYSTEM_CLOCK } from '../clock.ts';
import { type Credential, principalFor } from '../credentials.ts';
import type { Log } from '../log.ts';
import type { CredentialResolver, Principal } from '../principal.ts';
import type { DaemonEvent, EventBus } from './bus.ts';
import { EventReader } from './reader.ts';
import { EventStore, type StoredEvent } from './store.ts';
import type { Audience } from './topics.ts';

const DAY_MS = 86_400_000;
const BEAT_MS = 15_000;
const PAGE = 200;
/** Events of one turn of the event loop that are each kept by themselves. */
const BURST = 16;
/** Least time between two checks of all credentials that changes of rights ask for. */
const RECHECK_MS = 200;
const DEFAULT_TOPICS: ReadonlySet<EventTopic> = new Set(EVENT_TOPICS.filter((topic) => topic !== 'logs'));

export interface EventServiceDeps {
  /** `data/events.db`. */
  file: string;
  bus: EventBus;
  /** What an app's name stands for now. */
  findApp(name: string): { id: number; tenantId: string } | undefined;
  resolvers: readonly CredentialResolver[];
  background: Background;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
  log: Log<'warn'>;
  maxRows?: number;
  maxAgeMs?: number;
  maxReaders?: number;
  beatMs?: number;
  clock?: Clock;
}

/** What a request for the stream says. */
export interface EventRequest {
  principal: Principal;
  credential: Credential;
  ip: string;
  query: EventQuery;
  lastEventId: string | undefined;
}

/** An event on its way; `id` null = shown live only. */
interface Passing extends Audience {
  id: number | null;
  at: number;
  type: string;
  body: string;
}

/**
 * Everything that happens, in order: each event of the bus is kept, then sent to anyone who listens and may see it. A reader
 * that resumes gets what it missed from the store and joins the live ones without a gap or a double.
 */
export class EventService {
  readonly #deps: EventServiceDeps;
  readonly #clock: Clock;
  readonly #store: EventStore;
  readonly #readers = new Set<EventReader>();
  #passing: Passing[] = [];
  #inThisTurn = 0;
  #detach: (() => void) | undefined;
  #beat: Repeated | undefined;
  #recheck: (() => void) | undefined;
  #lastRecheck = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(deps: EventServiceDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
    this.#store = new EventStore({
      file: deps.file,
      maxRows: deps.maxRows ?? EVENTS_KEPT,
      maxAgeMs: deps.maxAgeMs ?? EVENTS_KEPT_DAYS * DAY_MS,
      clock: this.#clock,
      retentionNow: deps.retentionNow ?? (() => this.#clock.now()),
      onRefusal: (error) => deps.background.failed('event log file', error),
      onDamage: (keptAs) =>
        deps.log.warn({ keptAs }, 'the event log was damaged; it was set aside and a new one was created'),
    });
  }

  get readers(): number {
    return this.#readers.size;
  }

  start(): void {
    this.#detach = this.#deps.bus.subscribe((event) => this.#take(event));
    this.#beat = this.#deps.background.every('event streams', this.#deps.beatMs ?? BEAT_MS, () => this.#onBeat());
  }

  /** Ends all streams; call it before the server closes, which waits for them. */
  closeReaders(): void {
    this.#isClosed = true;
    this.flush();
    for (const reader of this.#readers) reader.end(frameOf('bye', { reason: 'shutdown' }));
  }

  stop(): void {
    this.#detach?.();
    this.#beat?.stop();
    this.#recheck?.();
    this.closeReaders();
    this.#store.close();
  }

  /** Takes over the response and streams into it until one side ends. @throws ApiError */
  open(response: ServerResponse, headers: Record<string, string>, request: EventRequest): void {
    if (this.#isClosed) throw new ApiError('SHUTTING_DOWN');
    if (this.#readers.size >= (this.#deps.maxReaders ?? 5000)) throw new ApiError('OVERLOADED');
    const topics = topicsOf(request.query.topics);
    const { principal, credential, ip, query } = request;
    const reader = new EventReader(response, { principal, credential, ip, topics, app: query.app }, () =>
      this.#readers.delete(reader),
    );
    response.writeHead(200, headers);
    this.#readers.add(reader);
    this.flush();
    const from = request.lastEventId ?? query.lastEventId?.toString();
    const hello = { ts: new Date(this.#clock.now()).toISOString(), topics: [...topics] };
    if (from === undefined || from === '') {
      reader.send(`retry: 2000\n${frameOf('hello', hello, this.#store.lastId)}`);
      reader.isLive = true;
      return;
    }
    reader.send(`retry: 2000\n${frameOf('hello', hello)}`);
    const id = /^\d{1,16}$/.test(from) ? Number(from) : Number.NaN;
    const reason = this.#missing(id);
    if (reason !== undefined) {
      this.#reset(reader, reason);
      reader.isLive = true;
    } else this.#deps.background.run('event replay', () => this.#replay(reader, id));
  }

  /** Keeps and sends what was announced up to now. */
  flush(): void {
    const passing = this.#passing;
    if (passing.length === 0 && !this.#store.isBehind) return;
    this.#passing = [];
    const kept = passing.filter((event): event is Passing & StoredEvent => event.id !== null);
    try {
      if (kept.length > 0 || this.#store.isBehind) this.#store.append(kept);
      this.#deps.background.succeeded('events');
    } catch (error) {
      this.#deps.background.failed('events', error);
    }
    for (const event of passing) {
      let frame: Buffer | undefined;
      for (const reader of this.#readers) {
        if (reader.isLive && reader.wants(event)) reader.send((frame ??= Buffer.from(eventFrame(event))));
      }
    }
  }

  #take(event: DaemonEvent): void {
    const topic: EventTopic = EVENT_TYPES[event.type];
    const isLive = event.live === true || event.type.endsWith('.progress');
    if (topic === 'access' && !/\.(?:created|started)$/.test(event.type)) this.#recheckSoon();
    if (event.type === 'app.deleted') this.#recheckSoon();
    if (isLive && !this.isHeard(topic)) return;
    const at = this.#clock.now();
    const app = event.app === undefined ? undefined : this.#deps.findApp(event.app);
    const id = isLive ? null : this.#store.takeId();
    const message: EventMessage = {
      ...(id === null ? {} : { id }),
      ts: new Date(at).toISOString(),
      topic,
      type: event.type,
      ...(event.app === undefined ? {} : { app: event.app }),
      ...(event.actor === undefined
        ? {}
        : { actor: { id: event.actor.id, ...(event.actor.label ? { label: event.actor.label } : {}) } }),
      data: event.data,
    };
    this.#passing.push({
      id,
      at,
      topic,
      type: event.type,
      app: event.app ?? null,
      appId: app?.id ?? (event.type === 'app.deleted' ? event.data.id : null),
      tenant: event.tenant ?? app?.tenantId ?? null,
      user: event.user ?? null,
      body: JSON.stringify(message),
    });
    this.#flushInTime();
  }

  /** Immediately, so that what was announced before an answer is kept before it; only a burst is gathered into one transaction. */
  #flushInTime(): void {
    this.#inThisTurn += 1;
    if (this.#inThisTurn === 1) {
      this.#deps.background.soon('events', () => {
        this.#inThisTurn = 0;
        this.flush();
      });
    }
    if (this.#inThisTurn <= BURST) this.flush();
  }

  /** Does anyone listen to the topic? */
  isHeard(topic: EventTopic): boolean {
    for (const reader of this.#readers) if (reader.options.topics.has(topic)) return true;
    return false;
  }

  /** Why a reader can't simply continue after this id. */
  #missing(id: number): string | undefined {
    if (Number.isNaN(id) || id > this.#store.lastId) return 'unknown_id';
    return id < this.#store.prunedTo ? 'too_old' : undefined;
  }

  #reset(reader: EventReader, reason: string): void {
    reader.send(frameOf('reset', { reason }, this.#store.lastId));
  }

  async #replay(reader: EventReader, from: number): Promise<void> {
    let cursor = from;
    try {
      for (;;) {
        this.flush();
        if (cursor < this.#store.prunedTo) {
          // the reader is slower than the retention of events, or some couldn't be stored
          this.#reset(reader, 'too_old');
          break;
        }
        const events = this.#store.after(cursor, PAGE);
        if (events.length === 0) break;
        for (const event of events) {
          cursor = event.id;
          if (!reader.wants(event)) continue;
          reader.send(eventFrame(event));
          if (reader.isFull && !(await reader.drained())) return;
        }
        if (!(await reader.drained())) return;
      }
      // nothing was awaited since the store had no more: from here on it hears everything
      reader.isLive = true;
    } catch (err) {
      this.#deps.log.warn({ err }, 'events could not be read');
      reader.cut();
    }
  }

  async #onBeat(): Promise<void> {
    this.flush();
    // an id without data moves the resume position of the reader
    const frame = `: beat\nid: ${this.#store.lastId}\n\n`;
    for (const reader of this.#readers) reader.beat(reader.isLive ? frame : ': beat\n\n');
    await this.#recheckAll();
    this.#store.prune();
  }

  #recheckSoon(): void {
    if (this.#recheck !== undefined || this.#readers.size === 0) return;
    const wait = Math.max(0, this.#lastRecheck + RECHECK_MS - this.#clock.monotonic());
    this.#recheck = this.#deps.background.after('event readers', wait, () => {
      this.#recheck = undefined;
      return this.#recheckAll();
    });
  }

  /** Ends the streams whose credential no longer holds, and takes over changed rights. */
  async #recheckAll(): Promise<void> {
    this.#lastRecheck = this.#clock.monotonic();
    for (const reader of [...this.#readers]) {
      try {
        const { credential, ip } = reader.options;
        const principal = await principalFor(this.#deps.resolvers, credential, () => ip);
        if (principal === null) reader.end(frameOf('bye', { reason: 'revoked' }));
        else reader.principal = principal;
      } catch (err) {
        this.#deps.log.warn({ err }, 'a credential could not be checked');
      }
    }
  }
}

function topicsOf(text: string | undefined): ReadonlySet<EventTopic> {
  const words = (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
  if (words.length === 0) return DEFAULT_TOPICS;
  const unknown = words.find((word) => !(EVENT_TOPICS as readonly string[]).includes(word));
  if (unknown !== undefined) throw fieldError('query.topics', `must be some of ${EVENT_TOPICS.join(', ')}`);
  return new Set(words as EventTopic[]);
}

const eventFrame = (event: Passing): string =>
  `${event.id === null ? '' : `id: ${event.id}\n`}event: ${event.type}\ndata: ${event.body}\n\n`;

const frameOf = (name: string, data: object, id?: number): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
