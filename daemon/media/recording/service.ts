import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { RecordingCredentials } from '#daemon/apps/storage/role.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { Principal } from '#daemon/platform/principal.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import type { StartRecordingBody } from '#shared/schema/recording.ts';
import type { LiveKit } from '../livekit/client.ts';
import { LiveKitError, toApiError } from '../livekit/errors.ts';
import type { MediaStore, RowChange } from '../media-store.ts';
import { type StreamRecord, streamRepository } from '../streams/repository.ts';
import type { RoomDirectory } from '../streams/room-directory.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import { acceptVod, applyEgress, beginVod, failVod } from '../vods/vod-lifecycle.ts';
import { PartTimers } from './parts.ts';
import { planRecording } from './plan.ts';

const FINISH_EVERY_MS = 1000;
const FINISH_LOOKS = 20;

export interface RecordingServiceDeps {
  livekit: LiveKit;
  mediaStore: MediaStore;
  databases: AppDatabases;
  directory: RoomDirectory;
  apps: {
    require(name: string): AppEntry;
    get(name: string): AppEntry | undefined;
    forRoom(room: string): AppEntry | undefined;
    dir(name: string): string;
  };
  config: { get(app: string): Promise<AppConfig> };
  storage: {
    recordingCredentials(app: string, block: AppConfig['s3']): Promise<RecordingCredentials>;
    usesRole(app: string, block: AppConfig['s3']): boolean;
  };
  findStream(app: string, id: string): StreamRecord;
  quotas: { checkRecording(principal: Principal | null, tenantId: string): Promise<void> };
  onChanges(app: AppEntry, changes: readonly RowChange[]): void;
  background: Background;
  log: Log<'info' | 'warn'>;
}

/** What one recording records. */
interface Subject {
  room: string;
  /** Null = the whole room. */
  stream: StreamRecord | null;
}

interface PartOf {
  sessionId: string;
  part: number;
  isAutomatic: boolean;
}

/** Starts and stops recordings through LiveKit's egress service, by hand, by itself, and in parts. */
export class RecordingService {
  readonly #deps: RecordingServiceDeps;
  /** Subjects that are being asked for right now. */
  readonly #asking = new Set<string>();
  readonly #askingSessions = new Set<string>();
  /** Sessions that were stopped while LiveKit was still being asked. */
  readonly #stopped = new Set<string>();
  readonly #parts: PartTimers;
  #isStopped = false;

  constructor(deps: RecordingServiceDeps) {
    this.#deps = deps;
    this.#parts = new PartTimers(deps.background, (app, vodId) => this.#nextPart(app, vodId));
  }

  stop(): void {
    this.#isStopped = true;
    this.#parts.stop();
  }

  /**
   * @param principal whose quota holds; null = the team's
   * @throws ApiError as the contract names them
   */
  async start(name: string, body: StartRecordingBody, principal: Principal | null): Promise<VodRecord> {
    const { app, config } = await this.#allowed(name);
    const { room } = body;
    if (this.#deps.apps.forRoom(room)?.id !== app.id) throw new ApiError('ROOM_NOT_FOUND', { room });
    const stream = body.streamId === undefined ? null : this.#activeStream(name, body.streamId, room);
    await this.#requireRoom(room);
    await this.#deps.quotas.checkRecording(principal, app.tenantId);
    const subject = { room, stream: stream ?? this.#chosenStream(app, config, room) };
    return this.#begin(app, config, subject, { sessionId: randomUUID(), part: 1, isAutomatic: false });
  }

  async startStream(name: string, id: string, principal: Principal | null): Promise<VodRecord> {
    const { app, config } = await this.#allowed(name);
    const stream = this.#activeStream(name, id);
    await this.#requireRoom(stream.room);
    await this.#deps.quotas.checkRecording(principal, app.tenantId);
    const part = { sessionId: randomUUID(), part: 1, isAutomatic: false };
    return this.#begin(app, config, { room: stream.room, stream }, part);
  }

  /** Ends the recording with all its parts. Ended already = the row as it is. */
  async end(name: string, vod: VodRecord): Promise<VodRecord> {
    const app = this.#deps.apps.require(name);
    const vods = vodRepository(this.#deps.databases.get(name));
    const session = vods
      .recordingIn(vod.room)
      .filter((one) => one.id === vod.id || (vod.session_id !== null && one.session_id === vod.session_id));
    if (vod.session_id !== null && this.#askingSessions.has(vod.session_id)) this.#stopped.add(vod.session_id);
    await this.#change(app, ({ db }) => {
      for (const one of session) vodRepository(db).update(one.id, { is_stopped: 1 });
    });
    for (const one of session) {
      this.#parts.forget(name, one.id);
      if (one.egress_id !== null) await this.#stopEgress(app, one);
    }
    return vods.get(vod.id) ?? vod;
  }

  async endStream(name: string, id: string): Promise<VodRecord> {
    const stream = this.#deps.findStream(name, id);
    const vod = vodRepository(this.#deps.databases.get(name)).newestOfStream(stream.stream_id);
    if (vod === undefined) throw new ApiError('VOD_NOT_FOUND', { id: `of the stream ${id}` });
    return this.end(name, vod);
  }

  /** Rows changed: what is to be recorded by itself begins, parts are timed. Nothing is thrown. */
  async follow(app: AppEntry, changes: readonly RowChange[]): Promise<void> {
    try {
      for (const change of changes) {
        if (!('vod' in change)) continue;
        if (change.kind === 'recording_started') await this.#timePart(app, change.vod);
        else if (change.vod.status !== 'recording') this.#parts.forget(app.name, change.vod.id);
      }
      const started = changes.flatMap((change) => (change.kind === 'stream_started' ? [change.stream] : []));
      if (started.length > 0) await this.#startByItself(app, started);
    } catch (err) {
      if (!this.#isStopped) this.#deps.log.warn({ app: app.name, err }, 'a recording could not start automatically');
    }
  }

  /** The room is over: what began by itself ends with it. */
  async roomFinished(app: AppEntry, room: string): Promise<void> {
    try {
      const vods = vodRepository(this.#deps.databases.get(app.name)).recordingIn(room);
      for (const vod of vods) if (vod.is_automatic === 1 && vod.egress_id !== null) await this.end(app.name, vod);
    } catch (err) {
      if (!this.#isStopped) this.#deps.log.warn({ app: app.name, room, err }, 'a recording could not be ended');
    }
  }

  /**
   * Ends what is being recorded for an app that is deleted, and gives LiveKit a moment to finish the files, so that they
   * can be deleted with the rest. Never throws: LiveKit may be gone for good.
   */
  async endAll(name: string): Promise<void> {
    const app = this.#deps.apps.require(name);
    const open = () =>
      vodRepository(this.#deps.databases.get(name))
        .open()
        .filter((vod) => vod.egress_id !== null);
    try {
      for (const vod of open()) if (vod.status !== 'uploading') await this.end(name, vod);
      for (let left = FINISH_LOOKS; left > 0 && open().length > 0; left--) {
        await pause(FINISH_EVERY_MS);
        for (const vod of open()) {
          const egress = await this.#deps.livekit.findEgress(vod.egress_id as string);
          if (egress === undefined) return;
          await this.#change(app, ({ db, note, now, owner }) => note(applyEgress(db, egress, owner, now)));
        }
      }
    } catch (err) {
      if (!this.#isStopped)
        this.#deps.log.warn({ app: name, err }, 'recordings could not be ended before the deletion');
    }
  }

  /** After a start of the daemon: recordings that go on get their parts again. */
  async resume(app: AppEntry): Promise<void> {
    const open = vodRepository(this.#deps.databases.get(app.name)).open();
    for (const vod of open) if (vod.status === 'recording') await this.#timePart(app, vod);
  }

  // --- inside ----------------------------------------------------------------------

  async #allowed(name: string): Promise<{ app: AppEntry; config: AppConfig }> {
    const app = this.#deps.apps.require(name);
    if (app.deleting) throw new ApiError('APP_BUSY', { name });
    const config = await this.#deps.config.get(name);
    if (!config.recording.enabled) throw new ApiError('RECORDING_DISABLED');
    if (!this.#deps.livekit.isConfigured) throw new ApiError('LIVEKIT_NOT_CONFIGURED');
    return { app, config };
  }

  #activeStream(name: string, id: string, room?: string): StreamRecord {
    const stream = this.#deps.findStream(name, id);
    if (stream.status !== 'active' || (room !== undefined && stream.room !== room)) {
      throw new ApiError('STREAM_NOT_FOUND', { id }, { message: `The app has no live stream ${id} to record.` });
    }
    return stream;
  }

  /** Mode `participant` without a stream: the only one there is. */
  #chosenStream(app: AppEntry, config: AppConfig, room: string): StreamRecord | null {
    if (config.recording.mode !== 'participant') return null;
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

  async #begin(app: AppEntry, config: AppConfig, subject: Subject, part: PartOf): Promise<VodRecord> {
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
      return await this.#request(app, config, subject, part);
    } finally {
      this.#asking.delete(key);
      this.#askingSessions.delete(part.sessionId);
      this.#stopped.delete(part.sessionId);
    }
  }

  async #request(app: AppEntry, config: AppConfig, subject: Subject, part: PartOf): Promise<VodRecord> {
    const { mediaStore, livekit, databases, apps } = this.#deps;
    const credentials = await this.#deps.storage.recordingCredentials(app.name, config.s3);
    if (config.s3.bucket !== '' && (credentials.key === '' || credentials.secret === '')) {
      const reason = 'the app’s bucket has no credentials.';
      throw new ApiError('RECORDING_NOT_TAKEN', { reason });
    }
    const { result: begun } = mediaStore.changeWith(app, config, ({ db, now }) => {
      const plan = planRecording({
        config,
        credentials,
        appDir: apps.dir(app.name),
        room: subject.room,
        identity: subject.stream?.participant ?? null,
        at: now,
        isTaken: (name) => vodRepository(db).isNamed(name),
      });
      const { name, file_key, local_path, snapshot_prefix, place } = plan;
      const vod = beginVod(db, {
        app_id: app.id,
        stream_id: subject.stream?.stream_id ?? null,
        room: subject.room,
        name,
        file_key,
        format: 'mp4',
        local_path,
        started_at: new Date(now).toISOString(),
        egress_id: null,
        session_id: part.sessionId,
        part: part.part,
        identity: subject.stream?.participant ?? null,
        is_automatic: part.isAutomatic ? 1 : 0,
        snapshot_prefix,
        is_audio_only: 0,
        ...place,
      });
      return { vod, request: plan.request };
    });
    if (credentials.expiresAt !== null) this.#parts.limit(app.name, begun.vod.id, credentials.expiresAt);
    try {
      const egress = await livekit.startRecording(begun.request);
      await this.#change(app, ({ db, note, now, owner }) => {
        note(acceptVod(db, begun.vod.id, egress.id));
        note(applyEgress(db, egress, owner, now));
      });
    } catch (error) {
      if (this.#isStopped) throw error;
      // its own event can tell that it began, though the answer was late
      const hasBegun = vodRepository(databases.get(app.name)).get(begun.vod.id)?.egress_id != null;
      if (!hasBegun) await this.#refused(app, begun.vod, error);
    }
    const vod = vodRepository(databases.get(app.name)).get(begun.vod.id) as VodRecord;
    if (this.#stopped.has(part.sessionId)) await this.#stopEgress(app, vod);
    return vodRepository(databases.get(app.name)).get(vod.id) ?? vod;
  }

  async #refused(app: AppEntry, vod: VodRecord, error: unknown): Promise<never> {
    const failure = error instanceof LiveKitError ? error : new LiveKitError('refused', 'the request failed');
    const reason = reasonOf(failure);
    this.#deps.log.warn({ app: app.name, room: vod.room, reason }, 'LiveKit did not accept the recording');
    await this.#change(app, ({ db, note, now }) => note(failVod(db, vod.id, reason, now)));
    throw new ApiError('RECORDING_NOT_TAKEN', { reason: `${reason}.` }, { extra: { vodId: vod.id } });
  }

  async #stopEgress(app: AppEntry, vod: VodRecord): Promise<void> {
    const { livekit } = this.#deps;
    const id = vod.egress_id as string;
    try {
      const egress = (await livekit.stopEgress(id)) ?? (await livekit.findEgress(id));
      await this.#change(app, ({ db, note, now, owner }) => {
        if (egress === undefined) note(failVod(db, vod.id, 'LiveKit no longer knows this recording', now));
        else note(applyEgress(db, egress, owner, now));
      });
    } catch (error) {
      throw toApiError(error);
    }
  }

  async #change(app: AppEntry, work: Parameters<MediaStore['change']>[1]): Promise<void> {
    const { changes } = await this.#deps.mediaStore.change(app, work);
    if (changes.length > 0) this.#deps.onChanges(app, changes);
  }

  async #startByItself(app: AppEntry, started: readonly StreamRecord[]): Promise<void> {
    const config = await this.#deps.config.get(app.name);
    if (!config.recording.enabled || !config.recording.auto || app.deleting || this.#isStopped) return;
    const streams = streamRepository(this.#deps.databases.get(app.name));
    const subjects: Subject[] =
      config.recording.mode === 'participant'
        ? started.map((stream) => ({ room: stream.room, stream }))
        : [...new Set(started.map((stream) => stream.room))]
            // only with the first publisher
            .filter((room) => streams.activeIn(room).length <= started.filter((stream) => stream.room === room).length)
            .map((room) => ({ room, stream: null }));
    if (subjects.length === 0) return;
    await this.#deps.quotas.checkRecording(null, app.tenantId);
    const part = () => ({ sessionId: randomUUID(), part: 1, isAutomatic: true });
    const outcomes = await Promise.allSettled(subjects.map((subject) => this.#begin(app, config, subject, part())));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected' && !isExpected(outcome.reason)) throw outcome.reason;
    }
  }

  async #timePart(app: AppEntry, vod: VodRecord): Promise<void> {
    if (vod.session_id === null || vod.part === null) return;
    const { recording, s3 } = await this.#deps.config.get(app.name);
    const moments: number[] = [];
    if (recording.splitMinutes > 0) {
      // after the clock was set back, the start can be in the future
      const start = Math.min(Date.parse(vod.started_at), Date.now());
      moments.push(start + recording.splitMinutes * 60_000);
    }
    // after a restart nobody knows how long the credentials last: the next part gets fresh ones
    if (this.#deps.storage.usesRole(app.name, s3)) moments.push(this.#parts.limitOf(app.name, vod.id) ?? Date.now());
    if (moments.length > 0) this.#parts.set(app.name, vod.id, Math.min(...moments));
  }

  /** The next part begins before the last one is stopped, so that nothing is missing in between. */
  async #nextPart(name: string, vodId: number): Promise<void> {
    const app = this.#deps.apps.get(name);
    if (app === undefined || app.deleting || this.#isStopped) return;
    const vod = vodRepository(this.#deps.databases.get(name)).get(vodId);
    if (vod?.status !== 'recording' || vod.session_id === null || vod.part === null) return;
    try {
      const config = await this.#deps.config.get(name);
      const stream = vod.stream_id === null ? null : this.#deps.findStream(name, vod.stream_id);
      if (stream !== null && stream.status !== 'active') return;
      const part = { sessionId: vod.session_id, part: vod.part + 1, isAutomatic: vod.is_automatic === 1 };
      await this.#begin(app, config, { room: vod.room, stream }, part);
      await this.#stopEgress(app, vod);
    } catch (err) {
      if (this.#isStopped) return;
      // the part that runs is not given up for one that does not begin
      this.#parts.setIn(name, vodId, 60_000);
      this.#deps.log.warn({ app: name, vodId, err }, 'the next part of a recording could not be started');
    }
  }
}

const isExpected = (error: unknown): boolean =>
  error instanceof ApiError && (error.code === 'RECORDING_NOT_TAKEN' || error.code === 'ALREADY_RECORDING');

function reasonOf(failure: LiveKitError): string {
  if (failure.failure === 'timeout' || /no response from servers/i.test(failure.message)) {
    return 'no egress service accepted the recording';
  }
  return failure.message;
}
