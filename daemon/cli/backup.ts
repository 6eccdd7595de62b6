import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { faultOf } from '#daemon/operations/backup/manifest.ts';
import { readBackup } from '#daemon/operations/backup/read.ts';
import { errorOf } from '#daemon/operations/backup/work.ts';
import { SCHEMA } from '#daemon/platform/db/schema-versions.ts';
import { DaemonError, UnreachableError } from '#shared/client/errors.ts';
import * as ops from '#shared/contract/backups.ts';
import { getJob } from '#shared/contract/jobs.ts';
import { bytes, count, plural } from '#shared/format.ts';
import type { BackupLack } from '#shared/schema/backups.ts';
import { SOURCE_HELP, type SourceOptions, withBackup } from './backup-source.ts';
import { UsageError } from './exit-codes.ts';
import { backupPassphrase } from './passphrase.ts';
import { type ConnectionOptions, clientOf } from './remote/connection.ts';
import { explainFailure } from './remote/failures.ts';
import { commandWithHelp, runCommand } from './usage.ts';

/** Shown by --help and in docs/cli.md. */
export const HELP = `streamhub backup: makes a backup of the running daemon’s data directory, with the API token of STREAMHUB_TOKEN.

streamhub backup                 make a backup and wait for it
  --to APP                       in the storage of that app instead of the folder backups; @storage: in the storage of backups
  --recordings                   with the recordings that are on this machine
  --no-logs                      without the log
  --ask                          enter the passphrase, or take STREAMHUB_BACKUP_PASSPHRASE; else the stored one is used
streamhub backup list            list the backups
streamhub backup verify FILE     read a file to its end and check everything in it; needs no daemon
  --passphrase-file FILE         read the passphrase from the first line of FILE

  --url ADDRESS                  address of the daemon; without it, the one that runs on DATA_DIR
  --data-dir DIR, --env-file FILE   as for the daemon


${SOURCE_HELP}`;

interface Options extends ConnectionOptions, SourceOptions {
  to?: string;
  recordings?: boolean;
  logs?: boolean;
  ask?: boolean;
  passphraseFile?: string;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** `streamhub backup …` */
export const run = (args: string[]): Promise<number> => runCommand(() => command(args), explainBackup);

/** What went wrong, for people. @throws what is not meant for them */
export function explainBackup(error: unknown): readonly string[] {
  if (error instanceof DaemonError || error instanceof UnreachableError || error instanceof UsageError)
    return explainFailure(error);
  const fault = faultOf(error);
  if (fault === undefined) throw error;
  const { message, hint } = errorOf(fault);
  return [`${message} ${hint ?? ''}`.trimEnd()];
}

async function command(args: string[]): Promise<number> {
  const program = commandWithHelp('streamhub backup', HELP)
    .argument('[command]')
    .argument('[file]')
    .option('--to <app>')
    .option('--recordings')
    .option('--no-logs')
    .option('--ask')
    .option('--passphrase-file <file>')
    .option('--endpoint <url>')
    .option('--region <region>')
    .option('--url <address>')
    .option('--data-dir <dir>')
    .option('--env-file <file>')
    .parse(args, { from: 'user' });
  const [verb, file] = program.args;
  const options = program.opts<Options>();
  if (verb === undefined) return make(options);
  if (verb === 'list') return list(options);
  if (verb === 'verify' && file !== undefined) return verify(file, options);
  process.stdout.write(HELP);
  return 2;
}

async function make({
  to = '',
  recordings = false,
  logs = true,
  ask,
  passphraseFile,
  ...remote
}: Options): Promise<number> {
  const client = await clientOf(remote);
  const passphrase = ask || passphraseFile !== undefined ? await backupPassphrase(passphraseFile) : undefined;
  const body = { destination: to, recordings, logs, ...(passphrase === undefined ? {} : { passphrase }) };
  let { data: job } = await client.call(ops.createBackup, { body });
  let shown = '';
  while (['queued', 'running', 'waiting'].includes(job.state)) {
    await wait(500);
    ({ data: job } = await client.call(getJob, { params: { id: job.id } }));
    const { phase = '', done = 0, total } = job.progress ?? {};
    const line = `${phase}${total ? ` ${Math.floor((100 * done) / total)} %` : ''}`;
    if (process.stderr.isTTY && line !== shown) process.stderr.write(`\r\u001b[K${(shown = line)}`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  if (job.state !== 'succeeded') {
    process.stderr.write(`streamhub: ${job.error?.message ?? 'the backup was cancelled'} ${job.error?.hint ?? ''}\n`);
    return 1;
  }
  const { backupId, lacks } = job.result as { backupId: number; lacks: BackupLack[] };
  const { data: backup } = await client.call(ops.getBackup, { params: { id: backupId } });
  print(`Made and verified ${backup.place}: ${plural(backup.files, 'file')}, ${bytes(backup.sizeBytes)}.`);
  for (const { text } of lacks) print(`Not in the backup: ${text}`);
  return 0;
}

async function list(remote: Options): Promise<number> {
  const { data } = await (await clientOf(remote)).call(ops.listBackups, {});
  for (const { id, createdAt, state, sizeBytes, place } of data)
    print([id, createdAt, state, bytes(sizeBytes), place].join('\t'));
  return 0;
}

async function verify(file: string, { passphraseFile, ...source }: Options): Promise<number> {
  const passphrase = await backupPassphrase(passphraseFile);
  const into = await mkdtemp(path.join(os.tmpdir(), 'streamhub-backup-'));
  try {
    const read = { passphrase, into, mode: 'check', knows: SCHEMA } as const;
    const { name, manifest, rows, databases } = await withBackup(file, source, async ({ name, body }) => ({
      name,
      ...(await readBackup(body, read)),
    }));
    print(
      `${name} is whole: ${plural(manifest.files.length, 'file')}, ${plural(databases, 'database')}, ${count(rows)} rows, as of ${manifest.createdAt}.`,
    );
    for (const { text } of manifest.lacks) print(`Not in the backup: ${text}`);
    return 0;
  } finally {
    await rm(into, { recursive: true, force: true });
  }
}
