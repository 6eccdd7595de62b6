import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';

export type Db = Database.Database;

export interface OpenOptions {
  readonly?: boolean;
  /** Fail when there is no such file, instead of making an empty one. */
  mustExist?: boolean;
  /** `full` survives a power cut with every commit; `normal` may lose the last ones, never the file. */
  durability?: 'full' | 'normal';
  /** Bytes of a page, for a database made by this call; 4096 by default. */
  pageSize?: number;
  /**
   * Milliseconds to wait for another program's lock; 250 by default. The wait holds up the whole thread, so a daemon
   * answers "busy" soon and lets the client try again.
   */
  busyMs?: number;
  /** What to throw instead of a fault of the disk or the file. */
  faultOf?(error: Error & { code: string }): Error;
}

/** How a database could be opened. */
type Mode = 'normal' | 'exclusive' | 'copy';

/** Faults of the disk or of the file, which name the database. Constraint errors are the caller's business. */
const FAULTS = /^SQLITE_(?:FULL|READONLY|IOERR|CANTOPEN|PERM|CORRUPT|NOTADB|BUSY|LOCKED|PROTOCOL)/;
/** Faults for which reading may still be possible in another way. */
const REFUSALS = /^SQLITE_(?:FULL|READONLY|IOERR|CANTOPEN)/;

/**
 * Opens a SQLite file with the pragmas that all our databases share. Errors of the disk carry the file as `path` and in
 * their message. On a read-only disk the file is opened for reading: see `modeOf`.
 */
export function openDatabase(file: string, options: OpenOptions = {}): Db {
  try {
    return open(file, file, options, 'normal');
  } catch (error) {
    if (!REFUSALS.test(codeOf(error)) || !existsSync(file)) throw error;
    const more = options.readonly ? [] : [() => open(file, file, options, 'exclusive')];
    for (const attempt of [...more, () => openCopy(file, options)]) {
      try {
        return attempt();
      } catch {
        // the first error says what is wrong
      }
    }
    throw error;
  }
}

/**
 * `normal`; `exclusive` when a full disk has no room for SQLite's shared memory file: writes work again once there is
 * space, but no second connection; `copy` on a read-only disk: what is read is the state at the start, nothing can be written.
 */
export const modeOf = (db: Db): Mode => (db instanceof NamedDatabase ? db.mode : 'normal');

/** A database that names itself in its failures. */
class NamedDatabase extends Database {
  /** The file that is meant; `name` can be a copy of it. */
  readonly file: string;
  readonly mode: Mode;
  readonly faultOf: OpenOptions['faultOf'];

  constructor(at: string, file: string, mode: Mode, { faultOf, ...options }: Database.Options & OpenOptions) {
    super(at, options);
    this.file = file;
    this.mode = mode;
    this.faultOf = faultOf;
  }

  override prepare(source: string): never {
    const statement = naming(this, () => super.prepare(source)) as object;
    return Object.setPrototypeOf(statement, guardedPrototype(Object.getPrototypeOf(statement))) as never;
  }

  override exec(source: string): this {
    return naming(this, () => super.exec(source));
  }

  override pragma(source: string, options?: Database.PragmaOptions): unknown {
    return naming(this, () => super.pragma(source, options));
  }

  override transaction<F extends (...args: never[]) => unknown>(work: F): Database.Transaction<F> {
    const db = this;
    const inner = super.transaction(work as never) as unknown as Record<string, (...args: unknown[]) => unknown>;
    const guarded = (run: (...args: unknown[]) => unknown) =>
      function (this: unknown, ...args: unknown[]): unknown {
        return naming(db, () => run.apply(this, args));
      };
    const { deferred, immediate, exclusive } = inner as Record<string, (...args: unknown[]) => unknown>;
    return Object.assign(guarded(inner as never), {
      deferred: guarded(deferred as never),
      immediate: guarded(immediate as never),
      exclusive: guarded(exclusive as never),
    }) as unknown as Database.Transaction<F>;
  }
}

function open(at: string, file: string, options: OpenOptions, mode: Mode): Db {
  const { readonly = false, mustExist = false, busyMs = 250, faultOf } = options;
  const settings = { readonly, fileMustExist: mustExist, timeout: busyMs, ...(faultOf ? { faultOf } : {}) };
  const db = naming({ file, faultOf: undefined }, () => new NamedDatabase(at, file, mode, settings));
  try {
    if (mode === 'exclusive') db.pragma('locking_mode = EXCLUSIVE');
    if (!options.readonly) {
      if (options.pageSize !== undefined) db.pragma(`page_size = ${options.pageSize}`);
      db.pragma(`journal_mode = ${mode === 'copy' ? 'DELETE' : 'WAL'}`);
      db.pragma(`synchronous = ${options.durability === 'normal' ? 'NORMAL' : 'FULL'}`);
      db.pragma('journal_size_limit = 16777216');
    }
    db.pragma('foreign_keys = ON');
    db.pragma('temp_store = MEMORY');
    // a file that can't be used says so here
    db.pragma('schema_version');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Reads from a copy, because SQLite needs files beside a database even to read it. Nothing of the copy stays on a disk. */
function openCopy(file: string, options: OpenOptions): Db {
  let failure: unknown;
  for (const place of [os.tmpdir(), '/dev/shm']) {
    let folder: string | undefined;
    try {
      folder = mkdtempSync(path.join(place, 'streamhub-'));
      const copy = path.join(folder, path.basename(file));
      copyFileSync(file, copy);
      if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
      const db = open(copy, file, { ...options, readonly: false }, 'copy');
      db.pragma('query_only = ON');
      return db;
    } catch (error) {
      failure = error;
    } finally {
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    }
  }
  throw failure;
}

function naming<T>(of: Pick<NamedDatabase, 'file' | 'faultOf'>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw named(error, of);
  }
}

function named(error: unknown, { file, faultOf }: Pick<NamedDatabase, 'file' | 'faultOf'>): unknown {
  if (!(error instanceof Error) || !FAULTS.test(codeOf(error)) || 'path' in error) return error;
  error.message = `${file}: ${error.message}`;
  const fault = Object.assign(error as Error & { code: string }, { path: file });
  return faultOf?.(fault) ?? fault;
}

/** Does a constraint of the schema reject the row? */
export const isRejection = (error: unknown): boolean => /^SQLITE_CONSTRAINT/.test(codeOf(error));

/** Is the file itself broken, so that trying again is of no use? */
export const isDamage = (error: unknown): boolean => /^SQLITE_(?:CORRUPT|NOTADB)/.test(codeOf(error));

const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? '');

type Method = (this: { database: Db }, ...args: unknown[]) => unknown;

let native: object | undefined;
let guarded: object | undefined;

/** The methods of a statement, with errors that name the database. One object for all statements. */
function guardedPrototype(prototype: object): object {
  if (guarded !== undefined && native === prototype) return guarded;
  native = prototype;
  guarded = Object.create(prototype) as object;
  for (const name of ['run', 'get', 'all'] as const) {
    const method = (prototype as Record<string, Method>)[name] as Method;
    (guarded as Record<string, Method>)[name] = function (...args) {
      try {
        return method.apply(this, args);
      } catch (error) {
        throw named(error, this.database as NamedDatabase);
      }
    };
  }
  return guarded;
}
