import type { Migration } from '../migrate.ts';
import { sql as core } from './001-core.ts';
import { sql as user } from './002-user.ts';
import { sql as owners } from './003-owners.ts';

/** History of `data/events.db`. */
export const eventMigrations: readonly Migration[] = [
  { id: 1, name: 'core', sql: core },
  { id: 2, name: 'user', sql: user },
  { id: 3, name: 'owners', sql: owners },
];
