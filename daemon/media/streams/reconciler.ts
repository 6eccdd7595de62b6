import { setImmediate as nextTurn } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import { ingressSessions } from '../ingress/repository.ts';
import { compareSessions, startSession, untold } from '../ingress/sessions.ts';
import { hlsRepository } from '../live-hls/repository.ts';
import type { LiveKit } from '../livekit/client.ts';
import type { Egress } from '../livekit/egress.ts';
import { isAtWork } from '../livekit/encoder-state.ts';
import { LiveKitError } from '../livekit/errors.ts';
import { createdAtOf, INGRESS_KIND, type Person } from '../livekit/event.ts';
import type { Ingress } from '../livekit/ingress.ts';
import type { MediaStore, MediaTransaction } from '../media-store.ts';
import type { SessionMark, SessionSync } from '../sessions/sync.ts';
import { unreadIn } from '../vods/inspector.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import { applyEgress, failVod, isOpen } from '../vods/vod-lifecycle.ts';
import { streamType } from '../webhooks/apply.ts';
import { streamRepository } from './repository.ts';
import type { RoomDirectory } from './room-directory.ts';
import { closeParticipant, endRow, openTrack, setType } from './stream-lifecycle.ts';

const STEADY_MS = 60_000;
/** After a pass with repairs, because webhooks may not arrive at all. */
const UNEASY_MS = 10_000;
const SOON_MS = 200;
const AT_ONCE = 4;
/** LiveKit may not list a recording yet that is younger than this. */
const CHECKED_AFTER_MS = 60_000;

export interface ReconcilerDeps {
  livekit: LiveKit;
  mediaStore: MediaStore;
  databases: AppDatabases;
  directory: RoomDirectory;
  sessions: SessionSync;
  apps: {
    entries(): Iterable<AppEntry>;
    get(name: string): AppEntry | undefined;
    forRoom(room: string): AppEntry | undefined;
  };
  /** A recording that runs by LiveKit's list, or that LiveKit does not know: is its recorder there? */
  checkRecorder(app: AppEntry, vod: VodRecord): Promise<void>;
  /** Once after a start, for each app with something under way. */
  onResumed(app: AppEntry): Promise<void>;
  background: Background;
  log: Log<'info' | 'warn'>;
  clock: Clock;
  retentionNow(): number;
  /** Calls the listener when the clock jumps. @returns unsubscribes */
  onJump?(listener: () => void): () => void;
}

interface LiveRoom {
  name: string;
  sid: string;
  createdAt: number | null;
  participants: number;
  publishers: number;
}

/**
 * Asks LiveKit for the actual state, and updates rows and the room directory: at the start, when LiveKit answers again, and
 * now and then, because webhooks are tried for 15 s only.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;
  /** Apps with streams or recordings under way; undefined until all apps were looked through once. */
  #busy: Set<string> | undefined;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #isStopped = false;
  #detach: (() => void) | undefined;
  #detachClock: (() => void) | undefined;
  /** Monotonic time of the last jump of the wall clock: the ages of rows from before it say nothing. */
  #jumpedAt = Number.NEGATIVE_INFINITY;
  lastRunAt: number | null = null;
  repaired = 0;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#detachClock = this.#deps.onJump?.(() => {
      this.#jumpedAt = this.#deps.clock.monotonic();
    });
    this.#detach = this.#deps.livekit.reachability.onReachable(() => {
      this.#deps.sessions.returned();
      this.soon();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#detach?.();
    this.#detachClock?.();
    this.#cancel?.();
    await this.#running;
  }

  /** A full pass in a moment. */
  soon(): void {
    if (this.#isStopped) return;
    if (this.#running !== undefined) this.#again = true;
    else this.#schedule(SOON_MS, true);
  }

  /** The app has streams or recordings that must not be forgotten. */
  noteBusy(app: string): void {
    this.#busy?.add(app);
  }

  /** One full or light pass; a pass under way is waited for. */
  async run(isFull = true): Promise<void> {
    await this.#running;
    this.#running = this.#pass(isFull).finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** Looks at one room: who came in through which ingest. */
  async syncRoom(name: string): Promise<void> {
    try {
      const [room] = await this.#deps.livekit.listRooms([name]);
      if (room !== undefined) {
        await this.#room({ name, sid: room.sid, createdAt: createdAtOf(room), participants: 0, publishers: 0 });
      }
    } catch (err) {
      this.#complain(err);
    }
  }

  #schedule(ms: number, isFull: boolean): void {
    this.#cancel?.();
    if (this.#isStopped) return;
    const jitter = ms === SOON_MS ? 1 : 0.9 + Math.random() * 0.2;
    this.#cancel = this.#deps.background.after('LiveKit reconciliation', ms * jitter, () => this.run(isFull));
  }

  async #pass(isFull: boolean): Promise<void> {
    this.#cancel?.();
    const before = this.repaired;
    try {
      const busy = await this.#busyApps();
      // rows and rooms that are made from here on are younger than LiveKit's answer
      const lastRows = new Map([...busy].map((app) => [app, this.#lastRow(app)]));
      const asked = this.#deps.clock.now();
      const marks = new Map([...busy].flatMap((app) => this.#mark(app)));
      const knownRooms = [...this.#deps.directory.names()];
      const rooms = (await this.#deps.livekit.listRooms())
        .map((room) => ({
          name: room.name,
          sid: room.sid,
          createdAt: createdAtOf(room),
          participants: room.numParticipants,
          publishers: room.numPublishers,
        }))
        .filter((room) => this.#appOf(room.name) !== undefined);
      await this.#eachRoom(rooms.filter((room) => isFull || this.#looksDifferent(room)));
      const open = new Map(rooms.map((room) => [room.name, room.sid]));
      for (const name of knownRooms) if (!open.has(name)) this.#deps.directory.forget(name);
      for (const [app, lastRow] of lastRows) {
        await this.#endRowsOfGoneRooms(app, open, lastRow);
        await nextTurn();
      }
      for (const app of this.#busy ?? []) await this.#sessions(app, open, marks.get(app), asked);
      await this.#recordings(isFull);
      await this.#ingests(isFull);
      this.#settle();
      this.#deps.sessions.settle();
      this.lastRunAt = this.#deps.clock.now();
      if (this.repaired > before) {
        this.#deps.log.info({ rows: this.repaired - before }, 'rows were corrected from LiveKit’s own lists');
      }
    } catch (err) {
      this.#complain(err);
    }
    const isUneasy = this.repaired > before;
    if (this.#again) {
      this.#again = false;
      this.#schedule(SOON_MS, true);
    } else this.#schedule(isUneasy ? UNEASY_MS : STEADY_MS, isUneasy);
  }

  async #busyApps(): Promise<Set<string>> {
    if (this.#busy !== undefined) return this.#busy;
    const busy = new Set<string>();
    for (const app of [...this.#deps.apps.entries()]) {
      const isBusy = this.#isBusy(app.name);
      if (isBusy) busy.add(app.name);
      if (isBusy || this.#isUnread(app.name)) await this.#deps.onResumed(app);
      await nextTurn();
    }
    this.#busy = busy;
    return busy;
  }

  #isBusy(app: string): boolean {
    try {
      const db = this.#deps.databases.get(app);
      const isLive = streamRepository(db).countActive() > 0 || hlsRepository(db).left().length > 0;
      if (this.#deps.sessions.isRunning(app)) return true;
      return isLive || vodRepository(db).open().length > 0 || ingressSessions(db).count() > 0;
    } catch (err) {
      this.#deps.log.warn({ app, err }, 'app.db cannot be read');
      return false;
    }
  }

  /** Recordings ended, and were not read before the daemon stopped. */
  #isUnread(app: string): boolean {
    try {
      return unreadIn(this.#deps.databases.get(app), this.#deps.retentionNow).length > 0;
    } catch {
      return false;
    }
  }

  /** Forgets apps without activity. */
  #settle(): void {
    for (const app of this.#busy ?? []) {
      if (this.#deps.apps.get(app) === undefined || !this.#isBusy(app)) this.#busy?.delete(app);
    }
  }

  #mark(name: string): [string, SessionMark][] {
    try {
      const app = this.#deps.apps.get(name);
      return app === undefined ? [] : [[name, this.#deps.sessions.mark(app, this.#deps.clock.now())]];
    } catch {
      return [];
    }
  }

  async #sessions(
    name: string,
    open: ReadonlyMap<string, string>,
    mark: SessionMark | undefined,
    asked: number,
  ): Promise<void> {
    const { apps, sessions } = this.#deps;
    const app = apps.get(name);
    if (app !== undefined) await sessions.passed(app, mark ?? sessions.markOfNew(asked), open);
  }

  #lastRow(app: string): number {
    try {
      return streamRepository(this.#deps.databases.get(app)).lastRow();
    } catch {
      return 0;
    }
  }

  #appOf(room: string): AppEntry | undefined {
    const app = this.#deps.apps.forRoom(room);
    return app?.deleting ? undefined : app;
  }

  #looksDifferent(room: LiveRoom): boolean {
    const { directory } = this.#deps;
    const seen = directory.expected(room.name);
    return !directory.has(room.name) || seen.participants !== room.participants || seen.publishers !== room.publishers;
  }

  async #eachRoom(rooms: readonly LiveRoom[]): Promise<void> {
    await pLimit(AT_ONCE).map(rooms, async (room) => {
      if (!this.#isStopped) await this.#room(room);
    });
  }

  async #room(room: LiveRoom): Promise<void> {
    const app = this.#appOf(room.name);
    if (app === undefined) return;
    const lastRow = this.#lastRow(app.name);
    const asked = this.#deps.clock.now();
    const mark = this.#deps.sessions.mark(app, asked);
    const people = await this.#people(room.name);
    const isFed = people.some((person) => person.kind === INGRESS_KIND);
    const ingests = isFed ? await this.#deps.livekit.listIngress(room.name) : [];
    // of two ingests with one identity, the live one counts
    const types = new Map(
      ingests
        .toSorted((a, b) => Number(a.isPublishing) - Number(b.isPublishing))
        .map((ingress) => [ingress.participant, ingress.type]),
    );
    this.#deps.directory.sync(room.name, room.sid, people, asked);
    await this.#change(app, (tx) => {
      const streams = streamRepository(tx.db);
      for (const person of people) {
        const type = streamType(person.kind ?? undefined, types.get(person.identity));
        for (const trackSid of person.tracks) {
          tx.note(openTrack(tx.db, { appId: app.id, room, participant: person, trackSid, type, at: tx.now }));
        }
        const row = streams.activeOf(person.sid);
        if (row !== undefined) tx.note(setType(tx.db, row, type));
      }
      for (const one of ingests) if (one.isPublishing) tx.note(startSession(tx.db, one, untold(one, tx.now)));
      endAbsent(tx, room.name, people, lastRow);
      this.#deps.sessions.room(tx, app.name, room, people, mark);
    });
  }

  /** Asked again when an event came in between: the answer may be from before it. */
  async #people(room: string): Promise<Person[]> {
    for (let left = 3; ; left--) {
      const before = this.#deps.directory.changes;
      const people = await this.#deps.livekit.listParticipants(room);
      if (left === 1 || this.#deps.directory.changes === before) return people;
    }
  }

  async #endRowsOfGoneRooms(name: string, open: ReadonlyMap<string, string>, lastRow: number): Promise<void> {
    const app = this.#deps.apps.get(name);
    if (app === undefined) return;
    const gone = streamRepository(this.#deps.databases.get(name))
      .active()
      .filter((row) => row.id <= lastRow && !open.has(row.room));
    if (gone.length === 0) return;
    await this.#change(app, (tx) => {
      for (const row of gone) tx.note(endRow(tx.db, row.id, tx.now));
    });
  }

  async #recordings(isFull: boolean): Promise<void> {
    const { apps, databases, livekit, clock } = this.#deps;
    const asked = clock.now();
    const pending = [...(this.#busy ?? [])].filter((app) => vodRepository(databases.get(app)).open().length > 0);
    if (!isFull && pending.length === 0) return;
    for (const egress of await livekit.listEgress()) {
      const app = egress.room === '' ? undefined : this.#appOf(egress.room);
      // recordings of an earlier app with that prefix don't belong to this one
      const createdAt = app === undefined ? 0 : Date.parse(app.createdAt);
      // an app from the future was created before the clock was set back
      if (app === undefined || ((egress.startedAt ?? asked) < createdAt && createdAt <= asked)) continue;
      if (this.#isSettled(app.name, egress)) continue;
      await this.#change(app, (tx) => tx.note(applyEgress(tx.db, egress, tx.owner, tx.now)));
    }
    // a row from before a jump gets the same time again; one that began in the future is not young forever
    const isSure = clock.monotonic() - this.#jumpedAt > CHECKED_AFTER_MS;
    const isOld = (startedAt: string): boolean => isSure && Math.abs(asked - Date.parse(startedAt)) > CHECKED_AFTER_MS;
    for (const name of pending) {
      const app = apps.get(name);
      if (app === undefined) continue;
      const old = vodRepository(databases.get(name))
        .open()
        .filter((vod) => isOld(vod.started_at));
      const unasked = old.filter((vod) => vod.egress_id === null);
      if (unasked.length > 0) {
        const error = 'the daemon stopped before LiveKit answered';
        await this.#change(app, (tx) => {
          for (const vod of unasked) tx.note(failVod(tx.db, vod.id, error, tx.now));
        });
      }
      const asking = old.filter((vod) => vod.egress_id !== null);
      await pLimit(AT_ONCE).map(asking, async (vod) => {
        if (!this.#isStopped) await this.#deps.checkRecorder(app, vod);
      });
    }
  }

  async #ingests(isFull: boolean): Promise<void> {
    const { apps, databases, livekit, clock } = this.#deps;
    const own = new Map<string, Ingress[]>();
    for (const app of this.#busy ?? []) if (ingressSessions(databases.get(app)).count() > 0) own.set(app, []);
    if (!isFull && own.size === 0) return;
    const askedAt = clock.now();
    for (const one of await livekit.listIngress()) {
      const app = this.#appOf(one.room)?.name;
      if (app === undefined) continue;
      const list = own.get(app);
      if (list !== undefined) list.push(one);
      else if (one.isPublishing) own.set(app, [one]);
    }
    for (const [name, list] of own) {
      const app = apps.get(name);
      if (app !== undefined) await this.#change(app, (tx) => tx.note(compareSessions(tx, list, askedAt)));
    }
  }

  /** There is nothing left to learn about it. */
  #isSettled(app: string, egress: Egress): boolean {
    const db = this.#deps.databases.get(app);
    const encoder = hlsRepository(db).encoderByEgress(egress.id);
    if (encoder !== undefined) return !isAtWork(encoder);
    const vod = vodRepository(db).byEgress(egress.id);
    if (vod === undefined) return false;
    return vod.status === 'ready' || (!isOpen(vod) && egress.state !== 'complete');
  }

  async #change(app: AppEntry, work: (tx: MediaTransaction) => void): Promise<void> {
    const { changes } = await this.#deps.mediaStore.change(app, work);
    if (this.#deps.sessions.isRunning(app.name)) this.noteBusy(app.name);
    if (changes.length === 0) return;
    this.repaired += changes.length;
    this.noteBusy(app.name);
  }

  #complain(err: unknown): void {
    // outages are reported elsewhere, by `state.ts`
    if (err instanceof LiveKitError && err.isOutage) return;
    this.#deps.log.warn({ err }, 'rows could not be compared with LiveKit');
  }
}

function endAbsent(tx: MediaTransaction, room: string, people: readonly Person[], lastRow: number): void {
  const streams = streamRepository(tx.db);
  for (const row of streams.activeIn(room)) {
    if (row.id > lastRow) continue;
    const person = people.find(({ sid }) => sid === row.participant_sid);
    if (person === undefined && row.participant_sid !== null) {
      tx.note(closeParticipant(tx.db, row.participant_sid, tx.now));
    } else if (person === undefined || person.tracks.length === 0) {
      tx.note(endRow(tx.db, row.id, tx.now));
    }
  }
}
