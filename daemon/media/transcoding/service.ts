import { rm } from 'node:fs/promises';
import path from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { StorageAccess } from '#daemon/apps/storage/open-client.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { SYSTEM } from '#daemon/platform/http/types.ts';
import type { JobHandler, JobRun } from '#daemon/platform/jobs/handler.ts';
import type { JobService } from '#daemon/platform/jobs/service.ts';
import type { Log } from '#daemon/platform/log.ts';
import { findProgram, installHint } from '#daemon/platform/programs.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import type { DeliveryPlan, VodPlan } from '#shared/delivery/plan.ts';
import { ApiError } from '#shared/errors.ts';
import { bytes } from '#shared/format.ts';
import type { JobProgress, JobState } from '#shared/schema/jobs.ts';
import type { MediaStore, RowChange } from '../media-store.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import { tellReady } from '../vods/vod-lifecycle.ts';
import type { EgressLadders } from './egress-ladders.ts';
import { type LadderEncoder, PLAYLIST } from './encoders.ts';
import { transcodingRepository } from './repository.ts';
import { commitLadder, keysOf, type LadderPlace, ladderPlace, noteUpload, UPLOADING_FORMAT } from './rows.ts';
import type { TranscodingFailure, TranscodingOutput, TranscodingStep, TranscodingTask } from './tasks/transcode.ts';
import { TRANSCODE } from './tasks.ts';
import type { Made } from './work.ts';

/** Where jobs work, below the app's folder. Removed with the job, or at the next start. */
const WORK_FOLDER = '.transcoding';
/** A storage that is away comes back: 40 minutes of attempts. */
const ATTEMPTS = 10;

export interface TranscodingDeps {
  jobs: JobService;
  mediaStore: MediaStore;
  databases: AppDatabases;
  apps: { get(name: string): AppEntry | undefined; entries(): Iterable<AppEntry>; dir(name: string): string };
  delivery: { plan(app: string): Promise<DeliveryPlan> };
  storage: {
    access(app: string, place: LadderPlace['place']): Promise<{ access: StorageAccess }>;
  };
  egressLadders: Pick<EgressLadders, 'settle' | 'remove'>;
  pool: WorkerPool;
  plugins: PluginService;
  /** TRANSCODING_JOBS, TRANSCODING_THREADS and TRANSCODING_NICE. */
  atOnce: number;
  threads: number;
  nice: number;
  background: Background;
  log: Log<'warn' | 'info'>;
}

/** One run of a job. */
interface LadderWork {
  app: AppEntry;
  vod: VodRecord;
  place: LadderPlace;
  folder: string;
  access: StorageAccess;
  run: JobRun<TranscodingInput, object>;
}

const NOTHING: Made = { seconds: 0, files: [], variants: [], notes: [] };

interface TranscodingInput {
  app: string;
  appId: number;
  vodId: number;
}

/** Makes an HLS ladder, and a WebM file if the app wants one, of each finished recording. Each is a job. */
export class TranscodingService {
  readonly #deps: TranscodingDeps;
  #isStopped = false;

  constructor(deps: TranscodingDeps) {
    this.#deps = deps;
    const handler: JobHandler<TranscodingInput, object> = {
      kind: 'vod-transcode',
      atOnce: deps.atOnce,
      isSame: ({ vodId }, other) => vodId === other.vodId,
      prepare: (input) => this.#prepare(input),
      run: (run) => this.#run(run),
      isCancellable: () => true,
      ended: (input, state) => this.#ended(input, state),
    };
    deps.jobs.register(handler);
  }

  /** Recordings that became ready. */
  follow(app: AppEntry, changes: readonly RowChange[]): void {
    const transcodings = transcodingRepository(this.#deps.databases.get(app.name));
    for (const change of changes) {
      if (change.kind !== 'recording_finished' && change.kind !== 'recording_ready') continue;
      const record = transcodings.get(change.vod.id);
      if (record?.state === 'pending' && record.job_id === null && !app.deleting) this.#begin(app, change.vod);
    }
  }

  /** Starts what a killed daemon left undecided, and removes its leftovers, in the background. */
  start(): void {
    this.#deps.background.run('unfinished transcodings', () => this.#resume());
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Ends the job of a VOD that is deleted, or those of an app. What they have uploaded is named by rows. */
  async end(app: string, vodId?: number): Promise<void> {
    const { databases, jobs, apps } = this.#deps;
    const entry = apps.get(app);
    for (const { job, appId, input } of jobs.active<TranscodingInput>('vod-transcode')) {
      if (appId !== entry?.id || (vodId !== undefined && input.vodId !== vodId)) continue;
      // a deleted VOD needs no event
      transcodingRepository(databases.get(app)).remove(input.vodId);
      await jobs.end(job.id);
    }
    if (vodId !== undefined) await this.#clean(app, vodId);
  }

  /**
   * Makes a ladder of a VOD now, e.g. of one that was recorded before the config asked for it.
   * @throws ApiError VOD_NOT_TRANSCODABLE, TRANSCODING_UNAVAILABLE
   */
  async request(app: AppEntry, vod: VodRecord): Promise<number> {
    const refuse = (reason: string) => new ApiError('VOD_NOT_TRANSCODABLE', { id: vod.id, reason });
    if (app.deleting) throw new ApiError('APP_BUSY', { name: app.name });
    if (vod.status !== 'ready') throw refuse('it is not ready');
    const active = this.#activeJob(app, vod.id);
    if (active !== undefined) return active;
    const plan = await this.#deps.delivery.plan(app.name);
    if (plan.vod === null) {
      const notice = plan.notices.find(({ code }) => code === 'NO_FFMPEG' || code === 'NO_LADDER_WITHOUT_TRANSCODING');
      throw refuse(notice?.message ?? 'the config asks for no ladder (transcoding.enabled, transcoding.vod_adaptive)');
    }
    this.#place(app.name, vod);
    return this.#begin(app, vod);
  }

  #activeJob(app: AppEntry, vodId: number): number | undefined {
    return this.#deps.jobs
      .active<TranscodingInput>('vod-transcode')
      .find(({ appId, input }) => appId === app.id && input.vodId === vodId)?.job.id;
  }

  #begin(app: AppEntry, vod: VodRecord): number {
    const { databases, jobs } = this.#deps;
    const transcodings = transcodingRepository(databases.get(app.name));
    transcodings.add(vod.id);
    const input: TranscodingInput = { app: app.name, appId: app.id, vodId: vod.id };
    const job = jobs.create({
      kind: 'vod-transcode',
      title: `Transcode ${vod.name}`,
      app: app.name,
      appId: app.id,
      tenantId: app.tenantId,
      input,
      maxAttempts: ATTEMPTS,
      actor: SYSTEM,
    });
    transcodings.set(vod.id, { job_id: job.id });
    return job.id;
  }

  async #resume(): Promise<void> {
    const { apps, databases, jobs, log } = this.#deps;
    for (const app of [...apps.entries()]) {
      if (this.#isStopped) return;
      if (app.deleting) continue;
      // a start with many apps must not keep requests waiting
      await new Promise((resolve) => setImmediate(resolve));
      try {
        const db = () => databases.get(app.name);
        let isWorking = false;
        for (const { vod_id: id, state, job_id } of transcodingRepository(db()).open()) {
          const job = this.#activeJob(app, id);
          const last = job_id === null ? undefined : jobs.find(job_id);
          const vod = vodRepository(db()).get(id);
          if (job !== undefined) {
            isWorking = true;
            transcodingRepository(db()).set(id, { job_id: job });
          } else if (state === 'queued' && (last?.state === 'failed' || last?.state === 'cancelled')) {
            await this.#ended({ app: app.name, appId: app.id, vodId: id }, last.state);
          } else if (vod !== undefined) this.#begin(app, vod);
        }
        if (!isWorking) await rm(path.join(apps.dir(app.name), WORK_FOLDER), { recursive: true, force: true });
      } catch (err) {
        log.warn({ app: app.name, err }, 'unfinished transcodings could not be continued');
      }
    }
  }

  #prepare({ app, appId, vodId }: TranscodingInput): void {
    const { apps, databases } = this.#deps;
    const entry = apps.get(app);
    if (entry?.id !== appId) throw new ApiError('JOB_OUTDATED', { what: `The app ${app}` });
    if (entry.deleting) throw new ApiError('APP_BUSY', { name: app });
    const db = databases.get(app);
    if (vodRepository(db).get(vodId) === undefined) throw new ApiError('VOD_NOT_FOUND', { id: vodId });
    transcodingRepository(db).set(vodId, { state: 'queued', problem: null });
  }

  async #run(run: JobRun<TranscodingInput, object>): Promise<object> {
    const { apps, databases, delivery } = this.#deps;
    const { app: name, appId, vodId } = run.input;
    const app = apps.get(name);
    if (app?.id !== appId) throw new ApiError('JOB_OUTDATED', { what: `The app ${name}` });
    const vod = vodRepository(databases.get(name)).get(vodId);
    if (vod === undefined) throw new ApiError('VOD_NOT_FOUND', { id: vodId });
    // a kill can come between the rows and the end of the job
    if (transcodingRepository(databases.get(name)).get(vodId)?.state === 'ready') return this.#finish(name, vodId);
    const encoders = await this.#deps.egressLadders.settle(app, vodId, run.signal);
    const plan = (await delivery.plan(name)).vod;
    if (plan === null && encoders.length === 0) {
      const skipped = 'The config asks for no ladder any more.';
      await this.#settle(app, vod, 'cancelled', skipped);
      return { skipped };
    }
    const place = this.#place(name, vod);
    const { access } = await this.#deps.storage.access(name, place.place);
    const work: LadderWork = { app, vod, place, folder: this.#folder(name, vodId), access, run };
    const gathered = await this.#gather(work, encoders, plan);
    const isLeft = plan !== null && (gathered.made === undefined || plan.hasVp8);
    const made = isLeft
      ? await this.#make(work, { ...plan, hasLadder: plan.hasLadder && gathered.made === undefined })
      : NOTHING;
    const all: Made = {
      seconds: Math.max(made.seconds, gathered.made?.seconds ?? 0),
      files: made.files,
      variants: [...(gathered.made?.variants ?? []), ...made.variants],
      notes: [...gathered.notes, ...made.notes],
    };
    run.signal.throwIfAborted();
    const total = all.variants.reduce((sum, { bytes: size }) => sum + size, 0);
    run.save({}, { phase: 'finish', done: total, total, failed: 0, unit: 'bytes' });
    await this.#settle(app, vod, 'ready', null, (db, at) => commitLadder(db, vodId, all, place.base, at));
    await this.#finish(name, vodId);
    const qualities = all.variants.filter(({ kind }) => kind === 'rendition').length;
    return { qualities, bytes: total, seconds: Math.round(all.seconds), warnings: all.notes };
  }

  /** What egress workers have made; undefined, with the reason, if ffmpeg has to make it. */
  async #gather(
    { app, vod, place, folder, access, run }: LadderWork,
    encoders: readonly LadderEncoder[],
    plan: VodPlan | null,
  ): Promise<{ made: Made | undefined; notes: string[] }> {
    if (encoders.length === 0) return { made: undefined, notes: [] };
    const qualities = encoders.map(({ name, width, height, bitrate_kbps, audio_kbps, framerate }) => ({
      ...{ name, width, height, bitrateKbps: bitrate_kbps, audioKbps: audio_kbps, framerate },
      playlist: `${place.base}/hls/${name}/${PLAYLIST}`,
    }));
    const broken = encoders.find(({ state }) => state === 'failed');
    let reason = broken === undefined ? undefined : `${broken.name}: ${broken.error ?? 'it failed'}`;
    if (reason === undefined) {
      const ffprobe = await findProgram('ffprobe');
      const input = { qualities, base: place.base, ffprobe, folder };
      try {
        const output = (await this.#perform(app.name, access, { kind: 'gather', input }, run)) as { made: Made };
        return { made: output.made, notes: output.made.notes };
      } catch (error) {
        if (!(error instanceof ApiError) || error.code !== 'TRANSCODING_FAILED') throw error;
        reason = error.message;
      }
    }
    this.#deps.log.warn({ app: app.name, vod: vod.id, reason }, 'egress workers made no complete ladder');
    const problem = await this.#deps.egressLadders.remove(app, vod);
    if (problem !== undefined) throw new ApiError('TRANSCODING_STORAGE', { reason: problem });
    const words = `Egress workers made no complete ladder (${reason.replace(/[.\s]+$/, '')})`;
    if (plan === null || (await findProgram('ffmpeg')) === undefined)
      throw new ApiError('TRANSCODING_FAILED', { reason: `${words}, and there is no ffmpeg here to make it.` });
    return { made: undefined, notes: [`${words}, so ffmpeg did.`] };
  }

  /** Makes with ffmpeg what the plan asks for, and uploads it. */
  async #make({ app, vod, place, folder, access, run }: LadderWork, plan: VodPlan): Promise<Made> {
    const [ffmpeg, ffprobe] = [await findProgram('ffmpeg'), await findProgram('ffprobe')];
    if (ffmpeg === undefined || ffprobe === undefined) {
      throw new ApiError('FFMPEG_MISSING', { command: await installHint('ffmpeg') });
    }
    const perform = (step: TranscodingStep) => this.#perform(app.name, access, step, run);
    const programs = { ffmpeg, ffprobe };
    const { threads } = this.#deps;
    const input = { programs, lowered: await this.#lowered(), plan, threads, source: place.source, folder };
    const { made } = (await perform({ kind: 'make', input })) as { made: Made };
    // the rows name what is uploaded before it is: a deletion finds all of it
    await this.#change(app, (db, at) => noteUpload(db, vod.id, keysOf(made, place.base), at));
    await perform({ kind: 'upload', folder, files: made.files, base: place.base });
    return made;
  }

  async #lowered(): Promise<string[]> {
    const nice = this.#deps.nice === 0 ? undefined : await findProgram('nice');
    return nice === undefined ? [] : [nice, '-n', String(this.#deps.nice)];
  }

  async #finish(app: string, vodId: number): Promise<object> {
    await this.#clean(app, vodId);
    return { vod: vodId };
  }

  /** @throws ApiError TRANSCODING_FAILED for a recording that is in no storage of the app */
  #place(app: string, vod: VodRecord): LadderPlace {
    const variants = vodRepository(this.#deps.databases.get(app)).variants(vod.id);
    const place = ladderPlace(vod, variants, this.#deps.apps.dir(app));
    if (place !== null) return place;
    throw new ApiError('TRANSCODING_FAILED', { reason: 'its file is not in a storage of this app' });
  }

  #folder(app: string, vodId: number): string {
    return path.join(this.#deps.apps.dir(app), WORK_FOLDER, String(vodId));
  }

  /** Runs one step in a worker. The worker gets a cancellation as a message, so that it can end ffmpeg and its requests cleanly. */
  async #perform(
    app: string,
    access: StorageAccess,
    step: TranscodingStep,
    run?: Pick<JobRun<TranscodingInput, object>, 'signal' | 'save'>,
  ): Promise<TranscodingOutput> {
    const { pool, plugins } = this.#deps;
    run?.signal.throwIfAborted();
    const { port1, port2 } = new MessageChannel();
    const stop = () => port1.postMessage('stop');
    let failure: unknown;
    port1.on('message', (progress: JobProgress) => {
      try {
        run?.save({}, progress);
      } catch (error) {
        failure = error;
        stop();
      }
    });
    run?.signal.addEventListener('abort', stop, { once: true });
    try {
      const output = await plugins.withBroker(app, (pluginPort) => {
        const task: TranscodingTask = { step, access, port: port2, plugins: pluginPort };
        return pool.run<TranscodingTask, TranscodingOutput>(TRANSCODE, task, { app, transfer: [port2, pluginPort] });
      });
      run?.signal.throwIfAborted();
      if (failure !== undefined) throw failure;
      if ('problem' in output) throw errorOf(output);
      return output;
    } finally {
      run?.signal.removeEventListener('abort', stop);
      port1.close();
    }
  }

  async #change(app: AppEntry, work: (db: Parameters<typeof noteUpload>[0], at: number) => void): Promise<void> {
    await this.#deps.mediaStore.change(app, ({ db, now }) => work(db, now));
  }

  /** Notes how it ended, and tells receivers that the VOD is as complete as it will be. */
  async #settle(
    app: AppEntry,
    vod: VodRecord,
    state: 'ready' | 'failed' | 'cancelled',
    problem: string | null,
    work: (db: Parameters<typeof noteUpload>[0], at: number) => string | null = () => null,
  ): Promise<void> {
    await this.#deps.mediaStore.change(app, ({ db, now, note }) => {
      const playlist = work(db, now);
      // first that it is ready at all
      note(tellReady(db, vod.id));
      const row = vodRepository(db).get(vod.id);
      const isKnown = transcodingRepository(db).set(vod.id, { state, problem });
      if (row !== undefined && isKnown) note([{ kind: 'vod_ready', vod: row, playlist }]);
    });
  }

  async #ended({ app: name, appId, vodId }: TranscodingInput, state: JobState): Promise<void> {
    if (state !== 'failed' && state !== 'cancelled') return;
    const { apps, databases, jobs } = this.#deps;
    const app = apps.get(name);
    if (app?.id !== appId) return;
    const db = databases.get(name);
    const vod = vodRepository(db).get(vodId);
    const record = transcodingRepository(db).get(vodId);
    const error = record?.job_id ? jobs.find(record.job_id)?.error : undefined;
    // what is made already can be uploaded by the next attempt, until the daemon starts again
    if (error?.code !== 'TRANSCODING_STORAGE' || state === 'cancelled') await this.#clean(name, vodId);
    if (vod === undefined || record === undefined || record.state === 'ready') return;
    if (state === 'cancelled') await this.#removeUploaded(name, vod);
    const problem = state === 'cancelled' ? 'The transcoding was cancelled.' : (error?.message ?? 'It failed.');
    await this.#settle(app, vod, state, problem);
  }

  /** What can't be deleted now stays named by the row, and is deleted with the VOD. */
  async #removeUploaded(app: string, vod: VodRecord): Promise<void> {
    const vods = vodRepository(this.#deps.databases.get(app));
    const noted = vods.variants(vod.id).find(({ format }) => format === UPLOADING_FORMAT);
    if (noted === undefined) return;
    const { segmentKeys = [] } = JSON.parse(noted.extra_json ?? '{}') as { segmentKeys?: string[] };
    try {
      const { access } = await this.#deps.storage.access(app, this.#place(app, vod).place);
      await this.#perform(app, access, { kind: 'remove', keys: segmentKeys });
      vodRepository(this.#deps.databases.get(app)).removeVariant(noted.id);
    } catch (err) {
      this.#deps.log.warn({ app, vod: vod.id, err }, 'objects of a cancelled transcoding are left with their VOD');
    }
  }

  async #clean(app: string, vodId: number): Promise<void> {
    await rm(this.#folder(app, vodId), { recursive: true, force: true, maxRetries: 5 });
  }
}

function errorOf({ problem, reason }: TranscodingFailure): ApiError {
  switch (problem) {
    case 'source':
      return new ApiError('TRANSCODING_FAILED', { reason });
    case 'ffmpeg':
      return new ApiError('TRANSCODING_FAILED', { reason: `ffmpeg says: ${reason}` });
    case 'storage':
      return new ApiError('TRANSCODING_STORAGE', { reason });
    case 'space':
      return new ApiError('TRANSCODING_NO_SPACE', {
        needed: Number(reason) > 0 ? `about ${bytes(Number(reason))}` : 'more space',
      });
  }
}
