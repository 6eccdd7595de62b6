import type { Migration } from '../migrate.ts';
import { sql as core } from './001-core.ts';
import { sql as jobs } from './010-jobs.ts';

/** History of `data/streamhub.db`. */
export const registryMigrations: readonly Migration[] = [
  { id: 1, name: 'core', sql: core },
  { id: 10, name: 'jobs', sql: jobs },
];
