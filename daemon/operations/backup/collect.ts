import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, link, lstat, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import { metaStore } from '#daemon/platform/db/meta.ts';
import { type Db, isDamage, openDatabase } from '#daemon/platform/db/open.ts';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { bytes, plural } from '#shared/format.ts';
import type { BackupLack } from '#shared/schema/backups.ts';
import type { Manifest, ManifestFile } from './manifest.ts';
import { RESTORED_KEY } from './repository.ts';
import { roleOf } from './rules.ts';

/** Stops what changes an app's config, or the registry's secrets, for a moment. */
export interface Holds {
  /** Runs while no config of the app changes; undefined if there is no such app any more. */
  ofApp<T>(app: string, copy: (secrets: Readonly<Record<string, string>>) => Promise<T>): Promise<T | undefined>;
  /** Runs while no secret changes. */
  ofSecrets<T>(copy: () => Promise<T>): Promise<T>;
}

export interface CollectInput {
  dataDir: string;
  /** Empty folder for the copies, on the same disk. */
  work: string;
  recordings: boolean;
  logs: boolean;
  /** What the daemon knows is missing. */
  lacks: readonly BackupLack[];
  facts: Pick<Manifest, 'format' | 'version' | 'installation' | 'schema'>;
}

/** A file of the backup, and where its content is until it is written. */
export interface CollectedFile extends ManifestFile {
  source: string;
  mtime: Date;
}

export interface Collected {
  manifest: Manifest;
  files: CollectedFile[];
}

interface Found {
  place: string;
  source: string;
  isDatabase: boolean;
}

/** Files that are named one by one when they could not be copied. */
const NAMED = 20;

/**
 * Copies what a backup consists of into `work`. The registry and the installation's secrets are of one moment; so are each
 * app's config, database and secrets. Media files are linked, not copied, so that a deletion doesn't disturb the backup.
 */
export class Collector {
  readonly #input: CollectInput;
  readonly #holds: Holds;
  readonly #tell: (phase: string, done: number, total: number | null) => void;
  readonly #signal: AbortSignal;
  readonly #found = new Map<string, Found>();
  readonly #folders = new Map<string, number>();
  readonly #skipped: string[] = [];
  readonly #left = { recordings: { files: 0, bytes: 0 }, logs: { files: 0, bytes: 0 } };
  #inBuckets = 0;

  constructor(
    input: CollectInput,
    holds: Holds,
    tell: (phase: string, done: number, total: number | null) => void,
    signal: AbortSignal,
  ) {
    this.#input = input;
    this.#holds = holds;
    this.#tell = tell;
    this.#signal = signal;
  }

  async collect(): Promise<Collected> {
    const { facts, recordings, logs, lacks } = this.#input;
    const createdAt = new Date().toISOString();
    await this.#holds.ofSecrets(async () => {
      await this.#copy('data/secrets.json').catch(ifMissing(undefined));
      return this.#database('data/streamhub.db');
    });
    const known = this.#settleRegistry();
    const names = new Set(known.map(({ name }) => `apps/${name}`));
    const apps: Manifest['apps'] = [];
    const secrets: Record<string, string> = {};
    for (const [index, app] of known.entries()) {
      this.#tell('collect', index, known.length);
      const copiedAt = await this.#app(app.name, secrets);
      if (copiedAt !== undefined) apps.push({ ...app, copiedAt });
    }
    await this.#overlaySecrets(secrets);
    await this.#walk('', (place) => names.has(place));
    const files: CollectedFile[] = [];
    for (const [index, found] of [...this.#found.values()].entries()) {
      this.#signal.throwIfAborted();
      if (index % 64 === 0) this.#tell('checksums', index, this.#found.size);
      const file = await hashed(found).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT' && error.code !== 'EACCES') throw error;
        this.#skip(found.place, 'it could not be read');
        return undefined;
      });
      if (file !== undefined) files.push(file);
    }
    const own = this.#lacks();
    const manifest: Manifest = {
      ...facts,
      createdAt,
      includes: { recordings, logs },
      apps,
      folders: [...this.#folders].map(([place, mode]) => ({ path: place, mode })),
      files: files.map(({ source: _, mtime: __, ...file }) => file),
      lacks: [...own, ...lacks.filter(({ code }) => !own.some((one) => one.code === code))],
    };
    return { manifest, files };
  }

  /** In the copy, no backup is under way, and it says of itself that it is one. @returns the apps that the registry knows */
  #settleRegistry(): Omit<Manifest['apps'][number], 'copiedAt'>[] {
    const db = openDatabase(path.join(this.#input.work, 'data/streamhub.db'));
    try {
      db.pragma('journal_mode = DELETE');
      db.exec(`DELETE FROM jobs WHERE kind LIKE 'backup-%' AND state IN ('queued', 'running', 'waiting');
        DELETE FROM backups WHERE state = 'writing'`);
      metaStore(db).set(RESTORED_KEY, 'yes');
      return db
        .prepare<[], Omit<Manifest['apps'][number], 'copiedAt'>>(
          'SELECT name, display_name AS displayName, tenant_id AS tenantId, livekit_room_prefix AS roomPrefix FROM apps ORDER BY name',
        )
        .all();
    } finally {
      db.close();
    }
  }

  /** Copies an app's config, database and secrets at one moment. @returns that moment */
  async #app(name: string, secrets: Record<string, string>): Promise<string | undefined> {
    this.#signal.throwIfAborted();
    const folder = `apps/${name}`;
    let pinned: Db | undefined;
    try {
      const copied = await this.#holds.ofApp(name, async (stored) => {
        pinned = this.#pin(`${folder}/app.db`);
        Object.assign(secrets, stored);
        await this.#walk(folder, (place, isFolder) => ['media', 'database'].includes(roleOf(place, isFolder)));
        return { at: new Date().toISOString() };
      });
      if (copied === undefined) {
        this.#skip(folder, 'the app was deleted while the backup was made');
        return undefined;
      }
      if (pinned !== undefined) await this.#copyDatabase(pinned, `${folder}/app.db`);
      for (const entry of await readdir(this.#from(folder), { withFileTypes: true })) {
        const place = `${folder}/${entry.name}`;
        if (entry.isDirectory() && roleOf(place, true) === 'media') await this.#walk(place);
      }
      return copied.at;
    } finally {
      pinned?.close();
    }
  }

  /** Opens a database at the state of this moment; undefined when it is damaged or missing. */
  #pin(place: string): Db | undefined {
    const file = this.#from(place);
    let db: Db | undefined;
    try {
      db = new Database(file, { readonly: true, fileMustExist: true, timeout: 5000 });
      db.exec('BEGIN');
      db.prepare('SELECT count(*) FROM sqlite_master').get();
      return db;
    } catch (error) {
      db?.close();
      if (!isDamage(error) && !/^SQLITE_CANTOPEN/.test(String((error as { code?: string }).code))) throw error;
      this.#skip(place, 'it is missing, or damaged');
      return undefined;
    }
  }

  async #database(place: string): Promise<void> {
    const db = this.#pin(place);
    try {
      if (db !== undefined) await this.#copyDatabase(db, place);
    } finally {
      db?.close();
    }
  }

  /** SQLite's backup in one step, from the state that the connection holds: writers in the meantime don't disturb it. */
  async #copyDatabase(db: Db, place: string): Promise<void> {
    const target = this.#to(place);
    await makeFolder(path.dirname(target));
    try {
      await db.backup(target, { progress: () => 2_147_483_647 });
    } catch (error) {
      if (!isDamage(error)) throw Object.assign(error as Error, { path: target });
      this.#skip(place, 'it is damaged');
      return;
    }
    if (place.endsWith('/app.db')) this.#inBuckets += countInBuckets(target);
    this.#found.set(place, { place, source: target, isDatabase: true });
  }

  /** Copies a folder as it is now, except what `isLeft` names. */
  async #walk(folder: string, isLeft: (place: string, isFolder: boolean) => boolean = () => false): Promise<void> {
    this.#signal.throwIfAborted();
    const { recordings, logs } = this.#input;
    if (folder !== '') {
      const facts = await lstat(this.#from(folder));
      this.#folders.set(folder, facts.mode & 0o777);
    }
    const entries = await readdir(this.#from(folder), { withFileTypes: true });
    for (const entry of entries) {
      const place = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const role = roleOf(place, entry.isDirectory());
      if (role === 'skip' || isLeft(place, entry.isDirectory())) continue;
      if (entry.isDirectory()) {
        await this.#walk(place, isLeft);
        continue;
      }
      if (!entry.isFile()) {
        this.#skip(place, 'it is not a regular file');
        continue;
      }
      const isLog = place.startsWith('logs/');
      if ((role === 'media' && !recordings) || (isLog && !logs)) {
        const left = this.#left[isLog ? 'logs' : 'recordings'];
        left.files += 1;
        left.bytes += (await lstat(this.#from(place)).catch(ifMissing({ size: 0 }))).size;
      } else if (role === 'database') {
        if (!this.#found.has(place)) await this.#database(place);
      } else if (role === 'media') await this.#link(place);
      else if (!this.#found.has(place)) await this.#copy(place).catch(ifMissing(undefined));
    }
  }

  async #copy(place: string): Promise<void> {
    const target = this.#to(place);
    await makeFolder(path.dirname(target));
    await copyFile(this.#from(place), target);
    this.#found.set(place, { place, source: target, isDatabase: false });
  }

  async #link(place: string): Promise<void> {
    const target = this.#to(place);
    await makeFolder(path.dirname(target));
    const source = await link(this.#from(place), target).then(
      () => target,
      // another disk, or a file system without links: it is read where it is
      () => this.#from(place),
    );
    this.#found.set(place, { place, source, isDatabase: false });
  }

  /** The secrets of each app are those of the moment of its copy. */
  async #overlaySecrets(ofApps: Record<string, string>): Promise<void> {
    if (Object.keys(ofApps).length === 0) return;
    const file = this.#to('data/secrets.json');
    const text = await readFile(file, 'utf8').catch(ifMissing(undefined));
    const stored = text === undefined ? {} : (JSON.parse(text) as Record<string, string>);
    await writeFile(file, `${JSON.stringify({ ...stored, ...ofApps }, null, 2)}\n`, { mode: 0o600 });
    const place = 'data/secrets.json';
    this.#found.set(place, { place, source: file, isDatabase: false });
  }

  #skip(place: string, why: string): void {
    this.#skipped.push(`${place}: ${why}`);
  }

  #lacks(): BackupLack[] {
    const { recordings, logs } = this.#left;
    const lacks: BackupLack[] = [];
    const count = ({ files, bytes: size }: { files: number; bytes: number }) =>
      `${plural(files, 'file')}, ${bytes(size)}`;
    if (recordings.files > 0)
      lacks.push({ code: 'recordings', text: `Recordings and snapshots on this machine: ${count(recordings)}.` });
    if (logs.files > 0) lacks.push({ code: 'logs', text: `The folder logs: ${count(logs)}.` });
    if (this.#inBuckets > 0)
      lacks.push({
        code: 'buckets',
        text: `The objects of ${plural(this.#inBuckets, 'recording')} in buckets. Only their rows are in the backup.`,
      });
    if (this.#skipped.length > 0) {
      const more = this.#skipped.length - NAMED;
      const named = this.#skipped.slice(0, NAMED).join('; ');
      lacks.push({ code: 'skipped', text: `${named}${more > 0 ? `; and ${more} more` : ''}.` });
    }
    return lacks;
  }

  #from(place: string): string {
    return path.join(this.#input.dataDir, place);
  }

  #to(place: string): string {
    return path.join(this.#input.work, place);
  }
}

function countInBuckets(file: string): number {
  const db = new Database(file, { readonly: true });
  try {
    return db
      .prepare<[], number>("SELECT count(*) FROM vods WHERE storage_bucket IS NOT NULL AND status = 'ready'")
      .pluck()
      .get() as number;
  } catch {
    // a database of an old schema
    return 0;
  } finally {
    db.close();
  }
}

/** Size and checksum of a file as it is now: what is added to it later isn't part of the backup. */
async function hashed({ place, source, isDatabase }: Found): Promise<CollectedFile> {
  const { size, mode, mtime } = await lstat(source);
  const hash = createHash('sha256');
  for await (const chunk of contentOf(source, size)) hash.update(chunk);
  return {
    path: place,
    size,
    sha256: hash.digest('hex'),
    mode: mode & 0o777,
    ...(isDatabase ? { database: true } : {}),
    source,
    mtime,
  };
}

/** The first bytes of a file. */
export async function* contentOf(file: string, size: number): AsyncGenerator<Buffer> {
  if (size > 0) yield* createReadStream(file, { end: size - 1, highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
}
