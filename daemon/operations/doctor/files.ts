import { constants, globSync } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { plural } from '#shared/format.ts';
import { type Check, type Finding, failed, fine, skipped, warning } from './check.ts';
import type { DatabaseCheck, DatabaseVerdict } from './tasks/database-check.ts';

export interface FilesDeps {
  dataDir: string;
  /** Is an app of this name in the registry? Absent when the registry can't be read. */
  hasApp?: (name: string) => boolean;
  /** Looks into databases, away from the event loop. */
  checkDatabases(input: DatabaseCheck): Promise<DatabaseVerdict[]>;
}

/** Milliseconds for all databases together. */
const DATABASES_MS = 10_000;
const MAX_DATABASES = 500;

/** Rights on the data folder, and the databases in it. */
export function fileChecks({ dataDir, hasApp, checkDatabases }: FilesDeps): Check[] {
  const group = 'files';
  return [
    { id: 'data-dir', group, title: 'Data folder', run: () => rights(dataDir) },
    {
      id: 'databases',
      group,
      title: 'Databases',
      run: async () => judgeDatabases(await databasesOf(dataDir), checkDatabases, dataDir),
    },
    ...(hasApp === undefined
      ? []
      : [{ id: 'app-folders', group, title: 'App folders', run: () => appFolders(dataDir, hasApp) } as const]),
  ];
}

/** Folders with data of an app that the registry doesn't have. */
function appFolders(dataDir: string, hasApp: (name: string) => boolean): Finding {
  const folders = globSync('*/{config.yaml,app.db}', { cwd: path.join(dataDir, 'apps') }).map(path.dirname);
  const strays = [...new Set(folders)].filter((name) => !hasApp(name)).sort();
  if (strays.length === 0) return fine('Each folder in apps belongs to an app.');
  return warning(
    `No app has ${plural(strays.length, 'folder')} of ${path.join(dataDir, 'apps')}: ${strays.slice(0, 20).join(', ')}.`,
    'If you miss these apps, restore the registry or the apps from a backup. Otherwise move the folders away.',
  );
}

async function rights(dataDir: string): Promise<Finding> {
  const cure = `Make ${dataDir} and everything in it belong to the user that runs the daemon: sudo chown -R <user>: ${dataDir}`;
  for (const folder of ['', 'data', 'apps', 'logs']) {
    const place = path.join(dataDir, folder);
    try {
      await access(place, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT')
        return folder === ''
          ? skipped(`${dataDir} doesn’t exist yet; the daemon makes it at its first start.`)
          : failed(
              `The folder ${place} is missing.`,
              'Start the daemon, which makes it again. If it held data, restore a backup.',
            );
      return failed(`${place} can’t be read and written by this user (${code}).`, cure);
    }
  }
  return fine(`${dataDir} can be read and written.`);
}

async function databasesOf(dataDir: string): Promise<string[]> {
  const names = async (folder: string) => (await readdir(path.join(dataDir, folder)).catch(() => [])).sort();
  const files = [
    ...(await names('data')).filter((name) => name.endsWith('.db')).map((name) => path.join('data', name)),
    ...(await names('logs')).filter((name) => name.endsWith('.db')).map((name) => path.join('logs', name)),
    ...(await names('apps')).map((name) => path.join('apps', name, 'app.db')),
  ];
  const there = await Promise.all(
    files.map((file) =>
      stat(path.join(dataDir, file)).then(
        (one) => one.isFile(),
        () => false,
      ),
    ),
  );
  return files.filter((_, index) => there[index]);
}

async function judgeDatabases(
  files: readonly string[],
  checkDatabases: FilesDeps['checkDatabases'],
  dataDir: string,
): Promise<Finding> {
  if (files.length === 0) return skipped('There are no databases yet.');
  const looked = files.slice(0, MAX_DATABASES);
  const verdicts = await checkDatabases({
    files: looked.map((file) => path.join(dataDir, file)),
    limitMs: DATABASES_MS,
  });
  const bad = verdicts.flatMap(({ problem }, index) => (problem ? [`${looked[index]}: ${problem}`] : []));
  if (bad.length > 0)
    return failed(
      `${plural(bad.length, 'database')} can’t be used. ${bad.slice(0, 5).join('; ')}`,
      'Check the disk and its rights. Stop the daemon, set the damaged file aside, and restore it from a backup.',
    );
  const whole = verdicts.filter(({ problem }) => problem === null).length;
  const rest = files.length - whole;
  if (rest === 0) return fine(`${plural(whole, 'database')} checked, all whole.`);
  return warning(
    `${plural(whole, 'database')} checked, all whole. For ${rest} more there was no time.`,
    'Check when the machine is less busy, or restore a backup elsewhere: that reads everything.',
  );
}
