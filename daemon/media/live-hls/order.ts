import path from 'node:path';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { isSamePlace, placeOf } from '#daemon/apps/storage/location.ts';
import type { RecordingTarget } from '#daemon/apps/storage/recording-target.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { EGRESS_CPUS } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import type { LiveKit } from '../livekit/client.ts';
import { isNotTaken, LiveKitError } from '../livekit/errors.ts';
import type { NotTaken } from '../livekit/workers.ts';
import type { MediaStore } from '../media-store.ts';
import { applyEncoder, namesOf } from './lifecycle.ts';
import { type EncoderRecord, type HlsRecord, hlsRepository, planOf } from './repository.ts';

export interface EncoderOrdersDeps {
  livekit: Pick<LiveKit, 'startLiveHls' | 'workers'>;
  mediaStore: MediaStore;
  databases: AppDatabases;
  apps: { dir(name: string): string };
  config: { get(app: string): Promise<AppConfig> };
  storage: { recordingTarget(app: string, block: AppConfig['s3']): Promise<RecordingTarget> };
}

/** Why LiveKit refused an order, in words. */
export interface Refusal {
  reason: string;
  hint: string | undefined;
  /** What was asked, and what is known of those who could have taken it. */
  extra?: NotTaken['extra'];
}

/** The app's storage changed since the run began. */
export const STORAGE_CHANGED = 'the app’s storage was changed';

/** Asks LiveKit's egress service for encoders. A row comes first, so that its events find it. */
export class EncoderOrders {
  readonly #deps: EncoderOrdersDeps;
  /** Rows whose order LiveKit has not answered. */
  readonly #asking = new Set<string>();

  constructor(deps: EncoderOrdersDeps) {
    this.#deps = deps;
  }

  /** Is LiveKit being asked for it? */
  isAsking(app: string, encoder: EncoderRecord): boolean {
    return this.#asking.has(`${app} ${encoder.id}`);
  }

  /** @returns why it was refused; undefined if it was accepted */
  async order(app: AppEntry, hls: HlsRecord, rung: number): Promise<Refusal | undefined> {
    const { mediaStore, databases, livekit, storage } = this.#deps;
    const config = await this.#deps.config.get(app.name);
    const plan = planOf(hls);
    const isInBucket = plan.storage === 'bucket';
    if (isInBucket && !isSamePlace(placeOf(config.s3), hls)) return { reason: STORAGE_CHANGED, hint: undefined };
    let given: RecordingTarget | undefined;
    try {
      if (isInBucket) given = await storage.recordingTarget(app.name, config.s3);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { reason: error.message, hint: error.hint };
    }
    const { result: encoder } = mediaStore.changeWith(app, config, ({ db, now }) => {
      const runs = hlsRepository(db);
      const attempt =
        1 +
        Math.max(
          0,
          ...runs
            .encoders(hls.id)
            .filter((one) => one.rung === rung)
            .map((one) => one.attempt),
        );
      return runs.addEncoder({
        hls_id: hls.id,
        rung,
        attempt,
        asked_at: now,
        expires_at: given?.expiresAt ?? null,
      });
    });
    const { folder, prefix, whole, recent } = namesOf(hls, encoder);
    const absolute = (key: string): string => (isInBucket ? key : path.join(this.#deps.apps.dir(app.name), key));
    const asking = `${app.name} ${encoder.id}`;
    this.#asking.add(asking);
    try {
      const egress = await livekit.startLiveHls({
        room: hls.room,
        identity: hls.identity,
        rung: plan.rungs[rung] as LiveRung,
        framerate: plan.framerate,
        segmentSeconds: plan.segmentSeconds,
        prefix: absolute(`${folder}/${prefix}`),
        playlist: absolute(whole),
        livePlaylist: absolute(recent),
        target: given?.target ?? null,
      });
      await mediaStore.change(app, ({ db }) => {
        const runs = hlsRepository(db);
        if (runs.encoder(encoder.id)?.egress_id === null) runs.updateEncoder(encoder.id, { egress_id: egress.id });
        applyEncoder(db, egress);
      });
      return undefined;
    } catch (error) {
      const failure = error instanceof LiveKitError ? error : new LiveKitError('refused', 'the request failed');
      // its event can show that it began, even if the answer came too late
      if (hlsRepository(databases.get(app.name)).encoder(encoder.id)?.egress_id != null) return undefined;
      const refusal = isNotTaken(failure)
        ? await livekit.workers.explain({
            what: 'hls',
            roomPrefix: app.roomPrefix,
            room: hls.room,
            identity: hls.identity,
            cpus: EGRESS_CPUS.participant,
          })
        : { reason: failure.message, hint: undefined };
      await mediaStore.change(app, ({ db }) => {
        hlsRepository(db).updateEncoder(encoder.id, { state: 'failed', error: refusal.reason });
      });
      return refusal;
    } finally {
      this.#asking.delete(asking);
    }
  }
}

type LiveRung = ReturnType<typeof planOf>['rungs'][number];
