import { rmSync } from 'node:fs';
import { setAside } from '../files/set-aside.ts';
import { type Migration, migrate } from './migrate.ts';
import { type Db, openDatabase } from './open.ts';

/**
 * Opens a database that is worth less than a daemon that starts: a file that SQLite finds damaged is set aside beside
 * itself, and a new one is begun.
 * @param open opens and migrates; it closes what it opened when it throws
 * @param onDamage told where the damaged file was put
 * @throws what `open` throws for another reason: a full disk or missing rights are no damage
 */
export function openOrRenew<T>(file: string, open: () => T, onDamage: (keptAs: string) => void, at = Date.now()): T {
  try {
    return open();
  } catch (error) {
    if (!/^SQLITE_(CORRUPT|NOTADB)/.test((error as { code?: string }).code ?? '')) throw error;
    const keptAs = setAside(file, 'damaged', new Date(at));
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
    onDamage(keptAs);
    return open();
  }
}

/** The same for a database that is opened with its migrations and nothing else. Its commits do not wait for the disk. */
export function openRenewable(
  file: string,
  migrations: readonly Migration[],
  onDamage: (keptAs: string) => void,
  at?: number,
): Db {
  const open = (): Db => {
    const db = openDatabase(file, { durability: 'normal' });
    try {
      migrate(db, migrations);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  };
  return openOrRenew(file, open, onDamage, at);
}
