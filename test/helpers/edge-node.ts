import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { type AgentState, layoutOf, readJson } from '#daemon/edge/layout.ts';
import { isAlive, type ProcessRef, signal } from '#daemon/edge/process-table.ts';
import type { ClusterNode } from '#shared/schema/cluster.ts';
import { ROOT, type TestDaemon } from './daemon.ts';
import { livekitBinary } from './livekit.ts';

const run = promisify(execFile);

/** What keeps a LiveKit server of a test on loopback, and its rooms short-lived. */
const LOOPBACK = `bind_addresses: ['127.0.0.1']
rtc: {tcp_port: 0, enable_loopback_candidate: true, interfaces: {includes: [lo]}}
room: {departure_timeout: 2, empty_timeout: 10}
`;

/** A machine of the cluster: an installation below a separate folder, with a real agent and a real LiveKit server. */
export interface EdgeNode {
  name: string;
  prefix: string;
  /** Address for clients. */
  url: string;
  /** The registry's id. */
  id: string;
  agent(): ProcessRef | null;
  livekit(): ProcessRef | null;
  /** Starts the agent again after it was killed. */
  startAgent(): void;
  agentLog(): string;
  livekitLog(): string;
  /** Its entry in the registry. */
  record(): Promise<ClusterNode>;
}

/** The agent's bundle: of the run, or made for this test file. */
export async function bundleAgent(t: { after(fn: () => unknown): void }): Promise<string> {
  const bundled = process.env['TEST_BUNDLE'];
  if (bundled !== undefined) return path.join(bundled, '../edge/streamhub-edge.mjs');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'streamhub-bundle-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await run(process.execPath, [path.join(ROOT, 'build/build-edge.mjs'), folder]);
  return path.join(folder, 'streamhub-edge.mjs');
}

/** The flags that let an edge node live beside others on this machine. */
export async function edgeFlags(prefix: string, name: string): Promise<{ flags: string[]; url: string }> {
  const extra = path.join(path.dirname(prefix), `${path.basename(prefix)}-extra.yaml`);
  writeFileSync(extra, LOOPBACK);
  const [signalPort, udp, metrics] = await freePorts(3);
  const flags = ['--node-name', name, '--prefix', prefix, '--no-systemd', '--livekit-binary', await livekitBinary()];
  flags.push('--livekit-extra', extra, '--livekit-port', `${signalPort}`, '--rtc-tcp-port', '0');
  flags.push('--rtc-udp-port', `${udp}`, '--metrics-port', `${metrics}`);
  return { flags, url: `ws://127.0.0.1:${signalPort}` };
}

/** Installs a node and waits until it is alive; it is gone with the test. */
export async function edgeNode(
  t: { after(fn: () => unknown): void },
  daemon: Pick<TestDaemon, 'url' | 'api'>,
  bundle: string,
  options: { name: string; token: string; region?: string },
): Promise<EdgeNode> {
  const home = mkdtempSync(path.join(os.tmpdir(), `streamhub-${options.name}-`));
  const prefix = path.join(home, 'node');
  t.after(() => endNode(prefix, home));
  const { flags, url } = await edgeFlags(prefix, options.name);
  if (options.region !== undefined) flags.push('--region', options.region);
  await run(process.execPath, [bundle, 'install', '--master-url', daemon.url, ...flags], {
    env: { ...process.env, STREAMHUB_MASTER_TOKEN: options.token },
  });
  return nodeAt(daemon, prefix, options.name, url);
}

export async function nodeAt(
  daemon: Pick<TestDaemon, 'api'>,
  prefix: string,
  name: string,
  url: string,
): Promise<EdgeNode> {
  const layout = layoutOf(prefix);
  const listed = (await daemon.api.get<{ data: ClusterNode[] }>('/cluster/nodes')).body.data;
  const id = listed.find((node) => node.name === name)?.id ?? '';
  let restarted: ProcessRef | null = null;
  return {
    name,
    prefix,
    url,
    id,
    agent: () => restarted ?? readJson<ProcessRef>(layout.agentPid) ?? null,
    livekit: () => readJson<AgentState>(layout.state)?.process ?? null,
    startAgent() {
      const log = openSync(layout.agentLog, 'a');
      const child = spawn(process.execPath, [layout.agent, 'run', '--prefix', prefix], {
        detached: true,
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      child.unref();
      restarted = { pid: child.pid as number, startTime: startTimeOf(child.pid as number) };
      writeFileSync(layout.agentPid, JSON.stringify(restarted));
    },
    agentLog: () => readFileSync(layout.agentLog, 'utf8'),
    livekitLog: () => readFileSync(layout.livekitLog, 'utf8'),
    record: async () => (await daemon.api.get(`/cluster/nodes/${id}`)).body.data,
  };
}

/** Kills what is left of a node and removes its folder. */
export function endNode(prefix: string, home: string): void {
  const layout = layoutOf(prefix);
  for (const mark of [readJson<ProcessRef>(layout.agentPid), readJson<AgentState>(layout.state)?.process]) {
    if (mark && isAlive(mark)) signal(mark, 'SIGKILL');
  }
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}

/** Resolves with the node's entry as soon as it is as wanted; plain reports announce nothing, so it is looked at. */
export async function untilNode(
  daemon: TestDaemon,
  node: EdgeNode,
  what: string,
  wanted: (record: ClusterNode) => boolean,
  timeoutMs = 90_000,
): Promise<ClusterNode> {
  const { promise, resolve, reject } = Promise.withResolvers<ClusterNode>();
  const look = (): void => {
    const entry = daemon.services.cluster.nodes.get(node.id);
    if (entry === undefined) return;
    const record = daemon.services.cluster.record(entry);
    if (wanted(record)) resolve(record);
  };
  const end = daemon.services.events.subscribe((event) => {
    if ('id' in event.data && event.data.id === node.id) look();
  });
  const poll = setInterval(look, 100);
  const timer = setTimeout(() => {
    const entry = daemon.services.cluster.nodes.get(node.id);
    const last = entry === undefined ? 'gone' : JSON.stringify(daemon.services.cluster.record(entry));
    reject(new Error(`${node.name}: not ${what} within ${timeoutMs / 1000} s; last: ${last}`));
  }, timeoutMs);
  look();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearInterval(poll);
    end();
  }
}

function startTimeOf(pid: number): string {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
