import Database from 'better-sqlite3';

export interface DatabaseCheck {
  files: string[];
  /** Milliseconds for all of them; databases that are left over aren't looked at. */
  limitMs: number;
}

export interface DatabaseVerdict {
  /** Null: whole. Undefined: there was no time. */
  problem?: string | null;
}

/** Looks through each database for damage, as `PRAGMA quick_check` does. Changes nothing. */
export default function checkDatabases({ files, limitMs }: DatabaseCheck): DatabaseVerdict[] {
  const end = performance.now() + limitMs;
  return files.map((file) => (performance.now() > end ? {} : { problem: problemOf(file) }));
}

function problemOf(file: string): string | null {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true, timeout: 2000 });
    if (db.pragma('page_count', { simple: true }) === 0) return 'damaged (it is empty)';
    const first = db.pragma('quick_check(1)', { simple: true });
    return first === 'ok' ? null : `damaged (${String(first).slice(0, 120)})`;
  } catch (error) {
    const { code = '', message } = error as { code?: string; message: string };
    return code === '' ? message.slice(0, 120) : code;
  } finally {
    db?.close();
  }
}
