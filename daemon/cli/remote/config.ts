import { type Command, Option } from 'commander';
import * as ops from '#shared/contract/config.ts';
import { confirm, textFromStdin } from '../ask.ts';
import { EXIT, ExitWith, UsageError } from '../exit-codes.ts';
import { readNamed } from '../named-file.ts';
import { group } from '../usage.ts';
import { type CommonOptions, operationCommand, remoteCommand } from './command.ts';
import { type Review, reportOf, review, showReview, write } from './config-write.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { showDiff } from './diff.ts';
import { formatOf, note, print, printData, printText } from './output.ts';

const APP = ['<app>', 'Name of the app.'] as const;
const FILE = ['<file>', 'File with the whole text of config.yaml, or - for standard input.'] as const;

interface WriteOptions extends CommonOptions {
  confirmPublic?: boolean;
  ifMatch?: string;
  exitCode?: boolean;
}

/** `streamhub config …` */
export const command = (): Command =>
  group(
    'config',
    'Read, edit and revert the config of an app',
    [
      remoteCommand('get', 'Print the config of an app, or the value of one key')
        .argument(...APP)
        .argument('[key]', 'Dotted key, such as recording.enabled.')
        .action(get),
      writing(remoteCommand('edit', 'Edit the config in $VISUAL or $EDITOR, review the changes, and save them'))
        .argument(...APP)
        .action(async (app: string, options: WriteOptions) => (await import('./config-edit.ts')).edit(app, options)),
      remoteCommand('validate', 'Check a text, and write nothing. Exits with 1 if it is not valid')
        .argument(...APP)
        .argument(...FILE)
        .action(validate),
      remoteCommand('diff', 'Show what a text would change, and when that takes effect')
        .argument(...APP)
        .argument(...FILE)
        .option('--exit-code', 'Exit with 1 if there are changes.')
        .action(diff),
      writing(remoteCommand('apply', 'Replace the config with a text, after a review'))
        .argument(...APP)
        .argument(...FILE)
        .addOption(
          new Option('--if-match <etag>', 'Write only if the config still has this ETag. Default: that of the review.'),
        )
        .action(apply),
      operationCommand('history', ops.listConfigBackups, {
        columns: [
          'ts',
          'createdAt',
          'by=change.actor.label',
          'reason=change.reason',
          'detail=change.detail',
          'changed=change.changed',
        ],
      }),
      writing(remoteCommand('revert', 'Restore a text from the history, after a review'))
        .argument(...APP)
        .argument('<ts>', 'Id of the backup, from config history.')
        .action(revert),
      operationCommand('reload', ops.reloadConfig, { done: ({ name }) => `Reloaded the config of ${name}.` }),
    ],
    false,
  );

const writing = (command: Command): Command =>
  command
    .option('-y, --yes', 'Save without being asked.')
    .option(
      '--confirm-public',
      'Agree that recordings become public, if the text sets s3.public_url for the first time.',
    );

async function get(app: string, key: string | undefined, options: CommonOptions): Promise<void> {
  await withDaemon(options, async (daemon) => {
    const { data } = await daemon.call(ops.getRawConfig, { params: { name: app } });
    if (data.hidden !== null) throw new Error(data.hidden);
    if (data.masked) note('streamhub: note: secrets are masked, because you may not write this config.');
    if (key === undefined && formatOf(options) === 'table') return printText(data.yaml);
    const { parse } = await import('yaml');
    const path = key === undefined ? [] : key.split('.');
    const value = path.reduce<unknown>(
      (inner, part) => (inner as Record<string, unknown> | null | undefined)?.[part],
      parse(data.yaml),
    );
    if (value === undefined) throw new UsageError(`The config of ${app} doesn’t set ${key}.`);
    if (typeof value !== 'object' && formatOf(options) === 'table') return printText(String(value));
    await printData(value, options);
  });
}

const textOf = (file: string): Promise<string> => (file === '-' ? textFromStdin() : readNamed(file).then(String));

async function validate(app: string, file: string, options: CommonOptions): Promise<void> {
  const yaml = await textOf(file);
  await withDaemon(options, async (daemon) => {
    const { data } = await daemon.call(ops.validateConfig, { params: { name: app }, body: { yaml } });
    if (formatOf(options) !== 'table') await printData(data, options);
    else {
      for (const line of reportOf(data.diagnostics, file)) print(line);
      print(data.valid ? 'The config is valid.' : 'The config is not valid.');
    }
    if (!data.valid) throw new ExitWith(EXIT.failed.code);
  });
}

async function diff(app: string, file: string, options: WriteOptions): Promise<void> {
  const yaml = await textOf(file);
  await withDaemon(options, async (daemon) => {
    const found = await review(daemon, app, yaml);
    if (formatOf(options) !== 'table') {
      const { diff: text, changed, valid } = found.result;
      await printData({ valid, changed, changedKeys: found.keys, diff: text }, options);
    } else if (found.result.changed) {
      showDiff(found.result.diff, process.stdout);
      showReview(found, file, { withDiff: false });
    } else note('There are no changes.');
    if (!found.result.valid || (options.exitCode && found.result.changed)) throw new ExitWith(EXIT.failed.code);
  });
}

async function apply(app: string, file: string, options: WriteOptions): Promise<void> {
  const yaml = await textOf(file);
  await withDaemon(options, async (daemon) => {
    await saveReviewed(daemon, app, await review(daemon, app, yaml), file, options);
  });
}

async function saveReviewed(
  daemon: Daemon,
  app: string,
  found: Review,
  file: string,
  options: WriteOptions,
): Promise<void> {
  showReview(found, file);
  if (!found.result.valid) throw new ExitWith(EXIT.failed.code);
  if (!found.result.changed) return note('There are no changes.');
  if (!(await confirm(`Save the config of ${app}?`, options.yes))) return note('Nothing was changed.');
  await write(daemon, app, found, options);
}

async function revert(app: string, ts: string, options: WriteOptions): Promise<void> {
  await withDaemon(options, async (daemon) => {
    const { data: backup } = await daemon.call(ops.getConfigBackup, { params: { name: app, ts } });
    if (backup.hidden !== null || backup.masked) throw new Error(backup.hidden ?? 'You may not write this config.');
    const found = await review(daemon, app, backup.yaml);
    showReview(found, ts);
    if (!found.result.changed) return note('The config is the same already.');
    if (!(await confirm(`Restore the config of ${app} from ${ts}?`, options.yes))) return note('Nothing was changed.');
    await write(daemon, app, found, options, ts);
  });
}
