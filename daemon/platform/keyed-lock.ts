import { Mutex } from 'async-mutex';

/** A mutex for each key: one task at a time, in the order in which they came. A key without tasks uses no memory. */
export class KeyedLock {
  readonly #locks = new Map<string, { mutex: Mutex; tasks: number }>();

  /** Runs the task when all earlier ones of its key have ended. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    let lock = this.#locks.get(key);
    if (lock === undefined) this.#locks.set(key, (lock = { mutex: new Mutex(), tasks: 0 }));
    lock.tasks += 1;
    try {
      return await lock.mutex.runExclusive(task);
    } finally {
      lock.tasks -= 1;
      if (lock.tasks === 0) this.#locks.delete(key);
    }
  }
}
