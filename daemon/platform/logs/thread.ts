import { Worker } from 'node:worker_threads';
import type { StoreReply, StoreRequest } from './store-thread.ts';

const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const HEAP_MB = 64;
const STOP_PATIENCE_MS = 5000;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** One thread that holds the log table, and the calls that wait for it. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /**
   * @param onDamage told where a damaged file was put
   * @param onGone told when the thread has ended, for any reason
   */
  constructor(file: string, onDamage: (keptAs: string) => void, onGone: () => void) {
    this.#worker = new Worker(new URL(`./store-thread${extension}`, import.meta.url), {
      workerData: { file },
      env: {},
      name: 'logs',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: 8 },
    });
    this.#worker.unref();
    this.#worker.on('message', (message: StoreReply | { damaged: string }) => {
      if ('damaged' in message) onDamage(message.damaged);
      else this.#settle(message);
    });
    const gone = (error: Error): void => {
      onGone();
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    };
    this.#worker.on('error', gone);
    this.#worker.on('exit', () => gone(new Error('the log thread ended')));
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0;
  }

  call<T>(method: StoreRequest['method'], ...args: unknown[]): Promise<T> {
    const id = this.#nextId++;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
      this.#worker.postMessage({ id, method, args } satisfies StoreRequest);
    });
  }

  /** Finishes open calls, checkpoints and ends. */
  async end(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const patience = setTimeout(resolve, STOP_PATIENCE_MS);
    await Promise.race([this.call('close').catch(() => {}), late]);
    clearTimeout(patience);
    await this.#worker.terminate();
  }

  #settle(message: StoreReply): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) {
      waiting?.reject(Object.assign(new Error(message.error.message), message.error));
    } else waiting?.resolve(message.result);
  }
}
