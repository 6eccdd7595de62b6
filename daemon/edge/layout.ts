import { chmodSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';
import { makeFolderSync } from '#shared/files/make-folder.ts';
import type { LivekitState } from '#shared/schema/cluster.ts';

/** An edge node's installation is below one folder, except for the unit files. */
export interface Layout {
  root: string;
  /** `edge.json`: who this node is; holds its credential. */
  identity: string;
  /** LiveKit's configuration; holds its keys. */
  livekitConfig: string;
  /** The same as the installation made it, once the daemon's settings were put over it. */
  livekitBase: string;
  /** LiveKit's settings from the daemon. */
  livekitOwn: string;
  /** Variables of LiveKit's unit: the forward proxy, which can hold a password. */
  livekitEnv: string;
  /** Certificate authorities that were given with --ca. */
  authorities: string;
  /** What the agent remembers: desired state, LiveKit's process. */
  state: string;
  livekitBinary: string;
  agent: string;
  livekitLog: string;
  agentLog: string;
  agentPid: string;
  /** The agent before the last upgrade. */
  agentPrevious: string;
  /** What became of the last upgrade. */
  agentUpgrade: string;
}

export const DEFAULT_PREFIX = '/opt/streamhub-edge';

export function layoutOf(root: string): Layout {
  return {
    root,
    identity: path.join(root, 'etc', 'edge.json'),
    livekitConfig: path.join(root, 'etc', 'livekit.yaml'),
    livekitBase: path.join(root, 'etc', 'livekit-base.yaml'),
    livekitOwn: path.join(root, 'etc', 'livekit-own.json'),
    livekitEnv: path.join(root, 'etc', 'livekit.env'),
    authorities: path.join(root, 'etc', 'ca.pem'),
    state: path.join(root, 'var', 'state.json'),
    livekitBinary: path.join(root, 'bin', 'livekit-server'),
    agent: path.join(root, 'bin', 'streamhub-edge.mjs'),
    livekitLog: path.join(root, 'var', 'livekit.log'),
    agentLog: path.join(root, 'var', 'agent.log'),
    agentPid: path.join(root, 'var', 'agent.json'),
    agentPrevious: path.join(root, 'bin', 'streamhub-edge.previous.mjs'),
    agentUpgrade: path.join(root, 'var', 'upgrade.json'),
  };
}

export function makeFolders(layout: Layout): void {
  for (const folder of ['etc', 'var', 'bin']) {
    const dir = path.join(layout.root, folder);
    makeFolderSync(dir, folder === 'bin' ? 0o755 : 0o700);
    if (folder !== 'bin') chmodSync(dir, 0o700);
  }
}

export interface Ports {
  signal: number;
  tcp: number;
  udp: number;
  metrics: number;
}

/** What this machine was installed with. A flag that is left out the next time keeps its value. */
export interface NodeSetup {
  /** The daemon's machine; null = the host of its address. Absent in older installations. */
  masterIp?: string | null;
  nodeUrl: string | null;
  /** Null = the address that this machine uses toward the daemon. */
  nodeIp: string | null;
  useExternalIp: boolean;
  region: string | null;
  ports: Ports;
  /** The operator's own LiveKit settings. */
  extra: Record<string, unknown>;
}

/** Who this node is and what it looks after; `etc/edge.json`, readable by its owner only. */
export interface Identity {
  masterUrl: string;
  nodeId: string;
  name: string;
  nodeToken: string;
  heartbeatSeconds: number;
  supervisor: 'systemd' | 'child';
  /** How the daemon is reached, where the system's own settings don't say it. Absent in older installations. */
  network?: { ca: string | null; proxy: string | null; noProxy: string | null };
  /** Absent in older installations. */
  setup?: NodeSetup;
  /** The system's or the user's systemd, if it is systemd. */
  scope: 'system' | 'user';
  livekit: {
    binary: string;
    /** Where clients reach it, as far as this machine knows. */
    url: string;
    metricsUrl: string;
    metricsUser: string;
    metricsPassword: string;
  };
}

/** State that survives the agent. Above all: that LiveKit was already signalled, because a second signal would end its rooms. */
export interface AgentState {
  desired: 'running' | 'draining' | 'stopped';
  /** The node was removed from the cluster: this agent has nothing more to do. */
  removed: boolean;
  /** LiveKit's process, told apart from a later one of the same number by its start time. */
  process: { pid: number; startTime: string } | null;
  /** Signals sent to that process, and when the last one was: seconds of this machine's monotonic clock. */
  signals: number;
  signalledMono: number | null;
  /** When a report was last accepted, and the state in it. */
  reportedAt: number | null;
  reported: LivekitState | null;
  /** Why LiveKit isn't running, as reported. */
  problem: string | null;
  /** Why the last report was not accepted; null = it was. */
  refusal: string | null;
  /** Digests of the keys that LiveKit's process was started with; null = not known. */
  keys: string[] | null;
  /** When it was started, milliseconds since 1970; null = not known. */
  startedAt: number | null;
  /** How often it ended without being told to. */
  restarts: number;
  /** Revision of LiveKit's own settings that it was started with; 0 = none. */
  revision: number;
}

export const NO_STATE: AgentState = {
  desired: 'running',
  removed: false,
  process: null,
  signals: 0,
  signalledMono: null,
  reportedAt: null,
  reported: null,
  problem: null,
  refusal: null,
  keys: null,
  startedAt: null,
  restarts: 0,
  revision: 0,
};

/** @returns undefined when the file is missing or damaged */
export function readJson<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

export const writeJson = (file: string, value: unknown): void =>
  writeAtomicallySync(file, `${JSON.stringify(value, null, 2)}\n`);
