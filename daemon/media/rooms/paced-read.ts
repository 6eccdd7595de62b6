import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';

/** A read takes at most this share of the time: what is large is read less often. */
const SHARE = 0.1;
const LONGEST_PACE_MS = 3000;

interface PacedReadOptions {
  /** Milliseconds for which an answer is given again, unless it was expired. */
  freshMs: number;
  /** Least milliseconds between the beginnings of two reads; more where a read takes long. */
  paceMs: number;
  clock?: Clock;
}

/**
 * Something that many callers read and events make stale. Nobody gets an answer from before the last `expire`, and however
 * often that is, it is read no more often than its pace.
 */
export class PacedRead<T> {
  readonly #read: () => Promise<T>;
  readonly #options: PacedReadOptions;
  #begunAt = Number.NEGATIVE_INFINITY;
  #pace: number;
  #answer: { promise: Promise<T>; until: number } | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>, options: PacedReadOptions) {
    this.#read = read;
    this.#options = options;
    this.#pace = options.paceMs;
  }

  get(): Promise<T> {
    const now = this.#now();
    if (this.#answer !== undefined && now < this.#answer.until) return this.#answer.promise;
    const wait = this.#begunAt + this.#pace - now;
    if (wait <= 0 && this.#next === undefined) return this.#begin();
    this.#next ??= pause(wait).then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  /** What was read before, or is being read, is of no use any more. */
  expire(): void {
    this.#answer = undefined;
  }

  #begin(): Promise<T> {
    this.#begunAt = this.#now();
    const answer = { promise: this.#read(), until: this.#begunAt + this.#options.freshMs };
    this.#answer = answer;
    const begunAt = this.#begunAt;
    answer.promise.then(
      () => {
        const usual = (this.#now() - begunAt) / SHARE;
        this.#pace = Math.min(Math.max(this.#options.paceMs, usual), LONGEST_PACE_MS);
      },
      () => {
        // a failure is not kept
        if (this.#answer === answer) this.#answer = undefined;
      },
    );
    return answer.promise;
  }

  #now(): number {
    return (this.#options.clock ?? SYSTEM_CLOCK).monotonic();
  }
}
