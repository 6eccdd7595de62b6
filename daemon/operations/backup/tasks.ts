import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Makes a backup. It takes as long as there is data. */
export const BACKUP_WRITE: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/backup-write'),
  what: 'Making a backup',
  timeoutMs: 0,
  isLong: true,
  concurrency: 1,
  queue: 16,
};

/** Reads a backup, to verify or to unpack it. */
export const BACKUP_READ: TaskKind = {
  ...BACKUP_WRITE,
  module: taskModule(import.meta.url, 'tasks/backup-read'),
  what: 'Reading a backup',
  concurrency: 2,
};

/** Sends a backup from a storage to who downloads it. */
export const BACKUP_SEND: TaskKind = {
  ...BACKUP_READ,
  module: taskModule(import.meta.url, 'tasks/backup-send'),
  what: 'Sending a backup',
};

/** Finds the app that has the objects of a restored one. */
export const FIND_OWNER: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/find-owner'),
  what: 'Comparing the apps',
  timeoutMs: 60_000,
  concurrency: 1,
  queue: 16,
};
