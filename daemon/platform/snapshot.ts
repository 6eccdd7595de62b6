import { type Clock, SYSTEM_CLOCK } from './clock.ts';
export interface SnapshotOptions<T> {
  /** Finds out the value; one run at a time. Must not throw. */
  load(): Promise<T>;
  /** Milliseconds for which a value is answered as it is. */
  freshMs: number;
  /** Milliseconds for which an older value is still answered while a newer one is found out; beyond, callers wait. */
  staleMs: number;
  /** Monotonic milliseconds. */
  clock?: Clock;
}

/** A value that is expensive to find out: kept for a while, found out once for all who ask at the same time. */
export class Snapshot<T> {
  readonly #options: SnapshotOptions<T>;
  readonly #clock: Clock;
  #value: { is: T; at: number } | undefined;
  #running: Promise<T> | undefined;

  constructor(options: SnapshotOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** The value if it is at hand; a promise only when there is none that is recent enough. */
  get(): T | Promise<T> {
    const age = this.#value === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonic() - this.#value.at;
    if (age <= this.#options.freshMs) return (this.#value as { is: T }).is;
    const running = this.#run();
    return age <= this.#options.staleMs ? (this.#value as { is: T }).is : running;
  }

  /** The next caller waits for a new value. */
  expire(): void {
    if (this.#value) this.#value.at = Number.NEGATIVE_INFINITY;
  }

  #run(): Promise<T> {
    this.#running ??= this.#options.load().then(
      (is) => {
        this.#value = { is, at: this.#clock.monotonic() };
        this.#running = undefined;
        return is;
      },
      (error) => {
        this.#running = undefined;
        throw error;
      },
    );
    return this.#running;
  }
}
