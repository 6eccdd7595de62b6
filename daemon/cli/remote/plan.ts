import type { Command } from 'commander';
import { EXIT, ExitWith, UsageError } from '../exit-codes.ts';
import { withDaemon } from './daemon.ts';
import { type FolderOptions, folderCommand, planOf, printPlan, requestOf } from './folder.ts';

/** Exits with 2 if something would change, so wrong usage has another code than elsewhere. */
const CHANGES = 2;

/** `streamhub plan` */
export const command = (): Command =>
  folderCommand(
    'plan',
    'Show what a folder would change on a daemon. Exits with 0 if nothing would, and with 2 if something would.',
  )
    .exitOverride(({ exitCode }) => {
      throw new ExitWith(exitCode === 0 ? EXIT.ok.code : EXIT.failed.code);
    })
    .addHelpText(
      'after',
      `
Examples:
  $ streamhub plan studio
  $ streamhub plan studio --prune --secrets secrets.env
  $ streamhub plan --rollback`,
    )
    .action(async (folder: string, options: FolderOptions) => {
      const changes = await withDaemon(options, async (daemon) => {
        const plan = await planOf(daemon, await requestOf(daemon, folder, options));
        await printPlan(plan, options);
        return plan.changes.length;
      }).catch((error: unknown) => {
        throw error instanceof UsageError ? new Error(error.message) : error;
      });
      if (changes > 0) throw new ExitWith(CHANGES);
    });
