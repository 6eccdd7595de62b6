import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LiveKit } from '#daemon/media/livekit/client.ts';
import { LIVEKIT_WORKS, livekitSteps } from '#daemon/operations/connections/livekit.ts';
import { mailSteps } from '#daemon/operations/connections/mail.ts';
import { redisSteps } from '#daemon/operations/connections/redis.ts';
import { runSteps, type Step } from '#daemon/operations/connections/steps.ts';
import {
  type Check,
  failed,
  fine,
  runChecks,
  skipped,
  warning,
  warningCheck,
} from '#daemon/operations/doctor/check.ts';
import { fileChecks } from '#daemon/operations/doctor/files.ts';
import { machineChecks } from '#daemon/operations/doctor/machine.ts';
import { asFinding, workerChecks } from '#daemon/operations/doctor/media.ts';
import { reportOf } from '#daemon/operations/doctor/service.ts';
import checkDatabases from '#daemon/operations/doctor/tasks/database-check.ts';
import { portsOfRunning } from '#daemon/operations/livekit/program.ts';
import { runningLivekit } from '#daemon/operations/livekit/running.ts';
import { Background } from '#daemon/platform/background.ts';
import { openDatabase } from '#daemon/platform/db/open.ts';
import { Mailer } from '#daemon/platform/mail/mailer.ts';
import { installHint } from '#daemon/platform/programs.ts';
import type { Settings } from '#daemon/platform/settings.ts';
import { SettingsError } from '#daemon/platform/settings-error.ts';
import { SettingsStore } from '#daemon/platform/settings-store.ts';
import { InstallationWarnings } from '#daemon/platform/warnings.ts';
import { isRunning, readRunFile } from '#shared/files/run-file.ts';
import { isUrlHere } from '#shared/rules/hosts.ts';
import type { CheckGroup, CheckReport } from '#shared/schema/check.ts';
import { hideSecrets } from '#shared/secrets.ts';
import { type LocalOptions, readSettings } from './settings.ts';

/** Nothing of this command writes a log. */
const SILENT = { info() {}, warn() {}, error() {} };

/** What can be seen without the daemon. */
export async function localReport(options: LocalOptions, hasToken: boolean): Promise<CheckReport> {
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
  const { secrets, apps, problem } = readStored(settings);
  const root = path.join(settings.dataDir, 'livekit');
  // another LiveKit in the settings takes precedence
  const own = settings.livekitApiKey === '' ? runningLivekit(root, secrets) : undefined;
  const known = { ...settings, ...own };
  const livekit = new LiveKit({
    settings: known,
    clean: (text) => text,
    background: new Background({ log: SILENT }),
  });
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
    ...settings.warnings.map((one) => warningCheck('Settings', one)),
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
      isLiveKitHere: () => isUrlHere(known.livekitUrl),
    }),
    ...fileChecks({
      dataDir: settings.dataDir,
      ...(apps === undefined ? {} : { hasApp: (name) => apps.has(name) }),
      checkDatabases: async (input) => checkDatabases(input),
    }),
    isUp && !livekit.isConfigured
      ? {
          id: 'livekit',
          group: 'livekit',
          title: 'LiveKit',
          run: () =>
            warning(
              'This command finds neither its key in the settings nor a LiveKit that the daemon runs. The daemon may have the key from its own environment.',
              'Set STREAMHUB_TOKEN to an API token of global scope, so that the daemon checks itself. If the daemon has no key, set LIVEKIT_API_KEY and LIVEKIT_API_SECRET for it.',
            ),
        }
      : connection('livekit', 'livekit', 'LiveKit', () => livekitSteps(known, livekit), LIVEKIT_WORKS),
    ...workerChecks(livekit, async (service) =>
      own === undefined || portsOfRunning(root, service) !== undefined
        ? undefined
        : {
            why: `The daemon runs no ${service} service.`,
            cure: `It needs Redis, and the program of the service or a container engine: ${await installHint('redis-server podman')}`,
          },
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

/** Applies the settings that operators stored, without writing anything. @returns the secrets, the names of the apps, and why something can't be read */
function readStored(settings: Settings) {
  const data = path.join(settings.dataDir, 'data');
  const registry = path.join(data, 'streamhub.db');
  let values: Record<string, string> = {};
  const secrets = {
    get: (name: string) => values[name],
    names: () => Object.keys(values),
    set: () => Promise.reject(new Error('nothing is changed')),
  };
  if (!existsSync(registry)) return { secrets };
  try {
    const secretsFile = path.join(data, 'secrets.json');
    if (existsSync(secretsFile)) values = JSON.parse(readFileSync(secretsFile, 'utf8')) as Record<string, string>;
    const db = openDatabase(registry, { readonly: true, mustExist: true });
    try {
      new SettingsStore({ settings, db, secrets, warnings: new InstallationWarnings(SILENT) }).secretsLoaded();
      return { secrets, apps: new Set(db.prepare<[], string>('SELECT name FROM apps').pluck().all()) };
    } finally {
      db.close();
    }
  } catch (error) {
    return { secrets, problem: (error as NodeJS.ErrnoException).code ?? 'they are damaged' };
  }
}
