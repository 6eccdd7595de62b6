import { parentPort, workerData } from 'node:worker_threads';
import { openOrRenew } from '../db/open-or-renew.ts';
import { LogRepository } from './repository.ts';

/** What the thread is asked: the name of a method of the repository and its arguments. */
export interface StoreRequest {
  id: number;
  method: 'insert' | 'search' | 'histogram' | 'newestToRemove' | 'removeUpTo' | 'forgetApp' | 'appIds' | 'close';
  args: unknown[];
}
export type StoreReply = { id: number; result: unknown } | { id: number; error: { message: string; code?: string } };

/** Rows of an older version that one step moves; it takes some 10 ms. */
const MOVED_AT_A_TIME = 500;

const { file } = workerData as { file: string };
let repository: LogRepository | undefined;
let damaged: string | undefined;

const open = (): LogRepository =>
  openOrRenew(
    file,
    () => new LogRepository(file),
    (keptAs) => {
      damaged = keptAs;
    },
  );

parentPort?.on('message', ({ id, method, args }: StoreRequest) => {
  try {
    if (repository === undefined) {
      repository = open();
      setImmediate(moveOldRows);
    }
    const call = repository[method] as (...args: unknown[]) => unknown;
    reply({ id, result: call.apply(repository, args) });
    if (damaged !== undefined) {
      parentPort?.postMessage({ damaged });
      damaged = undefined;
    }
    if (method === 'close') {
      repository = undefined;
      parentPort?.close();
    }
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    reply({ id, error: { message, ...(code ? { code } : {}) } });
  }
});

/** Requests are answered between two steps. A step that fails is tried again by the next thread. */
function moveOldRows(): void {
  try {
    if (repository?.moveOldRows(MOVED_AT_A_TIME)) setImmediate(moveOldRows);
  } catch {
    // the rows stay where they are
  }
}

function reply(answer: StoreReply): void {
  parentPort?.postMessage(answer);
}
