import { styleText } from 'node:util';
import type { Command } from 'commander';
import { checkInstallation } from '#shared/contract/system.ts';
import { readRunFile } from '#shared/files/run-file.ts';
import { CHECK_GROUP_IDS, CHECK_GROUPS, type CheckReport, type CheckState } from '#shared/schema/check.ts';
import { EXIT, ExitWith } from './exit-codes.ts';
import { type CommonOptions, remoteCommand } from './remote/command.ts';
import { namesDaemon } from './remote/connection.ts';
import { withDaemon } from './remote/daemon.ts';
import { formatOf, printData, printText } from './remote/output.ts';
import { plainText } from './remote/table.ts';
import { type LocalOptions, readSettings, withLocal } from './settings.ts';

const LIMIT_MS = 60_000;
const MARKS: Record<CheckState, readonly [mark: string, color: 'green' | 'yellow' | 'red' | 'gray']> = {
  ok: ['ok     ', 'green'],
  warning: ['warning', 'yellow'],
  failed: ['FAILED ', 'red'],
  skipped: ['skipped', 'gray'],
};

type DoctorOptions = CommonOptions & LocalOptions;

/** `streamhub doctor` */
export const command = (): Command =>
  withLocal(
    remoteCommand(
      'doctor',
      'Check the installation, and say what is wrong and what you can do. Exits with 1 if something failed. With --url, --context, STREAMHUB_URL or a global token in STREAMHUB_TOKEN, the running daemon checks itself: addresses, webhooks, storages, nodes and incidents, too. Without it, this command checks the machine, the files and the servers in the settings. The report as JSON holds no secrets, so you can attach it to a question',
    ),
  ).action(async (options: DoctorOptions) => {
    const report = await reportFor(options);
    if (formatOf(options) === 'table') printText(textOf(report));
    else await printData(formatOf(options) === 'csv' ? report.checks : report, options);
    if (!report.ok) throw new ExitWith(EXIT.failed.code);
  });

async function reportFor(options: DoctorOptions): Promise<CheckReport> {
  const hasToken = Boolean(process.env['STREAMHUB_TOKEN']);
  if (namesDaemon(options) || (hasToken && (await isThere(options))))
    return withDaemon(
      options,
      async (daemon) => (await daemon.call(checkInstallation, {}, { timeout: LIMIT_MS })).data,
    );
  return (await import('./doctor-local.ts')).localReport(options, hasToken);
}

async function isThere(options: LocalOptions): Promise<boolean> {
  try {
    return (await readRunFile(readSettings(options).dataDir)) !== undefined;
  } catch {
    return false;
  }
}

/** The report for people. */
function textOf({ checks, ok, about, durationMs }: CheckReport): string {
  const lines: string[] = [];
  for (const group of CHECK_GROUP_IDS) {
    const list = checks.filter((check) => check.group === group);
    if (list.length === 0) continue;
    lines.push('', CHECK_GROUPS[group]);
    for (const { state, title, subject, message, cure } of list) {
      const [mark, color] = MARKS[state];
      lines.push(
        `  ${styleText(color, mark, { stream: process.stdout })}  ${plainText(`${title}${subject === null ? '' : ` (${subject})`}: ${message}`)}`,
      );
      if (cure !== undefined) lines.push(`           → ${plainText(cure)}`);
    }
  }
  const count = (state: CheckState) => checks.filter((check) => check.state === state).length;
  const verdict = ok ? 'Nothing failed' : `${count('failed')} failed`;
  return `StreamHub ${about.version}, Node ${about.node}, ${about.platform}, started by ${about.installation}\n${lines.join('\n')}\n\n${verdict}, ${count('warning')} with a warning, ${count('ok')} fine. It took ${(durationMs / 1000).toFixed(1)} s.\n`;
}
