import { type TaskKind, taskModule } from '#daemon/platform/workers/pool.ts';

/** Completes and checks storage settings. */
export const STORAGE_SETTINGS: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-settings'),
  what: 'Checking the storage settings',
  timeoutMs: 30_000,
  concurrency: 2,
  perTeam: 1,
  waitsFor: 'storage',
  queue: 256,
};

/** Tests a storage step by step. */
export const STORAGE_BUCKET: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-bucket'),
  what: 'Creating the bucket',
  timeoutMs: 60_000,
  concurrency: 2,
  perTeam: 1,
  waitsFor: 'storage',
  queue: 32,
};

export const STORAGE_TEST: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-test'),
  what: 'Testing the storage',
  timeoutMs: 120_000,
  concurrency: 2,
  perTeam: 1,
  waitsFor: 'storage',
  queue: 32,
};

/** Signs links to recordings. */
export const STORAGE_LINKS: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-links'),
  what: 'Making links',
  timeoutMs: 30_000,
  concurrency: 3,
  perTeam: 2,
  waitsFor: 'storage',
  queue: 1024,
};

/** Reads a playlist and signs its segments. */
export const STORAGE_PLAYLIST: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-playlist'),
  what: 'Signing a playlist',
  timeoutMs: 30_000,
  concurrency: 3,
  perTeam: 2,
  waitsFor: 'storage',
  queue: 256,
};

/** Reads, writes and deletes the small objects of a live stream. */
export const STORAGE_OBJECTS: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-objects'),
  what: 'Keeping the playlists of a live stream',
  timeoutMs: 60_000,
  concurrency: 3,
  perTeam: 2,
  waitsFor: 'live',
  queue: 1024,
};

/** Asks a storage whether it serves an object. */
export const STORAGE_PROBE: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-probe'),
  what: 'Checking access to recordings',
  timeoutMs: 30_000,
  concurrency: 3,
  perTeam: 2,
  waitsFor: 'storage',
  queue: 1024,
};

/** Writes a small object before a recording. */
export const STORAGE_CHECK: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-check'),
  what: 'Checking that recordings can be stored',
  timeoutMs: 30_000,
  concurrency: 3,
  perTeam: 2,
  waitsFor: 'live',
  queue: 1024,
};

/** Asks a provider how LiveKit writes to its storage. */
export const STORAGE_TARGET: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/storage-target'),
  what: 'Asking where LiveKit writes recordings',
  timeoutMs: 30_000,
  concurrency: 3,
  perTeam: 2,
  waitsFor: 'live',
  queue: 1024,
};

/** Asks for credentials of the machine's role. */
export const ROLE_CREDENTIALS: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/role-credentials'),
  what: 'Asking for the credentials of the machine’s role',
  timeoutMs: 30_000,
  concurrency: 2,
  queue: 256,
};

/** Deletes the objects of an app; resumable, therefore without a limit. */
export const PURGE: TaskKind = {
  module: taskModule(import.meta.url, 'tasks/purge'),
  what: 'Deleting objects',
  timeoutMs: 0,
  concurrency: 2,
  perTeam: 1,
  queue: 10_000,
};

/** Deletes the objects of one recording, which need not wait for the purge of a whole app. */
export const PURGE_VOD: TaskKind = { ...PURGE, timeoutMs: 900_000, queue: 256, waitsFor: 'storage' };
