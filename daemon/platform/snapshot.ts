import { type Clock, SYSTEM_CLOCK } from './clock.ts';
export interface SnapshotOptions<T> {
  /** Loads the value; one run at a time. Must not throw. */
  load(): Promise<T>;
  /** Milliseconds for which a value is returned without loading it again. */
  freshMs: number;
  /** Milliseconds for which an older value is still returned while a newer one loads; beyond, callers wait. */
  staleMs: number;
  /** Monotonic milliseconds. */
  clock?: Clock;
}

/** An expensive value: cached for a while; concurrent callers share one load. */
export class Snapshot<T> {
  readonly #options: SnapshotOptions<T>;
  readonly #clock: Clock;
  #value: { is: T; at: number } | undefined;
  #running: Promise<T> | undefined;
  /** The value expired while it was being loaded. */
  #isOutdated = false;

  constructor(options: SnapshotOptions<T>) {
    this.#options = options;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
  }

  /** The value if a recent one is cached; otherwise a promise. */
  get(): T | Promise<T> {
    const age = this.#value === undefined ? Number.POSITIVE_INFINITY : this.#clock.monotonic() - this.#value.at;
    if (age <= this.#options.freshMs) return (this.#value as { is: T }).is;
    const running = this.#run();
    return age <= this.#options.staleMs ? (this.#value as { is: T }).is : running;
  }

  /** The next caller waits for a new value. */
  expire(): void {
    if (this.#value) this.#value.at = Number.NEGATIVE_INFINITY;
    this.#isOutdated = true;
  }

  #run(): Promise<T> {
    // what is being loaded may have been read before the change
    const again = async (): Promise<T> => this.get();
    if (this.#running !== undefined) return this.#isOutdated ? this.#running.then(again, again) : this.#running;
    this.#isOutdated = false;
    this.#running = this.#options.load().then(
      (is) => {
        this.#value = { is, at: this.#isOutdated ? Number.NEGATIVE_INFINITY : this.#clock.monotonic() };
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
