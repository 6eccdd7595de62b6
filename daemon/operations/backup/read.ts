import { createHash } from 'node:crypto';
import { chmod, open, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import Database from 'better-sqlite3';
import { makeFolder } from '#shared/files/make-folder.ts';
import { BackupProblem, damaged, FORMAT, MANIFEST_NAME, type Manifest, type SchemaVersions } from './manifest.ts';
import { isSafePath } from './rules.ts';
import { unseal } from './sealed.ts';
import { tarEntries } from './tar.ts';

/** A manifest of a million recordings has 150 MB. */
const MAX_MANIFEST_BYTES = 256 * 1024 * 1024;

export interface ReadOptions {
  passphrase: string;
  /** Folder for what is unpacked; databases that are only checked are put there for a moment. */
  into: string;
  /** `check`: nothing stays. `unpack`: all files that `wanted` names stay. */
  mode: 'check' | 'unpack';
  wanted?(place: string): boolean;
  /** What this version of StreamHub can open. */
  knows: SchemaVersions;
  tell?(done: number, total: number): void;
  signal?: AbortSignal | undefined;
}

export interface ReadResult {
  manifest: Manifest;
  /** Rows of all tables of the databases that were opened. */
  rows: number;
  databases: number;
}

/**
 * Reads a backup to its end: every file has the size and checksum of the manifest, none is missing, and SQLite finds no
 * fault in any database.
 * @throws BackupProblem
 */
export async function readBackup(source: Readable, options: ReadOptions): Promise<ReadResult> {
  const { passphrase, into, mode, wanted = () => true, knows, tell, signal } = options;
  let manifest: Manifest | undefined;
  let expected = new Map<string, Manifest['files'][number]>();
  let total = 0;
  let done = 0;
  const result = { rows: 0, databases: 0 };
  for await (const entry of tarEntries(unseal(source, passphrase))) {
    signal?.throwIfAborted();
    if (manifest === undefined) {
      if (entry.name !== MANIFEST_NAME || entry.size > MAX_MANIFEST_BYTES)
        throw damaged('it doesn’t begin with a manifest');
      manifest = checked(JSON.parse(Buffer.concat(await toArray(entry.body)).toString()) as Manifest, knows);
      expected = new Map(manifest.files.map((file) => [file.path, file]));
      total = manifest.files.reduce((sum, { size }) => sum + size, 0);
      if (mode === 'unpack') await makeFolders(into, manifest, wanted);
      continue;
    }
    const file = expected.get(entry.name);
    if (file === undefined || file.size !== entry.size) throw damaged(`${entry.name} isn’t as the manifest says`);
    expected.delete(entry.name);
    const isKept = mode === 'unpack' && wanted(entry.name);
    const place = path.join(into, isKept ? entry.name : '.checked.db');
    const handle = isKept || (mode === 'check' && file.database) ? await create(place, file.mode) : undefined;
    const hash = createHash('sha256');
    try {
      for await (const chunk of entry.body) {
        signal?.throwIfAborted();
        hash.update(chunk);
        await handle?.writeFile(chunk);
        done += chunk.length;
        tell?.(done, total);
      }
      if (isKept) await handle?.sync();
    } finally {
      await handle?.close();
    }
    if (hash.digest('hex') !== file.sha256) throw damaged(`the checksum of ${entry.name} is wrong`);
    if (file.database && handle !== undefined) {
      result.rows += checkDatabase(place, entry.name);
      result.databases += 1;
    }
    if (handle !== undefined && !isKept) await rm(place);
  }
  if (manifest === undefined) throw damaged('it is empty');
  const [missing] = expected.keys();
  if (missing !== undefined) throw damaged(`${missing} is missing`);
  return { manifest, ...result };
}

function checked(manifest: Manifest, knows: SchemaVersions): Manifest {
  const { format, version, schema, files, folders } = manifest;
  if (format > FORMAT || schema.registry > knows.registry || schema.app > knows.app)
    throw new BackupProblem({ kind: 'newer', version });
  for (const { path: place } of [...files, ...folders])
    if (!isSafePath(place)) throw damaged('it has a path that leads elsewhere');
  return manifest;
}

async function makeFolders(
  into: string,
  { folders, files }: Manifest,
  wanted: (place: string) => boolean,
): Promise<void> {
  await makeFolder(into);
  for (const { path: place } of files) if (wanted(place)) await makeFolder(path.join(into, path.dirname(place)));
  for (const { path: place, mode } of folders) {
    if (!wanted(place)) continue;
    await makeFolder(path.join(into, place));
    // the daemon’s user must be able to work in it
    await chmod(path.join(into, place), mode | 0o700);
  }
}

async function create(place: string, mode: number): Promise<Awaited<ReturnType<typeof open>>> {
  await rm(place, { force: true });
  return open(place, 'wx', (mode & 0o777) | 0o600);
}

/** @returns the number of rows in it @throws BackupProblem when SQLite finds a fault */
function checkDatabase(file: string, name: string): number {
  let db: Database.Database | undefined;
  try {
    db = new Database(file);
    // without a second file beside it
    db.pragma('journal_mode = DELETE');
    const verdict = String(db.pragma('integrity_check(1)', { simple: true }));
    if (verdict !== 'ok') throw damaged(`SQLite finds a fault in ${name}: ${verdict}`);
    const tables = db
      .prepare<[], string>(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE 'CREATE VIRTUAL%'`,
      )
      .pluck()
      .all();
    let rows = 0;
    for (const table of tables)
      rows +=
        db
          .prepare<[], number>(`SELECT count(*) FROM "${table.replaceAll('"', '""')}"`)
          .pluck()
          .get() ?? 0;
    return rows;
  } catch (error) {
    if (error instanceof BackupProblem) throw error;
    const { code = '', message } = error as { code?: string; message: string };
    if (/^SQLITE_(?:CORRUPT|NOTADB)/.test(code)) throw damaged(`SQLite finds a fault in ${name}: ${message}`);
    throw Object.assign(error as Error, { path: file });
  } finally {
    db?.close();
  }
}

async function toArray(body: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return chunks;
}
