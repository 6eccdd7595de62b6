import { runAgent } from './agent.ts';
import { startAgent } from './agent-process.ts';
import { guardTrial, isOverdue, takeBack } from './agent-upgrade.ts';
import { install } from './install.ts';
import { type AgentState, type Identity, type Layout, layoutOf, readJson } from './layout.ts';
import {
  CREDENTIALS,
  EDGE_COMMANDS,
  type EdgeCommandName,
  type Flag,
  type Flags,
  type InstallOptions,
  installOptions,
  prefixOf,
  readFlags,
  UsageError,
} from './options.ts';
import { isAlive } from './process-table.ts';
import { uninstall } from './uninstall.ts';
import { VERSION } from './version.ts';

/**
 * Runs the agent's own program.
 * @param self the agent as one file, which `install` copies to its place; null = there is none here
 */
export async function edgeCommand(args: string[], self: string | null): Promise<number> {
  const [command, ...rest] = args;
  try {
    if (command === undefined || command === '--help' || command === 'help' || rest.includes('--help')) return help();
    if (command === '--version') {
      say(VERSION);
      return 0;
    }
    if (!(command in EDGE_COMMANDS)) throw new UsageError(`there is no command ${command}; see --help`);
    const name = command as EdgeCommandName;
    return await runEdge(name, readFlags(name, rest), self);
  } catch (error) {
    process.stderr.write(`streamhub-edge: ${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Runs a command of the agent. @returns its exit code @throws UsageError */
export async function runEdge(command: EdgeCommandName, flags: Flags, self: string | null): Promise<number> {
  const layout = layoutOf(prefixOf(flags, process.env));
  switch (command) {
    case 'install':
      if (self === null) throw new UsageError('the agent is not built here; run npm run build:edge first');
      await install(takeOptions(flags), { self, say });
      return 0;
    case 'run':
      return run(layout);
    case 'status':
      return status(layout);
    case 'uninstall':
      await uninstall(layout, flags['dry-run'] === true, say);
      return 0;
    case 'guard':
      await guard(layout);
      return 0;
    case 'take-back':
      if (isOverdue(layout) && takeBack(layout)) say('the former agent is back');
      return 0;
  }
}

/** Programs that the installation starts don't inherit the credential. */
function takeOptions(flags: Flags): InstallOptions {
  const options = installOptions(flags, process.env);
  for (const name of CREDENTIALS) delete process.env[name];
  return options;
}

async function run(layout: Layout): Promise<number> {
  const stop = new AbortController();
  process.stdout.on('error', () => {});
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => stop.abort());
  return runAgent(layout, stop.signal, (line) => say(`${new Date().toISOString()} ${line}`));
}

/** A unit of systemd is started again by systemd. */
async function guard(layout: Layout): Promise<void> {
  const isBack = await guardTrial(layout);
  if (isBack && readJson<Identity>(layout.identity)?.supervisor === 'child') await startAgent(layout);
}

function status(layout: Layout): number {
  const identity = readJson<Identity>(layout.identity);
  if (identity === undefined) {
    say(`no node is installed in ${layout.root}`);
    return 1;
  }
  const state = readJson<AgentState>(layout.state);
  const mark = state?.process ?? null;
  say(`node      ${identity.name} (${identity.nodeId}) of ${identity.masterUrl}`);
  say(`desired   ${state?.removed ? 'none: it was removed from the cluster' : (state?.desired ?? 'running')}`);
  say(`LiveKit   ${isAlive(mark) ? `process ${mark.pid}${state?.signals ? ', shutting down' : ''}` : 'not running'}`);
  say(`reported  ${state?.reportedAt ? new Date(state.reportedAt).toISOString() : 'never'}`);
  return 0;
}

function help(): number {
  const column = 26;
  const lines = Object.entries(EDGE_COMMANDS).flatMap(([name, command]) => {
    if (!('summary' in command)) return [];
    const flags = Object.entries(command.flags as Readonly<Record<string, Flag>>).flatMap(([flag, { value, text }]) =>
      text === undefined
        ? []
        : [`${`    --${flag}${value === undefined ? '' : ` ${value.toUpperCase()}`}`.padEnd(column)} ${text}`],
    );
    return ['', `${`  ${name}`.padEnd(column)} ${command.summary}`, ...flags];
  });
  process.stdout.write(
    `streamhub edge: joins a machine to a StreamHub cluster and runs its LiveKit\n${lines.join('\n')}\n`,
  );
  return 0;
}

/** A full disk or a closed pipe loses the line and doesn't end the agent. */
function say(line: string): void {
  try {
    process.stdout.write(`${line}\n`);
  } catch {
    // standard output is a file on that disk
  }
}
