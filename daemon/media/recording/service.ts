import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { RecordingTarget } from '#daemon/apps/storage/recording-target.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { Clock } from '#daemon/platform/clock.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import type { DeliveryPlan, RecordingPlan } from '#shared/delivery/plan.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type { StartRecordingBody } from '#shared/schema/recording.ts';
import type { LiveKit } from '../livekit/client.ts';
import { toApiError } from '../livekit/errors.ts';
import type { MediaStore, RowChange } from '../media-store.ts';
import { livekitMemory, type StreamRecord, streamRepository } from '../streams/repository.ts';
import type { RoomDirectory } from '../streams/room-directory.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import { applyEgress } from '../vods/vod-lifecycle.ts';
import { AutomaticRecordings } from './automatic.ts';
import { LostRecordings } from './lost.ts';
import { RecordingOrders, type Subject } from './orders.ts';
import { PartTimers } from './parts.ts';

const FINISH_EVERY_MS = 1000;
const FINISH_LOOKS = 20;
/** When a part that waits for the next one looks again. */
const HANDOVER_MS = 30_000;
const RETRY_MS = 60_000;

export interface RecordingServiceDeps {
  livekit: LiveKit;
  mediaStore: MediaStore;
  databases: AppDatabases;
  directory: RoomDirectory;
  apps: {
    require(name: string): AppEntry;
    get(name: string): AppEntry | undefined;
    dir(name: string): string;
  };
  /** An app's room that a name means; undefined when it is another app's. */
  roomOf(app: AppEntry, name: string): string | undefined;
  config: { get(app: string): Promise<AppConfig> };
  delivery: { planOf(config: AppConfig): Promise<DeliveryPlan> };
  storage: {
    recordingTarget(app: string, block: AppConfig['s3']): Promise<RecordingTarget>;
    usesRole(app: string, block: AppConfig['s3']): boolean;
    refusal(app: string): Promise<string | undefined>;
    providerProblem(app: string): Promise<string | undefined>;
  };
  /** Keeps what a lost recording left in the storage. */
  recover(app: AppEntry, vod: VodRecord, reason: string): Promise<void>;
  freeBytes(folder: string): Promise<number>;
  findStream(app: string, id: string): StreamRecord;
  quotas: { checkRecording(principal: Principal | null, tenantId: string): Promise<void> };
  background: Background;
  clock: Clock;
  log: Log;
}

/** Starts and stops recordings through LiveKit's egress service, by hand, automatically, and in parts. */
export class RecordingService {
  readonly #deps: RecordingServiceDeps;
  readonly #orders: RecordingOrders;
  readonly #automatic: AutomaticRecordings;
  readonly #lost: LostRecordings;
  readonly #parts: PartTimers;
  #isStopped = false;

  constructor(deps: RecordingServiceDeps) {
    this.#deps = deps;
    this.#parts = new PartTimers(deps.background, (app, vodId) => this.#nextPart(app, vodId), deps.clock);
    this.#lost = new LostRecordings(deps);
    this.#orders = new RecordingOrders({
      ...deps,
      onExpiry: (app, vodId, expiresAt) => this.#parts.limit(app, vodId, expiresAt),
      onStopped: (app, vod) => this.#lost.stop(app, vod),
    });
    this.#automatic = new AutomaticRecordings({ ...deps, orders: this.#orders });
  }

  stop(): void {
    this.#isStopped = true;
    this.#orders.close();
    this.#automatic.stop();
    this.#parts.stop();
  }

  /**
   * @param principal whose quota holds; null = the team's
   * @throws ApiError as the contract names them
   */
  async start(name: string, body: StartRecordingBody, principal: Principal | null): Promise<VodRecord> {
    const { app, config, plan } = await this.#allowed(name);
    const room = this.#deps.roomOf(app, body.room);
    if (room === undefined) throw new ApiError('ROOM_NOT_FOUND', { room: body.room });
    const stream = body.streamId === undefined ? null : this.#activeStream(name, body.streamId, room);
    await this.#requireRoom(room);
    return this.#begin(app, config, { room, stream: stream ?? this.#chosenStream(app, plan, room) }, principal);
  }

  async startStream(name: string, id: string, principal: Principal | null): Promise<VodRecord> {
    const { app, config } = await this.#allowed(name);
    const stream = this.#activeStream(name, id);
    await this.#requireRoom(stream.room);
    return this.#begin(app, config, { room: stream.room, stream }, principal);
  }

  #begin(app: AppEntry, config: AppConfig, subject: Subject, principal: Principal | null): Promise<VodRecord> {
    const part = { sessionId: randomUUID(), part: 1, isAutomatic: false };
    return this.#orders.begin(app, config, subject, part, () =>
      this.#deps.quotas.checkRecording(principal, app.tenantId),
    );
  }

  /** Ends the recording with all its parts. Ended already = the row as it is. */
  async end(name: string, vod: VodRecord): Promise<VodRecord> {
    const app = this.#deps.apps.require(name);
    const vods = () => vodRepository(this.#deps.databases.get(name));
    const session = vods()
      .recordingIn(vod.room)
      .filter((one) => one.id === vod.id || (vod.session_id !== null && one.session_id === vod.session_id));
    this.#orders.stopSession(vod.session_id);
    await this.#deps.mediaStore.change(app, ({ db }) => {
      for (const one of session) vodRepository(db).update(one.id, { is_stopped: 1 });
    });
    for (const one of session) this.#parts.forget(name, one.id);
    await all(session.filter(({ egress_id }) => egress_id !== null).map((one) => this.#lost.stop(app, one)));
    return vods().get(vod.id) ?? vod;
  }

  async endStream(name: string, id: string): Promise<VodRecord> {
    const stream = this.#deps.findStream(name, id);
    const vod = vodRepository(this.#deps.databases.get(name)).newestOfStream(stream.stream_id);
    if (vod === undefined) throw new ApiError('VOD_NOT_FOUND', { id: `of the stream ${id}` });
    return this.end(name, vod);
  }

  /** Called when rows change: starts automatic recordings, times parts, ends the old part with the new one. Never throws. */
  async follow(app: AppEntry, changes: readonly RowChange[]): Promise<void> {
    try {
      for (const change of changes) {
        if (!('vod' in change)) continue;
        const { kind, vod } = change;
        if (kind === 'recording_started') await this.#begun(app, vod);
        else if (vod.status !== 'recording') this.#parts.forget(app.name, vod.id);
        if (kind !== 'recording_failed') continue;
        this.#logFailure(app, vod);
        if (!this.#isStopped) this.#automatic.failed(app, vod);
      }
      const started = changes.flatMap((change) => (change.kind === 'stream_started' ? [change.stream] : []));
      if (started.length > 0 && !this.#isStopped) await this.#automatic.started(app, started);
    } catch (err) {
      if (!this.#isStopped)
        this.#deps.log.error(
          { app: app.name, err },
          `Recordings of ${app.name} could not start automatically: ${(err as Error).message}`,
        );
    }
  }

  /** The room is over: what began by itself ends with it. */
  async roomFinished(app: AppEntry, room: string): Promise<void> {
    const vods = vodRepository(this.#deps.databases.get(app.name)).recordingIn(room);
    await this.#endEach(
      app.name,
      vods.filter((vod) => vod.is_automatic === 1 && vod.egress_id !== null),
    );
  }

  /** A picture came to a room: a recording of sound alone continues as one with a picture. */
  pictureCame(app: AppEntry, room: string, identity: string): void {
    for (const vod of vodRepository(this.#deps.databases.get(app.name)).recordingIn(room)) {
      const isMeant = vod.is_audio_only === 1 && (vod.identity === null || vod.identity === identity);
      if (isMeant) this.#parts.setIn(app.name, vod.id, vod.status === 'recording' ? 0 : HANDOVER_MS);
    }
  }

  /** A recorder left its room. @param hasTimedOut its connection was lost */
  async recorderLeft(app: AppEntry, egressId: string, hasTimedOut: boolean): Promise<void> {
    const vod = vodRepository(this.#deps.databases.get(app.name)).byEgress(egressId);
    if (vod?.status === 'starting' || vod?.status === 'recording') await this.#lost.recorderLeft(app, vod, hasTimedOut);
  }

  /** An egress event arrived, perhaps after the event that its recorder is gone. */
  async egressTold(app: AppEntry, egressId: string): Promise<void> {
    if (livekitMemory(this.#deps.databases.get(app.name)).isRecorder(egressId, 'lost'))
      await this.recorderLeft(app, egressId, true);
  }

  /** It runs by LiveKit's list, or LiveKit does not know it: is its recorder still there? */
  checkRecorder(app: AppEntry, vod: VodRecord): Promise<void> {
    return this.#lost.check(app, vod);
  }

  /**
   * Ends the recordings of an app that is being deleted, and gives LiveKit a moment to finish the files, so that they
   * can be deleted with the rest. Never throws, because LiveKit may be gone.
   */
  async endAll(name: string): Promise<void> {
    const app = this.#deps.apps.require(name);
    const open = () =>
      vodRepository(this.#deps.databases.get(name))
        .open()
        .filter((vod) => vod.egress_id !== null);
    try {
      await this.#endEach(
        name,
        open().filter(({ status }) => status !== 'uploading'),
      );
      for (let left = FINISH_LOOKS; left > 0 && open().length > 0; left--) {
        await pause(FINISH_EVERY_MS);
        for (const vod of open()) {
          const egress = await this.#deps.livekit.findEgress(vod.egress_id as string);
          if (egress === undefined) continue;
          await this.#deps.mediaStore.change(app, ({ db, note, now, owner }) =>
            note(applyEgress(db, egress, owner, now)),
          );
        }
      }
    } catch (err) {
      if (!this.#isStopped) this.#deps.log.warn({ app: name, err }, 'recordings could not be waited for');
    }
  }

  /** After a start of the daemon: recordings that still run get their parts again, and those that failed are tried again. */
  async resume(app: AppEntry): Promise<void> {
    const vods = vodRepository(this.#deps.databases.get(app.name));
    for (const vod of vods.open()) if (vod.status === 'recording') await this.#begun(app, vod);
    for (const vod of vods.brokenOff()) this.#automatic.failed(app, vod);
  }

  // --- inside ----------------------------------------------------------------------

  async #allowed(name: string): Promise<{ app: AppEntry; config: AppConfig; plan: RecordingPlan }> {
    const app = this.#deps.apps.require(name);
    if (app.deleting) throw new ApiError('APP_BUSY', { name });
    const config = await this.#deps.config.get(name);
    const plan = (await this.#deps.delivery.planOf(config)).recording;
    if (plan === null) throw new ApiError('RECORDING_DISABLED');
    if (!this.#deps.livekit.isConfigured) throw new ApiError('LIVEKIT_NOT_CONFIGURED');
    return { app, config, plan };
  }

  #activeStream(name: string, id: string, room?: string): StreamRecord {
    const stream = this.#deps.findStream(name, id);
    if (stream.status !== 'active' || (room !== undefined && stream.room !== room)) {
      throw new ApiError('STREAM_NOT_FOUND', { id }, { message: `The app has no live stream ${id} to record.` });
    }
    return stream;
  }

  /** Mode `participant` without a stream: the only one there is. */
  #chosenStream(app: AppEntry, plan: RecordingPlan, room: string): StreamRecord | null {
    if (plan.mode !== 'participant') return null;
    const active = streamRepository(this.#deps.databases.get(app.name)).activeIn(room);
    if (active.length > 1)
      throw fieldError('body.streamId', 'is required, because several participants publish in this room');
    const [only] = active;
    if (only === undefined) throw new ApiError('STREAM_NOT_FOUND', { id: `in the room ${room}` });
    return only;
  }

  async #requireRoom(room: string): Promise<void> {
    if (this.#deps.directory.has(room)) return;
    try {
      if ((await this.#deps.livekit.listRooms([room])).length > 0) return;
    } catch (error) {
      throw toApiError(error);
    }
    throw new ApiError('ROOM_NOT_FOUND', { room });
  }

  async #endEach(name: string, vods: readonly VodRecord[]): Promise<void> {
    try {
      await all(vods.map((vod) => this.end(name, vod)));
    } catch (err) {
      if (!this.#isStopped) this.#deps.log.warn({ app: name, err }, 'a recording could not be ended');
    }
  }

  /** One that never began has the line of the request, or of the attempt, to start it. */
  #logFailure({ name: app }: AppEntry, { id, room, egress_id: egress, error }: VodRecord): void {
    if (egress !== null)
      this.#deps.log.error(
        { app, room, vod: id, egress, code: 'RECORDING_FAILED' },
        `Recording of ${room} failed: ${error ?? 'LiveKit gave no reason'}`,
      );
  }

  /** Parts of the same recording before this one. */
  #partsOf({ room, session_id }: VodRecord, app: AppEntry): VodRecord[] {
    if (session_id === null) return [];
    return vodRepository(this.#deps.databases.get(app.name))
      .recordingIn(room)
      .filter((vod) => vod.session_id === session_id);
  }

  /** A part records: its end is timed, and the parts before it have done their work. */
  async #begun(app: AppEntry, vod: VodRecord): Promise<void> {
    await this.#timePart(app, vod);
    const older = this.#partsOf(vod, app).filter((one) => (one.part ?? 0) < (vod.part ?? 0) && one.egress_id !== null);
    const outcomes = await Promise.allSettled(older.map((one) => this.#lost.stop(app, one)));
    outcomes.forEach((outcome, index) => {
      if (outcome.status === 'rejected') this.#parts.setIn(app.name, (older[index] as VodRecord).id, RETRY_MS);
    });
  }

  async #timePart(app: AppEntry, vod: VodRecord): Promise<void> {
    if (vod.session_id === null || vod.part === null) return;
    const config = await this.#deps.config.get(app.name);
    const { recording } = await this.#deps.delivery.planOf(config);
    const waits: number[] = [];
    if (recording !== null && recording.splitSeconds > 0) {
      const age = this.#parts.age(app.name, vod.id, Date.parse(vod.started_at));
      waits.push(recording.splitSeconds * 1000 - age);
    }
    // after a restart nobody knows how long the credentials last: the next part gets fresh ones
    if (this.#deps.storage.usesRole(app.name, config.s3)) waits.push(this.#parts.limitIn(app.name, vod.id) ?? 0);
    if (waits.length > 0) this.#parts.setIn(app.name, vod.id, Math.min(...waits));
  }

  /** The next part begins; this one ends when that one records, so that nothing is missing in between. */
  async #nextPart(name: string, vodId: number): Promise<void> {
    const app = this.#deps.apps.get(name);
    if (app === undefined || app.deleting || this.#isStopped) return;
    const vod = vodRepository(this.#deps.databases.get(name)).get(vodId);
    if (vod?.status !== 'recording' || vod.session_id === null || vod.part === null) return;
    try {
      const later = this.#partsOf(vod, app).filter(({ part }) => (part ?? 0) > (vod.part ?? 0));
      const recording = later.find(({ status }) => status === 'recording');
      if (recording !== undefined) return await this.#begun(app, recording);
      if (later.length === 0) {
        const config = await this.#deps.config.get(name);
        const stream = vod.stream_id === null ? null : this.#deps.findStream(name, vod.stream_id);
        if (stream !== null && stream.status !== 'active') return;
        const part = { sessionId: vod.session_id, part: vod.part + 1, isAutomatic: vod.is_automatic === 1 };
        await this.#orders.begin(app, config, { room: vod.room, stream }, part);
      }
      const isHandedOver = vodRepository(this.#deps.databases.get(name)).get(vodId)?.status !== 'recording';
      if (!isHandedOver) this.#parts.setIn(name, vodId, HANDOVER_MS);
    } catch (err) {
      if (this.#isStopped) return;
      // keep the running part if the next one doesn't begin
      this.#parts.setIn(name, vodId, RETRY_MS);
      this.#deps.log.error(
        { app: name, vodId, err },
        `The next part of a recording was not started: ${(err as Error).message}`,
      );
    }
  }
}

/** Waits for all, then throws the first failure, so that one failure doesn't keep the others running. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) if (outcome.status === 'rejected') throw outcome.reason;
}
