import { lstat, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { applyConfiguration, listRollbackPoints, readApplied } from '#shared/contract/declared.ts';
import { writeAtomically, writeNewFile } from '#shared/files/atomic-file.ts';
import type { Applied, DoneChange, Plan, PlanBody, RollbackPoint } from '#shared/schema/declared.ts';
import type { Job } from '#shared/schema/jobs.ts';
import { confirm } from '../ask.ts';
import { EXIT, ExitWith, UsageError } from '../exit-codes.ts';
import { type Daemon, withDaemon } from './daemon.ts';
import { type FolderOptions, folderCommand, planOf, pointNumber, printPlan, requestOf } from './folder.ts';
import { endOfJob } from './job-wait.ts';
import { formatOf, note, print, printText } from './output.ts';

interface ApplyOptions extends FolderOptions {
  yes?: boolean;
  tokensFile?: string;
  rollbackOnFailure?: boolean;
  /** Roll-back point of an apply that was not waited for. */
  result?: number;
}

/** Everything is validated before the answer comes. */
const PATIENCE_MS = 600_000;
/** Longest wait for an answer after Ctrl-C. */
const ASK_MS = 2000;

/** `streamhub apply` */
export const command = (): Command =>
  folderCommand('apply', 'Make the changes of a folder on a daemon, after you reviewed the plan.')
    .option('-y, --yes', 'Agree without being asked.')
    .option(
      '--tokens-file <file>',
      'Write new API tokens to this new file, which only you can read, instead of printing them.',
    )
    .option('--rollback-on-failure', 'If a change fails, go back to the state before.')
    .option(
      '--result <id>',
      'In place of a folder: read, once, the new tokens and links of an apply that you didn’t wait for.',
      pointNumber,
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
        const { result } = options;
        if (result === undefined) return applyReviewed(daemon, await requestOf(daemon, folder, options), options);
        await withTokensFile(options, async () => tell(await onceRead(daemon, result), options));
      }),
    );

async function applyReviewed(daemon: Daemon, body: PlanBody, options: ApplyOptions): Promise<void> {
  const isTable = formatOf(options) === 'table';
  const plan = await planOf(daemon, body);
  if (isTable) await printPlan(plan, options);
  if (plan.changes.length === 0) return isTable ? undefined : printPlan(plan, options);
  if (!(await confirm('Make these changes?', options.yes))) return note('Nothing was changed.');
  await withTokensFile(options, () => applyPlan(daemon, body, plan, options));
}

async function applyPlan(daemon: Daemon, body: PlanBody, plan: Plan, options: ApplyOptions): Promise<void> {
  const input = { body: { ...body, fingerprint: plan.fingerprint }, headers: { prefer: 'respond-async' } };
  const { data } = await daemon.call(applyConfiguration, input, { timeout: PATIENCE_MS });
  if (!('kind' in data)) return tell(data, options);
  const job = await endOfJob(daemon, data).catch(async (error: unknown) => {
    if (daemon.signal.aborted && plan.changes.some(({ action, kind }) => action === 'create' && kind === 'token'))
      await sayWhereTokensAre(daemon, data);
    throw error;
  });
  const point = await pointOf(daemon, job);
  if (point === undefined) throw new Error(`The roll-back point of job ${job.id} is gone.`);
  await tell(await appliedOf(daemon, job, point), options);
  if (job.state !== 'succeeded') await afterFailure(daemon, job, point, options);
}

const pointOf = async (daemon: Daemon, job: Job, signal = daemon.signal): Promise<RollbackPoint | undefined> =>
  (await daemon.call(listRollbackPoints, {}, { signal })).data.find((one) => one.job === job.id);

/** For who stops waiting. The signal of the daemon has ended. */
async function sayWhereTokensAre(daemon: Daemon, job: Job): Promise<void> {
  const point = await pointOf(daemon, job, AbortSignal.timeout(ASK_MS)).catch(() => undefined);
  if (point !== undefined) note(`To read its new tokens, once: streamhub apply --result ${point.id}`);
}

/**
 * Makes the file before the change, because a token that can't be written anywhere is lost. If nothing is written to it, it is
 * removed. An empty one of the same user is left of an earlier attempt.
 */
async function withTokensFile({ tokensFile }: ApplyOptions, work: () => Promise<void>): Promise<void> {
  if (tokensFile === undefined) return work();
  await writeNewFile(tokensFile, '').catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST' && !(await isOwnEmpty(tokensFile)))
      throw new UsageError(`--tokens-file: ${tokensFile} exists already; name a new file`);
    if (error.code !== 'EEXIST') throw error;
  });
  try {
    await work();
  } finally {
    if (await isOwnEmpty(tokensFile)) await rm(tokensFile);
  }
}

async function isOwnEmpty(file: string): Promise<boolean> {
  const found = await lstat(file).catch(() => undefined);
  return found?.isFile() === true && found.size === 0 && found.uid === (process.getuid?.() ?? found.uid);
}

async function onceRead(daemon: Daemon, id: number): Promise<Applied> {
  return (await daemon.call(readApplied, { params: { id } })).data;
}

async function appliedOf(daemon: Daemon, job: Job, point: RollbackPoint): Promise<Applied> {
  const { warnings = [] } = (job.result ?? {}) as Partial<Applied>;
  const { id: rollbackPoint, made } = point;
  const changes = point.changes.slice(0, made ?? point.changes.length);
  const read = point.answer ? await onceRead(daemon, rollbackPoint) : { tokens: [], invites: [] };
  return { changes, rollbackPoint, tokens: read.tokens, invites: read.invites, warnings };
}

async function afterFailure(daemon: Daemon, job: Job, point: RollbackPoint, options: ApplyOptions): Promise<void> {
  const { id: rollbackPoint, changes, made } = point;
  note(`Changed: ${words(changes.slice(0, made ?? 0))}.`);
  note(`Not changed: ${words(changes.slice(made ?? 0))}.`);
  if (options.rollbackOnFailure) {
    const { tokensFile: _, ...withoutFile } = options;
    note(`Going back to roll-back point ${rollbackPoint}.`);
    await applyReviewed(daemon, { rollbackPoint }, { ...withoutFile, yes: true, rollbackOnFailure: false });
  } else note(`To go back: streamhub apply --rollback ${rollbackPoint}`);
  note(`streamhub: ${job.error?.message ?? 'The apply was cancelled.'}`);
  throw new ExitWith(EXIT.failed.code);
}

const words = (changes: readonly DoneChange[]): string =>
  changes.length === 0 ? 'nothing' : changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`).join(', ');

/** Says what was done, and shows once what nobody can read again. */
async function tell(applied: Applied, options: ApplyOptions): Promise<void> {
  const { changes, tokens, invites, warnings, rollbackPoint } = applied;
  const toFile = options.tokensFile !== undefined && tokens.length > 0;
  if (toFile) {
    const text = tokens.map(({ name, token }) => `# ${name}\n${token}\n`).join('');
    await writeAtomically(options.tokensFile as string, text);
    note(`The new tokens are in ${options.tokensFile}.`);
  }
  const shown = toFile ? tokens.map(({ name, id }) => ({ name, id })) : tokens;
  if (formatOf(options) !== 'table') return printText(JSON.stringify({ ...applied, tokens: shown }, null, 2));
  for (const warning of warnings) print(`! ${warning}`);
  for (const { team, email, emailSent, inviteUrl } of invites)
    print(`Invited ${email} to ${team}${emailSent ? ' by mail' : `: ${inviteUrl}`}.`);
  if (!toFile) for (const { name, token } of tokens) print(`Token ${name}, shown only now: ${token}`);
  print(
    `Made ${changes.length} changes.${rollbackPoint === null ? '' : ` To go back: streamhub apply --rollback ${rollbackPoint}`}`,
  );
}
