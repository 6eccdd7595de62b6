import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { ApiError } from '#shared/errors.ts';
import { fileError } from '../files/file-errors.ts';
import { appMigrations } from './app/index.ts';
import { ForeignDatabase, migrate, NewerDatabase } from './migrate.ts';
import { type Db, isDamage, modeOf, openDatabase } from './open.ts';

const MAX_OPEN = 64;
/** A copy, made because the disk refused, is used so long, milliseconds. */
const COPY_MS = 5000;

/** Handles of the apps' databases: opened when first needed, the least recently used closed beyond 64. */
export class AppDatabases {
  readonly #appsDir: string;
  readonly #open = new LRUCache<string, Db>({ max: MAX_OPEN, dispose: (db) => db.close() });
  /** When the databases that could only be read as a copy were opened; monotonic. */
  readonly #copiedAt = new Map<string, number>();
  #template: Buffer | undefined;

  constructor(appsDir: string) {
    this.#appsDir = appsDir;
  }

  /** Path of an app's database. */
  file(app: string): string {
    return path.join(this.#appsDir, app, 'app.db');
  }

  /**
   * The app's database, up to date. Do not keep the handle across awaits.
   * @throws ApiError APP_DATABASE_UNUSABLE when the file is missing, damaged, or of a newer StreamHub
   */
  get(app: string): Db {
    // the disk may take writes again
    const copiedAt = this.#copiedAt.get(app);
    if (copiedAt !== undefined && performance.now() - copiedAt > COPY_MS) this.close(app);
    let db = this.#open.get(app);
    if (db === undefined) this.#open.set(app, (db = this.#openFile(app)));
    return db;
  }

  /** Why the daemon may not use an app's database; undefined if it may, or if there is none. */
  refusal(app: string): ApiError | undefined {
    const refused = accessError(this.file(app));
    return refused === undefined || refused.code === 'ENOENT' ? undefined : fileError(refused, this.file(app));
  }

  #openFile(app: string): Db {
    let db: Db | undefined;
    try {
      db = openDatabase(this.file(app), { mustExist: true, faultOf: (error) => this.#faultOf(app, error) });
      migrate(db, appMigrations);
      if (modeOf(db) === 'copy') this.#copiedAt.set(app, performance.now());
      return db;
    } catch (error) {
      db?.close();
      if (error instanceof ApiError) throw error;
      const reason = reasonOf(error, this.file(app));
      if (reason instanceof ApiError) throw reason;
      throw reason === undefined
        ? error
        : new ApiError('APP_DATABASE_UNUSABLE', { name: app, reason }, { cause: error });
    }
  }

  /** Damage found during use affects only this app. The next call opens a repaired file. */
  #faultOf(app: string, error: Error): Error {
    if (!isDamage(error)) return error;
    // the handle is in use by the caller
    setImmediate(() => this.close(app));
    return new ApiError('APP_DATABASE_UNUSABLE', { name: app, reason: 'is damaged' }, { cause: error });
  }

  /** Bytes of an empty, migrated app database: a new app's file is a copy of it, so that creating one costs no SQL. */
  template(): Buffer {
    if (this.#template === undefined) {
      const db = openDatabase(':memory:');
      migrate(db, appMigrations);
      this.#template = db.serialize();
      db.close();
    }
    return this.#template;
  }

  close(app: string): void {
    this.#copiedAt.delete(app);
    this.#open.delete(app);
  }

  closeAll(): void {
    this.#open.clear();
  }
}

/** Undefined for temporary failures like a full disk; an ApiError for a file that the system refuses. */
function reasonOf(error: unknown, file: string): string | ApiError | undefined {
  if (error instanceof NewerDatabase) return 'was written by a newer StreamHub';
  if (error instanceof ForeignDatabase) return 'was made by another program';
  const { code = '' } = error as { code?: string };
  // SQLite reports no errno
  const refused = accessError(file);
  if (refused !== undefined) return refused.code === 'ENOENT' ? 'is missing' : fileError(refused, file);
  return code.startsWith('SQLITE_CANTOPEN') ? 'cannot be opened' : undefined;
}

function accessError(file: string): NodeJS.ErrnoException | undefined {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
