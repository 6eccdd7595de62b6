import type { Migration } from '../migrate.ts';
import { sql as core } from './001-core.ts';

/** History of `apps/<name>/app.db`. */
export const appMigrations: readonly Migration[] = [{ id: 1, name: 'core', sql: core }];
