import path from 'node:path';
import type { Command } from 'commander';
import type { DataDir } from '#daemon/platform/data-dir.ts';
import { print, printText } from './remote/output.ts';
import { type LocalOptions, withDataDir, withLocal } from './settings.ts';
import { newCommand } from './usage.ts';

interface RollbackOptions extends LocalOptions {
  yes?: boolean;
  list?: boolean;
}

/** `streamhub rollback` */
export const command = (): Command =>
  withLocal(
    newCommand('rollback')
      .description(
        'Bring back databases, configs and secrets as they were before the last upgrade, for the old program. Stop the daemon first. Without --yes it only says what would be lost.',
      )
      .option('-y, --yes', 'Bring them back. Those of now are kept in the folder replaced.')
      .option('--list', 'List the copies.'),
  ).action((options: RollbackOptions) => withDataDir(options, (dir) => rollBack(options, dir)));

async function rollBack({ yes, list }: RollbackOptions, { root: dataDir }: DataDir): Promise<void> {
  const [{ applyRestore, finishRestore, requireNoRestore }, { lostSince, prepareRollback, upgradeCopies }] =
    await Promise.all([import('#daemon/operations/backup/restore.ts'), import('#daemon/operations/backup/upgrade.ts')]);
  const copies = await upgradeCopies(dataDir);
  if (list) {
    for (const { folder, from, to, at } of copies) printText([at, `${from} → ${to}`, folder].join('\t'));
    return;
  }
  const finished = await finishRestore(dataDir);
  if (finished !== undefined) return print(`Finished what was interrupted: ${finished.backup}.`);
  await requireNoRestore(dataDir);
  const [copy] = copies;
  if (copy === undefined)
    throw new Error(
      `${path.join(dataDir, 'upgrades')} has no copy: this data folder was not upgraded, or its copies were deleted`,
    );
  const { from, to, at } = copy;
  const lost = await lostSince(dataDir, copy);
  print(`The copy is from ${at}, before the upgrade from ${from} to ${to}.`);
  if (lost.length === 0) print('Nothing was changed since.');
  else {
    print(`${yes ? 'Lost' : 'Would be lost'}, as it was written since:`);
    for (const one of lost) print(`  ${one}`);
  }
  if (!yes) return print('Add --yes to bring it back.');
  await prepareRollback(dataDir, copy);
  const { replaced = '' } = (await applyRestore(dataDir)) ?? {};
  print(`Brought back the data of ${from}. What ${to} had is in ${path.join(dataDir, replaced)}.`);
  print(`Start StreamHub ${from} now. This version would upgrade them again.`);
}
