import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import * as ops from '#shared/contract/backups.ts';
import { bytes, count, plural } from '#shared/format.ts';
import type { BackupLack } from '#shared/schema/backups.ts';
import { backupPassphrase } from './ask.ts';
import type { SourceOptions } from './backup-source.ts';
import { type CommonOptions, operationCommand, remoteCommand } from './remote/command.ts';
import { withDaemon } from './remote/daemon.ts';
import { waitForJob } from './remote/job-wait.ts';
import { formatOf, print, printData } from './remote/output.ts';
import { type LocalOptions, withLocal } from './settings.ts';
import { group, newCommand } from './usage.ts';

interface CreateOptions extends CommonOptions, LocalOptions {
  to?: string;
  recordings?: boolean;
  logs: boolean;
  ask?: boolean;
  passphraseFile?: string;
}

/** Options and argument of a command that reads a backup. */
export const withSource = (command: Command): Command =>
  command
    .argument(
      '<file>',
      'A file, or s3://BUCKET/KEY. With s3://BUCKET/PREFIX/, the newest backup below PREFIX is taken. The keys of the bucket are read from STREAMHUB_BACKUP_KEY and STREAMHUB_BACKUP_SECRET.',
    )
    .option('--endpoint <url>', 'Address of the S3 service. Default: AWS.')
    .option('--region <region>', 'Region of the bucket.')
    .option(
      '--passphrase-file <file>',
      'Read the passphrase from the first line of this file. Default: STREAMHUB_BACKUP_PASSPHRASE, or you are asked.',
    );

/** `streamhub backup …` */
export const command = (): Command =>
  group('backup', 'Make a backup of the data of a running daemon, or list and verify backups', [
    withLocal(remoteCommand('create', 'Make a backup and wait for it; the command without a name'))
      .option(
        '--to <app>',
        'Write it to the storage of this app, or with @storage to the storage of backups. Default: the folder backups.',
      )
      .option('--recordings', 'With the recordings that are on the daemon’s machine.')
      .option('--no-logs', 'Without the log.')
      .option('--ask', 'Enter the passphrase, or take STREAMHUB_BACKUP_PASSPHRASE. Default: the stored one.')
      .option('--passphrase-file <file>', 'Read the passphrase from the first line of this file.')
      .action(create),
    operationCommand('list', ops.listBackups, {
      columns: ['id', 'createdAt', 'state', 'sizeBytes', 'place'],
      adds: withLocal,
    }),
    withSource(
      newCommand('verify').description('Read a backup to its end and check everything in it. It needs no daemon.'),
    ).action(verify),
  ]);

async function create({ to = '', recordings = false, logs, ask, passphraseFile, ...options }: CreateOptions) {
  await withDaemon(options, async (daemon) => {
    const passphrase = ask || passphraseFile !== undefined ? await backupPassphrase(passphraseFile) : undefined;
    const body = { destination: to, recordings, logs, ...(passphrase === undefined ? {} : { passphrase }) };
    const { data: begun } = await daemon.call(ops.createBackup, { body });
    const { result } = await waitForJob(daemon, begun);
    const { backupId, lacks } = result as { backupId: number; lacks: BackupLack[] };
    const { data: backup } = await daemon.call(ops.getBackup, { params: { id: backupId } });
    if (formatOf(options) !== 'table') return printData({ ...backup, lacks }, options);
    print(`Made and verified ${backup.place}: ${plural(backup.files, 'file')}, ${bytes(backup.sizeBytes)}.`);
    for (const { text } of lacks) print(`Not in the backup: ${text}`);
  });
}

async function verify(file: string, { passphraseFile, ...source }: SourceOptions & { passphraseFile?: string }) {
  const [{ readBackup }, { SCHEMA }, { checkBackupName, readingBackup, withBackup }] = await Promise.all([
    import('#daemon/operations/backup/read.ts'),
    import('#daemon/platform/db/schema-versions.ts'),
    import('./backup-source.ts'),
  ]);
  await checkBackupName(file);
  const passphrase = await backupPassphrase(passphraseFile);
  const into = await mkdtemp(path.join(os.tmpdir(), 'streamhub-backup-'));
  try {
    const read = { passphrase, into, mode: 'check', knows: SCHEMA } as const;
    const { name, manifest, rows, databases } = await readingBackup(() =>
      withBackup(file, source, async ({ name, body }) => ({ name, ...(await readBackup(body, read)) })),
    );
    print(
      `${name} is whole: ${plural(manifest.files.length, 'file')}, ${plural(databases, 'database')}, ${count(rows)} rows, as of ${manifest.createdAt}.`,
    );
    for (const { text } of manifest.lacks) print(`Not in the backup: ${text}`);
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}
