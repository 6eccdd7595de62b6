import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { readJson } from '#daemon/edge/layout.ts';
import { isAlive, type ProcessRef, signal } from '#daemon/edge/process-table.ts';
import { DataDirInUse, lockDataDir, prepareDataDir } from '#daemon/platform/data-dir.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { PACKAGE_ROOT } from '#daemon/platform/paths.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import { bytes, plural } from '#shared/format.ts';
import { type Removal, removalLines } from '#shared/removal.ts';
import { ORIGIN } from '#shared/schema/cluster.ts';
import { commandSettings } from './settings.ts';
import { commandWithHelp, runCommand } from './usage.ts';

/** Shown by --help and in docs/cli.md. */
export const HELP = `streamhub uninstall: lists what a removal deletes and what it keeps, and removes StreamHub with --yes.

streamhub uninstall
  --yes                      delete the data and the program (the Debian package; else you are told how to remove the program)
  --keep-data                keep data and settings

  --data-dir DIR, --env-file FILE   as for the daemon

Stop the daemon first; the Debian package does that itself. Back up what you need before.
`;

/** Where the Debian package puts the program. */
const DEBIAN_HOME = '/usr/lib/streamhub';
/** Everything that StreamHub creates in a DATA_DIR. Other files there are kept. */
const PARTS = [
  'data',
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

interface UninstallOptions {
  yes?: boolean;
  keepData?: boolean;
  dataDir?: string;
  envFile?: string;
}

/** `streamhub uninstall` */
export const run = (args: string[]): Promise<number> =>
  runCommand(async () => {
    const options = commandWithHelp('streamhub uninstall', HELP)
      .allowExcessArguments(false)
      .option('--yes')
      .option('--keep-data')
      .option('--data-dir <dir>')
      .option('--env-file <file>')
      .parse(args, { from: 'user' })
      .opts<UninstallOptions>();
    return uninstall(commandSettings(options), kindOf(PACKAGE_ROOT), options);
  });

async function uninstall(
  settings: Settings,
  kind: Kind,
  { yes = false, keepData = false }: UninstallOptions,
): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`);
  for (const line of removalLines(planOf(settings, kind, keepData))) say(line);
  if (!yes) {
    say('Nothing was removed. To remove it, add --yes.');
    return 0;
  }
  if (kind === 'debian') {
    const { status } = spawnSync('apt-get', [keepData ? 'remove' : 'purge', '--yes', 'streamhub'], {
      stdio: 'inherit',
    });
    return status ?? 1;
  }
  if (!keepData) await removeData(settings.dataDir);
  say(
    kind === 'clone'
      ? `To remove the program, delete ${PACKAGE_ROOT}`
      : 'To remove the program: npm uninstall --global streamhub',
  );
  return 0;
}

export function kindOf(packageRoot: string): Kind {
  if (packageRoot === DEBIAN_HOME) return 'debian';
  return existsSync(path.join(packageRoot, 'build', 'start.mjs')) ? 'clone' : 'npm';
}

function planOf({ dataDir, envFile }: Settings, kind: Kind, keepData: boolean): Removal {
  const removed: string[] = [];
  const kept: string[] = [];
  const data = keepData ? kept : removed;
  const parts = PARTS.filter((part) => existsSync(path.join(dataDir, part)));
  if (parts.length === 0) kept.push(`${dataDir}: no data of StreamHub is there`);
  for (const part of parts) data.push(`${path.join(dataDir, part)}  ${describe(dataDir, part)}`);
  const others = entries(dataDir).filter((name) => !PARTS.includes(name));
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
  for (const node of nodes(dataDir))
    kept.push(`edge node ${node}: remove it on its machine, with install.sh --uninstall`);
  kept.push('LiveKit, Redis and proxies that others run');
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
      return plural(entries(place).length, 'plugin');
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

function nodes(dataDir: string): string[] {
  const file = path.join(dataDir, 'data', 'streamhub.db');
  if (!existsSync(file)) return [];
  try {
    const db = openDatabase(file);
    try {
      return db.prepare('SELECT name FROM cluster_nodes WHERE id <> ? ORDER BY name').pluck().all(ORIGIN) as string[];
    } finally {
      db.close();
    }
  } catch {
    return ['(the registry can’t be read, so their names are unknown)'];
  }
}

/** @throws when a daemon runs on it */
async function removeData(dataDir: string): Promise<void> {
  if (!existsSync(path.join(dataDir, 'data'))) return;
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
  for (const part of PARTS) rmSync(path.join(dataDir, part), { recursive: true, force: true, maxRetries: 3 });
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
