import { setTimeout as pause } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { LOCAL_PLACE } from '#daemon/apps/storage/location.ts';
import type { RecordingTarget } from '#daemon/apps/storage/recording-target.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { type DeliveryPlan, EGRESS_CPUS, type RecordingPlan } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import { bytes } from '#shared/format.ts';
import type { LiveKit } from '../livekit/client.ts';
import { isNotTaken, LiveKitError } from '../livekit/errors.ts';
import type { MediaStore } from '../media-store.ts';
import { moveRepository } from '../moving/repository.ts';
import type { StreamRecord } from '../streams/repository.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import { acceptVod, applyEgress, beginVod, failVod } from '../vods/vod-lifecycle.ts';
import { planRecording, type RecordedSubject } from './plan.ts';

/** A camera and a microphone are published one after the other. */
const SETTLE_MS = 2000;

export interface RecordingOrdersDeps {
  livekit: LiveKit;
  mediaStore: MediaStore;
  databases: AppDatabases;
  apps: { dir(name: string): string };
  /** Of the disk with this folder. */
  freeBytes(folder: string): Promise<number>;
  delivery: { planOf(config: AppConfig): Promise<DeliveryPlan> };
  storage: {
    recordingTarget(app: string, block: AppConfig['s3']): Promise<RecordingTarget>;
    /** Why the app's storage refuses recordings; undefined if it accepts them, or gave no answer. */
    refusal(app: string): Promise<string | undefined>;
    /** Why nothing can be stored with the app's provider, e.g. because its plugin is gone. */
    providerProblem(app: string): Promise<string | undefined>;
  };
  /** Credentials of a recording expire: it has to be continued by another part before. */
  onExpiry(app: string, vodId: number, expiresAt: number): void;
  /** A recording was stopped while LiveKit was still being asked for it. */
  onStopped(app: AppEntry, vod: VodRecord): Promise<void>;
  log: Log<'warn'>;
}

/** Seconds of recording that must fit on the disk when one begins, and bytes that are left for everything else. */
const ROOM_SECONDS = 300;
const RESERVE_BYTES = 256 * 1024 * 1024;

/** @throws ApiError RECORDING_NOT_TAKEN when the disk of the app's folder is nearly full */
function requireSpace(free: number, room: string, { video }: RecordingPlan): void {
  const needed = RESERVE_BYTES + ((video.bitrateKbps + video.audioKbps) * 1000 * ROOM_SECONDS) / 8;
  if (free >= needed) return;
  const reason = `the disk with the app’s folder has ${bytes(free)} left, and a recording needs ${bytes(needed)}.`;
  throw new ApiError(
    'RECORDING_NOT_TAKEN',
    { what: ` of ${room}`, reason },
    { hint: 'Free some space, or choose a storage that LiveKit writes to.' },
  );
}

/** What is to be recorded. */
export interface Subject {
  room: string;
  /** Null = the whole room. */
  stream: StreamRecord | null;
}

export interface PartOf {
  sessionId: string;
  part: number;
  isAutomatic: boolean;
}

/** Asks LiveKit for recordings. A row comes first, so that a recording is never without one. */
export class RecordingOrders {
  readonly #deps: RecordingOrdersDeps;
  /** Subjects that are being asked for right now. */
  readonly #asking = new Set<string>();
  readonly #askingSessions = new Set<string>();
  /** Sessions that were stopped while LiveKit was still being asked. */
  readonly #stopped = new Set<string>();
  #isClosed = false;

  constructor(deps: RecordingOrdersDeps) {
    this.#deps = deps;
  }

  /** Answers of LiveKit from now on are left for the next start. */
  close(): void {
    this.#isClosed = true;
  }

  /** A session under way ends as soon as LiveKit has answered. */
  stopSession(sessionId: string | null): void {
    if (sessionId !== null && this.#askingSessions.has(sessionId)) this.#stopped.add(sessionId);
  }

  /**
   * @param admit throws what refuses a recording that isn't running yet
   * @throws ApiError ALREADY_RECORDING, RECORDING_DISABLED, RECORDING_NOT_TAKEN
   */
  async begin(
    app: AppEntry,
    config: AppConfig,
    subject: Subject,
    part: PartOf,
    admit?: () => Promise<void>,
  ): Promise<VodRecord> {
    const { room, stream } = subject;
    const identity = stream?.participant ?? null;
    const key = JSON.stringify([app.id, room, identity]);
    const what = stream === null ? `The room ${room}` : `The stream ${stream.stream_id}`;
    const isRunning = () =>
      vodRepository(this.#deps.databases.get(app.name))
        .recordingIn(room)
        .some((vod) => vod.identity === identity && vod.session_id !== part.sessionId);
    if (this.#asking.has(key) || isRunning()) throw new ApiError('ALREADY_RECORDING', { what });
    this.#asking.add(key);
    this.#askingSessions.add(part.sessionId);
    try {
      await admit?.();
      return await this.#request(app, config, subject, part);
    } finally {
      this.#asking.delete(key);
      this.#askingSessions.delete(part.sessionId);
      this.#stopped.delete(part.sessionId);
    }
  }

  async #request(app: AppEntry, config: AppConfig, subject: Subject, part: PartOf): Promise<VodRecord> {
    const { mediaStore, livekit, databases, apps } = this.#deps;
    const plan = (await this.#deps.delivery.planOf(config)).recording;
    if (plan === null) throw new ApiError('RECORDING_DISABLED');
    if (plan.storage !== 'folder') await this.#requireProvider(app.name, subject.room);
    const given = plan.storage === 'bucket' ? await this.#target(app.name, config, subject.room) : null;
    if (given !== null) await this.#requireStorage(app.name, subject.room);
    else requireSpace(await this.#deps.freeBytes(apps.dir(app.name)), subject.room, plan);
    const recorded = await this.#recorded(subject, part.isAutomatic);
    const { result: begun } = mediaStore.changeWith(app, config, ({ db, note, now }) => {
      const { name, format, file_key, local_path, snapshot_prefix, place, request } = planRecording({
        plan,
        s3: config.s3,
        target: given?.target ?? null,
        appDir: apps.dir(app.name),
        subject: recorded,
        at: now,
        isTaken: (taken) => vodRepository(db).isNamed(taken),
      });
      const vod = beginVod(db, {
        app_id: app.id,
        stream_id: subject.stream?.stream_id ?? null,
        room: subject.room,
        name,
        file_key,
        format,
        local_path,
        started_at: new Date(now).toISOString(),
        egress_id: null,
        session_id: part.sessionId,
        part: part.part,
        identity: recorded.identity,
        is_automatic: part.isAutomatic ? 1 : 0,
        is_audio_only: recorded.audio === null ? 0 : 1,
        snapshot_prefix,
        ...place,
      });
      if (plan.storage === 'moved') {
        const { localDir: local_dir, removesLocal } = plan;
        const place = { ...LOCAL_PLACE, storage_provider: null };
        const removes_local = removesLocal ? 1 : 0;
        moveRepository(db).put({
          vod_id: vod.id,
          state: 'ordered',
          local_dir,
          removes_local,
          keys_json: '[]',
          ...place,
        });
      }
      note([{ kind: 'recording_starting', vod }]);
      return { vod, request };
    });
    if (given?.expiresAt != null) this.#deps.onExpiry(app.name, begun.vod.id, given.expiresAt);
    const vods = () => vodRepository(databases.get(app.name));
    try {
      const egress = await livekit.startRecording(begun.request);
      await this.#deps.mediaStore.change(app, ({ db, note, now, owner }) => {
        acceptVod(db, begun.vod.id, egress.id);
        note(applyEgress(db, egress, owner, now));
      });
    } catch (error) {
      if (this.#isClosed) throw error;
      // its event can show that it began, even if the answer came too late
      if (vods().get(begun.vod.id)?.egress_id == null) await this.#refused(app, begun.vod, recorded, error);
    }
    const vod = vods().get(begun.vod.id) as VodRecord;
    if (this.#stopped.has(part.sessionId)) await this.#deps.onStopped(app, vod);
    return vods().get(vod.id) ?? vod;
  }

  /** Recordings are not put elsewhere because the plugin of their storage is gone: it may never come back. */
  async #requireProvider(app: string, room: string): Promise<void> {
    const problem = await this.#deps.storage.providerProblem(app);
    if (problem === undefined) return;
    throw new ApiError(
      'RECORDING_NOT_TAKEN',
      { what: ` of ${room}`, reason: problem },
      { hint: 'Install or enable the plugin of this provider, or choose another provider for the app.' },
    );
  }

  /** Where LiveKit writes to. The storage doesn't know the room, which the refusal names. */
  async #target(app: string, config: AppConfig, room: string): Promise<RecordingTarget> {
    try {
      return await this.#deps.storage.recordingTarget(app, config.s3);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'RECORDING_NOT_TAKEN') throw error;
      const { hint, message, cause } = error;
      const named = message.replace(/^Recording was/, `Recording of ${room} was`);
      throw new ApiError(error.code, {}, { message: named, cause, ...(hint === undefined ? {} : { hint }) });
    }
  }

  /** Otherwise a bucket that refuses shows only at the end of the recording, which is then lost. */
  async #requireStorage(app: string, room: string): Promise<void> {
    const refusal = await this.#deps.storage.refusal(app);
    if (refusal === undefined) return;
    throw new ApiError(
      'RECORDING_NOT_TAKEN',
      { what: ` of ${room}`, reason: `the app’s storage refuses recordings. ${refusal}` },
      { hint: 'Correct the app’s storage settings, then test them with POST /apps/{name}/s3/test.' },
    );
  }

  /** With a picture, unless there is sound only: LiveKit would record it as a black film. */
  async #recorded({ room, stream }: Subject, isAutomatic: boolean): Promise<RecordedSubject> {
    const identity = stream?.participant ?? null;
    const withPicture = { room, identity, audio: null };
    try {
      for (const settle of isAutomatic ? [SETTLE_MS, 0] : [0]) {
        const tracks = (await this.#deps.livekit.listTracks(room)).filter(
          (track) => identity === null || track.identity === identity,
        );
        const sound = tracks.find(({ type }) => type === 'audio');
        if (sound === undefined || tracks.some(({ type }) => type === 'video')) return withPicture;
        if (settle === 0) return { room, identity, audio: { trackSid: sound.sid } };
        // the first track has just been published; the picture may follow it
        await pause(settle);
      }
    } catch (err) {
      this.#deps.log.warn({ room, err }, 'the tracks of a room are not known; it is recorded with a picture');
    }
    return withPicture;
  }

  async #refused(app: AppEntry, vod: VodRecord, { identity, audio }: RecordedSubject, error: unknown): Promise<never> {
    const failure = error instanceof LiveKitError ? error : new LiveKitError('refused', 'the request failed');
    const cpus = EGRESS_CPUS[identity === null ? 'room-composite' : audio === null ? 'participant' : 'track'];
    const asked = { what: 'egress', roomPrefix: app.roomPrefix, room: vod.room, identity, cpus } as const;
    const { reason, hint, extra } = isNotTaken(failure)
      ? await this.#deps.livekit.workers.explain(asked)
      : { reason: failure.message, hint: undefined, extra: {} };
    await this.#deps.mediaStore.change(app, ({ db, note, now }) => note(failVod(db, vod.id, reason, now)));
    const more = { extra: { vodId: vod.id, ...extra }, ...(hint === undefined ? {} : { hint }) };
    throw new ApiError('RECORDING_NOT_TAKEN', { what: ` of ${vod.room}`, reason: `${reason}.` }, more);
  }
}
