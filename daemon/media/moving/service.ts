import { MessageChannel } from 'node:worker_threads';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import {
  isKeptLocally,
  isSamePlace,
  LOCAL_PLACE,
  placeOf,
  type RecordedPlace,
  recordedPlace,
} from '#daemon/apps/storage/location.ts';
import type { StorageAccess } from '#daemon/apps/storage/open-client.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { SYSTEM } from '#daemon/platform/http/types.ts';
import type { JobRun } from '#daemon/platform/jobs/handler.ts';
import { NO_LIMIT } from '#daemon/platform/jobs/repository.ts';
import type { JobService } from '#daemon/platform/jobs/service.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import type { AppConfig } from '#shared/config/defaults.ts';
import { ApiError } from '#shared/errors.ts';
import type { JobProgress, JobState } from '#shared/schema/jobs.ts';
import type { MediaStore, RowChange } from '../media-store.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import { FINISHED } from '../vods/vod-lifecycle.ts';
import { commitMove, type MovedFile, movedFiles, movedKey } from './files.ts';
import { type MoveRecord, moveRepository } from './repository.ts';
import type { MoveOutput, MoveStep, MoveTask } from './tasks/move.ts';
import { MOVE } from './tasks.ts';

const AT_ONCE = 3;

export interface MovingDeps {
  jobs: JobService;
  mediaStore: MediaStore;
  databases: AppDatabases;
  apps: { get(name: string): AppEntry | undefined; entries(): Iterable<AppEntry>; dir(name: string): string };
  config: { get(app: string): Promise<AppConfig> };
  storage: { access(app: string, place: RecordedPlace): Promise<{ access: StorageAccess }> };
  pool: WorkerPool;
  plugins: PluginService;
  background: Background;
  log: Log<'warn'>;
}

interface MoveInput {
  app: string;
  appId: number;
  vodId: number;
}

interface Checkpoint {
  /** Files before it are in the storage. */
  next: number;
}

type Run = JobRun<MoveInput, Checkpoint>;

/** Moves recordings from the app's folder to a storage that LiveKit can't write to. Each is a job. */
export class MovingService {
  readonly #deps: MovingDeps;
  /** VODs that are deleted: what was uploaded is deleted with them. */
  readonly #ending = new Set<string>();

  constructor(deps: MovingDeps) {
    this.#deps = deps;
    deps.jobs.register<MoveInput, Checkpoint>({
      kind: 'vod-move',
      atOnce: AT_ONCE,
      isSame: ({ vodId }, other) => vodId === other.vodId,
      prepare: (input) => this.#prepare(input),
      run: (run) => this.#run(run),
      isCancellable: (progress) => progress?.phase !== 'finish',
      ended: (input, state) => this.#ended(input, state),
    });
  }

  /** Recordings that LiveKit has finished. */
  follow(app: AppEntry, changes: readonly RowChange[]): void {
    for (const change of changes) {
      if (change.kind !== 'recording_uploading') continue;
      const move = moveRepository(this.#deps.databases.get(app.name)).get(change.vod.id);
      if (move?.state === 'moving' && !app.deleting) this.#begin(app, change.vod);
    }
  }

  /** Continues moves that a killed daemon left without a job, in the background. */
  start(): void {
    const { background, apps, databases, log } = this.#deps;
    background.run('unfinished moves of recordings', async () => {
      for (const app of [...apps.entries()]) {
        if (app.deleting) continue;
        await new Promise((resolve) => setImmediate(resolve));
        try {
          const db = databases.get(app.name);
          for (const { vod_id } of moveRepository(db).open()) {
            const vod = vodRepository(db).get(vod_id);
            if (vod !== undefined) this.#begin(app, vod);
          }
        } catch (err) {
          log.warn({ app: app.name, err }, 'moves of recordings could not be continued');
        }
      }
    });
  }

  /** Ends the job of a VOD that is deleted, or those of an app. What they have uploaded stays named by their rows. */
  async end(app: string, vodId?: number): Promise<void> {
    const { jobs, apps } = this.#deps;
    const entry = apps.get(app);
    for (const { job, appId, input } of jobs.active<MoveInput>('vod-move')) {
      if (appId !== entry?.id || (vodId !== undefined && input.vodId !== vodId)) continue;
      const key = keyOf(input);
      this.#ending.add(key);
      try {
        await jobs.end(job.id);
      } finally {
        this.#ending.delete(key);
      }
    }
  }

  #begin(app: AppEntry, vod: VodRecord): void {
    const { jobs } = this.#deps;
    const isActive = jobs
      .active<MoveInput>('vod-move')
      .some(({ appId, input }) => appId === app.id && input.vodId === vod.id);
    if (isActive) return;
    jobs.create({
      kind: 'vod-move',
      title: `Move ${vod.name} to the storage`,
      app: app.name,
      appId: app.id,
      tenantId: app.tenantId,
      input: { app: app.name, appId: app.id, vodId: vod.id } satisfies MoveInput,
      maxAttempts: NO_LIMIT,
      actor: SYSTEM,
    });
  }

  #require({ app: name, appId, vodId }: MoveInput): { app: AppEntry; vod: VodRecord; move: MoveRecord } {
    const { apps, databases } = this.#deps;
    const app = apps.get(name);
    if (app?.id !== appId) throw new ApiError('JOB_OUTDATED', { what: `The app ${name}` });
    if (app.deleting) throw new ApiError('APP_BUSY', { name });
    const db = databases.get(name);
    const vod = vodRepository(db).get(vodId);
    const move = moveRepository(db).get(vodId);
    if (vod === undefined || move === undefined) throw new ApiError('VOD_NOT_FOUND', { id: vodId });
    return { app, vod, move };
  }

  /** A job that was given up can be retried by hand: then the recording moves again. */
  #prepare(input: MoveInput): void {
    const { vod, move } = this.#require(input);
    if (move.state !== 'kept') return;
    const db = this.#deps.databases.get(input.app);
    moveRepository(db).set(vod.id, { state: 'moving' });
    vodRepository(db).update(vod.id, { status: 'uploading', error: null, note: null });
  }

  async #run(run: Run): Promise<object> {
    const { app, vod, move } = this.#require(run.input);
    if (move.state === 'moved') return this.#removeLocal(app, move);
    // a kill came between the rows and the end of the job
    if (move.state === 'kept') return { vod: vod.id };
    const { s3 } = await this.#deps.config.get(app.name);
    if (isKeptLocally(s3)) {
      await this.#settle(app, vod.id, 'ready', null);
      return { vod: vod.id, kept: true };
    }
    const db = this.#deps.databases.get(app.name);
    const appFolder = this.#deps.apps.dir(app.name);
    const rename = (key: string) => movedKey(key, move.local_dir, s3.prefix);
    const files = movedFiles(db, vod, appFolder, rename);
    const place = placeOf(s3);
    const isSame = await this.#target(app, move, place, files);
    const from = isSame ? (run.checkpoint?.next ?? 0) : 0;
    const { access } = await this.#access(app.name, place);
    const isFirst = run.attempt === 1 && run.checkpoint === null;
    const put: MoveStep = { kind: 'put', folder: appFolder, files, from, isFirst };
    const { bytes, missing } = await this.#perform(app.name, access, put, run);
    run.signal.throwIfAborted();
    run.save({ next: files.length }, { phase: 'finish', done: bytes, total: bytes, failed: 0, unit: 'bytes' });
    await this.#deps.mediaStore.change(app, ({ db: tx, note }) => {
      const left = files.map((file) => file.from).filter((key) => move.removes_local === 1 || key !== vod.local_path);
      moveRepository(tx).set(vod.id, {
        ...LOCAL_PLACE,
        state: move.removes_local === 1 ? 'moved' : 'kept',
        keys_json: JSON.stringify(left),
      });
      note([{ kind: 'recording_finished', vod: commitMove(tx, vod, { move, place, appFolder }, rename) }]);
    });
    const result = { vod: vod.id, bytes, files: files.length - missing, missing };
    if (move.removes_local === 0) return result;
    await this.#removeLocal(app, { ...move, keys_json: JSON.stringify(files.map((file) => file.from)) });
    return result;
  }

  /** Names what is uploaded before it is. What an earlier attempt has put elsewhere is removed. @returns whether it is the same as before */
  async #target(app: AppEntry, move: MoveRecord, place: RecordedPlace, files: readonly MovedFile[]): Promise<boolean> {
    const keys_json = JSON.stringify(files.map(({ to }) => to));
    const isNamed = move.storage_provider !== null;
    const isSame = isSamePlace(move, place) && move.keys_json === keys_json;
    if (isNamed && !isSame) await this.#removeUploaded(app.name, move);
    await this.#deps.mediaStore.change(app, ({ db }) => {
      moveRepository(db).set(move.vod_id, { ...place, keys_json });
    });
    return isSame;
  }

  async #removeLocal(app: AppEntry, { vod_id, keys_json }: MoveRecord): Promise<object> {
    const keys = JSON.parse(keys_json) as string[];
    const folder = this.#deps.apps.dir(app.name);
    await this.#perform(app.name, null, { kind: 'remove-local', folder, keys });
    await this.#deps.mediaStore.change(app, ({ db }) => {
      moveRepository(db).remove(vod_id);
    });
    return { vod: vod_id };
  }

  /** @returns whether nothing is left there */
  async #removeUploaded(app: string, move: MoveRecord): Promise<boolean> {
    const keys = JSON.parse(move.keys_json) as string[];
    if (move.storage_provider === null || keys.length === 0) return true;
    try {
      const { access } = await this.#access(app, recordedPlace(move));
      await this.#perform(app, access, { kind: 'remove', keys });
      return true;
    } catch (err) {
      this.#deps.log.warn({ app, vod: move.vod_id, err }, 'what was uploaded of a recording could not be removed');
      return false;
    }
  }

  /** A disabled plugin can be enabled again later. */
  async #access(app: string, place: RecordedPlace): Promise<{ access: StorageAccess }> {
    try {
      return await this.#deps.storage.access(app, place);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new ApiError('RECORDING_NOT_MOVED', { reason: error.message }, { cause: error });
    }
  }

  async #perform(app: string, access: StorageAccess | null, step: MoveStep, run?: Run) {
    const { pool, plugins } = this.#deps;
    const { port1, port2 } = new MessageChannel();
    const stop = () => port1.postMessage('stop');
    let failure: unknown;
    port1.on('message', ({ next, progress }: { next: number; progress: JobProgress }) => {
      try {
        run?.save({ next }, progress);
      } catch (error) {
        failure = error;
        stop();
      }
    });
    run?.signal.throwIfAborted();
    run?.signal.addEventListener('abort', stop, { once: true });
    try {
      const output = await plugins.withBroker(app, (pluginPort) => {
        const task: MoveTask = { step, access, port: port2, plugins: pluginPort };
        return pool.run<MoveTask, MoveOutput>(MOVE, task, { app, transfer: [port2, pluginPort] });
      });
      run?.signal.throwIfAborted();
      if (failure !== undefined) throw failure;
      if ('problem' in output) {
        const { problem, reason } = output;
        throw new ApiError(problem === 'missing' ? 'RECORDING_FILE_MISSING' : 'RECORDING_NOT_MOVED', { reason });
      }
      if ('stopped' in output) throw new Error('the move was stopped');
      return output.done;
    } finally {
      run?.signal.removeEventListener('abort', stop);
      port1.close();
    }
  }

  /** It stays in the app's folder. */
  async #settle(app: AppEntry, vodId: number, status: 'ready' | 'failed', words: string | null): Promise<void> {
    const move = moveRepository(this.#deps.databases.get(app.name)).get(vodId);
    if (move === undefined) return;
    const isGone = await this.#removeUploaded(app.name, move);
    await this.#deps.mediaStore.change(app, ({ db, note }) => {
      moveRepository(db).set(vodId, { state: 'kept', ...(isGone ? { ...NOWHERE, keys_json: '[]' } : {}) });
      const vod = vodRepository(db).update(
        vodId,
        status === 'ready' ? { ...FINISHED, note: words } : { status, error: words },
      );
      note([{ kind: status === 'ready' ? 'recording_finished' : 'recording_failed', vod }]);
    });
  }

  async #ended(input: MoveInput, state: JobState): Promise<void> {
    if ((state !== 'failed' && state !== 'cancelled') || this.#ending.has(keyOf(input))) return;
    const { apps, databases } = this.#deps;
    const app = apps.get(input.app);
    if (app?.id !== input.appId) return;
    const db = databases.get(app.name);
    const vod = vodRepository(db).get(input.vodId);
    if (vod === undefined || moveRepository(db).get(vod.id)?.state !== 'moving') return;
    const isThere = movedFiles(db, vod, apps.dir(app.name), (key) => key).length > 0;
    if (state === 'cancelled')
      await this.#settle(app, vod.id, 'ready', 'It stays in the app’s folder: the move was cancelled.');
    else if (isThere)
      await this.#settle(app, vod.id, 'failed', 'it could not be moved to the storage; its job says why');
  }
}

const NOWHERE: RecordedPlace = { ...LOCAL_PLACE, storage_provider: null };
const keyOf = ({ appId, vodId }: MoveInput): string => `${appId} ${vodId}`;
