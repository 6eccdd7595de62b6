import type { JobError, JobKind, JobProgress, JobState } from '#shared/schema/jobs.ts';
import { filteredList, type Page } from '../db/filtered-list.ts';
import type { Db } from '../db/open.ts';
import type { Actor } from '../http/types.ts';

export interface JobRow {
  id: number;
  kind: JobKind;
  title: string;
  state: JobState;
  app: string | null;
  app_id: number | null;
  tenant_id: string | null;
  input_json: string;
  checkpoint_json: string | null;
  progress_json: string | null;
  result_json: string | null;
  error_json: string | null;
  attempts: number;
  max_attempts: number;
  restarts: number;
  next_run_at: string | null;
  created_by_json: string;
  created_at: string;
  started_at: string | null;
  updated_at: string;
  finished_at: string | null;
}

/** `max_attempts` of a job that is tried again until it succeeds, is cancelled, or fails for a reason that doesn't pass. */
export const NO_LIMIT = 0;

export interface NewJob {
  kind: JobKind;
  title: string;
  app: string | null;
  appId: number | null;
  /** null = it is the installation's, for callers of global scope only. */
  tenantId: string | null;
  input: unknown;
  /** Or `NO_LIMIT`. */
  maxAttempts: number;
  actor: Actor;
}

/** Rows that a caller may see; all of them where nothing is named. */
export interface JobFilter {
  tenantId?: string;
  appId?: number;
  state?: JobState | 'active';
  kind?: JobKind;
  app?: string;
}

const ACTIVE = "('queued', 'running', 'waiting')";

/**
 * SQL of the table `jobs`.
 * @param quick a second connection whose commits don't wait for the disk, for progress
 */
export function jobRepository(db: Db, quick: Db = db) {
  const insert = db.prepare<[Record<string, unknown>]>(
    `INSERT INTO jobs (kind, title, state, app, app_id, tenant_id, input_json, max_attempts, created_by_json, created_at, updated_at)
     VALUES (@kind, @title, 'queued', @app, @appId, @tenantId, @input, @maxAttempts, @createdBy, @at, @at)`,
  );
  const byId = db.prepare<[number], JobRow>('SELECT * FROM jobs WHERE id = ?');
  const active = db.prepare<[], JobRow>(`SELECT * FROM jobs WHERE state IN ${ACTIVE} ORDER BY id`);
  const activeOf = db.prepare<[number, string], JobRow>(
    `SELECT * FROM jobs WHERE app_id = ? AND kind = ? AND state IN ${ACTIVE} ORDER BY id DESC`,
  );
  const begin = db.prepare<[{ id: number; at: string }]>(
    `UPDATE jobs SET state = 'running', attempts = attempts + 1, restarts = 0, next_run_at = NULL,
       started_at = coalesce(started_at, @at), updated_at = @at WHERE id = @id`,
  );
  const restarted = db.prepare<[string, number]>(
    "UPDATE jobs SET state = 'running', restarts = restarts + 1, updated_at = ? WHERE id = ?",
  );
  const save = quick.prepare<[string | null, string, string, number]>(
    'UPDATE jobs SET checkpoint_json = ?, progress_json = ?, restarts = 0, updated_at = ? WHERE id = ?',
  );
  const succeed = db.prepare<[{ id: number; at: string; result: string }]>(
    `UPDATE jobs SET state = 'succeeded', result_json = @result, error_json = NULL, checkpoint_json = NULL, finished_at = @at,
       updated_at = @at WHERE id = @id`,
  );
  const fail = db.prepare<[Record<string, unknown>]>(
    `UPDATE jobs SET state = @state, error_json = @error, result_json = @result, next_run_at = @nextRunAt, finished_at = @finishedAt, updated_at = @at,
       checkpoint_json = NULL WHERE id = @id`,
  );
  const requeue = db.prepare<[number, string, number]>(
    `UPDATE jobs SET state = 'queued', next_run_at = NULL, finished_at = NULL, checkpoint_json = NULL, progress_json = NULL, result_json = NULL,
       max_attempts = CASE max_attempts WHEN 0 THEN 0 ELSE max(max_attempts, attempts + ?) END, updated_at = ? WHERE id = ?`,
  );
  const counts = db.prepare<[], { kind: JobKind; state: JobState; count: number }>(
    'SELECT kind, state, count(*) AS count FROM jobs GROUP BY kind, state',
  );
  const prune = db.prepare<[string]>('DELETE FROM jobs WHERE finished_at < ?');

  const rows = filteredList<JobRow, 'tenantId' | 'appId' | 'kind' | 'app' | 'state' | 'isActive'>(db, {
    table: 'jobs',
    conditions: {
      tenantId: 'tenant_id = @tenantId',
      appId: 'app_id = @appId',
      kind: 'kind = @kind',
      app: 'app = @app',
      state: 'state = @state',
      isActive: `state IN ${ACTIVE}`,
    },
    order: 'id DESC',
  });
  const now = (): string => new Date().toISOString();

  return {
    insert: (job: NewJob): number =>
      Number(
        insert.run({
          kind: job.kind,
          title: job.title,
          app: job.app,
          appId: job.appId,
          tenantId: job.tenantId,
          input: JSON.stringify(job.input),
          maxAttempts: job.maxAttempts,
          createdBy: JSON.stringify(job.actor),
          at: now(),
        }).lastInsertRowid,
      ),
    get: (id: number) => byId.get(id),
    active: () => active.all(),
    activeOf: (appId: number, kind: JobKind) => activeOf.all(appId, kind),
    begin: (id: number) => begin.run({ id, at: now() }),
    restarted: (id: number) => restarted.run(now(), id),
    /**
     * Notes progress without waiting for the disk: a kill loses nothing, a power cut the last steps, which are done again.
     * Waiting would hold up every request for as long as the disk takes.
     */
    save: (id: number, checkpoint: unknown, progress: JobProgress) => {
      save.run(checkpoint === undefined ? null : JSON.stringify(checkpoint), JSON.stringify(progress), now(), id);
    },
    succeed: (id: number, result: object) => succeed.run({ id, at: now(), result: JSON.stringify(result) }),
    /** Ends an attempt; with `nextRunAt` the job waits for the next one. */
    fail: (
      id: number,
      state: 'failed' | 'cancelled' | 'waiting',
      error: JobError | null,
      { nextRunAt, result }: { nextRunAt: string | null; result: object | null },
    ) => {
      const at = now();
      fail.run({
        id,
        state,
        error: error && JSON.stringify(error),
        result: result && JSON.stringify(result),
        nextRunAt,
        finishedAt: state === 'waiting' ? null : at,
        at,
      });
    },
    counts: () => counts.all(),
    requeue: (id: number, moreAttempts: number) => requeue.run(moreAttempts, now(), id),
    /** The newest jobs that failed, and those that failed and are tried again. */
    troubles: (): JobRow[] =>
      ['failed', 'waiting'].flatMap((state) => rows.page({ state }, { limit: 50, offset: 0 }).rows),
    page: ({ state, ...filter }: JobFilter, page: Page) =>
      rows.page({ ...filter, ...(state === 'active' ? { isActive: 1 } : { state }) }, page),
    prune: (before: string) => prune.run(before).changes,
  };
}
export type JobRepository = ReturnType<typeof jobRepository>;
