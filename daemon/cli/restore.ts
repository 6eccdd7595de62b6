import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { DataDir } from '#daemon/platform/data-dir.ts';
import { bytes, plural } from '#shared/format.ts';
import { backupPassphrase } from './ask.ts';
import { withSource } from './backup.ts';
import type { SourceOptions } from './backup-source.ts';
import { print } from './remote/output.ts';
import { Progress } from './remote/progress.ts';
import { type LocalOptions, withDataDir, withLocal } from './settings.ts';
import { newCommand } from './usage.ts';

interface RestoreOptions extends SourceOptions, LocalOptions {
  passphraseFile?: string;
  force?: boolean;
}

/** `streamhub restore FILE` */
export const command = (): Command =>
  withLocal(
    withSource(
      newCommand('restore').description(
        'Restore a backup into the data folder of this machine. Stop the daemon first.',
      ),
    ).option('--force', 'Also into a data folder that is in use. What it replaces is kept in the folder replaced.'),
  ).action((file: string, options: RestoreOptions) =>
    withDataDir(options, (dir) => restore(file, options, dir), { creates: true }),
  );

async function restore(file: string, options: RestoreOptions, { root: dataDir, registry }: DataDir): Promise<void> {
  const { applyRestore, cancelRestore, finishRestore, prepareRestore, stagedFolder } = await import(
    '#daemon/operations/backup/restore.ts'
  );
  try {
    const finished = await finishRestore(dataDir);
    if (finished !== undefined) return print(`Finished the restore of ${finished.backup} that was interrupted.`);
    if (existsSync(registry) && !options.force)
      throw new Error(
        `${dataDir} has data of StreamHub already. To replace it, add --force; it is kept in ${path.join(dataDir, 'replaced')}`,
      );
    const [{ readBackup }, { SCHEMA }, { checkBackupName, readingBackup, withBackup }] = await Promise.all([
      import('#daemon/operations/backup/read.ts'),
      import('#daemon/platform/db/schema-versions.ts'),
      import('./backup-source.ts'),
    ]);
    await checkBackupName(file);
    const passphrase = await backupPassphrase(options.passphraseFile);
    // one that a daemon has prepared is replaced by this one
    await cancelRestore(dataDir);
    await rm(stagedFolder(dataDir), { recursive: true, force: true });
    const progress = new Progress();
    const { manifest, rows, databases } = await readingBackup(() =>
      withBackup(file, options, async ({ name, body }) => {
        const found = await readBackup(body, {
          passphrase,
          into: stagedFolder(dataDir),
          mode: 'unpack',
          knows: SCHEMA,
          tell: (done, total) => progress.show(`${total === 0 ? 100 : Math.floor((100 * done) / total)} %`),
        });
        const { files: _, folders: __, ...summary } = found.manifest;
        await prepareRestore(dataDir, name, summary);
        return found;
      }),
    ).finally(() => progress.clear());
    const { files } = manifest;
    const { replaced } = (await applyRestore(dataDir)) ?? {};
    const size = files.reduce((sum, one) => sum + one.size, 0);
    for (const line of [
      `Restored ${plural(files.length, 'file')} (${bytes(size)}) with ${plural(databases, 'database')} and ${rows} rows, as of ${manifest.createdAt}.`,
      `Apps: ${manifest.apps.map(({ name }) => name).join(', ') || 'none'}.`,
      ...(options.force && replaced !== undefined && existsSync(path.join(dataDir, replaced))
        ? [`What was there before is in ${path.join(dataDir, replaced)}.`]
        : []),
      ...manifest.lacks.map(({ text }) => `Not in the backup: ${text}`),
      'Start the daemon now.',
    ])
      print(line);
  } catch (error) {
    if (!existsSync(path.join(dataDir, 'restore.json')))
      await rm(path.join(dataDir, 'restore'), { recursive: true, force: true }).catch(() => {});
    throw error;
  }
}
