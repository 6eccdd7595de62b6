import type { Background } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';

/** Time that the upload of a finished part is given. */
const UPLOAD_MS = 600_000;
const MIN_PART_MS = 60_000;

/** When the next part of which recording is due. */
export class PartTimers {
  readonly #background: Background;
  /** Functions that cancel a part. */
  readonly #due = new Map<string, () => void>();
  /** Monotonic times: a clock that is set neither ends a part early nor lengthens it. */
  readonly #limits = new Map<string, number>();
  readonly #starts = new Map<string, number>();
  readonly #onDue: (app: string, vodId: number) => Promise<void>;
  readonly #clock: Clock;

  constructor(background: Background, onDue: (app: string, vodId: number) => Promise<void>, clock = SYSTEM_CLOCK) {
    this.#background = background;
    this.#onDue = onDue;
    this.#clock = clock;
  }

  /** Of a recording whose storage credentials expire: the file has to be uploaded before. */
  limit(app: string, vodId: number, expiresAt: number): void {
    const left = expiresAt - this.#clock.now();
    const part = Math.max(MIN_PART_MS, left - Math.min(UPLOAD_MS, left / 3));
    this.#limits.set(`${app} ${vodId}`, this.#clock.monotonic() + part);
  }

  /** Milliseconds until a recording has to be continued by another part; undefined = it has no limit that is known. */
  limitIn(app: string, vodId: number): number | undefined {
    const limit = this.#limits.get(`${app} ${vodId}`);
    return limit === undefined ? undefined : limit - this.#clock.monotonic();
  }

  /**
   * How long a part has lasted, in milliseconds. Its start is compared with the wall clock only once.
   * @param startedAt milliseconds since 1970
   */
  age(app: string, vodId: number, startedAt: number): number {
    const key = `${app} ${vodId}`;
    const now = this.#clock.monotonic();
    // after the clock was set back, the start can be in the future
    const start = this.#starts.get(key) ?? now - Math.max(0, this.#clock.now() - startedAt);
    this.#starts.set(key, start);
    return now - start;
  }

  setIn(app: string, vodId: number, ms: number): void {
    const key = `${app} ${vodId}`;
    this.#due.get(key)?.();
    const cancel = this.#background.after('parts of recordings', ms, () => {
      this.#due.delete(key);
      return this.#onDue(app, vodId);
    });
    this.#due.set(key, cancel);
  }

  forget(app: string, vodId: number): void {
    const key = `${app} ${vodId}`;
    this.#due.get(key)?.();
    this.#due.delete(key);
    this.#limits.delete(key);
    this.#starts.delete(key);
  }

  stop(): void {
    for (const cancel of this.#due.values()) cancel();
    this.#due.clear();
  }
}
