import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { ELSEWHERE_PROVIDER, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import type { RecordingTarget } from '#daemon/apps/storage/recording-target.ts';
import type { ObjectOutcome, ObjectWork } from '#daemon/apps/storage/tasks/storage-objects.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { rungsWithin, type Size } from '#shared/delivery/ladder.ts';
import { type DeliveryPlan, EGRESS_CPUS, type RecordingPlan } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import type { LiveKit } from '../livekit/client.ts';
import { isAtWork, LOST } from '../livekit/encoder-state.ts';
import { isNotTaken, LiveKitError, notTaken } from '../livekit/errors.ts';
import type { MediaStore, RowChange } from '../media-store.ts';
import { livekitMemory } from '../streams/repository.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import { applyLadderEncoder, encoderRepository, type LadderEncoder, PLAYLIST } from './encoders.ts';
import { namedRungs } from './ffmpeg-args.ts';
import { ladderPlace } from './rows.ts';

/** Time that encoders get to finish after their recording, as far as LiveKit answers. */
const END_MS = 40_000;
/** Longest wait of a job for a LiveKit that is away: other ladders wait too. */
const AWAY_MS = 600_000;
const LOOK_MS = 1000;

export interface EgressLaddersDeps {
  livekit: Pick<LiveKit, 'startRecording' | 'stopEgress' | 'findEgress' | 'listTracks' | 'listParticipants'>;
  mediaStore: MediaStore;
  databases: AppDatabases;
  apps: { get(name: string): AppEntry | undefined; dir(name: string): string };
  config: { get(app: string): Promise<AppConfig> };
  delivery: { planOf(config: AppConfig): Promise<DeliveryPlan> };
  storage: {
    recordingTarget(app: string, block: AppConfig['s3']): Promise<RecordingTarget>;
    objects(app: string, place: RecordedPlace, work: ObjectWork): Promise<ObjectOutcome>;
  };
  background: Background;
  clock: Clock;
  log: Log<'warn'>;
}

/**
 * Ladders that are made by LiveKit's egress workers while the recording runs (`transcoding.ladder_on: egress`): one order
 * for each quality, because one egress makes one. They begin and end with the recording.
 */
export class EgressLadders {
  readonly #deps: EgressLaddersDeps;
  /** VODs whose orders LiveKit has not answered. */
  readonly #asking = new Set<string>();
  readonly #stopped = new AbortController();

  constructor(deps: EgressLaddersDeps) {
    this.#deps = deps;
  }

  /** Ends waits that belong to no job. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Rows changed: encoders begin and end with their recordings. */
  async follow(app: AppEntry, changes: readonly RowChange[]): Promise<void> {
    for (const change of changes) {
      if (!('vod' in change) || change.kind === 'vod_ready') continue;
      if (change.kind === 'recording_started') await this.#begin(app, change.vod);
      else if (change.vod.status !== 'starting' && change.vod.status !== 'recording') await this.#stop(app, change.vod);
    }
  }

  /** Waits until all encoders of a recording are over. @returns them; none if no egress worker was asked */
  async settle(app: AppEntry, vodId: number, job?: AbortSignal): Promise<LadderEncoder[]> {
    const { databases, clock } = this.#deps;
    const signal = job ?? this.#stopped.signal;
    // a deletion does not wait that long
    const longest = job === undefined ? END_MS : AWAY_MS;
    const of = () => encoderRepository(databases.get(app.name)).of(vodId);
    const vod = vodRepository(databases.get(app.name)).get(vodId);
    if (vod === undefined || of().length === 0) return [];
    const began = clock.monotonic();
    for (let answered = 0; ; ) {
      signal.throwIfAborted();
      const isLate = answered >= END_MS || clock.monotonic() - began >= longest;
      const looked = clock.monotonic();
      const isAnswered = await this.#end(app, vod, isLate);
      if (!of().some(isAtWork) && !this.#asking.has(keyOf(app, vodId))) return of();
      await pause(LOOK_MS, undefined, { signal });
      if (isAnswered) answered += clock.monotonic() - looked;
    }
  }

  /** Ends the encoders of an app that is deleted. Never throws: LiveKit may be gone for good. */
  async endAll(name: string): Promise<void> {
    const app = this.#deps.apps.get(name);
    if (app === undefined) return;
    try {
      const open = encoderRepository(this.#deps.databases.get(name)).atWork();
      for (const id of new Set(open.map(({ vod_id }) => vod_id))) await this.settle(app, id);
    } catch (err) {
      this.#deps.log.warn({ app: name, err }, 'encoders of ladders could not be ended before the deletion');
    }
  }

  /**
   * Removes what encoders have written for a VOD: of one that is deleted, or whose ladder they did not complete.
   * @returns why the storage refused
   */
  async remove(app: AppEntry, vod: VodRecord): Promise<string | undefined> {
    const encoders = encoderRepository(this.#deps.databases.get(app.name)).of(vod.id);
    if (encoders.length === 0) return undefined;
    for (const { egress_id } of encoders) {
      // LiveKit remembers it for a day: it must not come back as a recording
      if (egress_id !== null) livekitMemory(this.#deps.databases.get(app.name)).setGone(egress_id, Date.now());
    }
    const folder = this.#folder(app, vod);
    if (folder === null) return undefined;
    const outcome = await this.#deps.storage.objects(app.name, folder.place, { removeBelow: folder.key });
    return 'problem' in outcome ? outcome.problem : undefined;
  }

  // --- inside ----------------------------------------------------------------------

  #folder(app: AppEntry, vod: VodRecord): { place: RecordedPlace; key: string } | null {
    const variants = vodRepository(this.#deps.databases.get(app.name)).variants(vod.id);
    const found = ladderPlace(vod, variants, this.#deps.apps.dir(app.name));
    return found === null ? null : { place: found.place, key: `${found.base}/hls` };
  }

  async #begin(app: AppEntry, vod: VodRecord): Promise<void> {
    const { databases, delivery, mediaStore, storage, log } = this.#deps;
    // one that StreamHub did not start has no settings that are known
    if (app.deleting || vod.session_id === null || vod.is_audio_only === 1) return;
    const config = await this.#deps.config.get(app.name);
    const { recording, vod: plan } = await delivery.planOf(config);
    if (plan?.by !== 'egress' || recording === null || vod.storage_provider === ELSEWHERE_PROVIDER) return;
    const folder = this.#folder(app, vod);
    if (folder === null || encoderRepository(databases.get(app.name)).of(vod.id).length > 0) return;
    const key = keyOf(app, vod.id);
    this.#asking.add(key);
    try {
      const rungs = namedRungs(rungsWithin(plan.rungs, await this.#size(vod, recording)));
      mediaStore.changeWith(app, config, ({ db }) => {
        for (const [rung, { name, width, height, bitrateKbps, audioKbps }] of rungs.entries()) {
          encoderRepository(db).add({
            ...{ vod_id: vod.id, rung, name, width, height, bitrate_kbps: bitrateKbps, audio_kbps: audioKbps },
            ...{ framerate: recording.video.framerate, playlist: `${folder.key}/${name}/${PLAYLIST}` },
          });
        }
      });
      const given = recording.storage === 'bucket' ? await storage.recordingTarget(app.name, config.s3) : null;
      const encoders = encoderRepository(databases.get(app.name)).of(vod.id);
      await Promise.all(
        encoders.map((encoder) =>
          this.#order(app, vod, encoder, { recording, seconds: plan.segmentSeconds, target: given?.target ?? null }),
        ),
      );
    } catch (err) {
      const reason = err instanceof ApiError || err instanceof LiveKitError ? err.message : 'the order failed';
      log.warn({ app: app.name, vod: vod.id, err }, 'a ladder could not be left to egress workers');
      await this.#failUnasked(app, vod.id, reason);
    } finally {
      this.#asking.delete(key);
    }
    const now = vodRepository(databases.get(app.name)).get(vod.id);
    if (now !== undefined && now.status !== 'recording') await this.#stop(app, now);
  }

  /** Of the picture: of the recording, or of a smaller one that a participant sends. */
  async #size({ room, identity }: VodRecord, { video }: RecordingPlan): Promise<Size> {
    if (identity === null) return video;
    const tracks = await this.#deps.livekit.listTracks(room);
    const sent = tracks.find((track) => track.identity === identity && track.type === 'video')?.size ?? null;
    return sent === null || sent.width * sent.height > video.width * video.height ? video : sent;
  }

  async #order(
    app: AppEntry,
    vod: VodRecord,
    encoder: LadderEncoder,
    {
      recording,
      seconds,
      target,
    }: { recording: RecordingPlan; seconds: number; target: RecordingTarget['target'] | null },
  ): Promise<void> {
    const { width, height, bitrate_kbps: bitrateKbps, audio_kbps: audioKbps, framerate, playlist } = encoder;
    try {
      const egress = await this.#deps.livekit.startRecording({
        ...{ room: vod.room, identity: vod.identity, layout: recording.layout, audio: null, images: null, target },
        // a segment begins with a key frame, in every quality at the same distance
        video: { width, height, bitrateKbps, audioKbps, framerate, keyframeSeconds: seconds },
        segments: { seconds },
        filepath: target === null ? path.join(this.#deps.apps.dir(app.name), playlist) : playlist,
      });
      await this.#change(app, (db) => {
        const row = encoderRepository(db).get(vod.id, encoder.rung);
        if (row?.egress_id === null) encoderRepository(db).update(row, { egress_id: egress.id });
        applyLadderEncoder(db, egress);
      });
    } catch (error) {
      const failure = error instanceof LiveKitError ? error : new LiveKitError('refused', 'the request failed');
      const cpus = EGRESS_CPUS[vod.identity === null ? 'room-composite' : 'participant'];
      const reason = isNotTaken(failure) ? notTaken('egress', cpus).reason : failure.message;
      this.#deps.log.warn({ app: app.name, vod: vod.id, quality: encoder.name, reason }, 'a quality was not taken');
      await this.#change(app, (db) => {
        const row = encoderRepository(db).get(vod.id, encoder.rung);
        // its own event can tell that it began, though the answer was late
        if (row?.egress_id === null) encoderRepository(db).update(row, { state: 'failed', error: reason });
      });
    }
  }

  async #stop(app: AppEntry, vod: VodRecord): Promise<void> {
    await this.#end(app, vod, false);
    if (vod.status !== 'failed' && vod.status !== 'cancelled') return;
    // nothing comes of it: what was written is removed as soon as the encoders are over
    this.#deps.background.run('ladders of failed recordings', () => this.#discard(app, vod));
  }

  async #discard(app: AppEntry, vod: VodRecord): Promise<void> {
    try {
      if ((await this.settle(app, vod.id)).length > 0) await this.remove(app, vod);
    } catch (error) {
      if (!this.#stopped.signal.aborted) throw error;
    }
  }

  /** Asks encoders to end, and takes in what LiveKit says of them. @returns whether LiveKit answered */
  async #end(app: AppEntry, vod: VodRecord, isLate: boolean): Promise<boolean> {
    const open = encoderRepository(this.#deps.databases.get(app.name)).of(vod.id).filter(isAtWork);
    const answered = await Promise.all(
      open.map(async (encoder) => {
        let problem: string | undefined;
        let isAnswered = true;
        try {
          problem = await this.#ask(app, vod.room, encoder);
        } catch (error) {
          if (!(error instanceof LiveKitError)) throw error;
          isAnswered = false;
        }
        const reason = problem ?? (isLate && encoder.egress_id !== null ? LOST : undefined);
        if (reason !== undefined) await this.#fail(app, encoder, reason);
        return isAnswered;
      }),
    );
    return answered.every(Boolean);
  }

  /** LiveKit never reports an encoder whose service was killed. @returns why it is over without an end @throws LiveKitError */
  async #ask(app: AppEntry, room: string, { vod_id, egress_id: id }: LadderEncoder): Promise<string | undefined> {
    const { livekit } = this.#deps;
    if (id === null) {
      return this.#asking.has(keyOf(app, vod_id)) ? undefined : 'the daemon stopped before LiveKit had answered';
    }
    const answer = await livekit.stopEgress(id);
    if (answer.kind === 'silent') {
      const isPresent = (await livekit.listParticipants(room)).some(({ identity }) => identity === id);
      return isPresent ? undefined : LOST;
    }
    if (answer.kind === 'unknown') return answer.isHeard ? undefined : 'LiveKit no longer knows it';
    const egress = answer.kind === 'answered' ? answer.egress : await livekit.findEgress(id);
    if (egress)
      await this.#change(app, (db) => {
        applyLadderEncoder(db, egress);
      });
    return undefined;
  }

  async #fail(app: AppEntry, { vod_id, rung }: LadderEncoder, error: string): Promise<void> {
    await this.#change(app, (db) => {
      const row = encoderRepository(db).get(vod_id, rung);
      if (row !== undefined && isAtWork(row)) encoderRepository(db).update(row, { state: 'failed', error });
    });
  }

  async #failUnasked(app: AppEntry, vodId: number, error: string): Promise<void> {
    await this.#change(app, (db) => {
      for (const row of encoderRepository(db).of(vodId)) {
        if (row.egress_id === null) encoderRepository(db).update(row, { state: 'failed', error });
      }
    });
  }

  async #change(app: AppEntry, work: (db: Parameters<typeof applyLadderEncoder>[0]) => void): Promise<void> {
    await this.#deps.mediaStore.change(app, ({ db }) => work(db));
  }
}

const keyOf = (app: AppEntry, vodId: number): string => `${app.id} ${vodId}`;
