// Temporary files of a test run are kept in memory, where there is room. ext4 needs ten times as long for thousands of files that
// come and go: a new one gets none of the inodes that were freed in the last minute, and looks at each of them.
import { accessSync, chmodSync, constants, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const MEMORY = '/dev/shm';
/** Short, because addresses of Unix sockets have at most 107 bytes. */
const PREFIX = 'test-run-';
/** Bytes; a whole run needs a quarter. */
const ROOM = 8 * 2 ** 30;

/** Gives this run and its processes a folder for temporary files, which is removed at the end. */
export function gatherTemporaryFiles(): void {
  const place = quickPlace();
  removeLeftOver(place);
  const folder = mkdtempSync(path.join(place, `${PREFIX}${process.pid}-`));
  // some tests are other users
  chmodSync(folder, 0o1777);
  process.env['TMPDIR'] = folder;
  process.once('exit', () => remove(folder));
}

/** In memory, if there is room and programs may run there. */
function quickPlace(): string {
  const probe = path.join(MEMORY, `streamhub-probe-${process.pid}`);
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (Math.min(bavail * bsize, process.availableMemory()) < ROOM) return os.tmpdir();
    writeFileSync(probe, '', { mode: 0o700 });
    accessSync(probe, constants.X_OK);
    return MEMORY;
  } catch {
    return os.tmpdir();
  } finally {
    rmSync(probe, { force: true });
  }
}

/** Of runs that were killed. */
function removeLeftOver(place: string): void {
  for (const name of readdirSync(place)) {
    if (!name.startsWith(PREFIX)) continue;
    try {
      process.kill(Number.parseInt(name.slice(PREFIX.length), 10), 0);
    } catch {
      remove(path.join(place, name));
    }
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // something is still mounted there, or belongs to another user
  }
}
