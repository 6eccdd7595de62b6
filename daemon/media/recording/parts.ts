import type { Background } from '#daemon/platform/background.ts';

/** Time that the upload of a finished part is given. */
const UPLOAD_MS = 600_000;
const MIN_PART_MS = 60_000;

/** When the next part of which recording is due. */
export class PartTimers {
  readonly #background: Background;
  /** Functions that cancel a part. */
  readonly #due = new Map<string, () => void>();
  readonly #limits = new Map<string, number>();
  readonly #onDue: (app: string, vodId: number) => Promise<void>;

  constructor(background: Background, onDue: (app: string, vodId: number) => Promise<void>) {
    this.#background = background;
    this.#onDue = onDue;
  }

  /** Of a recording whose storage credentials expire: the file has to be uploaded before. */
  limit(app: string, vodId: number, expiresAt: number): void {
    const now = Date.now();
    const left = expiresAt - now;
    this.#limits.set(`${app} ${vodId}`, now + Math.max(MIN_PART_MS, left - Math.min(UPLOAD_MS, left / 3)));
  }

  /** When a recording has to be continued by another part, milliseconds since 1970. */
  limitOf(app: string, vodId: number): number | undefined {
    return this.#limits.get(`${app} ${vodId}`);
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
    this.#limits.delete(key);
  }

  stop(): void {
    for (const cancel of this.#due.values()) cancel();
    this.#due.clear();
  }
}
