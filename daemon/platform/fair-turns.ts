/** What a piece of work counts in while it runs: name of a counter → how many of it may run at the same time. */
export type Bounds = Readonly<Record<string, number>>;

interface Waiting {
  key: string;
  bounds: Bounds;
  start(): void;
}

/**
 * Runs work while all its counters have room. The rest waits, and those who wait take turns: the next one is of the key
 * with the fewest running, then of the one whose last turn is the longest ago. One caller's long queue delays no other's.
 */
export class FairTurns {
  readonly #running = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();
  /** When a key last had its turn, while it has work. */
  readonly #lastTurn = new Map<string, number>();
  #turns = 0;

  /**
   * @param key whose work it is, e.g. a team
   * @param signal calls off what still waits
   */
  async run<T>(key: string, bounds: Bounds, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.hasRoom(bounds)) this.#take(key, bounds);
    else await this.#wait(key, bounds, signal);
    try {
      return await work();
    } finally {
      this.#release(key, bounds);
    }
  }

  /** Number of waiting tasks in this counter. */
  waiting(counter: string): number {
    let count = 0;
    for (const { bounds } of this.#waiting) if (counter in bounds) count += 1;
    return count;
  }

  #wait(key: string, bounds: Bounds, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { key, bounds, start: resolve };
    const abandon = (): void => {
      if (this.#waiting.delete(waiting)) reject(signal?.reason);
    };
    this.#waiting.add(waiting);
    signal?.addEventListener('abort', abandon);
    return promise.finally(() => signal?.removeEventListener('abort', abandon));
  }

  /** Could this work start now? */
  hasRoom(bounds: Bounds): boolean {
    return Object.entries(bounds).every(([counter, most]) => (this.#running.get(counter) ?? 0) < most);
  }

  #take(key: string, bounds: Bounds): void {
    this.#lastTurn.set(key, ++this.#turns);
    for (const counter of [ofKey(key), ...Object.keys(bounds)])
      this.#running.set(counter, (this.#running.get(counter) ?? 0) + 1);
  }

  #release(key: string, bounds: Bounds): void {
    for (const counter of [ofKey(key), ...Object.keys(bounds)]) {
      const left = (this.#running.get(counter) ?? 1) - 1;
      if (left === 0) this.#running.delete(counter);
      else this.#running.set(counter, left);
    }
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#waiting.delete(next);
      this.#take(next.key, next.bounds);
      next.start();
    }
    // who has nothing left is forgotten, or the map would grow with every team there ever was
    if (this.#waiting.size === 0 && this.#running.size === 0) this.#lastTurn.clear();
  }

  #next(): Waiting | undefined {
    let best: Waiting | undefined;
    for (const one of this.#waiting)
      if (this.hasRoom(one.bounds) && (best === undefined || this.#isBefore(one.key, best.key))) best = one;
    return best;
  }

  #isBefore(one: string, other: string): boolean {
    const more = (this.#running.get(ofKey(one)) ?? 0) - (this.#running.get(ofKey(other)) ?? 0);
    return more < 0 || (more === 0 && (this.#lastTurn.get(one) ?? 0) < (this.#lastTurn.get(other) ?? 0));
  }
}

const ofKey = (key: string): string => `key ${key}`;
