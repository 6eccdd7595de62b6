import type { Command } from 'commander';
import { planConfiguration } from '#shared/contract/declared.ts';
import { EXIT, ExitWith, UsageError } from '../exit-codes.ts';
import { newCommand } from '../usage.ts';
import { withConnection, withOutput } from './command.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { type FolderOptions, printPlan, requestOf, withFolder } from './folder.ts';
import { newestPoint } from './rollback-points.ts';

/** Exits with 2 if something would change, so wrong usage has another code than elsewhere. */
const CHANGES = 2;
const PATIENCE_MS = 600_000;

/** `streamhub plan` */
export const command = (): Command =>
  withOutput(
    withConnection(
      withFolder(
        newCommand('plan')
          .description(
            'Show what a folder would change on a daemon. Exits with 0 if nothing would, and with 2 if something would.',
          )
          .exitOverride(({ exitCode }) => {
            throw new ExitWith(exitCode === 0 ? EXIT.ok.code : EXIT.failed.code);
          }),
      ),
    ),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ streamhub plan studio
  $ streamhub plan studio --prune --secrets secrets.env
  $ streamhub plan --rollback`,
    )
    .action(async (folder: string, options: FolderOptions) => {
      const changes = await withDaemon(options, (daemon) => plan(daemon, folder, options)).catch((error: unknown) => {
        throw error instanceof UsageError ? new Error(error.message) : error;
      });
      if (changes > 0) throw new ExitWith(CHANGES);
    });

async function plan(daemon: Daemon, folder: string, options: FolderOptions): Promise<number> {
  const body = await requestOf(folder, options, () => newestPoint(daemon));
  const { data } = await daemon.call(planConfiguration, { body }, { timeout: PATIENCE_MS });
  await printPlan(data, options);
  return data.changes.length;
}
