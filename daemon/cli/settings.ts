import { statSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { DataDir } from '#daemon/platform/data-dir.ts';
import { loadSettings, type Settings } from '#daemon/platform/settings.ts';

/** Where the daemon of this machine has its files. */
export interface LocalOptions {
  dataDir?: string;
  envFile?: string;
}

/** Adds the options that name the daemon of this machine. */
export const withLocal = (command: Command): Command =>
  command
    .optionsGroup('This machine:')
    .option('--data-dir <dir>', 'Data folder of the daemon on this machine. Default: DATA_DIR.')
    .option('--env-file <file>', 'File with the settings of that daemon. Default: streamhub.env in the data folder.')
    .optionsGroup('Options:');

/** The settings of the daemon that the options name. @throws SettingsError */
export const readSettings = ({ dataDir, envFile }: LocalOptions): Settings =>
  loadSettings({ env: process.env, flags: { 'data-dir': dataDir, 'env-file': envFile } });

/**
 * The daemon's settings for a command beside it. It writes what is odd about them to standard error, as the daemon does at its start.
 * @throws SettingsError
 */
export function commandSettings(options: LocalOptions): Settings {
  const settings = readSettings(options);
  for (const { message } of settings.warnings) process.stderr.write(`streamhub: warning: ${message}\n`);
  return settings;
}

/**
 * Works on the files of a data folder while no daemon does.
 * @param more.creates a folder without data is prepared, instead of refused
 * @param more.why a daemon must not run, as the end of a sentence
 * @throws SettingsError, and an Error if a daemon runs on it, or the folder can't be used
 */
export async function withDataDir<T>(
  options: LocalOptions,
  work: (dir: DataDir) => Promise<T>,
  { creates = false, why = '' } = {},
): Promise<T> {
  const { dataDir } = commandSettings(options);
  const [{ DataDirInUse, lockDataDir, prepareDataDir }, { fileError }] = await Promise.all([
    import('#daemon/platform/data-dir.ts'),
    import('#daemon/platform/files/file-errors.ts'),
  ]);
  let dir: DataDir;
  let unlock: () => void;
  try {
    if (!creates && statSync(path.join(dataDir, 'data'), { throwIfNoEntry: false }) === undefined)
      throw new Error(`${dataDir} contains no StreamHub data; start the daemon once`);
    dir = prepareDataDir(dataDir);
    unlock = lockDataDir(dir);
  } catch (error) {
    if (error instanceof DataDirInUse) throw new Error(`${error.message.split(';', 1)[0]}; stop it first${why}`);
    const refused = fileError(error);
    if (refused?.code === 'FILE_ACCESS_DENIED')
      throw new Error(`you have no access to ${dataDir}; run this as the user of the daemon, or as root`);
    throw refused ?? error;
  }
  try {
    return await work(dir);
  } finally {
    unlock();
  }
}
