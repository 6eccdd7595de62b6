import { DataDirInUse } from '#daemon/platform/data-dir.ts';
import { isDamage } from '#daemon/platform/db/open.ts';
import { fileError } from '#daemon/platform/files/file-errors.ts';
import { consoleSink } from '#daemon/platform/logs/console-sink.ts';
import { createLogging } from '#daemon/platform/logs/logger.ts';
import { nearHosts } from '#daemon/platform/net/addresses.ts';
import { installForwardProxy, proxySettings } from '#daemon/platform/net/proxy.ts';
import { trustSystemAuthorities } from '#daemon/platform/net/trust.ts';
import { loadSettings, publicBase, type Settings } from '#daemon/platform/settings.ts';
import { SettingsError } from '#daemon/platform/settings-error.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { releaseYoungGeneration } from '#daemon/platform/young-generation.ts';
import { portInUse } from '#shared/start-failure.ts';
import { type RunningDaemon, startDaemon } from './daemon.ts';
import { FirstCredentials, isKeptOutput } from './first-credentials.ts';
import type { FirstStart } from './first-start.ts';

/** Runs the daemon as this process: start, say where it is, stop on SIGTERM, SIGINT or SIGHUP with exit code 0. */
export async function runDaemon(flags: Record<string, string | undefined>): Promise<void> {
  let settings: Settings;
  try {
    settings = loadSettings({ env: process.env, flags });
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const problem of error.problems) process.stderr.write(`streamhub: ${problem}\n`);
    process.exitCode = 2;
    return;
  }
  for (const { message } of settings.warnings) process.stderr.write(`streamhub: warning: ${message}\n`);
  // connect to a LiveKit in the local network directly: a proxy is for connections that leave the network
  const putProxy = (): void =>
    installForwardProxy(proxySettings(process.env, nearHosts([settings.livekitUrl, settings.livekitMetricsUrl])));
  try {
    putProxy();
    settings.onChange(['livekitUrl', 'livekitMetricsUrl'], putProxy);
  } catch (error) {
    process.stderr.write(`streamhub: ${(error as Error).message}\n`);
    process.exitCode = 2;
    return;
  }
  // the daemon outlives a reader of its output, a closed terminal and a full disk
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const logging = createLogging(settings);
  const { log } = logging;
  logging.addSink(consoleSink({ pretty: process.stdout.isTTY === true && settings.nodeEnv !== 'production' }));
  process.on('uncaughtExceptionMonitor', (err) => {
    log.fatal({ err }, 'the daemon failed');
    logging.flushSync();
  });
  // a rejected promise without a handler must not end the daemon; the monitor writes the line above
  process.on('unhandledRejection', (err) => {
    log.error({ err }, 'background work failed unexpectedly; the daemon keeps running');
  });
  let daemon: RunningDaemon;
  try {
    daemon = await startDaemon(settings, logging);
  } catch (error) {
    process.stderr.write(`streamhub: ${startFailure(error, settings)}\n`);
    process.exitCode = 1;
    return;
  }
  // before it says that it is there
  let stopping = false;
  const stop = (signal: string): void => {
    // asked twice: immediately; npm passes on that the terminal was closed, which the system tells too
    if (stopping && signal !== 'SIGHUP') process.exit(1);
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping');
    daemon.stop().then(
      () => {
        logging.flushSync();
        process.exit(0);
      },
      (err) => {
        log.error({ err }, 'stopping failed');
        logging.flushSync();
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);

  // after the port is open, because reading the authorities takes some time
  trustSystemAuthorities();
  const files = isKeptOutput(process.env) ? new FirstCredentials(daemon.dir) : undefined;
  // a file that can't be written must not lose the only token: then it is shown after all
  const areWritten =
    files !== undefined && (await daemon.services.background.run('first token', () => files.write(daemon.firstStart)));
  new FirstCredentials(daemon.dir).keepForADay(daemon.services.background);
  greet(daemon, areWritten ? files : undefined);
  const { background, console: webConsole } = daemon.services;
  releaseYoungGeneration(background);
  if (settings.consoleBuild) background.run('console build', () => webConsole.builder.run());
}

function startFailure(error: unknown, settings: Settings): string {
  if (error instanceof DataDirInUse) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return portInUse(settings.port, settings.host);
  if (code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL')
    return `HOST ${settings.host} is not an address of this machine (${code})`;
  // the other databases are set aside or concern one app
  if (isDamage(error))
    return `the registry ${(error as NodeJS.ErrnoException).path ?? settings.dataDir} is damaged (${message}); restore this file from a backup`;
  if (code === 'EACCES' && (error as NodeJS.ErrnoException).syscall === 'listen')
    return `the daemon’s user may not listen on port ${settings.port}; choose a port above 1023 with --port or PORT`;
  const refused = fileError(error);
  if (refused !== undefined) return `${refused.message} ${refused.hint ?? ''}`.trimEnd();
  return message;
}

/** @param files where the credentials of a first start are, instead of the output */
function greet({ url, firstStart, services }: RunningDaemon, files: FirstCredentials | undefined): void {
  const { settings } = services;
  const missing = [
    settings.livekitApiKey && settings.livekitApiSecret ? '' : 'LiveKit',
    settings.clusterToken ? '' : 'clustering',
    settings.smtpHost ? '' : 'mail',
  ].filter(Boolean);
  const lines = [
    `StreamHub ${VERSION} listens on ${url}`,
    `  console    ${publicBase(settings) ?? url}/`,
    `  API docs   ${url}/api/v1/docs`,
    `  data       ${settings.dataDir}`,
  ];
  if (missing.length > 0) lines.push(`  not set up ${missing.join(', ')}: set it up in the console, under Settings`);
  if (settings.safeMode) lines.push('  safe mode  only built-in plugins run');
  if (files !== undefined) lines.push(...credentialLines(firstStart, files));
  else if (firstStart.token !== null) {
    lines.push(
      '',
      '  First API token, shown only now (the daemon keeps its hash):',
      `    ${firstStart.token}`,
      '',
      '  Try it:',
      `    curl -s ${url}/api/v1/apps -H "Authorization: Bearer ${firstStart.token}"`,
    );
  } else if (firstStart.isFirst) lines.push('  The first API token is the value of STREAMHUB_API_TOKEN.');
  if (firstStart.setup !== null && files === undefined) {
    lines.push(
      '',
      '  Nobody can sign in with a password yet. Create the first account with this link (valid once, for 24 hours):',
      `    ${firstStart.setup.url}`,
    );
  }
  process.stdout.write(`${lines.join('\n')}\n`, () => services.background.run('first token', () => firstStart.shown()));
}

function credentialLines({ token, setup }: FirstStart, files: FirstCredentials): string[] {
  const lines: string[] = [];
  if (token !== null)
    lines.push(
      '',
      '  First API token, for a day in a file that only root and the daemon can read:',
      `    ${files.token}`,
    );
  if (setup !== null)
    lines.push(
      '',
      '  Nobody can sign in with a password yet. This file has a link that creates the first account (valid once, for 24 hours):',
      `    ${files.link}`,
    );
  return lines;
}
