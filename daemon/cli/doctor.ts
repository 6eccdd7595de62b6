import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { styleText } from 'node:util';
import { LiveKit } from '#daemon/media/livekit/client.ts';
import { livekitSteps } from '#daemon/operations/connections/livekit.ts';
import { mailSteps } from '#daemon/operations/connections/mail.ts';
import { redisSteps } from '#daemon/operations/connections/redis.ts';
import { runSteps, type Step } from '#daemon/operations/connections/steps.ts';
import { type Check, failed, fine, runChecks, skipped, warning } from '#daemon/operations/doctor/check.ts';
import { fileChecks } from '#daemon/operations/doctor/files.ts';
import { machineChecks } from '#daemon/operations/doctor/machine.ts';
import { asFinding } from '#daemon/operations/doctor/media.ts';
import { reportOf } from '#daemon/operations/doctor/service.ts';
import checkDatabases from '#daemon/operations/doctor/tasks/database-check.ts';
import { Background } from '#daemon/platform/background.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { Mailer } from '#daemon/platform/mail/mailer.ts';
import { loadSettings, type Settings, SettingsError } from '#daemon/platform/settings.ts';
import { SettingsStore } from '#daemon/platform/settings-store.ts';
import { InstallationWarnings } from '#daemon/platform/warnings.ts';
import { checkInstallation } from '#shared/contract/system.ts';
import { isRunning, readRunFile } from '#shared/files/run-file.ts';
import { isUrlHere } from '#shared/rules/hosts.ts';
import {
  CHECK_GROUP_IDS,
  CHECK_GROUPS,
  type CheckGroup,
  type CheckReport,
  type CheckState,
} from '#shared/schema/check.ts';
import { hideSecrets } from '#shared/secrets.ts';
import { clientOf } from './remote/connection.ts';
import { commandWithHelp, runCommand } from './usage.ts';

/** Shown by --help and in docs/cli.md. */
export const HELP = `streamhub doctor: checks the installation, and says what is wrong and what you can do.

streamhub doctor
  --json                     print the report as JSON; it holds no secrets, so you can attach it to a question
  --url ADDRESS              ask the daemon at this address
  --data-dir DIR, --env-file FILE   as for the daemon

With an API token of global scope in STREAMHUB_TOKEN, the running daemon checks itself: addresses, webhooks, storages, nodes and
incidents, too. Without it, this command checks the machine, the files and the servers in the settings.

Exit status: 0 = nothing failed, 1 = something failed, 2 = wrong usage.
`;

const LIMIT_MS = 60_000;
const MARKS: Record<CheckState, readonly [mark: string, color: 'green' | 'yellow' | 'red' | 'gray']> = {
  ok: ['ok     ', 'green'],
  warning: ['warning', 'yellow'],
  failed: ['FAILED ', 'red'],
  skipped: ['skipped', 'gray'],
};
/** Nothing of this command writes a log. */
const SILENT = { info() {}, warn() {}, error() {} };

interface DoctorOptions {
  json?: boolean;
  url?: string;
  dataDir?: string;
  envFile?: string;
}

/** `streamhub doctor` */
export const run = (args: string[]): Promise<number> =>
  runCommand(async () => {
    const program = commandWithHelp('streamhub doctor', HELP)
      .allowExcessArguments(false)
      .option('--json')
      .option('--url <address>')
      .option('--data-dir <dir>')
      .option('--env-file <file>')
      .parse(args, { from: 'user' });
    const options = program.opts<DoctorOptions>();
    const report = await reportFor(options);
    process.stdout.write(options.json ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    return report.ok ? 0 : 1;
  });

async function reportFor(options: DoctorOptions): Promise<CheckReport> {
  const hasToken = Boolean(process.env['STREAMHUB_TOKEN']);
  if (options.url !== undefined || (hasToken && (await isThere(options)))) {
    const client = await clientOf(options);
    return (await client.call(checkInstallation, {}, { timeout: LIMIT_MS })).data;
  }
  return localReport(options, hasToken);
}

async function isThere(options: DoctorOptions): Promise<boolean> {
  const settings = settingsOf(options);
  return settings !== undefined && (await readRunFile(settings.dataDir)) !== undefined;
}

const readSettings = ({ dataDir, envFile }: DoctorOptions): Settings =>
  loadSettings({ env: process.env, flags: { 'data-dir': dataDir, 'env-file': envFile } });

function settingsOf(options: DoctorOptions): Settings | undefined {
  try {
    return readSettings(options);
  } catch {
    return undefined;
  }
}

/** What can be seen without the daemon. */
async function localReport(options: DoctorOptions, hasToken: boolean): Promise<CheckReport> {
  const startedAt = new Date();
  const start = performance.now();
  let checks: Check[];
  const installation = 'this command';
  try {
    const settings = readSettings(options);
    checks = await localChecks(settings, hasToken);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    checks = error.problems.map((problem) => ({
      id: 'settings',
      group: 'machine',
      title: 'Settings',
      run: () => failed(`${problem}.`, 'Correct it where the daemon is started; docs/settings.md lists all settings.'),
    }));
  }
  const results = await runChecks(checks, () => {});
  const cleaned = results.map((result) => ({ ...result, message: hideSecrets(result.message, '***') }));
  return reportOf(startedAt, performance.now() - start, cleaned, { installation, uptimeSeconds: 0, apps: 0, nodes: 0 });
}

async function localChecks(settings: Settings, hasToken: boolean): Promise<Check[]> {
  const daemon = await readRunFile(settings.dataDir);
  const isUp = daemon !== undefined && isRunning(daemon.pid);
  const problem = readStored(settings);
  const background = new Background({ log: SILENT });
  const livekit = new LiveKit({ settings, clean: (text) => text, background });
  const connection = (id: string, group: CheckGroup, title: string, steps: () => Step[], success: string): Check => ({
    id,
    group,
    title,
    run: async () => asFinding({ steps: await runSteps(steps(), () => {}) }, success),
  });
  return [
    {
      id: 'daemon',
      group: 'machine',
      title: 'Daemon',
      run: () => {
        if (!isUp) return warning('The daemon isn’t running.', 'Start it, and check again.');
        return hasToken
          ? fine(`It runs at ${daemon.url}.`)
          : skipped(
              `It runs at ${daemon.url}. Set STREAMHUB_TOKEN to an API token of global scope, so that it checks itself, too.`,
            );
      },
    },
    ...settings.warnings.map(
      ({ code, subject, message }): Check => ({
        id: `warning-${code.toLowerCase().replaceAll('_', '-')}`,
        group: 'machine',
        subject,
        title: 'Settings',
        run: () => ({ state: 'warning', message }),
      }),
    ),
    ...(problem === undefined
      ? []
      : [
          {
            id: 'stored-settings',
            group: 'files',
            title: 'Stored settings',
            run: () => warning(`They can’t be read: ${problem}.`, 'Run this as the user of the daemon, or as root.'),
          } as const,
        ]),
    ...machineChecks({
      dataDir: existing(settings.dataDir),
      isLiveKitHere: () => isUrlHere(settings.livekitUrl),
    }),
    ...fileChecks({ dataDir: settings.dataDir, checkDatabases: async (input) => checkDatabases(input) }),
    connection(
      'livekit',
      'livekit',
      'LiveKit',
      () => livekitSteps(settings, livekit),
      'LiveKit accepts the key. Recordings and ingests are available.',
    ),
    ...(settings.origins.redisUrl === 'default' && settings.clusterRedisUrl === ''
      ? []
      : [connection('redis', 'services', 'Redis', () => redisSteps(settings), 'Redis responds.')]),
    ...(settings.smtpHost === ''
      ? []
      : [
          connection(
            'mail',
            'services',
            'Mail server',
            () => mailSteps(settings, new Mailer(settings)),
            'The mail server responds.',
          ),
        ]),
  ];
}

/** The folder itself, or the nearest one above that exists. */
function existing(folder: string): string {
  return existsSync(folder) || folder === path.dirname(folder) ? folder : existing(path.dirname(folder));
}

/** Applies the settings that operators stored, without writing anything. @returns why it can't */
function readStored(settings: Settings): string | undefined {
  const data = path.join(settings.dataDir, 'data');
  const registry = path.join(data, 'streamhub.db');
  if (!existsSync(registry)) return undefined;
  try {
    const secretsFile = path.join(data, 'secrets.json');
    const secrets = existsSync(secretsFile)
      ? (JSON.parse(readFileSync(secretsFile, 'utf8')) as Record<string, string>)
      : {};
    const db = openDatabase(registry, { readonly: true, mustExist: true });
    try {
      new SettingsStore({
        settings,
        db,
        secrets: {
          get: (name) => secrets[name],
          names: () => Object.keys(secrets),
          set: () => Promise.reject(new Error('nothing is changed')),
        },
        warnings: new InstallationWarnings(SILENT),
      }).secretsLoaded();
    } finally {
      db.close();
    }
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'they are damaged';
  }
}

/** The report for people. */
export function textOf({ checks, ok, about, durationMs }: CheckReport): string {
  const lines: string[] = [];
  for (const group of CHECK_GROUP_IDS) {
    const list = checks.filter((check) => check.group === group);
    if (list.length === 0) continue;
    lines.push('', CHECK_GROUPS[group]);
    for (const { state, title, subject, message, cure } of list) {
      const [mark, color] = MARKS[state];
      lines.push(
        `  ${styleText(color, mark, { stream: process.stdout })}  ${title}${subject === null ? '' : ` (${subject})`}: ${message}`,
      );
      if (cure !== undefined) lines.push(`           → ${cure}`);
    }
  }
  const count = (state: CheckState) => checks.filter((check) => check.state === state).length;
  const verdict = ok ? 'Nothing failed' : `${count('failed')} failed`;
  return `StreamHub ${about.version}, Node ${about.node}, ${about.platform}, started by ${about.installation}\n${lines.join('\n')}\n\n${verdict}, ${count('warning')} with a warning, ${count('ok')} fine. It took ${(durationMs / 1000).toFixed(1)} s.\n`;
}
