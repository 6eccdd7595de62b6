import type { JobRun } from '#daemon/platform/jobs/handler.ts';
import { ApiError } from '#shared/errors.ts';
import type { Answer, Answers, PendingToken } from './answers.ts';
import { type Change, type Context, named, type Outcome } from './kind.ts';
import type { RollbackPoints } from './points.ts';
import { canonical } from './values.ts';

/** No secrets: those are in the files of the roll-back point. */
export interface ApplyInput {
  rollbackPoint: number;
  total: number;
  /** A request waits for the end, and writes it to the audit trail. */
  isAttended: boolean;
}

/** Changes are made in order, so their number says which. */
export interface Checkpoint {
  made: number;
}

/** One attempt of an apply: makes the changes from the last one that was made. */
export class ApplyRun implements Outcome {
  readonly tokens: PendingToken[] = [];
  readonly invites: Answer['invites'] = [];
  readonly warnings: string[] = [];
  readonly #run: JobRun<ApplyInput, Checkpoint>;
  readonly #points: RollbackPoints;
  readonly #answers: Answers;
  readonly #changes: readonly Change[];
  #made: number;
  /** What of the answer is stored. */
  #kept = '';

  /** @param changes those that are left, or all */
  constructor(
    run: JobRun<ApplyInput, Checkpoint>,
    changes: readonly Change[],
    { points, answers }: { points: RollbackPoints; answers: Answers },
  ) {
    this.#run = run;
    this.#points = points;
    this.#answers = answers;
    this.#changes = changes;
    this.#made = run.checkpoint?.made ?? 0;
  }

  /** @throws ApiError APPLY_STOPPED, or the reason of the signal */
  async make(context: () => Context | Promise<Context>, isMade: (change: Change) => boolean): Promise<object> {
    const { signal, input } = this.#run;
    this.#save();
    const kept = await this.#answers.read(input.rollbackPoint);
    this.tokens.push(...(kept?.tokens ?? []));
    this.invites.push(...(kept?.invites ?? []));
    this.#kept = this.#answer();
    try {
      signal.throwIfAborted();
      const checked = await context();
      for (const group of groupsOf(this.#changes)) {
        const left = group.filter((change) => !isMade(change));
        if (left.length > 0) await (left[0] as Change).kind.apply(left, checked, this);
        await this.done(...group);
      }
    } catch (error) {
      throw signal.aborted ? error : this.#stopped(error);
    }
    const { tokens, invites, warnings } = this;
    const { rollbackPoint, total } = input;
    return { rollbackPoint, made: total, total, tokens: tokens.length, invites: invites.length, warnings };
  }

  note(change: Change, note: Record<string, string>): Promise<void> {
    change.note = note;
    return this.#points.note(this.#run.input.rollbackPoint, change, note);
  }

  async keep(): Promise<void> {
    const answer = this.#answer();
    if (answer === this.#kept) return;
    const { tokens, invites } = this;
    await this.#answers.write(this.#run.input.rollbackPoint, { readBy: this.#run.actor.id, tokens, invites });
    this.#kept = answer;
  }

  async done(...changes: Change[]): Promise<void> {
    const { signal, input } = this.#run;
    const before = input.total - this.#changes.length;
    this.#made = Math.max(this.#made, ...changes.map((change) => before + this.#changes.indexOf(change) + 1));
    await this.keep();
    this.#save();
    if (this.#made < input.total) signal.throwIfAborted();
  }

  #answer(): string {
    return JSON.stringify([this.tokens, this.invites]);
  }

  #save(): void {
    const { total } = this.#run.input;
    this.#run.save({ made: this.#made }, { phase: 'changes', done: this.#made, total, failed: 0, unit: 'changes' });
  }

  /** Says what was done and what failed. The job keeps it, so it has no secrets. */
  #stopped(error: unknown): ApiError {
    const { total, rollbackPoint } = this.#run.input;
    const change = this.#changes[this.#made - (total - this.#changes.length)] ?? (this.#changes.at(-1) as Change);
    const isRefusal = error instanceof ApiError;
    const reason = isRefusal ? error.message : 'the daemon had an unexpected fault, which is in its log';
    const failed = { ...named(change), code: isRefusal ? error.code : 'INTERNAL', message: reason };
    const words = { done: this.#made, total, kind: change.kind.id, name: change.key, reason };
    return new ApiError('APPLY_STOPPED', words, { cause: error, extra: { failed, rollbackPoint } });
  }
}

/** Whether a change of an apply that continues was made before. */
export const wasMade = (change: Change): boolean =>
  change.kind.isMade?.(change) ?? canonical(change.before) === canonical(change.after);

/** Changes of one kind that follow each other, deletions apart. */
function groupsOf(changes: readonly Change[]): Change[][] {
  const groups: Change[][] = [];
  for (const change of changes) {
    const [last] = groups.at(-1) ?? [];
    const isSame = last?.kind === change.kind && (last.action === 'delete') === (change.action === 'delete');
    if (isSame) groups.at(-1)?.push(change);
    else groups.push([change]);
  }
  return groups;
}
