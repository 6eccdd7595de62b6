import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { RecordedPlace } from '#daemon/apps/storage/location.ts';
import type { ObjectOutcome, ObjectWork, WrittenObject } from '#daemon/apps/storage/tasks/storage-objects.ts';
import type { Background, Repeated } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { LiveHlsPlan } from '#shared/delivery/plan.ts';
import type { LiveKit } from '../livekit/client.ts';
import { isAtWork, LOST } from '../livekit/encoder-state.ts';
import { LiveKitError } from '../livekit/errors.ts';
import type { MediaStore } from '../media-store.ts';
import { streamRepository } from '../streams/repository.ts';
import { applyEncoder, endHls, isWrittenHere, namesOf, startHls } from './lifecycle.ts';
import { type EncoderOrders, STORAGE_CHANGED } from './order.ts';
import {
  endOf,
  extend,
  type MediaPlaylist,
  masterPlaylist,
  mediaPlaylist,
  outdated,
  playlistObject,
  readMediaPlaylist,
  rungNames,
  VARIANT,
} from './playlists.ts';
import { type EncoderRecord, type HlsRecord, hlsRepository, isOpen, masterKey, planOf } from './repository.ts';

/** Waits before a quality that failed begins again. */
const AGAIN_MS = [1000, 5000, 15_000, 30_000, 60_000] as const;
/** An order that got no answer and no event since. */
const UNANSWERED_MS = 60_000;
/** Time without a new segment after which we check for the encoder; longer before the first. */
const STALLED_MS = 15_000;
const SLOW_START_MS = 45_000;
const LOOK_AGAIN_MS = 10_000;
/** An encoder leaves its room shortly before LiveKit reports its end. */
const TOLD_WITHIN_MS = 5000;
/** How long to wait for its end. */
const END_MS = 30_000;
/** Players that are behind can watch to the end. */
const KEPT_MS = 600_000;
/** After this long, a storage that refuses to remove objects is left as it is. */
const GIVEN_UP_MS = 7 * 86_400_000;
const RENEW_MS = 600_000;

/** An egress service's config can have a storage and a prefix, which replace those of the request. */
const NOTHING =
  'the encoder runs, but nothing arrives: is there a prefix or a storage in the config of LiveKit’s egress service? Expected are segments below';

export interface LiveHlsRunDeps {
  livekit: Pick<LiveKit, 'stopEgress' | 'findEgress' | 'listParticipants' | 'listTracks' | 'clockDifference'>;
  mediaStore: MediaStore;
  databases: AppDatabases;
  apps: { get(name: string): AppEntry | undefined };
  storage: {
    objects(app: string, place: RecordedPlace, work: ObjectWork): Promise<ObjectOutcome>;
    /** Its bucket may not be needed any more. */
    forgetOldPlaces(app: string): Promise<void>;
  };
  orders: EncoderOrders;
  background: Background;
  clock: Clock;
  /** What deletes old objects doesn't follow a clock that jumped. */
  retentionNow(): number;
  log: Log;
}

/** Looks after one run of live HLS: its encoders, its playlists, and in the end the removal of its objects. */
export class LiveHlsRun {
  readonly #deps: LiveHlsRunDeps;
  readonly #app: string;
  readonly #id: number;
  readonly #plan: LiveHlsPlan;
  /** What viewers have, by position in the ladder. */
  readonly #lists = new Map<number, MediaPlaylist>();
  // Times here are monotonic: a clock that is set makes no encoder look stalled or lost.
  /** When an encoder was first looked at, by row. */
  readonly #seenAt = new Map<number, number>();
  /** When an encoder's last segment was seen, by row. */
  readonly #progress = new Map<number, { end: number; at: number }>();
  readonly #lookedAt = new Map<number, number>();
  readonly #again = new Map<number, { failures: number; at: number }>();
  /** Recorders that left their room. */
  readonly #left = new Map<string, number>();
  #loop: Repeated | undefined;
  #firstReadyAt: number | undefined;
  #closingSince: number | undefined;
  #master = '';
  #onDone: () => void = () => {};

  constructor(deps: LiveHlsRunDeps, app: string, hls: HlsRecord) {
    this.#deps = deps;
    this.#app = app;
    this.#id = hls.id;
    this.#plan = planOf(hls);
  }

  /** @param onDone nothing is left to do */
  start(onDone: () => void): void {
    this.#onDone = onDone;
    // half a segment: a new one is in the list soon
    const every = Math.max(1000, this.#plan.segmentSeconds * 500);
    this.#loop = this.#deps.background.every('live HLS', every, () => this.#tick(), { first: 0 });
  }

  soon(): void {
    this.#loop?.soon();
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
  }

  recorderLeft(egressId: string): void {
    this.#left.set(egressId, this.#deps.clock.monotonic());
    this.soon();
  }

  /** How far the newest media is behind, in milliseconds; null = not known. */
  delayMs(): number | null {
    const ends = [...this.#lists.values()].map(endOf).filter((end) => end !== null);
    if (ends.length === 0) return null;
    const ahead = this.#deps.livekit.clockDifference?.ms ?? 0;
    // the clock of the egress service is that of LiveKit, as far as is known
    return Math.max(0, Math.round(this.#deps.clock.now() + ahead - Math.min(...ends)));
  }

  // --- inside ----------------------------------------------------------------------

  async #tick(): Promise<void> {
    const app = this.#deps.apps.get(this.#app);
    const hls = app === undefined ? undefined : this.#row();
    if (app === undefined || hls === undefined || hls.is_removed === 1) return this.#done();
    if (isOpen(hls)) {
      const stream = streamRepository(this.#deps.databases.get(this.#app)).find(hls.stream_id);
      if (stream?.status !== 'active') await this.#end(app, null);
      else await this.#work(app, hls);
    } else if (hls.is_closed === 0) await this.#close(app, hls);
    else await this.#remove(app, hls);
  }

  #row(): HlsRecord | undefined {
    return hlsRepository(this.#deps.databases.get(this.#app)).get(this.#id);
  }

  #encoders(): EncoderRecord[] {
    return hlsRepository(this.#deps.databases.get(this.#app)).encoders(this.#id);
  }

  async #work(app: AppEntry, hls: HlsRecord): Promise<void> {
    for (const encoder of this.#encoders().filter(isAtWork)) await this.#look(app, hls, encoder);
    await Promise.all(this.#plan.rungs.map((_, rung) => this.#keepGoing(app, hls, rung)));
    const problem = await this.#refresh(app, hls);
    if (problem === undefined) return;
    await this.#note(app, { error: `the playlists cannot be kept: ${problem}` });
  }

  /** Is an encoder without new segments still running? LiveKit never reports that one was killed. */
  async #look(app: AppEntry, hls: HlsRecord, encoder: EncoderRecord): Promise<void> {
    const { clock, livekit, orders, log } = this.#deps;
    const now = clock.monotonic();
    const seenAt = this.#seenAt.get(encoder.id) ?? now;
    this.#seenAt.set(encoder.id, seenAt);
    if (encoder.egress_id === null) {
      if (now - seenAt > UNANSWERED_MS && !orders.isAsking(this.#app, encoder)) {
        await this.#fail(app, encoder, 'the daemon stopped before LiveKit had answered');
      }
      return;
    }
    const progress = this.#progress.get(encoder.id);
    const limit = Math.max(progress === undefined ? SLOW_START_MS : STALLED_MS, 4000 * this.#plan.segmentSeconds);
    const leftAt = this.#left.get(encoder.egress_id);
    const isDue = leftAt === undefined ? now - (progress?.at ?? seenAt) > limit : now - leftAt > TOLD_WITHIN_MS;
    if (!isDue || now - (this.#lookedAt.get(encoder.id) ?? Number.NEGATIVE_INFINITY) < LOOK_AGAIN_MS) return;
    this.#lookedAt.set(encoder.id, now);
    try {
      const egress = await livekit.findEgress(encoder.egress_id);
      const isOver = egress?.state === 'complete' || egress?.state === 'failed';
      if (egress !== undefined && isOver) {
        await this.#deps.mediaStore.change(app, ({ db }) => {
          applyEncoder(db, egress);
        });
      } else if (!(await livekit.listParticipants(hls.room)).some(({ identity }) => identity === encoder.egress_id)) {
        log.warn({ app: this.#app, room: hls.room, egress: encoder.egress_id }, `live HLS: ${LOST}`);
        await this.#fail(app, encoder, LOST);
        this.#deps.background.run('lost encoders', () => this.#stopEgress(encoder));
      } else if (progress === undefined) await this.#note(app, { error: `${NOTHING} ${hls.folder}/` });
    } catch (error) {
      if (!(error instanceof LiveKitError)) throw error;
    }
  }

  /** Begins a quality again whose encoder is over, or whose storage credentials expire. */
  async #keepGoing(app: AppEntry, hls: HlsRecord, rung: number): Promise<void> {
    const { clock, orders, livekit } = this.#deps;
    const all = this.#encoders().filter((encoder) => encoder.rung === rung);
    const newest = all.at(-1);
    if (newest !== undefined && isAtWork(newest)) {
      const { expires_at, asked_at } = newest;
      const isExpiring =
        expires_at !== null && expires_at - clock.now() < Math.min(RENEW_MS, (expires_at - asked_at) / 3);
      if (!isExpiring) return;
    }
    const { failures, at } = this.#again.get(rung) ?? { failures: 0, at: Number.NEGATIVE_INFINITY };
    if (clock.monotonic() < at) return;
    const wait = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] as number;
    // the first time after a failure it is only noted
    this.#again.set(rung, { failures: failures + 1, at: clock.monotonic() + wait });
    if (newest !== undefined && failures === 0) return;
    try {
      const tracks = await livekit.listTracks(hls.room);
      if (!tracks.some((track) => track.identity === hls.identity && track.type === 'video')) return;
    } catch (error) {
      if (error instanceof LiveKitError) return;
      throw error;
    }
    const refusal = await orders.order(app, hls, rung);
    this.#again.set(rung, { failures: failures + 1, at: clock.monotonic() + wait });
    if (refusal === undefined) return;
    if (refusal.reason === STORAGE_CHANGED) await this.#end(app, STORAGE_CHANGED);
    else await this.#note(app, { error: refusal.reason });
  }

  /** Reads what the encoders wrote, writes what viewers need, and removes what is old. @returns why the storage refused */
  async #refresh(app: AppEntry, hls: HlsRecord, isLast = false): Promise<string | undefined> {
    const encoders = this.#encoders();
    const sources = this.#plan.rungs.flatMap((_, rung) => {
      const started = encoders.filter((one) => one.rung === rung && one.egress_id !== null);
      // the one before is read until the newest has something
      return started.slice(-2).map((encoder) => ({ encoder, names: namesOf(hls, encoder) }));
    });
    if (sources.length === 0) return undefined;
    const restored = this.#plan.rungs.flatMap((_, rung) => (this.#lists.has(rung) ? [] : [rung]));
    const names = rungNames(this.#plan.rungs);
    const variant = (rung: number) => `${hls.folder}/${names[rung]}/${VARIANT}`;
    const read = [...sources.map((source) => source.names.recent), ...restored.map(variant)];
    const outcome = await this.#objects(hls, { read });
    if ('problem' in outcome) return outcome.problem;
    // after a start of the daemon, what viewers have continues from what was written before
    restored.forEach((rung, index) => {
      const list = readMediaPlaylist(outcome.texts[sources.length + index] ?? null);
      if (list !== undefined) this.#lists.set(rung, { ...list, isEnded: false });
    });
    const write: WrittenObject[] = [];
    const changed = new Set<number>();
    for (const [index, { encoder, names: own }] of sources.entries()) {
      const recent = readMediaPlaylist(outcome.texts[index] ?? null);
      if (recent === undefined || recent.segments.length === 0) continue;
      const before = this.#lists.get(encoder.rung);
      // ignore what an older encoder writes late
      if (attemptOf(before) > encoder.attempt) continue;
      const next = await this.#extended(hls, encoder, { before, recent, prefix: own.prefix, whole: own.whole });
      if (next === undefined) continue;
      this.#lists.set(encoder.rung, next);
      this.#saw(encoder, endOf(recent) ?? next.sequence + next.segments.length);
      if (isWrittenHere(hls, encoder.attempt) && next !== before) changed.add(encoder.rung);
      await this.#retire(encoders, encoder);
    }
    const ready = new Set(this.#lists.keys());
    for (const [rung, list] of this.#lists) {
      if (!changed.has(rung) && !isLast) continue;
      const text = mediaPlaylist({ ...list, isEnded: isLast }, this.#plan.segmentSeconds);
      write.push(playlistObject(variant(rung), text, this.#plan, isLast));
    }
    const master = this.#isPublishable(ready) || isLast ? masterPlaylist(this.#plan, ready) : '';
    if (ready.size > 0 && master !== '' && master !== this.#master) {
      write.push(playlistObject(masterKey(hls), master, this.#plan, false));
    }
    const old = this.#outdated(hls, encoders);
    if (write.length + old.keys.length > 0) {
      const done = await this.#objects(hls, { write, remove: old.keys });
      if ('problem' in done) return done.problem;
    }
    this.#master = master || this.#master;
    const isStarted = hls.state === 'starting' && !isLast && this.#master !== '';
    if (isStarted || old.to.size > 0) {
      await this.#deps.mediaStore.change(app, ({ db, note, now }) => {
        for (const [id, removed_to] of old.to) hlsRepository(db).updateEncoder(id, { removed_to });
        if (isStarted) note(startHls(db, this.#id, now));
      });
    }
    if (hls.error !== null && this.#isWhole(encoders)) await this.#note(app, { error: null });
    return undefined;
  }

  async #extended(
    hls: HlsRecord,
    { rung, attempt }: EncoderRecord,
    source: { before: MediaPlaylist | undefined; recent: MediaPlaylist; prefix: string; whole: string },
  ): Promise<MediaPlaylist | undefined> {
    const { before, recent, prefix, whole } = source;
    if (!isWrittenHere(hls, attempt)) return recent;
    const list = before ?? { sequence: 0, discontinuities: 0, segments: [], isEnded: false };
    const size = this.#plan.listSize;
    const next = extend(list, recent, { prefix, size, isWhole: false });
    if (next !== undefined) return next.segments.at(-1) === list.segments.at(-1) ? before : next;
    const outcome = await this.#objects(hls, { read: [whole] });
    const all = 'problem' in outcome ? undefined : readMediaPlaylist(outcome.texts[0] ?? null);
    this.#deps.log.info(
      { app: this.#app, rung },
      'live HLS: segments were missed and are added from the whole playlist',
    );
    return extend(list, all ?? recent, { prefix, size, isWhole: true });
  }

  /** Players load the master playlist once, so it waits a little for the other qualities. */
  #isPublishable(ready: ReadonlySet<number>): boolean {
    if (ready.size === 0) return false;
    const now = this.#deps.clock.monotonic();
    this.#firstReadyAt ??= now;
    const isPatient = now - this.#firstReadyAt < Math.max(4000, 2000 * this.#plan.segmentSeconds);
    return this.#master !== '' || ready.size === this.#plan.rungs.length || !isPatient;
  }

  #saw(encoder: EncoderRecord, end: number): void {
    if (this.#progress.get(encoder.id)?.end === end) return;
    this.#progress.set(encoder.id, { end, at: this.#deps.clock.monotonic() });
    this.#again.delete(encoder.rung);
  }

  /** The encoder before is not needed any more once the newest has segments. */
  async #retire(encoders: readonly EncoderRecord[], newest: EncoderRecord): Promise<void> {
    for (const encoder of encoders) {
      if (encoder.rung !== newest.rung || encoder.attempt >= newest.attempt || !isAtWork(encoder)) continue;
      await this.#stopEgress(encoder);
    }
  }

  #isWhole(encoders: readonly EncoderRecord[]): boolean {
    return this.#plan.rungs.every((_, rung) => {
      const newest = encoders.findLast((one) => one.rung === rung);
      return newest !== undefined && isAtWork(newest) && this.#progress.has(newest.id);
    });
  }

  #outdated(hls: HlsRecord, encoders: readonly EncoderRecord[]): { keys: string[]; to: Map<number, number> } {
    const keys: string[] = [];
    const to = new Map<number, number>();
    for (const [rung, list] of this.#lists) {
      const encoder = encoders.findLast((one) => one.rung === rung);
      if (encoder === undefined) continue;
      const { folder, prefix } = namesOf(hls, encoder);
      const old = outdated(list, { prefix, removedTo: encoder.removed_to }, this.#plan);
      // several at a time, because each request costs money
      if (old.names.length < 10) continue;
      keys.push(...old.names.map((name) => `${folder}/${name}`));
      to.set(encoder.id, old.to);
    }
    return { keys, to };
  }

  async #end(app: AppEntry, error: string | null): Promise<void> {
    await this.#deps.mediaStore.change(app, ({ db, note, now }) => note(endHls(db, this.#id, error, now)));
    this.soon();
  }

  /** Waits for the last segments, then tells players that it is over. */
  async #close(app: AppEntry, hls: HlsRecord): Promise<void> {
    const open = this.#encoders().filter(isAtWork);
    const now = this.#deps.clock.monotonic();
    this.#closingSince ??= now;
    const isLate = now - this.#closingSince > END_MS;
    for (const encoder of open) if (encoder.egress_id !== null) await this.#stopEgress(encoder);
    const left = this.#encoders().filter(isAtWork);
    if (left.length > 0 && !isLate) return;
    const problem = await this.#refresh(app, hls, true);
    if (problem !== undefined && !isLate) throw new Error(problem);
    await this.#deps.mediaStore.change(app, ({ db }) => {
      for (const encoder of left) hlsRepository(db).updateEncoder(encoder.id, { state: 'failed', error: LOST });
      hlsRepository(db).update(this.#id, { is_closed: 1 });
    });
    this.#lists.clear();
  }

  async #remove(app: AppEntry, hls: HlsRecord): Promise<void> {
    const age = this.#deps.retentionNow() - Date.parse(hls.ended_at ?? hls.started_at);
    if (age < KEPT_MS || app.deleting) return;
    const outcome = await this.#objects(hls, { removeBelow: hls.folder });
    if ('problem' in outcome && age < GIVEN_UP_MS) throw new Error(outcome.problem);
    await this.#deps.mediaStore.change(app, ({ db }) => {
      hlsRepository(db).update(this.#id, { is_removed: 1 });
    });
    await this.#deps.storage.forgetOldPlaces(this.#app);
    this.#done();
  }

  #objects(hls: HlsRecord, work: ObjectWork): Promise<ObjectOutcome> {
    return this.#deps.storage.objects(this.#app, hls, work);
  }

  async #stopEgress({ egress_id }: EncoderRecord): Promise<void> {
    try {
      if (egress_id !== null) await this.#deps.livekit.stopEgress(egress_id);
    } catch (error) {
      // a lost one doesn't answer
      if (!(error instanceof LiveKitError)) throw error;
    }
  }

  async #fail(app: AppEntry, encoder: EncoderRecord, error: string): Promise<void> {
    await this.#deps.mediaStore.change(app, ({ db }) => {
      hlsRepository(db).updateEncoder(encoder.id, { state: 'failed', error });
    });
  }

  async #note(app: AppEntry, change: Pick<HlsRecord, 'error'>): Promise<void> {
    if (this.#row()?.error === change.error) return;
    if (change.error !== null)
      this.#deps.log.warn({ app: this.#app, reason: change.error }, 'live HLS is not complete');
    await this.#deps.mediaStore.change(app, ({ db }) => {
      hlsRepository(db).update(this.#id, change);
    });
  }

  #done(): void {
    this.#deps.background.run('end of live HLS', () => this.#loop?.stop());
    this.#onDone();
  }
}

/** Of the encoder that made the newest segment. */
const attemptOf = (list: MediaPlaylist | undefined): number =>
  Number(/^s(\d+)_/.exec(list?.segments.at(-1)?.name ?? '')?.[1] ?? 0);
