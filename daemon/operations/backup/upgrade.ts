import { existsSync, globSync, statSync } from 'node:fs';
import { copyFile, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { DataDir } from '#daemon/platform/data-dir.ts';
import { metaStore } from '#daemon/platform/db/meta.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { type Db, isDamage, type OpenOptions, openDatabase } from '#daemon/platform/db/open.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { SCHEMA } from '#daemon/platform/db/schema-versions.ts';
import { ifMissing } from '#daemon/platform/files/file-errors.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { syncFolder, writeAtomically } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { fileStamp } from '#shared/files/set-aside.ts';
import { prepareExchange, stagedFolder } from './restore.ts';
import { roleOf } from './rules.ts';

/** Copies that are kept; each upgrade makes one. */
const KEPT = 3;
const VERSION_KEY = 'program.version';
const SCHEMA_KEY = 'program.schema';
const NOTE = 'upgrade.json';
const REGISTRY = 'data/streamhub.db';

/** The data folder is that of a newer StreamHub. */
class NewerDataDir extends Error {}

/** The registry is gone, and other data isn't. */
class LostRegistry extends Error {}

/** A copy of databases, configs and secrets as an earlier version left them. */
export interface UpgradeCopy {
  folder: string;
  from: string;
  to: string;
  at: string;
  /** Newest migration of the registry in it; absent in older copies. */
  registry?: number;
  /** Below DATA_DIR. */
  files: string[];
}

/** Writes down which version uses the data folder. */
export function noteVersion(db: Db): void {
  const meta = metaStore(db);
  for (const [key, value] of [
    [VERSION_KEY, VERSION],
    [SCHEMA_KEY, JSON.stringify(SCHEMA)],
  ] as const)
    if (meta.get(key) !== value) meta.set(key, value);
}

/**
 * Opens the registry for changes. The data of an earlier version is copied for a roll-back first, then the registry is brought up
 * to date. Call it with the lock of DATA_DIR.
 * @throws LostRegistry; NewerDataDir that names both versions
 */
export async function openRegistry(
  dir: DataDir,
  options: OpenOptions = {},
): Promise<{ db: Db; copy: UpgradeCopy | undefined }> {
  requireRegistry(dir);
  const copy = await copyBeforeUpgrade(dir);
  const db = openDatabase(dir.registry, options);
  try {
    migrate(db, registryMigrations);
    return { db, copy };
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * A first start has no registry, or an empty one if it was killed. Beside other data, which is written after the registry, it was
 * lost: a new one would have no apps, accounts or tokens, and let anyone with its setup link in.
 */
function requireRegistry({ root, registry }: DataDir): void {
  const size = statSync(registry, { throwIfNoEntry: false })?.size;
  if (size !== undefined && size > 0) return;
  const [found] = globSync(['data/session-secret', 'data/secrets.json', 'apps/*/config.yaml'], { cwd: root });
  if (found === undefined) return;
  throw new LostRegistry(
    `the registry ${registry} is ${size === 0 ? 'damaged (it is empty)' : 'missing'}, but ${path.join(root, found)} is there; restore this file from a backup. To start without your apps and accounts, choose another DATA_DIR`,
  );
}

/**
 * Copies databases, configs and secrets before anything is migrated, if an earlier version wrote them. Call it with the lock of
 * DATA_DIR, before anything is opened. A kill leaves no half copy under its name, and the next start makes it again.
 * @returns the copy; undefined when none is needed
 * @throws NewerDataDir that names both versions
 */
export async function copyBeforeUpgrade(dir: DataDir): Promise<UpgradeCopy | undefined> {
  if (!existsSync(dir.registry)) return undefined;
  const found = readVersion(dir.registry);
  if (found === undefined) return undefined;
  const { version, schema, noted } = found;
  if (schema.registry > SCHEMA.registry || schema.app > SCHEMA.app) {
    const wrote = version === VERSION || version === undefined ? 'a newer build' : version;
    throw new NewerDataDir(
      `${dir.root} was written by a newer StreamHub (${wrote}, schema ${words(schema)}) and can’t be used by this one (${VERSION}, schema ${words(SCHEMA)}). Start the newer version, or bring back the data of this one with: streamhub rollback`,
    );
  }
  if (schema.registry === SCHEMA.registry && schema.app === SCHEMA.app) return undefined;
  const [last] = await upgradeCopies(dir.root);
  // killed between the migrations: a copy of now would be of no use for the old program
  const isHalf = schema.registry > (noted ?? last?.registry ?? schema.registry);
  if (isHalf && last?.to === VERSION && (last.registry ?? schema.registry) < schema.registry) return last;
  const at = new Date();
  const from = version ?? `schema-${schema.registry}`;
  const parent = path.join(dir.root, 'upgrades');
  const name = `${from}-${VERSION}-${fileStamp(at)}`;
  const part = path.join(parent, `.${name}`);
  for (const entry of await readdir(parent).catch(ifMissing([] as string[])))
    if (entry.startsWith('.')) await rm(path.join(parent, entry), { recursive: true, force: true });
  const facts = { from, to: VERSION, at: at.toISOString(), registry: schema.registry };
  const copy: UpgradeCopy = { folder: path.join(parent, name), ...facts, files: [] };
  for (const place of [...(await filesBelow(dir.root, 'data')), ...(await filesBelow(dir.root, 'apps'))]) {
    const [source, target] = [path.join(dir.root, place), path.join(part, place)];
    await makeFolder(path.dirname(target));
    await (isDatabase(place) ? copyDatabase(source, target) : copyFile(source, target));
    copy.files.push(place);
  }
  await writeAtomically(path.join(part, NOTE), JSON.stringify(copy));
  await rename(part, copy.folder);
  await syncFolder(parent);
  const older = await upgradeCopies(dir.root);
  for (const { folder } of older.slice(KEPT)) await rm(folder, { recursive: true, force: true });
  return copy;
}

/** The copies in a data folder, newest first. */
export async function upgradeCopies(dataDir: string): Promise<UpgradeCopy[]> {
  const parent = path.join(dataDir, 'upgrades');
  const names = (await readdir(parent).catch(ifMissing([] as string[]))).filter((name) => !name.startsWith('.'));
  const copies: UpgradeCopy[] = [];
  for (const name of names) {
    const text = await readFile(path.join(parent, name, NOTE), 'utf8').catch(ifMissing(undefined));
    if (text !== undefined) copies.push({ ...(JSON.parse(text) as UpgradeCopy), folder: path.join(parent, name) });
  }
  return copies.sort((a, b) => (a.at < b.at ? 1 : -1));
}

/** Stages a copy in place of what is there now, and apps that were added since for removal. `applyRestore` exchanges them. */
export async function prepareRollback(dataDir: string, { folder, from, at, files }: UpgradeCopy): Promise<void> {
  const staged = stagedFolder(dataDir);
  await rm(path.join(dataDir, 'restore'), { recursive: true, force: true });
  for (const place of files) {
    await makeFolder(path.join(staged, path.dirname(place)));
    await copyFile(path.join(folder, place), path.join(staged, place));
  }
  const places = files.flatMap((place) => (isDatabase(place) ? [place, `${place}-wal`, `${place}-shm`] : [place]));
  places.push(...(await addedApps(dataDir, files)));
  const moves = places
    .map((place) => ({ place, hadOld: existsSync(path.join(dataDir, place)) }))
    .filter(({ place, hadOld }) => hadOld || files.includes(place));
  await prepareExchange(dataDir, `upgrade from ${from}`, at, moves);
}

/** Access that was withdrawn after a copy was made and comes back with it, by its table, which old copies may lack. */
const WITHDRAWN = {
  api_tokens: `SELECT 'the revocation of the API token ' || name FROM old.api_tokens
    WHERE revoked = 0 AND id NOT IN (SELECT id FROM main.api_tokens WHERE revoked = 0)`,
  users: `SELECT 'the removal of the account ' || coalesce(email, name, id) FROM old.users
    WHERE id NOT IN (SELECT id FROM main.users)`,
  memberships: `SELECT 'the removal of ' || coalesce(u.email, u.name, u.id) || ' from the team ' || t.name
    FROM old.memberships m JOIN old.users u ON u.id = m.user_id JOIN old.tenants t ON t.id = m.tenant_id
    WHERE u.id IN (SELECT id FROM main.users)
      AND NOT EXISTS (SELECT 1 FROM main.memberships n WHERE n.user_id = m.user_id AND n.tenant_id = m.tenant_id)`,
  links: `SELECT 'the end of the ' || l.kind || ' link' || coalesce(' of ' || coalesce(l.email, u.email, u.name), '')
    FROM old.links l LEFT JOIN old.users u ON u.id = l.user_id
    WHERE l.used_at IS NULL AND l.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
      AND l.token_hash NOT IN (SELECT token_hash FROM main.links WHERE used_at IS NULL)`,
};

/** What was written after a copy was made, as lines for people. */
export async function lostSince(dataDir: string, { folder, files }: UpgradeCopy): Promise<string[]> {
  const lines = (await addedApps(dataDir, files)).map((place) => `${place}: the whole app`);
  for (const place of files) {
    if (!isDatabase(place)) {
      const [now, then] = await Promise.all(
        [dataDir, folder].map((root) => readFile(path.join(root, place)).catch(ifMissing(undefined))),
      );
      if (now !== undefined && then !== undefined && !now.equals(then)) lines.push(`${place}: changes`);
      continue;
    }
    const [file, old] = [path.join(dataDir, place), path.join(folder, place)];
    const [now, then] = [rowCounts(file), rowCounts(old)];
    if (now === undefined || then === undefined) continue;
    for (const [table, count] of now) {
      const more = count - (then.get(table) ?? 0);
      if (more > 0 && table !== 'schema_migrations') lines.push(`${place}: ${more} more in ${table}`);
    }
    if (place === REGISTRY) lines.push(...withdrawnSince(file, old, then).map((one) => `${place}: ${one}`));
  }
  return lines;
}

function withdrawnSince(file: string, old: string, tables: ReadonlyMap<string, number>): string[] {
  const db = new Database(file, { readonly: true });
  try {
    db.prepare('ATTACH ? AS old').run(old);
    return Object.entries(WITHDRAWN).flatMap(([table, sql]) =>
      tables.has(table) ? db.prepare<[], string>(sql).pluck().all() : [],
    );
  } finally {
    db.close();
  }
}

function rowCounts(file: string): Map<string, number> | undefined {
  if (!existsSync(file)) return undefined;
  const db = new Database(file, { readonly: true });
  try {
    const tables = db
      .prepare<[], string>(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE 'CREATE VIRTUAL%'`,
      )
      .pluck()
      .all();
    return new Map(
      tables.map((table) => [table, db.prepare<[], number>(`SELECT count(*) FROM "${table}"`).pluck().get() as number]),
    );
  } catch (error) {
    if (isDamage(error)) return undefined;
    throw error;
  } finally {
    db.close();
  }
}

/** Who used the folder last; undefined for a registry that nothing can be read from: its opening says why. */
function readVersion(
  registry: string,
): { version: string | undefined; schema: { registry: number; app: number }; noted: number | undefined } | undefined {
  let db: Db | undefined;
  try {
    db = new Database(registry, { readonly: true, fileMustExist: true });
    const newest = db.prepare<[], number | null>('SELECT max(id) FROM schema_migrations').pluck().get() ?? 0;
    const meta = db.prepare<[string], string>('SELECT value FROM streamhub_meta WHERE key = ?').pluck();
    const noted = JSON.parse(meta.get(SCHEMA_KEY) ?? '{}') as { registry?: number; app?: number };
    const schema = { registry: newest, app: noted.app ?? 0 };
    return { version: meta.get(VERSION_KEY), schema, noted: noted.registry };
  } catch {
    return undefined;
  } finally {
    db?.close();
  }
}

const isDatabase = (place: string): boolean => place.endsWith('.db');

/** Databases, configs, secrets and other small files below a folder; no recordings, and nothing of the running process. */
async function filesBelow(root: string, folder: string): Promise<string[]> {
  const places: string[] = [];
  for (const entry of await readdir(path.join(root, folder), { withFileTypes: true })) {
    const place = `${folder}/${entry.name}`;
    const role = roleOf(place, entry.isDirectory());
    if (role === 'skip' || role === 'media') continue;
    if (entry.isDirectory()) places.push(...(await filesBelow(root, place)));
    else if (entry.isFile()) places.push(place);
  }
  return places;
}

/** Folders of apps that a copy doesn't have. */
async function addedApps(dataDir: string, files: readonly string[]): Promise<string[]> {
  const names = await readdir(path.join(dataDir, 'apps')).catch(ifMissing([] as string[]));
  return names
    .map((name) => `apps/${name}`)
    .filter((place) => roleOf(place, true) !== 'skip' && !files.some((file) => file.startsWith(`${place}/`)));
}

async function copyDatabase(from: string, to: string): Promise<void> {
  let db: Db | undefined;
  try {
    db = new Database(from, { readonly: true });
    await db.backup(to, { progress: () => 2_147_483_647 });
  } catch (error) {
    if (!isDamage(error)) throw Object.assign(error as Error, { path: to });
    // as it is: its owner decides what becomes of a damaged file
    await copyFile(from, to);
  } finally {
    db?.close();
  }
}

const words = ({ registry, app }: { registry: number; app: number }): string => `${registry}/${app || '?'}`;
