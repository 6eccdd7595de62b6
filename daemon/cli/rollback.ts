import path from 'node:path';
import { applyRestore } from '#daemon/operations/backup/restore.ts';
import { lostSince, prepareRollback, upgradeCopies } from '#daemon/operations/backup/upgrade.ts';
import { DataDirInUse, lockDataDir, prepareDataDir } from '#daemon/platform/data-dir.ts';
import { commandSettings } from './settings.ts';
import { commandWithHelp, runCommand } from './usage.ts';

/** Shown by --help and in docs/cli.md. */
export const HELP = `streamhub rollback: brings back databases, configs and secrets as they were before the last upgrade, for the old program.
Stop the daemon first. Without --yes it only says what would be lost.

  --yes                             bring them back; those of now are kept in the folder replaced
  --list                            list the copies
  --data-dir DIR, --env-file FILE   as for the daemon
`;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** `streamhub rollback` */
export const run = (args: string[]): Promise<number> => runCommand(() => command(args), explain);

const explain = (error: Error): readonly string[] => [
  error instanceof DataDirInUse ? `${error.message.split(';', 1)[0]}; stop it first` : error.message,
];

async function command(args: string[]): Promise<number> {
  const program = commandWithHelp('streamhub rollback', HELP)
    .option('--yes')
    .option('--list')
    .option('--data-dir <dir>')
    .option('--env-file <file>')
    .parse(args, { from: 'user' });
  const values = program.opts<{ yes?: boolean; list?: boolean; dataDir?: string; envFile?: string }>();
  const { dataDir } = commandSettings(values);
  const unlock = lockDataDir(prepareDataDir(dataDir));
  try {
    // an exchange that was killed
    const finished = await applyRestore(dataDir);
    if (finished !== undefined) {
      print(`Finished what was interrupted: ${finished.backup}.`);
      return 0;
    }
    const copies = await upgradeCopies(dataDir);
    if (values.list) {
      for (const { folder, from, to, at } of copies) print([at, `${from} → ${to}`, folder].join('\t'));
      return 0;
    }
    const [copy] = copies;
    if (copy === undefined)
      throw new Error(
        `${path.join(dataDir, 'upgrades')} has no copy: this data folder was not upgraded, or its copies were deleted`,
      );
    const { from, to, at } = copy;
    const lost = await lostSince(dataDir, copy);
    print(`The copy is from ${at}, before the upgrade from ${from} to ${to}.`);
    if (lost.length === 0) print('Nothing was changed since.');
    else
      for (const line of [
        `${values.yes ? 'Lost' : 'Would be lost'}, as it was written since:`,
        ...lost.map((one) => `  ${one}`),
      ])
        print(line);
    if (!values.yes) {
      print('Add --yes to bring it back.');
      return 0;
    }
    await prepareRollback(dataDir, copy);
    const { replaced = '' } = (await applyRestore(dataDir)) ?? {};
    print(`Brought back the data of ${from}. What ${to} had is in ${path.join(dataDir, replaced)}.`);
    print(`Start StreamHub ${from} now. This version would upgrade them again.`);
    return 0;
  } finally {
    unlock();
  }
}
