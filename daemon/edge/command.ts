import { runAgent } from './agent.ts';
import { startAgent } from './agent-process.ts';
import { guardTrial, isOverdue, takeBack } from './agent-upgrade.ts';
import { install } from './install.ts';
import { type AgentState, type Identity, type Layout, layoutOf, readJson } from './layout.ts';
import {
  CREDENTIALS,
  commonOptions,
  INSTALL_HELP,
  type InstallOptions,
  installOptions,
  UsageError,
} from './options.ts';
import { isAlive } from './process-table.ts';
import { uninstall } from './uninstall.ts';
import { VERSION } from './version.ts';

const HELP = `streamhub edge: joins a machine to a StreamHub cluster and runs its LiveKit

  install    Join the cluster, set up LiveKit and start both (the join command runs this)
  run        Run the agent in the foreground
  status     Show what runs on this machine
  uninstall  Leave the cluster and remove everything; remaining rooms end

install:
${INSTALL_HELP}
status, run, uninstall: --prefix DIR; uninstall: --dry-run
`;

/** @param self the agent as one file, which `install` copies to its place; null = there is none here */
export async function edgeCommand(args: string[], self: string | null): Promise<number> {
  const [command, ...rest] = args;
  try {
    switch (command) {
      case 'install':
        if (rest.includes('--help')) return help();
        if (self === null) throw new UsageError('the agent is not built here; run npm run build:edge first');
        await install(takeOptions(rest), { self, say });
        return 0;
      case 'run':
        return await run(common(rest).layout);
      case 'status':
        return status(common(rest).layout);
      case 'uninstall': {
        const { layout, dryRun } = common(rest);
        await uninstall(layout, dryRun, say);
        return 0;
      }
      // for the agent's own use, from the file of the agent before an upgrade
      case 'guard':
        await guard(common(rest).layout);
        return 0;
      case 'take-back': {
        const { layout } = common(rest);
        if (isOverdue(layout) && takeBack(layout)) say('the former agent is back');
        return 0;
      }
      case '--version':
        say(VERSION);
        return 0;
      case undefined:
      case '--help':
      case 'help':
        return help();
      default:
        throw new UsageError(`there is no command ${command}; see --help`);
    }
  } catch (error) {
    process.stderr.write(`streamhub-edge: ${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Programs that the installation starts don't inherit the credential. */
function takeOptions(args: string[]): InstallOptions {
  const options = installOptions(args, process.env);
  for (const name of CREDENTIALS) delete process.env[name];
  return options;
}

async function run(layout: Layout): Promise<number> {
  const stop = new AbortController();
  process.stdout.on('error', () => {});
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
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

function common(args: string[]): { layout: Layout; dryRun: boolean } {
  const { prefix, dryRun } = commonOptions(args, process.env);
  return { layout: layoutOf(prefix), dryRun };
}

function help(): number {
  process.stdout.write(HELP);
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
