import { renameSync, rmSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
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

/** A damaged file is put aside: the log of yesterday is not worth a daemon that cannot log today. */
function open(): LogRepository {
  try {
    return new LogRepository(file);
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'SQLITE_CORRUPT' && code !== 'SQLITE_NOTADB') throw error;
    damaged = `${file}.damaged-${new Date().toISOString().replaceAll(':', '-')}`;
    renameSync(file, damaged);
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
    return new LogRepository(file);
  }
}

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
