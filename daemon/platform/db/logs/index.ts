import type { Migration } from '../migrate.ts';
import { sql as core } from './001-core.ts';
import { sql as text } from './002-text.ts';
import { sql as words } from './003-words.ts';

/** History of `logs/server-logs.db`. */
export const logMigrations: readonly Migration[] = [
  { id: 1, name: 'core', sql: core },
  { id: 2, name: 'text', sql: text },
  { id: 3, name: 'words', sql: words },
];
