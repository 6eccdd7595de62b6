import { rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { DaemonError } from '#shared/client/errors.ts';
import { applyConfiguration, planConfiguration } from '#shared/contract/declared.ts';
import { writeAtomically, writeNewFile } from '#shared/files/atomic-file.ts';
import type { Applied, DoneChange, PlanBody } from '#shared/schema/declared.ts';
import { confirm } from '../ask.ts';
import { newCommand } from '../usage.ts';
import { withConnection, withOutput } from './command.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { type FolderOptions, printPlan, requestOf, withFolder } from './folder.ts';
import { formatOf, note, print } from './output.ts';
import { newestPoint } from './rollback-points.ts';

interface ApplyOptions extends FolderOptions {
  yes?: boolean;
  tokensFile?: string;
  rollbackOnFailure?: boolean;
}

/** Longer than any apply takes: the daemon answers when all is done. */
const PATIENCE_MS = 3_600_000;

/** `streamhub apply` */
export const command = (): Command =>
  withOutput(
    withConnection(
      withFolder(
        newCommand('apply').description('Make the changes of a folder on a daemon, after you reviewed the plan.'),
      )
        .option('-y, --yes', 'Agree without being asked.')
        .option(
          '--tokens-file <file>',
          'Write new API tokens to this new file, which only you can read, instead of printing them.',
        )
        .option('--rollback-on-failure', 'If a change fails, go back to the state before.'),
    ),
  )
    .addHelpText(
      'after',
      `
Examples:
  $ streamhub apply studio
  $ streamhub apply studio --yes --prune --secrets secrets.env --tokens-file tokens.env
  $ streamhub apply --rollback`,
    )
    .action((folder: string, options: ApplyOptions) =>
      withDaemon(options, async (daemon) => {
        const body = await requestOf(folder, options, () => newestPoint(daemon));
        await applyReviewed(daemon, body, options);
      }),
    );

async function applyReviewed(daemon: Daemon, body: PlanBody, options: ApplyOptions): Promise<void> {
  const isTable = formatOf(options) === 'table';
  const { data: plan } = await daemon.call(planConfiguration, { body }, { timeout: PATIENCE_MS });
  if (isTable) await printPlan(plan, options);
  if (plan.changes.length === 0) return isTable ? undefined : printPlan(plan, options);
  if (!(await confirm('Make these changes?', options.yes))) return note('Nothing was changed.');
  // before the change: a token that can't be written anywhere is lost
  if (options.tokensFile !== undefined) await writeNewFile(options.tokensFile, '');
  try {
    const { fingerprint } = plan;
    const { data } = await daemon.call(
      applyConfiguration,
      { body: { ...body, fingerprint } },
      { timeout: PATIENCE_MS },
    );
    await tell(data, options);
  } catch (error) {
    if (!(error instanceof DaemonError) || error.code !== 'APPLY_STOPPED') throw error;
    const { applied, notApplied, rollbackPoint, tokens, invites } = error.body as unknown as Stopped;
    note(`Changed: ${words(applied)}.`);
    note(`Not tried: ${words(notApplied)}.`);
    await tell({ changes: applied, rollbackPoint, tokens, invites, warnings: [] }, options);
    if (options.rollbackOnFailure) {
      const { tokensFile: _, ...withoutFile } = options;
      note(`Going back to roll-back point ${rollbackPoint}.`);
      await applyReviewed(daemon, { rollbackPoint }, { ...withoutFile, yes: true, rollbackOnFailure: false });
    } else note(`To go back: streamhub apply --rollback ${rollbackPoint}`);
    throw error;
  }
}

interface Stopped extends Pick<Applied, 'tokens' | 'invites'> {
  applied: DoneChange[];
  notApplied: DoneChange[];
  rollbackPoint: number;
}

const words = (changes: readonly DoneChange[]): string =>
  changes.length === 0 ? 'nothing' : changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`).join(', ');

/** Says what was done, and shows once what nobody can read again. */
async function tell(applied: Applied, options: ApplyOptions): Promise<void> {
  const { changes, tokens, invites, warnings, rollbackPoint } = applied;
  const toFile = options.tokensFile !== undefined && tokens.length > 0;
  if (options.tokensFile !== undefined && !toFile) await rm(options.tokensFile);
  if (toFile) {
    const text = tokens.map(({ name, token }) => `# ${name}\n${token}\n`).join('');
    await writeAtomically(options.tokensFile as string, text);
    note(`The new tokens are in ${options.tokensFile}.`);
  }
  const shown = toFile ? tokens.map(({ name, id }) => ({ name, id })) : tokens;
  if (formatOf(options) !== 'table') return print(JSON.stringify({ ...applied, tokens: shown }, null, 2));
  for (const warning of warnings) print(`! ${warning}`);
  for (const { team, email, emailSent, inviteUrl } of invites)
    print(`Invited ${email} to ${team}${emailSent ? ' by mail' : `: ${inviteUrl}`}.`);
  if (!toFile) for (const { name, token } of tokens) print(`Token ${name}, shown only now: ${token}`);
  print(
    `Made ${changes.length} changes.${rollbackPoint === null ? '' : ` To go back: streamhub apply --rollback ${rollbackPoint}`}`,
  );
}
