import { parentPort, workerData } from 'node:worker_threads';
import { openOrRenew } from '../db/open-or-renew.ts';
import { LogRepository } from './repository.ts';

/** What the thread is asked: the name of a method of the repository and its arguments. */
export interface StoreRequest {
  id: number;
  method: 'insert' | 'search' | 'histogram' | 'removeOlder' | 'removeBeyond' | 'forgetApp' | 'appIds' | 'close';
  args: unknown[];
}
export type StoreReply = { id: number; result: unknown } | { id: number; error: { message: string; code?: string } };

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
    repository ??= open();
    const call = repository[method] as (...args: unknown[]) => unknown;
    reply({ id, result: call.apply(repository, args) });
    if (damaged !== undefined) {
      parentPort?.postMessage({ damaged });
      damaged = undefined;
    }
    if (method === 'close') parentPort?.close();
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    reply({ id, error: { message, ...(code ? { code } : {}) } });
  }
});

function reply(answer: StoreReply): void {
  parentPort?.postMessage(answer);
}
