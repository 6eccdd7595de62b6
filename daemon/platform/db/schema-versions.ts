import { appMigrations } from './app/index.ts';
import { registryMigrations } from './registry/index.ts';

const newest = (migrations: readonly { id: number }[]): number => Math.max(...migrations.map(({ id }) => id));

/** The newest migrations of the databases that can't be lost. */
export const SCHEMA: Readonly<{ registry: number; app: number }> = {
  registry: newest(registryMigrations),
  app: newest(appMigrations),
};
