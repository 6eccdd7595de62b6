import path from 'node:path';

/** What a path below DATA_DIR is for a backup. Paths have slashes. */
export type Role =
  /** Left out, with everything below it. */
  | 'skip'
  /** A SQLite database, copied with its backup function. */
  | 'database'
  /** Recordings and snapshots, copied by choice. */
  | 'media'
  | 'log'
  | 'file';

/** Folders of the daemon that hold copies of its data. */
const COPIES = new Set(['backups', 'upgrades', 'replaced', 'restore', 'restore.json']);
/** Only of use to the running daemon. */
const OF_PROCESS = new Set(['data/daemon.lock', 'data/daemon.json', 'data/changes']);
/** Folders of an app whose files are not media. */
const PLAIN_FOLDERS = new Set(['samples']);

/** The role of a file or folder of DATA_DIR. Folders are asked for first. */
export function roleOf(place: string, isFolder: boolean): Role {
  const parts = place.split('/');
  const [top = '', , third = ''] = parts;
  const name = parts.at(-1) ?? '';
  if (COPIES.has(top) || OF_PROCESS.has(place)) return 'skip';
  const isOfApp = top === 'apps' || top === 'archive';
  // temporary files and folders, and those of jobs
  if (name.startsWith('.') && parts.length <= (isOfApp ? 3 : 2)) return 'skip';
  if (/\.db-(?:wal|shm|journal)$|\.before-\d+$/.test(name)) return 'skip';
  if (top === 'logs') return isFolder || !name.endsWith('.db') ? 'log' : 'database';
  if (isOfApp && parts.length >= 3 && (isFolder || parts.length > 3) && !PLAIN_FOLDERS.has(third)) return 'media';
  return !isFolder && name.endsWith('.db') ? 'database' : 'file';
}

/** Is a path of a manifest one that stays below the folder it is restored to? */
export const isSafePath = (place: string): boolean =>
  place !== '' &&
  !path.posix.isAbsolute(place) &&
  !place.includes('\\') &&
  !place.includes('\0') &&
  path.posix.normalize(place) === place &&
  place !== '..' &&
  !place.startsWith('../');
