import type { Migration } from '../migrate.ts';
import { sql as core } from './001-core.ts';

/** History of `data/streamhub.db`. */
export const registryMigrations: readonly Migration[] = [{ id: 1, name: 'core', sql: core }];
