import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { plural } from '#shared/format.ts';
import { type Removal, removalLines } from '#shared/removal.ts';
import { stopAgent } from './agent-process.ts';
import { instanceId } from './instance.ts';
import { type AgentState, type Identity, type Layout, readJson } from './layout.ts';
import { MasterClient, MasterError } from './master-client.ts';
import { applyNetwork } from './network.ts';
import { isAlive, signal } from './process-table.ts';
import { AGENT_UNIT, LIVEKIT_UNIT, type Scope, systemctl, unitFolder, unitWord } from './systemd.ts';

const run = promisify(execFile);
const FORCE_MS = 2000;
const KILL_MS = 12_000;
/** Everything that an installation creates in its folder. */
const PARTS = ['etc', 'var', 'bin', 'node'];

/** Says what it removes, then removes the node from the cluster and everything that the installation put on the machine. */
export async function uninstall(layout: Layout, isDryRun: boolean, say: (line: string) => void): Promise<void> {
  const identity = readJson<Identity>(layout.identity);
  const scopes = scopesOf(layout, identity);
  for (const line of removalLines(planOf(layout, identity, scopes))) say(line);
  if (isDryRun) {
    say('Nothing was removed: this was a dry run.');
    return;
  }
  applyNetwork(identity?.network);
  for (const scope of scopes) await removeUnits(scope, say);
  await stopAgent(layout);
  await stopLivekit(readJson<AgentState>(layout.state)?.process ?? null);
  if (identity !== undefined) await leave(identity, say);
  for (const part of PARTS) rmSync(path.join(layout.root, part), { recursive: true, force: true });
  try {
    if (readdirSync(layout.root).length === 0) rmdirSync(layout.root);
    say(`${layout.root} is removed`);
  } catch {
    say(`${layout.root} contains nothing of StreamHub`);
  }
}

/** Where systemd has units of this installation. The files are read, because `etc/edge.json` can be damaged. */
function scopesOf({ root }: Layout, identity: Identity | undefined): Scope[] {
  const own = `--prefix ${unitWord(path.resolve(root))}\n`;
  return (['system', 'user'] as const).filter((scope) => {
    if (identity?.supervisor === 'systemd' && identity.scope === scope) return true;
    try {
      return readFileSync(path.join(unitFolder(scope), AGENT_UNIT), 'utf8').includes(own);
    } catch {
      return false;
    }
  });
}

function planOf({ root }: Layout, identity: Identity | undefined, scopes: readonly Scope[]): Removal {
  const removed = identity ? [`${identity.name} from the cluster; rooms that still run here end`] : [];
  if (scopes.length > 0) removed.push(`the units ${AGENT_UNIT} and ${LIVEKIT_UNIT}`);
  const parts = PARTS.filter((part) => existsSync(path.join(root, part)));
  removed.push(...parts.map((part) => path.join(root, part)));
  const others = existsSync(root) ? readdirSync(root).filter((name) => !PARTS.includes(name)) : [];
  const kept = ['recordings in buckets', 'programs that were on this machine before, e.g. Node'];
  if (identity === undefined && parts.length > 0)
    kept.push(
      'any entry of this machine in the daemon’s list, because etc/edge.json is missing or damaged; remove it there',
    );
  if (others.length > 0)
    kept.push(`${root}: ${plural(others.length, 'file or folder', 'files and folders')} that StreamHub didn’t create`);
  return { removed, kept };
}

async function removeUnits(scope: Scope, say: (line: string) => void): Promise<void> {
  for (const unit of [AGENT_UNIT, LIVEKIT_UNIT]) {
    await run('systemctl', systemctl(scope, 'disable', '--now', '--quiet', unit)).catch(() => undefined);
    rmSync(path.join(unitFolder(scope), unit), { force: true });
  }
  await run('systemctl', systemctl(scope, 'daemon-reload')).catch(() => undefined);
  say(`${AGENT_UNIT} and ${LIVEKIT_UNIT} are removed`);
}

async function stopLivekit(mark: AgentState['process']): Promise<void> {
  if (!isAlive(mark)) return;
  signal(mark, 'SIGTERM');
  const start = performance.now();
  let isForced = false;
  while (isAlive(mark)) {
    const passed = performance.now() - start;
    if (passed > FORCE_MS && !isForced) {
      isForced = true;
      signal(mark, 'SIGTERM');
    }
    if (passed > KILL_MS) signal(mark, 'SIGKILL');
    await sleep(100);
  }
}

async function leave(identity: Identity, say: (line: string) => void): Promise<void> {
  try {
    await new MasterClient(identity.masterUrl, identity.nodeToken).leave(identity.nodeId, instanceId());
    say(`${identity.name} has left the cluster`);
  } catch (error) {
    if (!(error instanceof MasterError)) throw error;
    if (error.status === 410) return;
    if (error.code === 'NODE_DUPLICATED') {
      say(`${identity.name} stays in the cluster: another machine is active as this node`);
      return;
    }
    say(`the daemon still lists ${identity.name}: ${error.message}; remove it there`);
  }
}
