import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { faultOf } from '#daemon/operations/backup/manifest.ts';
import { readBackup } from '#daemon/operations/backup/read.ts';
import { applyRestore, prepareRestore, stagedFolder } from '#daemon/operations/backup/restore.ts';
import { errorOf } from '#daemon/operations/backup/work.ts';
import { DataDirInUse, lockDataDir, prepareDataDir } from '#daemon/platform/data-dir.ts';
import { SCHEMA } from '#daemon/platform/db/schema-versions.ts';
import { bytes, plural } from '#shared/format.ts';
import { SOURCE_HELP, type SourceOptions, withBackup } from './backup-source.ts';
import { backupPassphrase } from './passphrase.ts';
import { commandSettings } from './settings.ts';
import { commandWithHelp, runCommand } from './usage.ts';

/** Shown by --help and in docs/cli.md. */
export const HELP = `streamhub restore FILE: restores a backup into the data directory. Stop the daemon first.
${SOURCE_HELP}  --force                    also into a data directory that is in use; what it replaces is kept in the folder replaced
  --passphrase-file FILE     read the passphrase from the first line of FILE
  --data-dir DIR, --env-file FILE   as for the daemon

Without --passphrase-file, the passphrase is taken from STREAMHUB_BACKUP_PASSPHRASE, or asked for.
`;

/** `streamhub restore FILE` */
export const run = (args: string[]): Promise<number> => runCommand(() => command(args), explain);

function explain(error: Error): readonly string[] {
  if (error instanceof DataDirInUse) return [`${error.message.split(';', 1)[0]}; stop it first`];
  const fault = faultOf(error);
  if (fault === undefined) return [error.message];
  const { message, hint } = errorOf(fault);
  return [`${message} ${hint ?? ''}`.trimEnd()];
}

async function command(args: string[]): Promise<number> {
  const program = commandWithHelp('streamhub restore', HELP)
    .argument('<file>')
    .option('--data-dir <dir>')
    .option('--env-file <file>')
    .option('--passphrase-file <file>')
    .option('--force')
    .option('--endpoint <url>')
    .option('--region <region>')
    .parse(args, { from: 'user' });
  const [file = ''] = program.args;
  const values = program.opts<
    SourceOptions & { dataDir?: string; envFile?: string; passphraseFile?: string; force?: boolean }
  >();
  const { dataDir } = commandSettings(values);
  const dir = prepareDataDir(dataDir);
  const unlock = lockDataDir(dir);
  try {
    // an earlier restore that was killed while it exchanged the files
    const finished = await applyRestore(dataDir);
    if (finished !== undefined) {
      process.stdout.write(`Finished the restore of ${finished.backup} that was interrupted.\n`);
      return 0;
    }
    if (existsSync(dir.registry) && !values.force)
      throw new Error(
        `${dataDir} has data of StreamHub already. To replace it, add --force; it is kept in ${path.join(dataDir, 'replaced')}`,
      );
    const passphrase = await backupPassphrase(values.passphraseFile);
    await rm(stagedFolder(dataDir), { recursive: true, force: true });
    const { manifest, rows, databases } = await withBackup(file, values, async ({ name, body }) => {
      const found = await readBackup(body, {
        passphrase,
        into: stagedFolder(dataDir),
        mode: 'unpack',
        knows: SCHEMA,
        tell: progressLine(),
      });
      const { files: _, folders: __, ...summary } = found.manifest;
      await prepareRestore(dataDir, name, summary);
      return found;
    });
    const { files } = manifest;
    const { replaced } = (await applyRestore(dataDir)) ?? {};
    const size = files.reduce((sum, one) => sum + one.size, 0);
    process.stdout.write(
      `${[
        `Restored ${plural(files.length, 'file')} (${bytes(size)}) with ${plural(databases, 'database')} and ${rows} rows, as of ${manifest.createdAt}.`,
        `Apps: ${manifest.apps.map(({ name }) => name).join(', ') || 'none'}.`,
        ...(values.force && replaced !== undefined && existsSync(path.join(dataDir, replaced))
          ? [`What was there before is in ${path.join(dataDir, replaced)}.`]
          : []),
        ...manifest.lacks.map(({ text }) => `Not in the backup: ${text}`),
        'Start the daemon now.',
      ].join('\n')}\n`,
    );
    return 0;
  } catch (error) {
    if (!existsSync(path.join(dataDir, 'restore.json')))
      await rm(path.join(dataDir, 'restore'), { recursive: true, force: true }).catch(() => {});
    throw error;
  } finally {
    unlock();
  }
}

/** Shows the progress on a terminal. */
function progressLine(): (done: number, total: number) => void {
  let shown = -1;
  return (done, total) => {
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
    if (process.stderr.isTTY !== true || percent === shown) return;
    shown = percent;
    process.stderr.write(`\r${percent} %${percent === 100 ? '\n' : ''}`);
  };
}
