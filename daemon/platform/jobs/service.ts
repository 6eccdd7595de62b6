import path from 'node:path';
import { isWithin, visibleApps } from '#shared/access.ts';
import { ApiError, ERRORS, type ErrorDefinition } from '#shared/errors.ts';
import { JOBS_KEPT_DAYS } from '#shared/limits.ts';
import type { EventType } from '#shared/schema/events.ts';
import type { Job, JobError, JobKind, JobListQuery, JobProgress, JobState } from '#shared/schema/jobs.ts';
import type { Background } from '../background.ts';
import type { EventBus } from '../events/bus.ts';
import { fileError } from '../files/file-errors.ts';
import type { Actor } from '../http/types.ts';
import type { Log } from '../log.ts';
import { withLogContext, withoutLogContext } from '../log-context.ts';
import type { Principal } from '../principal.ts';
import { traced } from '../tracing.ts';
import { defaultBackoff, MAX_WAIT_MS } from './backoff.ts';
import type { JobHandler, JobRun } from './handler.ts';
import { type JobRepository, type JobRow, type NewJob, NO_LIMIT } from './repository.ts';
import { JobTurns, type Waiting } from './turns.ts';

/** Restarts without any progress between them after which a job is given up: it may be what ends the process. */
const MAX_RESTARTS = 5;
const PROGRESS_EVENT_MS = 250;
/** Wait before a job is tried again whose row could not be written. */
const UNRECORDED_RETRY_MS = 5000;

export interface JobServiceDeps {
  repository: JobRepository;
  events: EventBus;
  background: Background;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
  log: Log<'warn' | 'error'>;
  /** Folder whose path is left out of the reasons that people see. */
  dataDir?: string;
  /** Milliseconds before attempt n + 1. */
  backoff?(attempt: number): number;
}

interface Running extends Waiting {
  abort: AbortController;
  cancelled: boolean;
  done: Promise<void>;
}

/** Long work, one row each: resumed after a kill, retried after a failure, announced as it progresses. */
export class JobService {
  readonly #deps: JobServiceDeps;
  readonly #handlers = new Map<JobKind, JobHandler>();
  readonly #running = new Map<number, Running>();
  /** Jobs that wait for room, in order. */
  readonly #queue = new Map<number, Waiting>();
  readonly #turns = new JobTurns((kind) => this.#handlers.get(kind)?.atOnce);
  readonly #timers = new Map<number, () => void>();
  readonly #waiters = new Map<number, Set<PromiseWithResolvers<Job>>>();
  readonly #announced = new Map<number, number>();
  /** `DATA_DIR/`, as it is in the text of a row. */
  readonly #root: string | undefined;
  #stopping = false;

  constructor(deps: JobServiceDeps) {
    this.#deps = deps;
    this.#root = deps.dataDir && JSON.stringify(deps.dataDir.replace(/[\\/]*$/, path.sep)).slice(1, -1);
  }

  register<I, C>(handler: JobHandler<I, C>): void {
    this.#handlers.set(handler.kind, handler as unknown as JobHandler);
  }

  /** Continues the jobs of the last process. */
  start(): void {
    const { repository, background } = this.#deps;
    const keptSince = new Date((this.#deps.retentionNow ?? Date.now)() - JOBS_KEPT_DAYS * 86_400_000).toISOString();
    background.run('old jobs', () => repository.prune(keptSince));
    for (const row of repository.active()) {
      if (row.state === 'waiting') {
        // a clock that was set back must not make it wait for longer than a try ever waits
        const wait = Date.parse(row.next_run_at ?? row.updated_at) - Date.now();
        this.#runLater(row.id, Math.min(wait, MAX_WAIT_MS));
      } else this.#enqueue(row.id);
    }
  }

  /** Stops running jobs; they stay `running` in their rows and continue with the next start. */
  async stop(): Promise<void> {
    this.releaseWaiters();
    this.#stopping = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort();
    await Promise.all(running.map((run) => run.done));
  }

  /** Answers everyone who waits for a job's end, because the daemon is stopping. */
  releaseWaiters(): void {
    for (const waiters of this.#waiters.values())
      for (const waiter of waiters) waiter.reject(new ApiError('SHUTTING_DOWN'));
    this.#waiters.clear();
  }

  /** Stores a job and begins it as soon as there is room. */
  create(job: NewJob): Job {
    const { repository } = this.#deps;
    this.#handlers.get(job.kind)?.prepare(job.input);
    const id = repository.insert(job);
    const record = this.#record(id);
    this.#announce('job.queued', id);
    this.#enqueue(id);
    return record;
  }

  /** The job of that kind which is under way for an app. */
  activeFor(appId: number, kind: JobKind): Job | undefined {
    const [row] = this.#deps.repository.activeOf(appId, kind);
    return row && this.#toJob(row);
  }

  /** All jobs of that kind which are under way, with what they were created with. */
  active<I>(kind: JobKind): { job: Job; appId: number | null; input: I }[] {
    return this.#deps.repository
      .active()
      .filter((row) => row.kind === kind)
      .map((row) => ({ job: this.#toJob(row), appId: row.app_id, input: JSON.parse(row.input_json) as I }));
  }

  /** A job for the service that created it. */
  find(id: number): Job | undefined {
    const row = this.#deps.repository.get(id);
    return row && this.#toJob(row);
  }

  /** What a job was created with. */
  inputOf<I>(id: number): I {
    return JSON.parse(this.#row(id).input_json) as I;
  }

  /**
   * Waits for the end of the attempt that is queued or running. A waiting job starts immediately. The reason for a failure has
   * its full paths; the answer to a request leaves them out for callers who may not see them.
   */
  waitForAttempt(id: number): Promise<Job> {
    const job = this.#toJob(this.#row(id), true);
    if (job.state === 'waiting') this.#enqueue(id);
    else if (job.state !== 'queued' && job.state !== 'running') return Promise.resolve(job);
    if (this.#stopping) return Promise.reject(new ApiError('SHUTTING_DOWN'));
    const waiter = Promise.withResolvers<Job>();
    let waiters = this.#waiters.get(id);
    if (waiters === undefined) this.#waiters.set(id, (waiters = new Set()));
    waiters.add(waiter);
    return waiter.promise;
  }

  list(principal: Principal, query: JobListQuery): { data: Job[]; total: number; limit: number; offset: number } {
    const { limit = 50, offset = 0, ...filter } = query;
    const apps = visibleApps(principal);
    if (apps.kind === 'none') return { data: [], total: 0, limit, offset };
    const { kind: _kind, ...visible } = apps;
    const { rows, total } = this.#deps.repository.page({ ...filter, ...visible }, { limit, offset });
    return { data: rows.map((row) => this.#toJob(row)), total, limit, offset };
  }

  /** @throws ApiError JOB_NOT_FOUND, also for a job that the caller may not see */
  get(principal: Principal, id: number): Job {
    const row = this.#deps.repository.get(id);
    if (row === undefined || !isWithin(visibleApps(principal), { appId: row.app_id, tenantId: row.tenant_id }))
      throw new ApiError('JOB_NOT_FOUND', { id });
    return this.#toJob(row);
  }

  /** Whose entry of the audit trail tells what was done with a job. */
  ownerOf(id: number): { app: string | undefined; tenant: string | null } {
    const { app, tenant_id: tenant } = this.#row(id);
    return { app: app ?? undefined, tenant };
  }

  async cancel(principal: Principal, id: number): Promise<Job> {
    const job = this.get(principal, id);
    if (job.state === 'cancelled') return job;
    if (!job.cancellable) throw new ApiError('JOB_NOT_CANCELLABLE', { id });
    await this.end(id);
    const ended = this.#record(id);
    // it finished before it noticed the cancellation
    if (ended.state !== 'cancelled') throw new ApiError('JOB_NOT_CANCELLABLE', { id });
    return ended;
  }

  /** Cancels a job whose subject is deleted, and resolves once nothing of it runs. */
  async end(id: number): Promise<void> {
    const run = this.#running.get(id);
    if (run !== undefined) {
      run.cancelled = true;
      run.abort.abort();
      await run.done;
      return;
    }
    const row = this.#deps.repository.get(id);
    if (row === undefined || !isActive(row)) return;
    this.#queue.delete(id);
    this.#clearTimer(id);
    await this.#end(id, 'cancelled', null);
  }

  retry(principal: Principal, id: number): Job {
    const job = this.get(principal, id);
    if (!['failed', 'cancelled', 'waiting'].includes(job.state)) throw new ApiError('JOB_NOT_RETRYABLE', { id });
    const row = this.#row(id);
    const handler = this.#handlers.get(row.kind);
    const input = JSON.parse(row.input_json) as unknown;
    const others = row.app_id === null ? [] : this.#deps.repository.activeOf(row.app_id, row.kind);
    const isSame = (other: JobRow) => handler?.isSame?.(input, JSON.parse(other.input_json)) ?? true;
    if (others.some((other) => other.id !== id && isSame(other))) throw new ApiError('JOB_NOT_RETRYABLE', { id });
    handler?.prepare(input, id);
    this.#clearTimer(id);
    this.#deps.repository.requeue(id, 1);
    this.#announce('job.queued', id);
    this.#enqueue(id);
    return this.#record(id);
  }

  #enqueue(id: number): void {
    this.#clearTimer(id);
    if (this.#queue.has(id)) return;
    this.#queue.set(id, this.#placeOf(id));
    this.#next();
  }

  /** Only decides the order, so a registry that can't be read at the moment must not lose the job's turn. */
  #placeOf(id: number): Waiting {
    try {
      const { kind, tenant_id: tenant, app } = this.#row(id);
      return { kind, tenant, app };
    } catch {
      return { kind: 'app-delete', tenant: '', app: null };
    }
  }

  #next(): void {
    // an attempt that is just ending is over before the next one of its job begins
    while (!this.#stopping) {
      const chosen = this.#turns.next(this.#queue, this.#running);
      if (chosen === undefined) return;
      const { id, kind, tenant, app } = chosen;
      this.#queue.delete(id);
      const abort = new AbortController();
      const run: Running = { kind, tenant, app, abort, cancelled: false, done: Promise.resolve() };
      this.#running.set(id, run);
      run.done = this.#attempt(id, run)
        .catch((error) => this.#unrecorded(id, error))
        .finally(() => {
          this.#running.delete(id);
          this.#announced.delete(id);
          this.#next();
        });
    }
  }

  async #attempt(id: number, run: Running): Promise<void> {
    const row = this.#row(id);
    const { requestId } = JSON.parse(row.created_by_json) as Actor;
    const context = { requestId, app: row.app ?? undefined, job: id };
    return withoutLogContext(() => withLogContext(context, () => this.#attemptOf(row, run)));
  }

  async #attemptOf(row: JobRow, run: Running): Promise<void> {
    const { repository, background } = this.#deps;
    const { id } = row;
    const handler = this.#handlers.get(row.kind);
    const isContinued = row.state === 'running';
    if (!isContinued) repository.begin(id);
    else if (row.restarts < MAX_RESTARTS) repository.restarted(id);
    background.succeeded(`job ${id}`);
    let result: unknown;
    try {
      if (handler === undefined) throw new ApiError('INTERNAL');
      if (isContinued && row.restarts >= MAX_RESTARTS)
        throw new ApiError('JOB_KEEPS_STOPPING', { count: row.restarts });
      this.#announce('job.started', id);
      const begun = this.#row(id);
      const attempt: JobRun<unknown, unknown> = {
        id,
        input: JSON.parse(begun.input_json) as unknown,
        checkpoint: begun.checkpoint_json === null ? null : (JSON.parse(begun.checkpoint_json) as unknown),
        attempt: begun.attempts,
        actor: JSON.parse(begun.created_by_json) as Actor,
        signal: run.abort.signal,
        save: (checkpoint, progress) => {
          repository.save(id, checkpoint, progress);
          this.#announceProgress(id);
        },
      };
      result = await traced(`job ${row.kind}`, { 'streamhub.job.id': id }, () => handler.run(attempt));
    } catch (error) {
      if (run.abort.signal.aborted && !run.cancelled) return; // the shutdown; the next start continues it
      if (run.cancelled) {
        await this.#end(id, 'cancelled', null);
        return;
      }
      const refusal =
        error instanceof ApiError ? error : (fileError(error) ?? new ApiError('INTERNAL', {}, { cause: error }));
      await this.#failed(id, refusal, error as Error);
      return;
    }
    repository.succeed(id, result as object);
    await this.#tell(handler, row, 'succeeded');
    this.#announce('job.succeeded', id);
    this.#answerWaiters(id);
  }

  /**
   * The state or the end of the job couldn't be stored. Its row still says `queued` or `running`, so a later
   * attempt continues from its last checkpoint, as after a restart.
   */
  #unrecorded(id: number, error: unknown): void {
    const waiters = this.#waiters.get(id);
    this.#waiters.delete(id);
    for (const waiter of waiters ?? []) waiter.reject(error);
    if (this.#stopping) return;
    this.#deps.background.failed(`job ${id}`, error);
    this.#runLater(id, UNRECORDED_RETRY_MS);
  }

  async #failed(id: number, refusal: ApiError, thrown: Error): Promise<void> {
    const { log } = this.#deps;
    const row = this.#row(id);
    const definition: ErrorDefinition = ERRORS[refusal.code];
    const { code, message, hint, extra } = refusal;
    const error: JobError = { code, message, ...(hint === undefined ? {} : { hint }), ...extra };
    // what the disk or the rights of a file refuse passes when a person repairs it
    const said = code === 'INTERNAL' ? String(thrown?.message ?? thrown) : message;
    const fields = { code, err: thrown, attempt: row.attempts };
    const isPassing = definition.retryable === true || fileError(refusal) !== undefined;
    if (isPassing && (row.max_attempts === NO_LIMIT || row.attempts < row.max_attempts)) {
      log.warn(fields, `${row.title} failed and is tried again: ${said}`);
      const delay = (this.#deps.backoff ?? defaultBackoff)(row.attempts);
      await this.#end(id, 'waiting', error, new Date(Date.now() + delay).toISOString());
      this.#runLater(id, delay);
    } else {
      log.error(fields, `${row.title} failed: ${said}`);
      await this.#end(id, 'failed', error);
    }
  }

  async #end(
    id: number,
    state: 'failed' | 'cancelled' | 'waiting',
    error: JobError | null,
    nextRunAt: string | null = null,
  ): Promise<void> {
    const row = this.#row(id);
    const handler = this.#handlers.get(row.kind);
    const result =
      state === 'cancelled'
        ? handler?.resultSoFar?.(JSON.parse(row.input_json), parsed(row.checkpoint_json))
        : undefined;
    this.#deps.repository.fail(id, state, error, { nextRunAt, result: result ?? null });
    await this.#tell(handler, row, state);
    this.#announce(`job.${state}`, id);
    this.#answerWaiters(id);
  }

  async #tell(handler: JobHandler | undefined, row: JobRow, state: JobState): Promise<void> {
    try {
      await handler?.ended?.(JSON.parse(row.input_json), state);
    } catch (err) {
      this.#deps.log.error({ err, job: row.id }, 'the end of a job could not be handled');
    }
  }

  #runLater(id: number, delay: number): void {
    if (this.#stopping) return;
    this.#clearTimer(id);
    this.#timers.set(
      id,
      this.#deps.background.after('jobs', delay, () => this.#enqueue(id)),
    );
  }

  #clearTimer(id: number): void {
    this.#timers.get(id)?.();
    this.#timers.delete(id);
  }

  #answerWaiters(id: number): void {
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) return;
    this.#waiters.delete(id);
    const job = this.#toJob(this.#row(id), true);
    for (const waiter of waiters) waiter.resolve(job);
  }

  #announceProgress(id: number): void {
    const now = performance.now();
    if (now - (this.#announced.get(id) ?? Number.NEGATIVE_INFINITY) < PROGRESS_EVENT_MS) return;
    this.#announced.set(id, now);
    this.#announce('job.progress', id);
  }

  #announce(type: EventType & `job.${string}`, id: number): void {
    const row = this.#row(id);
    this.#deps.events.publish({
      type,
      ...(row.app === null ? {} : { app: row.app }),
      ...(row.tenant_id === null ? {} : { tenant: row.tenant_id }),
      actor: JSON.parse(row.created_by_json) as Actor,
      data: { job: this.#toJob(row) },
    });
  }

  #row(id: number): JobRow {
    const row = this.#deps.repository.get(id);
    if (row === undefined) throw new ApiError('JOB_NOT_FOUND', { id });
    return row;
  }

  #record(id: number): Job {
    return this.#toJob(this.#row(id));
  }

  #toJob(row: JobRow, withPaths = false): Job {
    const shown = (json: string | null): string | null =>
      withPaths || this.#root === undefined ? json : (json?.replaceAll(this.#root, '') ?? null);
    const progress = parsed<JobProgress>(row.progress_json);
    const actor = JSON.parse(row.created_by_json) as Actor;
    return {
      id: row.id,
      kind: row.kind,
      title: row.title,
      state: row.state,
      app: row.app,
      progress,
      attempts: row.attempts,
      maxAttempts: row.max_attempts === NO_LIMIT ? null : row.max_attempts,
      cancellable: isActive(row) && (this.#handlers.get(row.kind)?.isCancellable(progress) ?? false),
      nextRunAt: row.next_run_at,
      result: parsed<object>(shown(row.result_json)),
      error: parsed<JobError>(shown(row.error_json)),
      createdBy: actor.id,
      createdByLabel: actor.label ?? null,
      createdAt: row.created_at,
      startedAt: row.started_at,
      updatedAt: row.updated_at,
      finishedAt: row.finished_at,
    };
  }
}

const isActive = ({ state }: JobRow): boolean => state === 'queued' || state === 'running' || state === 'waiting';

const parsed = <T>(json: string | null): T | null => (json === null ? null : (JSON.parse(json) as T));
