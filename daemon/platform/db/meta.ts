import { randomBytes } from 'node:crypto';
import type { Db } from './open.ts';

/** Single values of the registry database, by key. */
export interface Meta {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
}

export function metaStore(db: Db): Meta {
  const read = db.prepare<[string], string>('SELECT value FROM streamhub_meta WHERE key = ?').pluck();
  const write = db.prepare<[string, string, string]>(
    'INSERT OR REPLACE INTO streamhub_meta (key, value, updated_at) VALUES (?, ?, ?)',
  );
  return {
    get: (key) => read.get(key),
    set: (key, value) => void write.run(key, value, new Date().toISOString()),
  };
}

/** Tells installations on one host apart; made once. */
export function installationId(meta: Meta): string {
  const known = meta.get('installation');
  if (known !== undefined) return known;
  const id = randomBytes(4).toString('hex');
  meta.set('installation', id);
  return id;
}
