import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';
import { makeFolderSync } from '#shared/files/make-folder.ts';
import { hostInUrl } from '#shared/format.ts';
import type { JoinAnswer } from '#shared/schema/cluster.ts';
import { startAgent, stopAgent } from './agent-process.ts';
import { instanceId } from './instance.ts';
import { type AgentState, type Identity, type Layout, makeFolders, NO_STATE, readJson, writeJson } from './layout.ts';
import { installBinary, versionOf } from './livekit-binary.ts';
import { clusterRedis, configText, livekitConfig, withOwn } from './livekit-config.ts';
import { MasterClient, MasterError } from './master-client.ts';
import { applyNetwork, livekitEnvironment } from './network.ts';
import { type InstallOptions, UsageError } from './options.ts';
import { baseText, writeBase } from './own-settings.ts';
import { describePlan, makePlan, type Plan, testPorts } from './plan.ts';
import type { ProcessRef } from './process-table.ts';
import { AGENT_UNIT, agentUnit, environmentFile, LIVEKIT_UNIT, livekitUnit, systemctl, unitFolder } from './systemd.ts';

const run = promisify(execFile);
const ALIVE_TIMEOUT_MS = 45_000;

export interface InstallContext {
  /** The agent as one file, to be copied to its place. */
  self: string;
  say(line: string): void;
}

/** Makes this machine an edge node, or updates its installation. Running it again changes only what differs. */
export async function install(options: InstallOptions, context: InstallContext): Promise<void> {
  const plan = await makePlan(options);
  applyNetwork(plan.network);
  if (plan.warning !== null) context.say(`warning: ${plan.warning}`);
  if (options.dryRun) {
    for (const line of describePlan(options, plan)) context.say(`would ${line}`);
    return;
  }
  if (plan.known === undefined) await testPorts(plan);
  const wasThere = existsSync(plan.layout.root);
  try {
    await carryOut(options, plan, context);
  } catch (error) {
    // a first installation that fails leaves nothing behind; one that got as far as a node is repaired by running it again
    if (!wasThere && !existsSync(plan.layout.identity)) rmSync(plan.layout.root, { recursive: true, force: true });
    throw error;
  }
}

async function carryOut(options: InstallOptions, plan: Plan, context: InstallContext): Promise<void> {
  const { layout } = plan;
  makeFolders(layout);
  // before anything is told to the daemon: a machine that cannot run LiveKit does not become a node
  const binary = await installBinary(plan.source, layout.livekitBinary);
  context.say(`livekit-server ${await versionOf(binary)} at ${binary}`);
  if (path.resolve(context.self) !== layout.agent)
    writeAtomicallySync(layout.agent, readFileSync(context.self), { mode: 0o755 });
  const joined = await join(options, plan, context);
  const network = joined === undefined ? plan.known?.network : keptNetwork(options, plan);
  if (joined !== undefined) writeConfig(options, { ...plan, network }, joined, binary, context);
  await startServices({ ...plan, network }, binary, context);
  await untilAlive(layout, context);
}

/** @returns undefined when the daemon cannot be reached but the machine was set up before */
async function join(options: InstallOptions, plan: Plan, context: InstallContext): Promise<JoinAnswer | undefined> {
  // an empty one takes back what the daemon knows
  const url = plan.setup.nodeUrl ?? options.nodeUrl;
  const body = {
    name: plan.name,
    ip: plan.nodeIp,
    instance: instanceId(),
    ...(options.region === undefined ? {} : { region: options.region }),
    ...(url === undefined ? {} : { url }),
  };
  const { known } = plan;
  try {
    // with its own credential the machine stays the node that it is, even if it was renamed
    if (known !== undefined && known.masterUrl === options.masterUrl) {
      const own = await new MasterClient(options.masterUrl, known.nodeToken).join(body).catch((error: unknown) => {
        if (error instanceof MasterError && (error.status === 401 || error.status === 410)) return undefined;
        throw error;
      });
      if (own !== undefined) return said(own, context);
    }
    if (options.masterToken === undefined)
      throw new UsageError('the join code is missing: copy the whole join command, or set STREAMHUB_JOIN_CODE');
    return said(await new MasterClient(options.masterUrl, options.masterToken).join(body), context);
  } catch (error) {
    if (!(error instanceof MasterError)) throw error;
    const isAway = error.status === 0 || error.status >= 500;
    if (error.code === 'NODE_NAME_IN_USE' && known !== undefined && known.masterUrl !== options.masterUrl)
      throw new Error(`joining failed: ${error.message} ${howToMove(known, plan.layout)}`);
    if (!isAway || known === undefined) throw new Error(`joining failed: ${error.message}`);
    context.say(`warning: ${error.message}; this machine joined before, so its configuration is kept`);
    return undefined;
  }
}

/** The credential isn't sent to another address, which can be that of another daemon. */
function howToMove({ masterUrl, supervisor, scope }: Identity, { agentPid }: Layout): string {
  const stop =
    supervisor === 'systemd'
      ? ['systemctl', ...systemctl(scope, 'stop', AGENT_UNIT)].join(' ')
      : `kill ${readJson<ProcessRef>(agentPid)?.pid ?? '<pid of the agent>'}`;
  return `If this machine is that node and ${masterUrl} is a former address of the daemon: stop the agent with “${stop}”, which leaves LiveKit running. Run this again as soon as the console shows the node as stale.`;
}

function said(answer: JoinAnswer, context: InstallContext): JoinAnswer {
  if (answer.livekit.apiKey === '' || answer.livekit.apiSecret === '') {
    throw new Error(
      'the daemon has no LiveKit keys: set LIVEKIT_API_KEY and LIVEKIT_API_SECRET there, then run this again',
    );
  }
  context.say(`joined as ${answer.name} (${answer.nodeId})`);
  return answer;
}

function writeConfig(
  options: InstallOptions,
  plan: Settled,
  answer: JoinAnswer,
  binary: string,
  context: InstallContext,
): void {
  const { layout, known, nodeIp, setup } = plan;
  const metricsUser = known?.livekit.metricsUser ?? 'agent';
  const metricsPassword = known?.livekit.metricsPassword ?? randomBytes(24).toString('base64url');
  const made = livekitConfig({
    keys: { [answer.livekit.apiKey]: answer.livekit.apiSecret },
    webhook: { apiKey: answer.livekit.apiKey, url: `${options.masterUrl}/api/v1/webhooks/livekit` },
    redisUrl: clusterRedis(answer.redisUrl, setup.masterIp ?? new URL(options.masterUrl).hostname),
    nodeIp,
    useExternalIp: setup.useExternalIp,
    region: setup.region ?? '',
    ports: setup.ports,
    metricsUser,
    metricsPassword,
  });
  const text = configText(withOwn(made, setup.extra));
  const before = baseText(layout);
  if (before !== text) {
    writeBase(layout, text);
    if (before !== undefined)
      context.say(
        'LiveKit’s configuration changed; it takes effect when LiveKit starts again (drain the node, then set it active)',
      );
  }
  const identity: Identity = {
    masterUrl: options.masterUrl,
    nodeId: answer.nodeId,
    name: answer.name,
    nodeToken: answer.nodeToken,
    heartbeatSeconds: answer.heartbeatSeconds,
    supervisor: plan.supervisor,
    scope: plan.scope,
    network: plan.network,
    setup,
    livekit: {
      binary,
      url:
        setup.nodeUrl !== null && /^wss?:/.test(setup.nodeUrl)
          ? setup.nodeUrl
          : `ws://${hostInUrl(nodeIp)}:${setup.ports.signal}`,
      metricsUrl: `http://127.0.0.1:${setup.ports.metrics}/metrics`,
      metricsUser,
      metricsPassword,
    },
  };
  writeJson(layout.identity, identity);
  // keep what is known of LiveKit's process, whether or not the registry still has the node
  const state = readJson<AgentState>(layout.state);
  writeJson(layout.state, {
    ...NO_STATE,
    ...state,
    desired: 'running',
    removed: false,
    reportedAt: null,
    reported: null,
    problem: null,
    refusal: null,
  });
}

/** A plan with the network settings that the installation keeps. */
type Settled = Omit<Plan, 'network'> & { network: Identity['network'] };

/** Kept with the installation, because units don't get the variables of the shell that installed them. */
function keptNetwork({ ca }: InstallOptions, { layout, network }: Plan): Plan['network'] {
  if (ca !== undefined && path.resolve(ca) !== layout.authorities)
    writeAtomicallySync(layout.authorities, readFileSync(ca), { mode: 0o644 });
  return { ...network, ca: ca === undefined ? network.ca : layout.authorities };
}

async function startServices(
  { layout, supervisor, scope, network }: Settled,
  binary: string,
  context: InstallContext,
): Promise<void> {
  if (supervisor === 'child') {
    await stopAgent(layout);
    const pid = await startAgent(layout);
    context.say(`the agent runs as process ${pid}; its log is ${layout.agentLog}`);
    return;
  }
  makeFolderSync(unitFolder(scope), 0o777);
  const { SSL_CERT_FILE, ...variables } = livekitEnvironment(network);
  // a system's unit gets the authorities as a credential
  const own = scope === 'user' && SSL_CERT_FILE !== undefined ? { ...variables, SSL_CERT_FILE } : variables;
  writeAtomicallySync(layout.livekitEnv, environmentFile(own));
  const unit = livekitUnit(layout, binary, scope, SSL_CERT_FILE !== undefined);
  writeAtomicallySync(path.join(unitFolder(scope), LIVEKIT_UNIT), unit, { mode: 0o644 });
  writeAtomicallySync(path.join(unitFolder(scope), AGENT_UNIT), agentUnit(layout, process.execPath, scope), {
    mode: 0o644,
  });
  await run('systemctl', systemctl(scope, 'daemon-reload'));
  await run('systemctl', systemctl(scope, 'enable', '--quiet', AGENT_UNIT));
  await run('systemctl', systemctl(scope, 'restart', AGENT_UNIT));
  context.say(`${AGENT_UNIT} is enabled and running`);
}

/** Waits until the agent's report was taken and LiveKit runs, or doesn't start. */
async function untilAlive(layout: Layout, context: InstallContext): Promise<void> {
  const end = performance.now() + ALIVE_TIMEOUT_MS;
  for (;;) {
    const state = readJson<AgentState>(layout.state);
    const isSettled = state?.desired !== 'running' || state.reported === 'running';
    if (state?.reportedAt && isSettled) {
      context.say(
        state.desired === 'running'
          ? 'the node is alive'
          : `the node is alive; it is ${state.desired === 'draining' ? 'draining' : 'disabled'}, so LiveKit stays off`,
      );
      return;
    }
    if (state?.reported === 'failed' || performance.now() > end) {
      const url = readJson<Identity>(layout.identity)?.livekit.metricsUrl ?? '';
      throw new Error(
        `${whyNotAlive({ ...NO_STATE, ...state }, url)}; see ${layout.agentLog}, ${layout.livekitLog} or the units’ journal`,
      );
    }
    await sleep(200);
  }
}

/** What an installation that didn't become alive waits for. */
export function whyNotAlive(
  { reportedAt, reported, problem, refusal, process: mark }: AgentState,
  metricsUrl: string,
): string {
  if (refusal !== null) return `the daemon rejects the node’s heartbeats: ${refusal}`;
  if (reportedAt === null) return `no heartbeat arrived within ${ALIVE_TIMEOUT_MS / 1000} s`;
  if (problem !== null) return `the node reports, but its LiveKit doesn’t start: ${problem}`;
  if (mark !== null) return `the node reports and its LiveKit is there, but its metrics at ${metricsUrl} can’t be read`;
  return `the node reports, but its LiveKit is ${reported}`;
}
