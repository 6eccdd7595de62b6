/** Longest delay that a timer takes. */
const MAX_MS = 2_147_483_647;

/** When the next part of which recording is due. */
export class PartTimers {
  readonly #timers = new Map<string, NodeJS.Timeout>();
  readonly #onDue: (app: string, vodId: number) => Promise<void>;

  constructor(onDue: (app: string, vodId: number) => Promise<void>) {
    this.#onDue = onDue;
  }

  /** @param at milliseconds since 1970 */
  set(app: string, vodId: number, at: number): void {
    this.setIn(app, vodId, at - Date.now());
  }

  setIn(app: string, vodId: number, ms: number): void {
    const key = `${app} ${vodId}`;
    clearTimeout(this.#timers.get(key));
    const timer = setTimeout(
      () => {
        this.#timers.delete(key);
        void this.#onDue(app, vodId);
      },
      Math.min(Math.max(ms, 0), MAX_MS),
    ).unref();
    this.#timers.set(key, timer);
  }

  forget(app: string, vodId: number): void {
    const key = `${app} ${vodId}`;
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
