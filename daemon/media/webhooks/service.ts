import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { Log } from '#daemon/platform/log.ts';
import { noteLogContext } from '#daemon/platform/log-context.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { ApiError } from '#shared/errors.ts';
import type { WebhookRejection } from '#shared/schema/webhooks.ts';
import { isTold } from '../callbacks/receivers.ts';
import type { LiveKit } from '../livekit/client.ts';
import { toApiError } from '../livekit/errors.ts';
import { INGRESS_KIND, type LiveKitEvent } from '../livekit/event.ts';
import type { SignatureVerdict } from '../livekit/signature.ts';
import type { MediaStore, RowChange } from '../media-store.ts';
import type { SessionRecorder } from '../sessions/recorder.ts';
import type { RoomDirectory } from '../streams/room-directory.ts';
import { applyEvent, showEvent, timeOf, touchesRows } from './apply.ts';
import { explainRejection } from './rejections.ts';

const COMPLAIN_MS = 60_000;
const EXPECTED_ROOMS = 20;

export interface WebhookServiceDeps {
  livekit: LiveKit;
  mediaStore: MediaStore;
  databases: AppDatabases;
  directory: RoomDirectory;
  sessions: SessionRecorder;
  apps: { forRoom(room: string): AppEntry | undefined };
  config: { get(app: string): Promise<AppConfig> };
  /** Called after an event is stored, for what follows from the event itself. */
  onEvent(app: AppEntry, event: LiveKitEvent): void;
  /** LiveKit says that it could not send events, or who came in through an ingest is not known: ask it. */
  onGap(room: string | null): void;
  log: Log<'warn'>;
  clock: Clock;
}

export interface WebhookCounts {
  received: number;
  repeated: number;
  rejected: number;
  foreign: number;
  lastReceivedAt: number | null;
}

interface Rejected {
  count: number;
  /** Milliseconds since 1970. */
  lastAt: number;
  /** Monotonic times. */
  lastMono: number;
  loggedMono: number;
  /** How far LiveKit's clock was ahead, if that is known. */
  clockMs: number | null;
}

/** Receives LiveKit's events: verifies, stores, then answers. */
export class WebhookService {
  readonly #deps: WebhookServiceDeps;
  readonly counts: WebhookCounts = { received: 0, repeated: 0, rejected: 0, foreign: 0, lastReceivedAt: null };
  /** By cause; bounded by the causes there are. */
  readonly rejections = new Map<WebhookRejection, Rejected>();
  #complainedAt = Number.NEGATIVE_INFINITY;
  /** Rooms that a check opens; they belong to no app, even one without a prefix. */
  readonly #expected = new Map<string, () => void>();

  constructor(deps: WebhookServiceDeps) {
    this.#deps = deps;
  }

  /** Resolves with the first event of a room that a check opens, and else never. Events of such rooms are not stored. */
  expect(room: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    // the event of its end comes a moment later, so it stays until enough others follow
    if (this.#expected.size >= EXPECTED_ROOMS) this.#expected.delete(this.#expected.keys().next().value as string);
    this.#expected.set(room, resolve);
    return promise;
  }

  /** @throws ApiError LIVEKIT_NOT_CONFIGURED, WEBHOOK_SIGNATURE, WEBHOOK_UNREADABLE, WEBHOOK_NOT_STORED */
  async receive(body: string, authorization: string | undefined): Promise<void> {
    const { livekit } = this.#deps;
    if (!livekit.isConfigured) throw new ApiError('LIVEKIT_NOT_CONFIGURED');
    let verdict: SignatureVerdict;
    try {
      verdict = await livekit.checkSignature(body, authorization);
    } catch (error) {
      throw toApiError(error);
    }
    if (verdict.cause !== null) throw this.#rejected(verdict.cause, verdict.clockMs);
    const event = await this.#read(body);
    this.counts.received += 1;
    this.counts.lastReceivedAt = this.#deps.clock.now();
    await this.#take(event);
  }

  #rejected(cause: WebhookRejection, clockMs: number | null): ApiError {
    const { clock } = this.#deps;
    const lastMono = clock.monotonic();
    const { count = 0, loggedMono = Number.NEGATIVE_INFINITY } = this.rejections.get(cause) ?? {};
    const isDue = lastMono - loggedMono >= COMPLAIN_MS;
    this.counts.rejected += 1;
    const times = { lastAt: clock.now(), lastMono, loggedMono: isDue ? lastMono : loggedMono };
    this.rejections.set(cause, { count: count + 1, ...times, clockMs });
    const { reason, hint } = explainRejection(cause, clockMs);
    if (isDue) this.#deps.log.warn({ cause, count: count + 1, hint }, `a webhook from LiveKit was rejected: ${reason}`);
    return new ApiError('WEBHOOK_SIGNATURE', { reason }, { hint, extra: { cause } });
  }

  async #read(body: string): Promise<LiveKitEvent> {
    let reason = 'it is not JSON';
    try {
      const json: unknown = JSON.parse(body);
      reason = 'it is not a LiveKit event';
      const event = await this.#deps.livekit.readEvent(json);
      if (event.name !== '') return event;
    } catch {
      // the reason follows below; the text itself can contain anything
    }
    throw new ApiError('WEBHOOK_UNREADABLE', { reason });
  }

  async #take(event: LiveKitEvent): Promise<void> {
    const { apps, databases, directory, mediaStore, sessions, config, log, clock } = this.#deps;
    const arrived = event.room === null ? undefined : this.#expected.get(event.room.name);
    if (arrived !== undefined) {
      arrived();
      return;
    }
    const app = event.room === null ? undefined : apps.forRoom(event.room.name);
    if (event.dropped > 0) this.#deps.onGap(null);
    if (app === undefined || app.deleting) {
      this.#foreign(event);
      return;
    }
    noteLogContext({ app: app.name });
    let outcome: { result: boolean; changes: RowChange[] };
    try {
      const current = await config.get(app.name);
      const touches = (db: Db) => isTold(current, event.name) || touchesRows(db, event);
      // an audience of thousands must not cost a write each, where nobody keeps its sessions
      if (!current.analytics.enabled && !mediaStore.isWaiting(app.name) && !touches(databases.get(app.name))) {
        showEvent(databases.get(app.name), directory, event);
        return;
      }
      if (event.name === 'participant_joined') showEvent(databases.get(app.name), directory, event);
      outcome = await mediaStore.changeSoon(app, current, (tx) => {
        if (touches(tx.db)) return applyEvent(tx, app, event, { directory, sessions });
        // a session takes the same event of a viewer any number of times, so its id needs no row
        sessions.event(tx, event, timeOf(event, tx.now));
        return true;
      });
    } catch (err) {
      log.warn({ app: app.name, event: event.name, err }, 'a LiveKit event could not be stored');
      throw new ApiError('WEBHOOK_NOT_STORED', {}, { cause: err });
    }
    if (!outcome.result) {
      this.counts.repeated += 1;
      return;
    }
    showEvent(databases.get(app.name), directory, event);
    mediaStore.announce(app, outcome.changes);
    this.#deps.onEvent(app, event);
    const isIngest =
      outcome.changes.some((change) => change.kind === 'stream_started') &&
      event.room !== null &&
      event.person !== null &&
      directory.kindOf(event.room.name, event.person.sid) === INGRESS_KIND;
    if (isIngest) this.#deps.onGap(event.room?.name ?? null);
    this.counts.lastReceivedAt = clock.now();
  }

  #foreign(event: LiveKitEvent): void {
    this.counts.foreign += 1;
    const now = this.#deps.clock.monotonic();
    if (now - this.#complainedAt < COMPLAIN_MS) return;
    this.#complainedAt = now;
    this.#deps.log.warn(
      { room: event.room?.name, event: event.name, count: this.counts.foreign },
      'LiveKit sent an event for a room that belongs to no app',
    );
  }
}
