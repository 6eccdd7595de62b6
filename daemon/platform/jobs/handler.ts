import type { JobKind, JobProgress, JobState } from '#shared/schema/jobs.ts';
import type { Actor } from '../http/types.ts';

/** What one attempt of a job gets. */
export interface JobRun<Input, Checkpoint> {
  id: number;
  input: Input;
  /** What the attempt had saved when the process was stopped; null at the beginning of an attempt. */
  checkpoint: Checkpoint | null;
  /** 1 for the first. */
  attempt: number;
  actor: Actor;
  /** Aborted by a cancellation and by the shutdown. */
  signal: AbortSignal;
  /** Makes progress durable. A run that is killed afterwards continues from this checkpoint. */
  save(checkpoint: Checkpoint, progress: JobProgress): void;
}

/**
 * One kind of job. `run` must be idempotent from its last checkpoint: a kill may come between any two of its steps.
 * It throws an `ApiError` to fail; a retryable one is tried again while attempts are left.
 */
export interface JobHandler<Input = unknown, Checkpoint = unknown> {
  kind: JobKind;
  /**
   * Establishes what must hold while the job exists. Called before it is queued: when it is created, and each time it is
   * retried by hand. `ended` undoes it. @throws ApiError that refuses the job
   * @param id of the job that is retried
   */
  prepare(input: Input, id?: number): void;
  run(run: JobRun<Input, Checkpoint>): Promise<object>;
  /** How many run at the same time, apart from other kinds. Default: the kind shares the common limit. */
  atOnce?: number;
  /** Is another active job of the app about the same thing, so that this one can't be retried? Default: each is. */
  isSame?(input: Input, other: Input): boolean;
  /** May it be cancelled at this point? */
  isCancellable(progress: JobProgress | null): boolean;
  /** What a cancelled attempt has done and will not undo, for the job's result. */
  resultSoFar?(input: Input, checkpoint: Checkpoint | null): object;
  /** After every attempt, and when a job is cancelled before one. */
  ended?(input: Input, state: JobState): void | Promise<void>;
}
