import type { Background } from '#daemon/platform/background.ts';

/** When the next part of which recording is due. */
export class PartTimers {
  readonly #background: Background;
  /** Functions that call a part off. */
  readonly #due = new Map<string, () => void>();
  readonly #onDue: (app: string, vodId: number) => Promise<void>;

  constructor(background: Background, onDue: (app: string, vodId: number) => Promise<void>) {
    this.#background = background;
    this.#onDue = onDue;
  }

  /** @param at milliseconds since 1970 */
  set(app: string, vodId: number, at: number): void {
    this.setIn(app, vodId, at - Date.now());
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
  }

  stop(): void {
    for (const cancel of this.#due.values()) cancel();
    this.#due.clear();
  }
}
