import type { AuditTrail } from '#daemon/identity/audit/service.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { JobRun } from '#daemon/platform/jobs/handler.ts';
import type { JobService } from '#daemon/platform/jobs/service.ts';
import type { Log } from '#daemon/platform/log.ts';
import type { InstallationWarnings } from '#daemon/platform/warnings.ts';
import { isGlobal } from '#shared/access.ts';
import { ApiError, type ErrorCode } from '#shared/errors.ts';
import type { Applied, DoneChange, RollbackPoint } from '#shared/schema/declared.ts';
import type { Job, JobState } from '#shared/schema/jobs.ts';
import type { Answer, Answers } from './answers.ts';
import { type ApplyInput, ApplyRun, type Checkpoint, wasMade } from './apply-run.ts';
import { checkChanges } from './changes.ts';
import type { Change, Context, Kind } from './kind.ts';
import type { Head, PointState, RollbackPoints } from './points.ts';

const KIND = 'configuration-apply';
const INTERRUPTED = 'APPLY_INTERRUPTED';
const ENDED: Partial<Record<JobState, PointState>> = {
  succeeded: 'applied',
  failed: 'stopped',
  cancelled: 'cancelled',
};

export interface AppliesDeps {
  kinds: readonly Kind[];
  points: RollbackPoints;
  answers: Answers;
  jobs: JobService;
  audit: AuditTrail;
  warnings: InstallationWarnings;
  log: Log<'info' | 'warn'>;
}

/** What an apply created, and what to call once it has been sent: then nobody can read it again. */
export interface Readable {
  applied: Applied;
  /** The apply ended before its last change. */
  failure?: ApiError;
  sent(isComplete: boolean): Promise<void>;
}

interface UnderWay {
  changes: readonly Change[];
  context: Context;
  /** An earlier process began it, so no request waits any more. */
  isContinued: boolean;
}

/**
 * Applies as jobs. What is to be done is stored before the first change, so an apply continues after a kill: it compares the
 * objects with what they are to be, and makes the changes that are missing.
 */
export class Applies {
  readonly #deps: AppliesDeps;
  readonly #underWay = new Map<number, UnderWay>();

  constructor(deps: AppliesDeps) {
    this.#deps = deps;
    deps.jobs.register<ApplyInput, Checkpoint>({
      kind: KIND,
      atOnce: 1,
      prepare: ({ rollbackPoint }) => {
        // the plan was reviewed for the state of that time
        if (!this.#underWay.has(rollbackPoint)) throw new ApiError('PLAN_OUTDATED');
      },
      run: (run) => this.#run(run),
      isCancellable: () => true,
      resultSoFar: ({ rollbackPoint, total }, checkpoint) => ({ rollbackPoint, made: checkpoint?.made ?? 0, total }),
      ended: (input, state) => this.#ended(input, state),
    });
  }

  /** Settles what the end of the last run cut off. Unfinished jobs continue when the jobs start. */
  async start(): Promise<void> {
    const { points, answers, warnings } = this.#deps;
    answers.start();
    const heads = await points.list();
    for (const head of heads) await this.#settle(head);
    const [newest] = heads;
    if (newest !== undefined && (await points.head(newest.id))?.state === 'interrupted')
      warnings.add(
        INTERRUPTED,
        '',
        `The daemon ended while it applied a configuration. Apply roll-back point ${newest.id} to go back (streamhub apply --rollback ${newest.id}), or apply the folder again.`,
      );
  }

  /** Ends in the files what has ended. */
  async #settle(head: Head): Promise<void> {
    const { points, jobs } = this.#deps;
    const { id } = head;
    if (head.state !== 'applying') return points.forget(id);
    if (jobs.active<ApplyInput>(KIND).some(({ input }) => input.rollbackPoint === id)) return;
    const { state, made } = this.#shown(head);
    if (state !== 'applying') await points.end(id, state, made ?? 0);
    // the process ended before there was a job
    else if ((await points.journal(id)) !== undefined) await points.remove(id);
    else await points.update(id, { state: 'interrupted' });
  }

  stop(): Promise<void> {
    return this.#deps.answers.stop();
  }

  get isBusy(): boolean {
    return this.#deps.jobs.active(KIND).length > 0;
  }

  async list(): Promise<RollbackPoint[]> {
    const { points, answers } = this.#deps;
    const [heads, withAnswer] = await Promise.all([points.list(), answers.ids()]);
    return heads.map((head) => ({ ...this.#shown(head), answer: withAnswer.has(head.id) }));
  }

  /** Stores what is to be done, and begins it. */
  async begin(changes: readonly Change[], context: Context, isAttended: boolean): Promise<Job> {
    const { points, jobs } = this.#deps;
    const { principal, actor } = context;
    const total = changes.length;
    const id = await points.begin(changes, { principal, createdBy: actor.label ?? actor.id });
    this.#underWay.set(id, { changes, context, isContinued: false });
    try {
      return jobs.create({
        kind: KIND,
        title: `Apply a configuration (${total} ${total === 1 ? 'change' : 'changes'})`,
        app: null,
        appId: null,
        tenantId: null,
        input: { rollbackPoint: id, total, isAttended } satisfies ApplyInput,
        maxAttempts: 1,
        actor,
      });
    } catch (error) {
      this.#underWay.delete(id);
      await points.remove(id);
      throw error;
    }
  }

  /** Waits for the end. */
  async result(
    { id: job }: Job,
    reader: Actor,
    /** Told what was changed, also if not all of it could be. */
    note: (rollbackPoint: number, changes: readonly DoneChange[]) => void,
  ): Promise<Readable> {
    const { jobs, points, answers } = this.#deps;
    const { rollbackPoint } = jobs.inputOf<ApplyInput>(job);
    const { state, progress, result, error } = await jobs.waitForAttempt(job);
    const { changes = [] } = (await points.head(rollbackPoint)) ?? {};
    const done = state === 'succeeded' ? changes.length : (progress?.done ?? 0);
    const made = changes.slice(0, done);
    note(rollbackPoint, made);
    const taken = await answers.take(rollbackPoint, reader.id).catch(nothing);
    const { warnings = [] } = (result ?? {}) as Partial<Applied>;
    const told = { ...shown(taken?.answer), warnings };
    const answer = { applied: { changes: made, rollbackPoint, ...told }, sent: taken?.sent ?? nothing };
    if (state === 'succeeded') return answer;
    const headers = { location: `/api/v1/jobs/${job}` };
    const extra = { ...told, applied: made, rollbackPoint, jobId: job };
    if (error === null) {
      const left = { notApplied: changes.slice(done) };
      const words = { done, total: changes.length };
      const failure = new ApiError('APPLY_CANCELLED', words, { headers, extra: { ...extra, ...left } });
      return { ...answer, failure };
    }
    const { code, message, hint, failed } = error as typeof error & { failed?: object };
    const left = failed === undefined ? {} : { failed, notApplied: changes.slice(done + 1) };
    const words = { message, ...(hint === undefined ? {} : { hint }) };
    const failure = new ApiError(code as ErrorCode, {}, { headers, ...words, extra: { ...extra, ...left } });
    return { ...answer, failure };
  }

  /** The answer for the one who didn’t wait. @throws ApiError ROLLBACK_POINT_UNKNOWN, APPLY_BUSY, APPLIED_ANSWER_GONE */
  async take(rollbackPoint: number, reader: Actor): Promise<Readable> {
    const { points, answers } = this.#deps;
    const head = await points.head(rollbackPoint);
    if (head === undefined) throw new ApiError('ROLLBACK_POINT_UNKNOWN', { id: rollbackPoint });
    const { state, changes, made } = this.#shown(head);
    if (state === 'applying') throw new ApiError('APPLY_BUSY');
    const { answer, sent } = await answers.take(rollbackPoint, reader.id);
    const applied = changes.slice(0, made ?? changes.length);
    return { applied: { changes: applied, rollbackPoint, ...shown(answer), warnings: [] }, sent };
  }

  async #run(run: JobRun<ApplyInput, Checkpoint>): Promise<object> {
    const { points, log } = this.#deps;
    const { rollbackPoint: id, total } = run.input;
    await points.update(id, { job: run.id });
    const begun = this.#underWay.get(id);
    const underWay = begun ?? (await this.#continued(run));
    this.#underWay.set(id, underWay);
    const { changes, context } = underWay;
    const made = new Set(begun === undefined ? changes.filter(wasMade) : []);
    const left = changes.filter((change) => !made.has(change));
    const result = await new ApplyRun(run, changes, this.#deps).make(
      () => (begun === undefined ? checkChanges(this.#deps.kinds, left, context) : context),
      (change) => made.has(change),
    );
    log.info({ changes: total, rollbackPoint: id }, 'applied a configuration');
    return result;
  }

  /** What an earlier process has left to do, with the objects as they are now. */
  async #continued({ input, checkpoint, actor }: JobRun<ApplyInput, Checkpoint>): Promise<UnderWay> {
    const { points, kinds } = this.#deps;
    const journal = await points.journal(input.rollbackPoint);
    if (journal === undefined) throw new ApiError('PLAN_OUTDATED');
    const left = journal.changes.slice(checkpoint?.made ?? 0);
    const changes: Change[] = [];
    for (const kind of kinds) {
      if (!left.some((one) => one.kind === kind.id)) continue;
      const items = await kind.read();
      for (const { action, key, ref, before: begun, after, note } of left.filter((one) => one.kind === kind.id)) {
        const keyNow = kind.keyNow?.(key, begun ?? after, note) ?? key;
        const now = items.find((item) => (ref === undefined ? item.key === keyNow : item.ref === ref));
        const before = now?.fields ?? null;
        const item = after === null ? undefined : { key, fields: after };
        changes.push({ kind, action, key, ref, before, after, item, warnings: [], note, begun });
      }
    }
    const order = new Map(left.map(({ kind, key, action }, index) => [`${action} ${kind} ${key}`, index]));
    const place = ({ kind, key, action }: Change): number => order.get(`${action} ${kind.id} ${key}`) ?? 0;
    changes.sort((a, b) => place(a) - place(b));
    const { principal } = journal;
    return { changes, context: { principal, actor, changes, stage: 'apply', refuse: () => {} }, isContinued: true };
  }

  async #ended({ rollbackPoint: id, isAttended }: ApplyInput, jobState: JobState): Promise<void> {
    const { points, audit, warnings } = this.#deps;
    const state = ENDED[jobState];
    if (state === undefined) return;
    const underWay = this.#underWay.get(id);
    this.#underWay.delete(id);
    const head = await points.head(id);
    if (head === undefined) return;
    const made = state === 'applied' ? head.changes.length : (this.#shown(head).made ?? 0);
    const isTold = isAttended && underWay?.isContinued === false;
    // a request that didn't wait has written what it began
    if (underWay !== undefined && !isTold && (isAttended || state !== 'applied')) {
      const { principal, actor } = underWay.context;
      audit.write({
        action: 'configuration.apply',
        outcome: state === 'applied' ? 'done' : 'failed',
        status: null,
        actor,
        actorIsGlobal: isGlobal(principal),
        target: pointName(id),
        before: null,
        after: { changes: head.changes.slice(0, made) },
      });
    }
    await points.end(id, state, made);
    if (state === 'applied') warnings.remove(INTERRUPTED, '');
  }

  /** A point as it is seen. The end of a job may not be noted yet, e.g. on a full disk. */
  #shown({ notes: _, ...head }: Head): Omit<RollbackPoint, 'answer'> {
    const { made = null, job: id = null } = head;
    const job = head.state === 'applying' && id !== null ? this.#deps.jobs.find(id) : undefined;
    if (job === undefined) return { ...head, job: id, made };
    return { ...head, job: id, state: ENDED[job.state] ?? head.state, made: job.progress?.done ?? 0 };
  }
}

const nothing = async (): Promise<undefined> => undefined;

/** Name of a roll-back point in the audit trail. */
export const pointName = (id: number): string => `roll-back point ${id}`;

const shown = (answer: Answer | undefined): Pick<Applied, 'tokens' | 'invites'> => ({
  tokens: (answer?.tokens ?? []).flatMap(({ name, id, token }) => (id === null ? [] : [{ name, id, token }])),
  invites: [...(answer?.invites ?? [])],
});
