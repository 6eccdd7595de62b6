import { createSocket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isLoopbackAddress, judgeAddress } from './address.ts';
import { type Identity, type Layout, layoutOf, type NodeSetup, readJson } from './layout.ts';
import { type BinarySource, chooseBinary } from './livekit-binary.ts';
import { readExtra } from './livekit-config.ts';
import { proxyToward } from './network.ts';
import { nodeSetup, setupOf } from './node-setup.ts';
import { type InstallOptions, nodeName, UsageError } from './options.ts';
import { baseText } from './own-settings.ts';
import { isPortFree } from './ports.ts';
import { AGENT_UNIT, hasSystemd, LIVEKIT_UNIT, type Scope, unitFolder } from './systemd.ts';

/** What an installation will do, decided before anything is changed. */
export interface Plan {
  layout: Layout;
  known: Identity | undefined;
  name: string;
  setup: NodeSetup;
  /** What is given, else what the installation knows. */
  network: NonNullable<Identity['network']>;
  source: BinarySource;
  nodeIp: string;
  /** What may be wrong with it. */
  warning: string | null;
  supervisor: Identity['supervisor'];
  scope: Scope;
}

/** Looks at the machine and decides. @throws UsageError, Error */
export async function makePlan(options: InstallOptions): Promise<Plan> {
  const layout = layoutOf(path.resolve(options.prefix));
  const source = chooseBinary({
    ...(options.livekitBinary ? { given: options.livekitBinary } : {}),
    ...(options.livekitMirror ? { mirror: options.livekitMirror } : {}),
    installed: layout.livekitBinary,
    searchPath: process.env['PATH'] ?? '',
    arch: process.arch,
  });
  const known = readJson<Identity>(layout.identity);
  const { supervisor, scope } = supervision(options.systemd, known);
  if (supervisor === 'systemd' && scope === 'system' && process.getuid?.() !== 0) {
    throw new UsageError('installing system units needs root (sudo); otherwise use --systemd-user or --no-systemd');
  }
  const setup = nodeSetup(
    options,
    options.livekitExtra ? readExtraFile(options.livekitExtra) : options.livekitExtra === '' ? {} : undefined,
    known && (known.setup ?? setupOf(known, baseText(layout))),
  );
  const network = {
    ca: options.ca ?? known?.network?.ca ?? null,
    proxy: options.proxy ?? known?.network?.proxy ?? null,
    noProxy: options.noProxy ?? known?.network?.noProxy ?? null,
  };
  // behind a proxy, only the proxy may know the daemon's name
  const next = proxyToward(options.masterUrl, network)?.href ?? options.masterUrl;
  const master = await addressOf(next);
  const nodeIp = setup.nodeIp ?? (await ownAddress(next, master));
  const { refuse, warn } = judgeAddress({
    ip: nodeIp,
    isGiven: setup.nodeIp !== null,
    isMasterHere: isLoopbackAddress(master.address),
    isContainer: existsSync('/.dockerenv') || existsSync('/run/.containerenv'),
  });
  if (refuse !== undefined) throw new UsageError(refuse);
  return {
    layout,
    known,
    name: options.name ?? known?.name ?? nodeName(os.hostname()),
    setup,
    network,
    source,
    nodeIp,
    warning: warn ?? null,
    supervisor,
    scope,
  };
}

/** Who restarts both: what is given, else what the installation has, else systemd where it manages the machine. */
function supervision(
  given: InstallOptions['systemd'],
  known: Identity | undefined,
): Pick<Identity, 'supervisor' | 'scope'> {
  if (given === undefined) return known ?? { supervisor: hasSystemd() ? 'systemd' : 'child', scope: 'system' };
  const wanted =
    given === 'user'
      ? ({ supervisor: 'systemd', scope: 'user' } as const)
      : ({ supervisor: 'child', scope: 'system' } as const);
  // its agent and its LiveKit would keep running beside the new ones
  if (known !== undefined && startedBy(known) !== startedBy(wanted))
    throw new UsageError(
      `this node is started ${startedBy(known)}, not ${startedBy(wanted)}: drain it, run --uninstall, then join it again`,
    );
  return wanted;
}

const startedBy = ({ supervisor, scope }: Pick<Identity, 'supervisor' | 'scope'>): string =>
  supervisor === 'child' ? 'as plain processes' : `by the ${scope}’s systemd`;

/** The plan in sentences, for --dry-run. */
export function describePlan(
  { masterUrl }: InstallOptions,
  { layout, known, name, setup, source, nodeIp, supervisor, scope }: Plan,
): string[] {
  const from = source.kind === 'release' ? `${source.url} (SHA-256 ${source.sha256})` : source.file;
  const { signal: signalPort, tcp, udp, metrics } = setup.ports;
  return [
    `${known ? 'refresh' : 'register'} the node ${known?.name ?? name} (${nodeIp}) at ${masterUrl}`,
    `use livekit-server from ${from}`,
    `write ${layout.identity}, ${layout.livekitConfig} (readable only by their owner) and ${layout.agent}`,
    `open ports ${signalPort} and ${tcp} (TCP), ${udp} (UDP) for clients, and ${metrics} for its metrics`,
    supervisor === 'systemd'
      ? `install and start ${AGENT_UNIT} and ${LIVEKIT_UNIT} in ${unitFolder(scope)}`
      : 'start the agent as a plain process, which starts LiveKit; they don’t start again after a reboot',
  ];
}

async function addressOf(url: string): Promise<LookupAddress> {
  const { hostname, host } = new URL(url);
  return lookup(hostname.replace(/^\[|\]$/g, '')).catch(() => {
    // without the credentials of a proxy
    throw new Error(`the host ${host} cannot be found`);
  });
}

/** The address that this machine uses toward the daemon, or its proxy; nothing is sent. */
async function ownAddress(next: string, { address, family }: LookupAddress): Promise<string> {
  const url = new URL(next);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.connect(Number(url.port) || 443, address, () => resolve());
    });
    return socket.address().address;
  } catch {
    throw new Error('this machine’s own address is unknown; pass it with --node-ip');
  } finally {
    socket.close();
  }
}

/** A first installation needs its ports. */
export async function testPorts({ setup: { ports } }: Plan): Promise<void> {
  for (const port of [ports.signal, ports.tcp, ports.metrics].filter((one) => one > 0)) {
    if (!(await isPortFree(port, 'tcp'))) {
      throw new Error(`port ${port} is in use on this machine; choose another (see --help)`);
    }
  }
}

function readExtraFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UsageError(`--livekit-extra ${file} cannot be read`);
  }
  let extra: Record<string, unknown>;
  try {
    extra = readExtra(text);
  } catch (error) {
    throw new UsageError(`--livekit-extra ${file}: ${(error as Error).message}`);
  }
  // the agent must know these: clients are given the port, and it reads the metrics with its own password
  for (const [setting, flag] of [
    ['port', '--livekit-port'],
    ['prometheus', '--metrics-port'],
    ['prometheus_port', '--metrics-port'],
  ] as const) {
    if (setting in extra) throw new UsageError(`--livekit-extra ${file}: remove ${setting} and use ${flag} instead`);
  }
  return extra;
}
