import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import { ApiError } from '#shared/errors.ts';
import { syncFolder, writeAtomically } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { fileStamp } from '#shared/files/set-aside.ts';
import type { BackupSummary } from './repository.ts';

/** What is replaced by what; on the disk before the first file moves. */
export interface RestoreIntent {
  backup: string;
  createdAt: string;
  preparedAt: string;
  /** Folder below DATA_DIR for what is replaced. */
  replaced: string;
  includes: { recordings: boolean; logs: boolean };
  /** Paths below DATA_DIR, decided when the exchange begins. */
  moves?: { place: string; hadOld: boolean }[];
}

const INTENT = 'restore.json';
const TRIAL = '.restore-trial';
/** Stay as they are. */
const LEFT = new Set(['backups', 'upgrades', 'replaced', 'restore', INTENT]);
const OF_PROCESS = new Set(['data/daemon.lock', 'data/daemon.json']);

/** Folder for the files of a restore, until they are exchanged. */
export const stagedFolder = (dataDir: string): string => path.join(dataDir, 'restore', 'files');

/** Notes that the staged files replace everything at the next start. @throws ApiError RESTORE_ACROSS_DISKS */
export async function prepareRestore(dataDir: string, backup: string, summary: BackupSummary): Promise<void> {
  const preparedAt = new Date();
  const intent: RestoreIntent = {
    backup,
    createdAt: summary.createdAt,
    preparedAt: preparedAt.toISOString(),
    replaced: `replaced/${fileStamp(preparedAt)}`,
    includes: summary.includes,
  };
  await requireOneDisk(dataDir, await movesOf(dataDir, stagedFolder(dataDir), intent));
  await syncFolder(stagedFolder(dataDir));
  await writeAtomically(path.join(dataDir, INTENT), JSON.stringify(intent));
}

/** The same for the exchange of some files, which nothing needs to be decided for. @throws ApiError RESTORE_ACROSS_DISKS */
export async function prepareExchange(
  dataDir: string,
  backup: string,
  createdAt: string,
  moves: NonNullable<RestoreIntent['moves']>,
): Promise<void> {
  const preparedAt = new Date();
  const intent: RestoreIntent = {
    backup,
    createdAt,
    preparedAt: preparedAt.toISOString(),
    replaced: `replaced/${fileStamp(preparedAt)}`,
    includes: { recordings: true, logs: true },
    moves,
  };
  await requireOneDisk(dataDir, moves);
  await syncFolder(stagedFolder(dataDir));
  await writeAtomically(path.join(dataDir, INTENT), JSON.stringify(intent));
}

/**
 * The exchange renames, which works within one mount. So that it can't fail at the start, half done, it is tried with an empty file
 * in every folder that it renames, or renames something in.
 */
async function requireOneDisk(dataDir: string, moves: NonNullable<RestoreIntent['moves']>): Promise<void> {
  const folders = new Set<string>();
  for (const { place } of moves) {
    folders.add(path.dirname(place)).add(place);
    const entries = await readdir(path.join(dataDir, place), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isDirectory()) folders.add(`${place}/${entry.name}`);
  }
  const staging = path.join(dataDir, 'restore');
  for (const folder of folders) {
    const trial = path.join(dataDir, folder, TRIAL);
    try {
      await writeFile(trial, '');
      await rename(trial, path.join(staging, TRIAL));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // a file, or what only the backup has
      if (code === 'ENOTDIR' || code === 'ENOENT') continue;
      await rm(trial, { force: true }).catch(() => {});
      await rm(staging, { recursive: true, force: true });
      throw code === 'EXDEV' ? new ApiError('RESTORE_ACROSS_DISKS', { folder }) : error;
    }
  }
  await rm(path.join(staging, TRIAL), { force: true });
}

/** The restore that waits for the next start. */
export async function pendingRestore(dataDir: string): Promise<RestoreIntent | undefined> {
  const text = await readFile(path.join(dataDir, INTENT), 'utf8').catch(ifMissing(undefined));
  return text === undefined ? undefined : (JSON.parse(text) as RestoreIntent);
}

/** @throws when a restore waits for the next start, which would replace what is changed now */
export async function requireNoRestore(dataDir: string): Promise<void> {
  const pending = await pendingRestore(dataDir);
  if (pending !== undefined)
    throw new Error(
      `the restore of ${pending.backup} waits for the next start and would replace this change; start the daemon once, and stop it`,
    );
}

/** Finishes an exchange that a kill cut off. A restore that waits for the next start has not begun, and stays. */
export async function finishRestore(dataDir: string): Promise<RestoreIntent | undefined> {
  const pending = await pendingRestore(dataDir);
  return pending?.moves === undefined ? undefined : applyRestore(dataDir);
}

/** Forgets a restore that has not begun. @returns whether there was one */
export async function cancelRestore(dataDir: string): Promise<boolean> {
  const intent = await pendingRestore(dataDir);
  if (intent === undefined) return false;
  await rm(path.join(dataDir, INTENT), { force: true });
  await rm(path.join(dataDir, 'restore'), { recursive: true, force: true });
  return true;
}

/**
 * Exchanges the data for the staged files, if a restore was prepared. A kill at any moment only delays it: the next call
 * continues. Nothing is deleted; what was there is kept in the folder `replaced`. Call it with the lock of DATA_DIR, before
 * anything is opened.
 */
export async function applyRestore(dataDir: string): Promise<RestoreIntent | undefined> {
  const intent = await pendingRestore(dataDir);
  if (intent === undefined) {
    // a restore that was killed before it was prepared
    await rm(path.join(dataDir, 'restore'), { recursive: true, force: true });
    return undefined;
  }
  const staged = stagedFolder(dataDir);
  const replaced = path.join(dataDir, intent.replaced);
  if (intent.moves === undefined) {
    intent.moves = await movesOf(dataDir, staged, intent);
    await writeAtomically(path.join(dataDir, INTENT), JSON.stringify(intent));
  }
  for (const { place, hadOld } of intent.moves) {
    const [here, kept, next] = [dataDir, replaced, staged].map((folder) => path.join(folder, place)) as [
      string,
      string,
      string,
    ];
    if (hadOld && !existsSync(kept)) await move(here, kept);
    if (existsSync(next)) await move(next, here);
  }
  if (!intent.includes.recordings) await keepMedia(dataDir, replaced);
  await rm(path.join(dataDir, 'restore'), { recursive: true, force: true });
  await syncFolder(dataDir);
  await rm(path.join(dataDir, INTENT), { force: true });
  return intent;
}

/** Everything that changes place: the entries of folders one by one, because a folder can be a mount, or hold the lock. */
async function movesOf(
  dataDir: string,
  staged: string,
  { includes }: RestoreIntent,
): Promise<{ place: string; hadOld: boolean }[]> {
  const old = await entriesOf(dataDir);
  const places = new Set([...old, ...(await entriesOf(staged))]);
  return [...places]
    .filter((place) => !OF_PROCESS.has(place) && (includes.logs || !place.startsWith('logs/')))
    .sort()
    .map((place) => ({ place, hadOld: old.includes(place) }));
}

async function entriesOf(root: string): Promise<string[]> {
  const places: string[] = [];
  for (const entry of await readdir(root, { withFileTypes: true }).catch(ifMissing([]))) {
    if (LEFT.has(entry.name)) continue;
    if (!entry.isDirectory()) places.push(entry.name);
    else places.push(...(await readdir(path.join(root, entry.name))).map((name) => `${entry.name}/${name}`));
  }
  return places;
}

async function move(from: string, to: string): Promise<void> {
  await makeFolder(path.dirname(to));
  await rename(from, to);
  await syncFolder(path.dirname(to));
}

/** Recordings of this machine stay with their apps when the backup has none. */
async function keepMedia(dataDir: string, replaced: string): Promise<void> {
  for (const kind of ['apps', 'archive']) {
    for (const app of await readdir(path.join(dataDir, kind)).catch(ifMissing([] as string[]))) {
      const old = path.join(replaced, kind, app);
      for (const entry of await readdir(old, { withFileTypes: true }).catch(() => [])) {
        if (!entry.isDirectory() || entry.name === 'samples' || entry.name.startsWith('.')) continue;
        const target = path.join(dataDir, kind, app, entry.name);
        await rmdir(target).catch(() => {});
        if (!existsSync(target)) await move(path.join(old, entry.name), target);
      }
    }
  }
}
