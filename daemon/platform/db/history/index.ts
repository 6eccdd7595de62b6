import type { Migration } from '../migrate.ts';
import { sql as core } from './001-core.ts';
import { sql as traffic } from './002-traffic.ts';
import { sql as quality } from './003-quality.ts';

/** History of `data/history.db`. */
export const historyMigrations: readonly Migration[] = [
  { id: 1, name: 'core', sql: core },
  { id: 2, name: 'traffic', sql: traffic },
  { id: 3, name: 'quality', sql: quality },
];
