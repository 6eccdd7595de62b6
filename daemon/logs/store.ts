import { Worker } from 'node:worker_threads';
import { ApiError } from '#shared/errors.ts';
import type { LogFilter, LogPage, StoredLog } from './rows.ts';
import type { StoreReply, StoreRequest } from './store-thread.ts';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
/** Searches that may wait for the thread; one more is refused. */
const MAX_SEARCHES = 32;
/** Rows that one step of a clean-up touches, so that searches and inserts get in between. */
const STEP = 2000;
const HEAP_MB = 64;
const STOP_PATIENCE_MS = 5000;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/**
 * The log table, in a thread of its own: neither a search over a million rows nor a batch of inserts ever holds up a
 * request. The thread starts with the first call; if it dies, the next call starts another.
 */
export class LogStore {
  readonly #file: string;
  readonly #onDamage: (keptAs: string) => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #nextId = 1;
  #searches = 0;
  #closed = false;

  /** @param onDamage told where a damaged file was put */
  constructor(file: string, onDamage: (keptAs: string) => void = () => {}) {
    this.#file = file;
    this.#onDamage = onDamage;
  }

  /** @returns the id of the last row; those before it count down */
  insert(batch: readonly StoredLog[]): Promise<number> {
    return this.#call('insert', batch);
  }

  /** @throws ApiError OVERLOADED when too many searches wait */
  async search(filter: LogFilter): Promise<LogPage> {
    if (this.#searches >= MAX_SEARCHES) throw new ApiError('OVERLOADED');
    this.#searches += 1;
    try {
      return await this.#call<LogPage>('search', filter);
    } finally {
      this.#searches -= 1;
    }
  }

  /** Removes what is older than `before` (milliseconds) and what is too much, oldest first. @returns rows removed */
  async clean(before: number | undefined, keep: number): Promise<number> {
    let removed = 0;
    if (before !== undefined) removed += await this.#inSteps(() => this.#call('removeOlder', before, STEP));
    return removed + (await this.#inSteps(() => this.#call('removeBeyond', keep, STEP)));
  }

  /** Rows of a deleted app become rows of no app. */
  async forgetApp(appId: number): Promise<void> {
    await this.#inSteps(() => this.#call('forgetApp', appId, STEP));
  }

  appIds(): Promise<number[]> {
    return this.#call('appIds');
  }

  /** Finishes what was asked, checkpoints and ends the thread. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const worker = this.#worker;
    const done = worker === undefined ? undefined : this.#call('close');
    this.#closed = true;
    if (worker === undefined) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const patience = setTimeout(resolve, STOP_PATIENCE_MS);
    await Promise.race([done?.catch(() => {}), late]);
    clearTimeout(patience);
    await worker.terminate();
  }

  async #inSteps(step: () => Promise<number>): Promise<number> {
    let sum = 0;
    for (;;) {
      const touched = this.#closed ? 0 : await step();
      sum += touched;
      if (touched < STEP) return sum;
    }
  }

  #call<T>(method: StoreRequest['method'], ...args: unknown[]): Promise<T> {
    if (this.#closed) return Promise.reject(new ApiError('SHUTTING_DOWN'));
    const worker = (this.#worker ??= this.#start());
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      worker.postMessage({ id, method, args } satisfies StoreRequest);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL(`./store-thread${extension}`, import.meta.url), {
      workerData: { file: this.#file },
      env: {},
      name: 'logs',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 8 },
    });
    worker.unref();
    worker.on('message', (message: StoreReply | { damaged: string }) => {
      if ('damaged' in message) {
        this.#onDamage(message.damaged);
        return;
      }
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if ('error' in message)
        waiting?.reject(Object.assign(new Error(message.error.message), { code: message.error.code }));
      else waiting?.resolve(message.result);
    });
    const gone = (error: Error): void => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const [id, waiting] of this.#waiting) {
        this.#waiting.delete(id);
        waiting.reject(error);
      }
    };
    worker.on('error', gone);
    worker.on('exit', () => gone(new Error('the log thread ended')));
    return worker;
  }
}
