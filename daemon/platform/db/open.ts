import Database from 'better-sqlite3';

export type Db = Database.Database;

export interface OpenOptions {
  readonly?: boolean;
  /** Fail when there is no such file, instead of making an empty one. */
  mustExist?: boolean;
  /** `full` survives a power cut with every commit; `normal` may lose the last ones, never the file. */
  durability?: 'full' | 'normal';
  /** Bytes of a page, for a database made by this call; 4096 unless told. */
  pageSize?: number;
}

/** Opens a SQLite file with the pragmas that all our databases share. */
export function openDatabase(file: string, options: OpenOptions = {}): Db {
  const db = new Database(file, {
    readonly: options.readonly ?? false,
    fileMustExist: options.mustExist ?? false,
    timeout: 5000,
  });
  if (!options.readonly) {
    if (options.pageSize !== undefined) db.pragma(`page_size = ${options.pageSize}`);
    db.pragma('journal_mode = WAL');
    db.pragma(`synchronous = ${options.durability === 'normal' ? 'NORMAL' : 'FULL'}`);
    db.pragma('journal_size_limit = 16777216');
  }
  db.pragma('foreign_keys = ON');
  db.pragma('temp_store = MEMORY');
  return db;
}
