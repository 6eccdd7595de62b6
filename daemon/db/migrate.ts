import { existsSync, rmSync } from 'node:fs';
import type { Db } from './open.ts';

/** One step of a database's history. Ids are unique numbers, applied in ascending order; a step is never changed once released. */
export interface Migration {
  id: number;
  name: string;
  sql: string;
}

/**
 * Brings a database up to date in one transaction a step. A database that holds data is copied to
 * `<file>.before-<id>` first; the copy stays until the next migration replaces it.
 */
export function migrate(db: Db, migrations: readonly Migration[]): number {
  db.exec(
    'CREATE TABLE IF NOT EXISTS schema_migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)',
  );
  const applied = new Set(db.prepare('SELECT id FROM schema_migrations').pluck().all() as number[]);
  const pending = migrations.filter((step) => !applied.has(step.id)).sort((a, b) => a.id - b.id);
  const known = new Set(migrations.map((step) => step.id));
  const newer = [...applied].filter((id) => !known.has(id));
  if (newer.length > 0) {
    throw new Error(`${db.name} was written by a newer StreamHub (unknown migrations ${newer.join(', ')})`);
  }
  if (pending.length > 0 && applied.size > 0 && !db.memory) backUp(db, pending[0]?.id ?? 0);
  const record = db.prepare('INSERT INTO schema_migrations (id, name, applied_at) VALUES (?, ?, ?)');
  for (const step of pending) {
    db.transaction(() => {
      db.exec(step.sql);
      record.run(step.id, step.name, new Date().toISOString());
    })();
  }
  return pending.length;
}

function backUp(db: Db, id: number): void {
  const copy = `${db.name}.before-${id}`;
  if (existsSync(copy)) rmSync(copy);
  db.prepare('VACUUM INTO ?').run(copy);
}
