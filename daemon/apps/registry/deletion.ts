import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import { moveFolder } from '#daemon/platform/files/move-folder.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { JobHandler, JobRun } from '#daemon/platform/jobs/handler.ts';
import { NO_LIMIT } from '#daemon/platform/jobs/repository.ts';
import type { JobService } from '#daemon/platform/jobs/service.ts';
import type { Log } from '#daemon/platform/log.ts';
import { slugOf } from '#shared/config/defaults.ts';
import { ApiError, type ErrorCode } from '#shared/errors.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { fileStamp } from '#shared/files/set-aside.ts';
import type { Job, JobError, JobProgress, JobState } from '#shared/schema/jobs.ts';
import type { SecretStore } from '../secrets/store.ts';
import { freshCheckpoint, type PurgeCheckpoint } from '../storage/purge/types.ts';
import {
  leftReason,
  leftWords,
  type Purger,
  purgeReason,
  requireComplete,
  unreadableDatabase,
} from '../storage/purger.ts';
import type { AppService } from './service.ts';

/** Passes over an app whose rows change while its objects are deleted. */
const MAX_PASSES = 5;

export interface DeletionDeps {
  apps: AppService;
  appsDir: string;
  archiveDir: string;
  databases: AppDatabases;
  jobs: JobService;
  secrets: SecretStore;
  purger: Purger;
  /** Ends everything that watches or writes the app's config; after it the directory may be moved. */
  releaseConfig(app: string): Promise<void>;
  log: Log<'warn'>;
}

interface DeletionInput {
  app: string;
  appId: number;
  /** With recordings; without, the directory moves to the archive. */
  purge: boolean;
  /** With recordings, whose objects are left in the storage. */
  leaveObjects?: boolean;
  /** Folder name in the archive, or of the directory on its way out. */
  away: string;
}

/** How an app is deleted. */
export interface DeletionMode {
  /** With recordings; without, the directory moves to the archive. */
  purge: boolean;
  /** Only with `purge`: leaves the objects in the storage, which is not contacted. */
  leaveObjects: boolean;
  /** Folder name in the archive, chosen before with `archiveName`. A deletion with the same one continues. */
  away?: string;
}

/** Name of an app’s folder in the archive, if the app is deleted now. */
export const archiveName = (app: string): string => `${app}-${fileStamp()}`;

interface DeletionCheckpoint {
  step: 'objects' | 'local';
  purge: PurgeCheckpoint | null;
}

/**
 * Deletes apps: the objects in the storage first, then secrets, directory, registry row and tokens. A refused object
 * leaves the app as it was. Each deletion is a job, so that a kill in between only delays it.
 */
export class AppDeletion {
  readonly #deps: DeletionDeps;
  readonly #preparations: ((app: string) => Promise<void>)[] = [];

  constructor(deps: DeletionDeps) {
    this.#deps = deps;
    const handler: JobHandler<DeletionInput, DeletionCheckpoint> = {
      kind: 'app-delete',
      prepare: (input) => this.#prepare(input),
      run: (run) => this.#run(run),
      resultSoFar: ({ app }, checkpoint) => ({ deleted: false, name: app, s3Deleted: checkpoint?.purge?.deleted ?? 0 }),
      isCancellable: (progress) => progress?.phase !== 'local',
      ended: (input, state) => this.#ended(input, state),
    };
    deps.jobs.register(handler);
  }

  /** Adds a step that ends what still runs for an app before its objects are deleted. */
  prepareWith(step: (app: string) => Promise<void>): void {
    this.#preparations.push(step);
  }

  /** Marks exactly the apps that a deletion works on: the process may have ended between the mark and the job. */
  start(): void {
    const { apps, jobs } = this.#deps;
    for (const app of [...apps.registry.entries()]) {
      const isDeleting = jobs.activeFor(app.id, 'app-delete') !== undefined;
      if (app.deleting !== isDeleting) apps.markDeleting(app.name, isDeleting);
    }
  }

  /**
   * Begins a deletion.
   * @param attended whether a caller waits for its end
   * @throws ApiError APP_BUSY with `jobId` while one is under way
   */
  begin(name: string, mode: DeletionMode, actor: Actor, attended: boolean): Job {
    const { purge, leaveObjects, away = archiveName(name) } = mode;
    const { apps, jobs } = this.#deps;
    const app = apps.require(name);
    const active = jobs.activeFor(app.id, 'app-delete');
    if (active !== undefined) {
      const input = jobs.inputOf<DeletionInput>(active.id);
      if (input.away === mode.away) return active;
      const isSame = input.purge === purge && (input.leaveObjects ?? false) === leaveObjects;
      // one that waits for its next attempt starts now for this caller; any other already has a caller
      if (isSame && (!attended || active.state === 'waiting')) return active;
      throw busyWith(name, active);
    }
    const how = leaveObjects ? 'leave its objects' : 'and its recordings';
    return jobs.create({
      kind: 'app-delete',
      title: purge
        ? `Delete the app ${name}${leaveObjects ? ', ' : ' '}${how}`
        : `Delete the app ${name}, keep its recordings`,
      app: name,
      appId: app.id,
      tenantId: app.tenantId,
      input: { app: name, appId: app.id, purge, leaveObjects, away } satisfies DeletionInput,
      // a deletion in the background outlasts any outage
      maxAttempts: attended ? 1 : NO_LIMIT,
      actor,
    });
  }

  /** Deletes an app and waits for it. @throws ApiError APP_NOT_FOUND, APP_BUSY, STORAGE_PURGE_FAILED */
  async delete(
    name: string,
    mode: DeletionMode,
    actor: Actor,
  ): Promise<{ warnings: string[] /** Folder in the archive. */; archivedAs: string | null }> {
    const job = await this.#deps.jobs.waitForAttempt(this.begin(name, mode, actor, true).id);
    const result = job.result as { warnings?: string[]; archivedAs?: string | null } | null;
    if (job.state === 'succeeded') return { warnings: result?.warnings ?? [], archivedAs: result?.archivedAs ?? null };
    const follow = { headers: { location: `/api/v1/jobs/${job.id}` } };
    if (job.error === null)
      throw new ApiError('APP_DELETE_CANCELLED', { name }, { ...follow, extra: { ...job.result, jobId: job.id } });
    const { code, message, hint, ...extra } = job.error as JobError & { hint?: string };
    const words = { message, ...(hint === undefined ? {} : { hint }) };
    throw new ApiError(code as ErrorCode, {}, { ...follow, ...words, extra: { ...extra, jobId: job.id } });
  }

  /** The app rejects changes while its deletion is queued, running or waiting. */
  #prepare({ app, appId, away }: DeletionInput): void {
    const { apps, appsDir } = this.#deps;
    if (apps.registry.get(app)?.id === appId) apps.markDeleting(app, true);
    // an attempt that failed after the app was gone has its folder left to remove
    else if (!existsSync(trashOf(appsDir, away))) throw new ApiError('JOB_OUTDATED', { what: `The app ${app}` });
  }

  async #run(run: JobRun<DeletionInput, DeletionCheckpoint>): Promise<object> {
    const { app, appId, purge, leaveObjects } = run.input;
    const isThere = this.#deps.apps.registry.get(app)?.id === appId;
    let outcome = run.checkpoint?.purge ?? null;
    if (isThere) await this.#deps.apps.requireAccessible(app);
    if (isThere && run.checkpoint === null) for (const step of this.#preparations) await step(app);
    if (isThere && run.checkpoint?.step !== 'local')
      outcome = purge ? await this.#purgeOrLeave(run) : await this.#removeLive(app, run.signal);
    run.signal.throwIfAborted();
    const progress: JobProgress = {
      phase: 'local',
      done: outcome?.deleted ?? 0,
      total: outcome?.deleted ?? 0,
      failed: 0,
      unit: 'objects',
    };
    run.save({ step: 'local', purge: outcome }, progress);
    await this.#removeLocal(run.input, isThere, run.actor);
    const warnings = [...(outcome?.warnings ?? []), ...leftWords(outcome?.leftIn)];
    const left = outcome === null ? undefined : leftReason(outcome);
    if (left !== undefined) warnings.push(left);
    if (outcome?.versionsKept) {
      warnings.push(
        `Older versions of ${outcome.versionsKept} deleted objects stay in the bucket, because the storage provider does not remove them or the app’s key may not. They take up space until a lifecycle rule of the bucket removes them.`,
      );
    }
    for (const warning of warnings) this.#deps.log.warn({ app, warning }, 'deleted an app');
    return {
      deleted: true,
      name: app,
      s3Deleted: outcome?.deleted ?? 0,
      ...(leaveObjects ? { objectsLeft: outcome?.leftIn ?? {} } : {}),
      archivedAs: purge ? null : run.input.away,
      warnings,
    };
  }

  /** Recordings stay; segments of live HLS serve nobody any more. What could not be removed is a warning. */
  async #removeLive(app: string, signal: AbortSignal): Promise<PurgeCheckpoint | null> {
    try {
      return await this.#deps.purger.run({ app, liveOnly: true, signal });
    } catch (error) {
      if (signal.aborted) throw error;
      this.#deps.log.warn({ app, err: error }, 'objects of live HLS could not be looked for');
      return null;
    }
  }

  /** A database that cannot be read does not stop a deletion that leaves the objects anyway. */
  async #purgeOrLeave(run: JobRun<DeletionInput, DeletionCheckpoint>): Promise<PurgeCheckpoint> {
    try {
      return await this.#purgeAll(run);
    } catch (error) {
      if (!run.input.leaveObjects || run.signal.aborted) throw error;
      const { message } = error as Error;
      this.#deps.log.warn({ app: run.input.app, err: error }, 'the remaining objects could not be counted');
      return {
        ...freshCheckpoint(0),
        phase: 'done',
        warnings: [`The remaining objects are unknown. ${message}`],
      };
    }
  }

  /** Deletes all objects; once more when rows came or changed in the meantime. */
  async #purgeAll(run: JobRun<DeletionInput, DeletionCheckpoint>): Promise<PurgeCheckpoint> {
    const { purger } = this.#deps;
    const { app, leaveObjects = false } = run.input;
    let checkpoint = run.checkpoint?.purge ?? null;
    for (let pass = 1; ; pass++) {
      const before = this.#namedObjects(app);
      const outcome = await purger.run({
        app,
        leaveObjects,
        checkpoint,
        signal: run.signal,
        report: (state, progress) => run.save({ step: 'objects', purge: state }, progress),
      });
      run.signal.throwIfAborted();
      if (outcome.failed > 0) {
        const { reasons, refusals } = outcome;
        this.#deps.log.warn({ app, reasons, storageErrors: refusals }, purgeReason(outcome));
      }
      requireComplete(outcome);
      if (pass === MAX_PASSES || this.#namedObjects(app) === before) return outcome;
      checkpoint = null;
    }
  }

  /** Differs once a row names an object that none named before. */
  #namedObjects(app: string): string {
    const count = (table: string, columns: string) =>
      `SELECT count(*) || ' ' || coalesce(max(id), 0) || ' ' || ${columns} FROM ${table}`;
    try {
      const db = this.#deps.databases.get(app);
      const vods = db
        .prepare(count('vods', "count(file_key) || ' ' || count(snapshot_key) || ' ' || count(local_path)"))
        .pluck()
        .get();
      const variants = db.prepare(
        count('vod_variants', "count(file_key) || ' ' || coalesce(sum(length(extra_json)), 0)"),
      );
      return `${vods} ${variants.pluck().get()}`;
    } catch {
      throw unreadableDatabase();
    }
  }

  /** Every step may have been done before a kill already. */
  async #removeLocal(input: DeletionInput, isThere: boolean, actor: Actor): Promise<void> {
    const { apps, appsDir, archiveDir, databases, secrets, releaseConfig } = this.#deps;
    const { app, purge, away } = input;
    const trash = trashOf(appsDir, away);
    if (isThere) {
      await releaseConfig(app);
      databases.close(app);
      await makeFolder(archiveDir);
      await moveFolder(apps.dir(app), purge ? trash : path.join(archiveDir, away));
      apps.remove(app, actor);
    }
    // a change that was under way may have stored some after the first time
    if (apps.registry.bySlug(slugOf(app)) === undefined) await secrets.dropApp(app);
    if (purge) await rm(trash, { recursive: true, force: true, maxRetries: 3 });
  }

  #ended({ app, appId }: DeletionInput, state: JobState): void {
    const { apps } = this.#deps;
    if (state !== 'waiting' && apps.registry.get(app)?.id === appId) apps.markDeleting(app, false);
  }
}

const trashOf = (appsDir: string, away: string): string => path.join(appsDir, `.deleted-${away}`);

function busyWith(name: string, { id, state }: Job): ApiError {
  return new ApiError(
    'APP_BUSY',
    { name },
    {
      extra: { jobId: id, jobState: state },
      headers: { location: `/api/v1/jobs/${id}` },
      hint: `GET /jobs/${id} follows the deletion; POST /jobs/${id}/cancel stops it while that is possible.`,
    },
  );
}
