import { parentPort, workerData } from 'node:worker_threads';
import { logMigrations } from '../db/logs/index.ts';
import { RenewableDatabase } from '../db/renewable.ts';
import { LOG_DATABASE, LogRepository } from './repository.ts';

/** A call of the thread: the name of a repository method and its arguments. */
export interface StoreRequest {
  id: number;
  method:
    | 'insert'
    | 'search'
    | 'histogram'
    | 'errors'
    | 'newestToRemove'
    | 'removeUpTo'
    | 'forgetApp'
    | 'appIds'
    | 'close';
  args: unknown[];
}
export type StoreReply =
  | { id: number; result: unknown }
  | { id: number; error: { message: string; code?: string; path?: string } };

/** Rows of an older version that one step moves; it takes some 10 ms. */
const MOVED_AT_A_TIME = 500;

const { file } = workerData as { file: string };
let database: RenewableDatabase<LogRepository> | undefined;
let damaged: string | undefined;
/** Why there is no file; then memory takes its place for one request. */
let refusal: Error | undefined;

const open = (): RenewableDatabase<LogRepository> =>
  new RenewableDatabase({
    file,
    migrations: logMigrations,
    open: LOG_DATABASE,
    prepare: (db) => new LogRepository(db),
    onDamage: (keptAs) => {
      damaged = keptAs;
    },
    onRefusal: (error) => {
      refusal = error as Error;
    },
  });

parentPort?.on('message', ({ id, method, args }: StoreRequest) => {
  try {
    if (database === undefined) {
      database = open();
      setImmediate(moveOldRows);
    }
    // lines wait with the caller until there is a file
    if (refusal !== undefined && method === 'insert') throw refusal;
    const result = database.use((repository) =>
      (repository[method] as (...args: unknown[]) => unknown).apply(repository, args),
    );
    reply({ id, result });
    if (damaged !== undefined) {
      parentPort?.postMessage({ damaged });
      damaged = undefined;
    }
    if (method === 'close') {
      database = undefined;
      parentPort?.close();
    }
  } catch (error) {
    const { message, code, path } = error as Error & { code?: string; path?: string };
    reply({ id, error: { message, ...(code ? { code } : {}), ...(path ? { path } : {}) } });
  }
  if (refusal === undefined) return;
  if (method !== 'close') database?.close();
  database = undefined;
  refusal = undefined;
});

/** Requests are answered between two steps. A step that fails is tried again by the next thread. */
function moveOldRows(): void {
  try {
    if (database?.use((repository) => repository.moveOldRows(MOVED_AT_A_TIME))) setImmediate(moveOldRows);
  } catch {
    // the rows stay where they are
  }
}

function reply(answer: StoreReply): void {
  parentPort?.postMessage(answer);
}
