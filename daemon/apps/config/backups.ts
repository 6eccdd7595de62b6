import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import { type FileContent, writeAtomically } from '#shared/files/atomic-file.ts';
import { fileStamp } from '#shared/files/set-aside.ts';
import { CONFIG_NAME } from './config-file.ts';

const PREFIX = `${CONFIG_NAME}.bak.`;
const KEPT = 20;
const OURS = /^\d{8}T\d{9}Z$/;
const ID = /^[A-Za-z0-9_.-]{1,64}$/;

export interface BackupFile {
  file: string;
  ts: string;
  sizeBytes: number;
  createdAt: string;
}

function dateOfId(ts: string): Date {
  return new Date(ts.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z$/, '$1-$2-$3T$4:$5:$6.$7Z'));
}

/** Ids of an app's backups, newest first. */
export async function backupIds(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch(ifMissing([] as string[]));
  return names
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => name.slice(PREFIX.length))
    .filter((ts) => ID.test(ts))
    .sort()
    .reverse();
}

/** An app's backups, newest first. */
export async function listBackups(dir: string): Promise<BackupFile[]> {
  const found = await Promise.all(
    (await backupIds(dir)).map(async (ts): Promise<BackupFile | undefined> => {
      const file = PREFIX + ts;
      const facts = await stat(path.join(dir, file)).catch(ifMissing(undefined));
      if (!facts?.isFile()) return undefined;
      return { file, ts, sizeBytes: facts.size, createdAt: facts.mtime.toISOString() };
    }),
  );
  return found.filter((backup) => backup !== undefined);
}

/** Text of a backup, or undefined when there is none of that id. */
export async function readBackup(dir: string, ts: string): Promise<string | undefined> {
  if (!ID.test(ts)) return undefined;
  return readFile(path.join(dir, PREFIX + ts), 'utf8').catch(ifMissing(undefined));
}

/**
 * Keeps content as a backup, whole or not at all. Its id is unique and greater than every earlier one, also when two are taken
 * in one millisecond or the clock went back.
 */
export async function takeBackup(dir: string, content: FileContent, now = new Date()): Promise<string> {
  const newest = (await backupIds(dir)).find((ts) => OURS.test(ts));
  const earliest = newest === undefined ? 0 : dateOfId(newest).getTime() + 1;
  const ts = fileStamp(new Date(Math.max(now.getTime(), earliest)));
  await writeAtomically(path.join(dir, PREFIX + ts), content);
  return ts;
}

/** Removes a backup that turned out not to be needed. */
export async function dropBackup(dir: string, ts: string): Promise<void> {
  await rm(path.join(dir, PREFIX + ts), { force: true });
}

/** Removes all but the newest backups; `spare` stays regardless of its age. @returns ids that were removed */
export async function pruneBackups(dir: string, spare?: string): Promise<string[]> {
  const old = (await backupIds(dir))
    .filter((ts) => OURS.test(ts))
    .slice(KEPT)
    .filter((ts) => ts !== spare);
  await Promise.all(old.map((ts) => dropBackup(dir, ts)));
  return old;
}
