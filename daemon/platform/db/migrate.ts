import { existsSync, rmSync } from 'node:fs';
import type { Db } from './open.ts';

/** One step of a database's history. Ids are unique numbers, applied in ascending order; a step is never changed once released. */
export interface Migration {
  id: number;
  name: string;
  sql: string;
}

/** The file was made by something else; nothing in it is touched. */
export class ForeignDatabase extends Error {}

/** The file holds migrations that this version does not know. */
export class NewerDatabase extends Error {}

/**
 * Brings a database up to date in one transaction a step, a new one in one for all. A database that holds data is copied to
 * `<file>.before-<id>` first; the copy stays until the next migration replaces it.
 * @throws NewerDatabase, ForeignDatabase
 */
export function migrate(db: Db, migrations: readonly Migration[]): number {
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[];
  if (tables.length > 0 && !tables.includes('schema_migrations')) {
    throw new ForeignDatabase(`${db.name} holds tables of another program (${tables.slice(0, 3).join(', ')}, …)`);
  }
  db.exec(
    'CREATE TABLE IF NOT EXISTS schema_migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)',
  );
  const applied = new Set(db.prepare('SELECT id FROM schema_migrations').pluck().all() as number[]);
  const pending = migrations.filter((step) => !applied.has(step.id)).sort((a, b) => a.id - b.id);
  const known = new Set(migrations.map((step) => step.id));
  const newer = [...applied].filter((id) => !known.has(id));
  if (newer.length > 0) {
    throw new NewerDatabase(`${db.name} was written by a newer StreamHub (unknown migrations ${newer.join(', ')})`);
  }
  if (pending.length > 0 && applied.size > 0 && !db.memory) backUp(db, pending[0]?.id ?? 0);
  const record = db.prepare('INSERT INTO schema_migrations (id, name, applied_at) VALUES (?, ?, ?)');
  const apply = (step: Migration): void => {
    db.exec(step.sql);
    record.run(step.id, step.name, new Date().toISOString());
  };
  // a new database is made whole or not at all, with one flush to the disk
  const groups = applied.size === 0 ? [pending] : pending.map((step) => [step]);
  for (const group of groups) db.transaction(() => group.forEach(apply))();
  return pending.length;
}

function backUp(db: Db, id: number): void {
  const copy = `${db.name}.before-${id}`;
  if (existsSync(copy)) rmSync(copy);
  db.prepare('VACUUM INTO ?').run(copy);
}
