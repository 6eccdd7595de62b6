/** One task at a time for each key, in the order in which they came. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs the task when all earlier ones of its key have ended. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tails.set(key, promise);
    if (before !== undefined) await before;
    try {
      return await task();
    } finally {
      if (this.#tails.get(key) === promise) this.#tails.delete(key);
      resolve();
    }
  }
}
