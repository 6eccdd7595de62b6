import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { readJson } from '#daemon/edge/layout.ts';
import { isAlive, type ProcessRef, signal } from '#daemon/edge/process-table.ts';
import { STORAGE_KEY } from '#daemon/operations/backup/repository.ts';
import { DataDirInUse, lockDataDir, prepareDataDir } from '#daemon/platform/data-dir.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { PACKAGE_ROOT } from '#daemon/platform/paths.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import { bytes, plural } from '#shared/format.ts';
import { type Removal, removalLines } from '#shared/removal.ts';
import { ORIGIN } from '#shared/schema/cluster.ts';
import { EXIT, ExitWith } from './exit-codes.ts';
import { print } from './remote/output.ts';
import { commandSettings, type LocalOptions, withLocal } from './settings.ts';
import { newCommand } from './usage.ts';

/** Where the Debian package puts the program. */
const DEBIAN_HOME = '/usr/lib/streamhub';
/** Everything that StreamHub creates in a DATA_DIR but `data`, which is removed last. Other files there are kept. */
const PARTS = [
  'apps',
  'archive',
  'backups',
  'livekit',
  'logs',
  'plugins',
  'replaced',
  'restore',
  'restore.json',
  'upgrades',
  'streamhub.env',
  'desktop-start.txt',
];

/** LiveKit waits for its rooms after one signal. */
const END_MS = 5000;

type Kind = 'debian' | 'clone' | 'npm';

interface UninstallOptions extends LocalOptions {
  yes?: boolean;
  keepData?: boolean;
}

/** `streamhub uninstall` */
export const command = (): Command =>
  withLocal(
    newCommand('uninstall')
      .description(
        'List what a removal deletes and what it keeps, and remove StreamHub with --yes. Back up what you need, and stop the daemon before; the Debian package stops it itself.',
      )
      .option(
        '-y, --yes',
        'Delete the data, and remove the Debian package. For other packages, print how to remove the program.',
      )
      .option('--keep-data', 'Keep data and settings.'),
  ).action((options: UninstallOptions) => uninstall(commandSettings(options), kindOf(PACKAGE_ROOT), options));

async function uninstall(
  settings: Settings,
  kind: Kind,
  { yes = false, keepData = false }: UninstallOptions,
): Promise<void> {
  for (const line of removalLines(await planOf(settings, kind, keepData))) print(line);
  if (!yes) return print('Nothing was removed. To remove it, add --yes.');
  if (kind === 'debian') {
    const { status } = spawnSync('apt-get', [keepData ? 'remove' : 'purge', '--yes', 'streamhub'], {
      stdio: 'inherit',
    });
    throw new ExitWith(status ?? EXIT.failed.code);
  }
  if (!keepData) await removeData(settings.dataDir);
  print(
    kind === 'clone'
      ? `To remove the program, delete ${PACKAGE_ROOT}`
      : 'To remove the program: npm uninstall --global streamhub',
  );
}

export function kindOf(packageRoot: string): Kind {
  if (packageRoot === DEBIAN_HOME) return 'debian';
  return existsSync(path.join(packageRoot, 'build', 'start.mjs')) ? 'clone' : 'npm';
}

async function planOf({ dataDir, envFile }: Settings, kind: Kind, keepData: boolean): Promise<Removal> {
  const removed: string[] = [];
  const kept: string[] = [];
  const data = keepData ? kept : removed;
  const parts = isOurs(dataDir) ? ['data', ...PARTS].filter((part) => existsSync(path.join(dataDir, part))) : [];
  if (parts.length === 0) kept.push(`${dataDir}: no data of StreamHub is there`);
  for (const part of parts) data.push(`${path.join(dataDir, part)}  ${describe(dataDir, part)}`);
  const others = entries(dataDir).filter((name) => !parts.includes(name));
  if (others.length > 0)
    (kind === 'debian' ? data : kept).push(
      `${dataDir}: ${plural(others.length, 'file or folder', 'files and folders')} that StreamHub didn’t create`,
    );
  if (path.dirname(envFile) !== dataDir && existsSync(envFile))
    (kind === 'debian' ? data : kept).push(`${envFile}  settings`);
  if (kind === 'debian') {
    removed.push('the package streamhub: program, command and unit streamhub.service');
    data.push('the user and group streamhub');
  } else kept.push(`${PACKAGE_ROOT}  the program; the last line says how to remove it`);
  for (const [app, bucket] of buckets(dataDir)) kept.push(`recordings of ${app} in the bucket ${bucket}`);
  kept.push(...outside(dataDir), ...(await signIns()), 'LiveKit, Redis and proxies that others run');
  return { removed, kept };
}

function describe(dataDir: string, part: string): string {
  const place = path.join(dataDir, part);
  switch (part) {
    case 'data':
      return 'accounts, tokens, secrets, events, incidents';
    case 'apps': {
      const recordings = sizeOf(globSync('*/recordings/**', { cwd: place }).map((file) => path.join(place, file)));
      return `${plural(entries(place).length, 'app')}; ${bytes(recordings)} of local recordings`;
    }
    case 'archive':
      return `${plural(entries(place).length, 'folder')} of deleted apps`;
    case 'backups':
      return plural(entries(place).length, 'backup file or folder', 'backup files and folders');
    case 'livekit':
      return 'the LiveKit that StreamHub runs; its rooms end';
    case 'plugins':
      // the versions before the last updates are in a hidden folder
      return plural(entries(place).filter((name) => !name.startsWith('.')).length, 'plugin');
    case 'replaced':
      return 'what a restore replaced';
    case 'streamhub.env':
      return 'settings';
    default:
      return 'files of the daemon';
  }
}

const entries = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

const sizeOf = (files: readonly string[]): number =>
  files.reduce((sum, file) => {
    const info = statSync(file, { throwIfNoEntry: false });
    return sum + (info?.isFile() ? info.size : 0);
  }, 0);

/** Apps with a bucket, from their configs; one that can't be read has none that is known. */
function buckets(dataDir: string): [app: string, bucket: string][] {
  return entries(path.join(dataDir, 'apps')).flatMap((app): [string, string][] => {
    try {
      const config = parse(readFileSync(path.join(dataDir, 'apps', app, 'config.yaml'), 'utf8'));
      const bucket = config?.s3?.bucket;
      return typeof bucket === 'string' && bucket !== '' ? [[app, bucket]] : [];
    } catch {
      return [];
    }
  });
}

/** What the registry knows of that is elsewhere: backups in buckets, and edge nodes. */
function outside(dataDir: string): string[] {
  const file = path.join(dataDir, 'data', 'streamhub.db');
  if (!existsSync(file)) return [];
  try {
    const db = openDatabase(file, { readonly: true });
    const names = (sql: string, of: string): string[] => {
      try {
        return db.prepare<[string], string>(sql).pluck().all(of);
      } catch (error) {
        // a version before it wrote this registry
        if (/no such table/.test((error as Error).message)) return [];
        throw error;
      }
    };
    try {
      const buckets = new Set([
        ...names(`SELECT value ->> 'bucket' FROM streamhub_meta WHERE key = ?`, STORAGE_KEY),
        ...names(
          `SELECT DISTINCT coalesce(place_json ->> '$.settings.bucket', place_json ->> 'storage_bucket')
             FROM backups WHERE destination <> ?`,
          '',
        ),
      ]);
      return [
        ...[...buckets].filter((bucket) => bucket).map((bucket) => `backups in the bucket ${bucket}`),
        ...names('SELECT name FROM cluster_nodes WHERE id <> ? ORDER BY name', ORIGIN).map(
          (node) => `edge node ${node}: remove it on its machine, with install.sh --uninstall`,
        ),
      ];
    } finally {
      db.close();
    }
  } catch {
    return ['backups in buckets, and edge nodes: the registry can’t be read, so their names are unknown'];
  }
}

/** Daemons that the user of this command signed in to with the command line. */
async function signIns(): Promise<string[]> {
  const { contextsFile, readContexts, SERVICE } = await import('./remote/contexts.ts');
  const file = contextsFile();
  if (!existsSync(file)) return [];
  try {
    const { contexts } = await readContexts();
    return [
      `${file}  daemons that you connected to`,
      ...contexts.map(
        ({ name, account, store }) =>
          `the credential of the context ${name} in ${store === 'keychain' ? `the keychain, as ${SERVICE}, ${account}` : 'a file beside it'}; remove it with: streamhub contexts rm ${name}`,
      ),
    ];
  } catch {
    return [`${file}  daemons that you connected to; it can’t be read`];
  }
}

/** Files of `data` that tell a folder of StreamHub from another one; the last that are removed. */
const MARKS = ['streamhub.db', 'daemon.lock'];

const isOurs = (dataDir: string): boolean => MARKS.some((mark) => existsSync(path.join(dataDir, 'data', mark)));

/** A removal that was cut off is finished by the next one. @throws when a daemon runs on it */
async function removeData(dataDir: string): Promise<void> {
  if (!isOurs(dataDir)) return;
  let unlock: () => void;
  try {
    unlock = lockDataDir(prepareDataDir(dataDir));
  } catch (error) {
    if (!(error instanceof DataDirInUse)) throw error;
    throw new Error(`a daemon is running on ${dataDir}; stop it first. Nothing was removed.`);
  }
  await endPrograms(path.join(dataDir, 'livekit', 'var'));
  // the lock is a file below: Windows deletes no open one
  unlock();
  const remove = (...place: string[]): void =>
    rmSync(path.join(dataDir, ...place), { recursive: true, force: true, maxRetries: 3 });
  for (const part of PARTS) remove(part);
  const data = entries(path.join(dataDir, 'data'));
  for (const name of [...data.filter((one) => !MARKS.includes(one)), ...MARKS]) remove('data', name);
  rmdirSync(path.join(dataDir, 'data'));
  if (entries(dataDir).length === 0) rmdirSync(dataDir);
}

/** Ends LiveKit and what belongs to it, which survive the daemon. Each has a file with its process. */
async function endPrograms(folder: string): Promise<void> {
  const running = globSync('*.json', { cwd: folder })
    .map((file) => readJson<{ process?: ProcessRef | null }>(path.join(folder, file))?.process ?? null)
    .filter(isAlive);
  for (const ref of running) signal(ref, 'SIGTERM');
  const end = performance.now() + END_MS;
  for (const ref of running) {
    while (isAlive(ref) && performance.now() < end) await sleep(100);
    if (isAlive(ref)) signal(ref, 'SIGKILL');
  }
}
