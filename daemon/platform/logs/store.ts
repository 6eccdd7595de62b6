import { ApiError } from '#shared/errors.ts';
import type { ErrorGroups, LogCountFilter, LogCounts, LogErrorFilter, LogFilter, LogPage, StoredLog } from './rows.ts';
import type { StoreRequest } from './store-thread.ts';
import { StoreThread } from './thread.ts';

/** Searches that may wait for the thread; one more is refused. */
const MAX_SEARCHES = 32;
/** Rows that one step of a clean-up touches, so that searches and inserts get in between. */
const STEP = 2000;
/** Milliseconds without a call after which the thread ends; it uses about 13 MB. */
const IDLE_MS = 30_000;

export interface LogStoreOptions {
  /** Called with the place of a damaged file. */
  onDamage?(keptAs: string): void;
  idleMs?: number;
}

/**
 * The log table, in a separate thread: neither a search over a million rows nor a batch of inserts ever holds up a
 * request. The thread starts with a call and leaves after a while without one; if it dies, the next call starts another.
 */
export class LogStore {
  readonly #file: string;
  readonly #options: LogStoreOptions;
  #thread: StoreThread | undefined;
  #idle: NodeJS.Timeout | undefined;
  #leaving: Promise<void> | undefined;
  #searches = 0;
  #closed = false;

  constructor(file: string, options: LogStoreOptions = {}) {
    this.#file = file;
    this.#options = options;
  }

  /** Whether a thread runs; for tests and metrics. */
  get isAwake(): boolean {
    return this.#thread !== undefined;
  }

  /** @returns the ids of the rows */
  insert(batch: readonly StoredLog[]): Promise<number[]> {
    return this.#call('insert', batch);
  }

  /** @throws ApiError OVERLOADED when too many searches wait */
  search(filter: LogFilter): Promise<LogPage> {
    return this.#ask<LogPage>('search', filter);
  }

  /** @throws ApiError OVERLOADED when too many searches wait */
  histogram(filter: LogCountFilter): Promise<LogCounts> {
    return this.#ask<LogCounts>('histogram', filter);
  }

  /** @throws ApiError OVERLOADED when too many searches wait */
  errors(filter: LogErrorFilter, limit: number): Promise<ErrorGroups> {
    return this.#ask<ErrorGroups>('errors', filter, limit);
  }

  async #ask<T>(method: 'search' | 'histogram' | 'errors', ...args: unknown[]): Promise<T> {
    if (this.#searches >= MAX_SEARCHES) throw new ApiError('OVERLOADED');
    this.#searches += 1;
    try {
      return await this.#call<T>(method, ...args);
    } finally {
      this.#searches -= 1;
    }
  }

  /** Removes what is older than `before` (milliseconds) and what is too much, oldest first. @returns rows removed */
  async clean(before: number | undefined, keep: number): Promise<number> {
    const id = await this.#call<number | undefined>('newestToRemove', before, keep);
    return id === undefined ? 0 : this.#inSteps(() => this.#call('removeUpTo', id, STEP));
  }

  /** Rows of a deleted app become rows of no app. */
  async forgetApp(appId: number): Promise<void> {
    await this.#inSteps(() => this.#call('forgetApp', appId, STEP));
  }

  appIds(): Promise<number[]> {
    return this.#call('appIds');
  }

  /** Finishes open calls, checkpoints and ends the thread. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    this.#letGo();
    await this.#leaving;
  }

  async #inSteps(step: () => Promise<number>): Promise<number> {
    let sum = 0;
    for (;;) {
      const touched = this.#closed ? 0 : await step();
      sum += touched;
      if (touched < STEP) return sum;
    }
  }

  async #call<T>(method: StoreRequest['method'], ...args: unknown[]): Promise<T> {
    if (this.#closed) throw new ApiError('SHUTTING_DOWN');
    // one thread at a time has the file
    if (this.#thread === undefined) await this.#leaving;
    const thread = (this.#thread ??= this.#start());
    clearTimeout(this.#idle);
    try {
      return await thread.call<T>(method, ...args);
    } finally {
      if (thread === this.#thread && thread.isIdle && !this.#closed) {
        this.#idle = setTimeout(() => this.#letGo(), this.#options.idleMs ?? IDLE_MS).unref();
      }
    }
  }

  #letGo(): void {
    const thread = this.#thread;
    this.#thread = undefined;
    if (thread === undefined) return;
    this.#leaving = thread.end().then(() => {
      this.#leaving = undefined;
    });
  }

  #start(): StoreThread {
    const thread: StoreThread = new StoreThread(
      this.#file,
      (keptAs) => this.#options.onDamage?.(keptAs),
      () => {
        if (this.#thread === thread) this.#thread = undefined;
      },
    );
    return thread;
  }
}
