import os from 'node:os';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { NODE_NAME_PATTERN } from '#shared/schema/cluster.ts';
import { DEFAULT_PREFIX } from './layout.ts';

/** A mistake in the command that the user can correct. */
export class UsageError extends Error {}

export interface InstallOptions {
  prefix: string;
  masterUrl: string;
  /** Host of the daemon's machine, where Redis is looked for when the daemon names none. */
  masterHost: string;
  /** A join code or the cluster token; undefined = only the node's own credential. */
  masterToken: string | undefined;
  /** A file with certificate authorities to trust beside the system's. */
  ca: string | undefined;
  proxy: string | undefined;
  noProxy: string | undefined;
  name: string;
  region: string | undefined;
  nodeIp: string | undefined;
  nodeUrl: string | undefined;
  useExternalIp: boolean;
  livekitBinary: string | undefined;
  livekitMirror: string | undefined;
  livekitExtra: string | undefined;
  ports: { signal: number; tcp: number; udp: number; metrics: number };
  /** `auto`: systemd where it manages the machine. */
  systemd: 'auto' | 'user' | 'none';
  dryRun: boolean;
}

const FLAGS = {
  join: { type: 'boolean' },
  'join-code': { type: 'string' },
  'master-token': { type: 'string' },
  'cluster-token': { type: 'string' },
  'master-ip': { type: 'string' },
  'origin-ip': { type: 'string' },
  'master-url': { type: 'string' },
  'origin-url': { type: 'string' },
  'node-name': { type: 'string' },
  ca: { type: 'string' },
  proxy: { type: 'string' },
  'no-proxy': { type: 'string' },
  region: { type: 'string' },
  'node-ip': { type: 'string' },
  'node-url': { type: 'string' },
  'use-external-ip': { type: 'boolean' },
  'livekit-binary': { type: 'string' },
  'livekit-mirror': { type: 'string' },
  'livekit-extra': { type: 'string' },
  'livekit-port': { type: 'string' },
  'rtc-tcp-port': { type: 'string' },
  'rtc-udp-port': { type: 'string' },
  'metrics-port': { type: 'string' },
  prefix: { type: 'string' },
  'no-systemd': { type: 'boolean' },
  'systemd-user': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
} as const;

/** Variables that hold a credential for the join, the first that is set counts. */
export const CREDENTIALS = ['STREAMHUB_JOIN_CODE', 'STREAMHUB_MASTER_TOKEN', 'STREAMHUB_CLUSTER_TOKEN'];

type Env = Record<string, string | undefined>;

export const INSTALL_HELP = `  --master-url URL        Address of the daemon (default: http://<master-ip>:3020)
  --ca FILE               Certificate authorities to trust in addition to the system's
  --proxy URL             Forward proxy (default: HTTPS_PROXY); --no-proxy LIST: hosts to connect to directly
                          The join code is read from the variable STREAMHUB_JOIN_CODE, so that no process list shows it
  --master-ip IP          Machine of the daemon; also its Redis unless the daemon has another address
  --node-name NAME        Name of this machine in the cluster (default: its host name)
  --region NAME           Location of the machine
  --node-ip IP            Its address for clients (default: the one used to connect to the daemon)
  --node-url URL          wss:// address for clients, e.g. of a TLS proxy
  --use-external-ip       Let LiveKit ask a STUN server for its public address (machines behind NAT)
  --livekit-binary FILE   Use this livekit-server (default: the one on PATH, or else the pinned release)
  --livekit-mirror URL    Download the release from here; its checksum must match
  --livekit-extra FILE    YAML merged into LiveKit's configuration (TURN, limits …)
  --livekit-port N        Signalling (7880)     --rtc-tcp-port N   (7881)
  --rtc-udp-port N        Media (7882)          --metrics-port N   (6789)
  --prefix DIR            Folder for everything (default: ${DEFAULT_PREFIX})
  --no-systemd            Run LiveKit and the agent as plain processes
  --systemd-user          Use the systemd of the user instead of the system's
  --dry-run               Show what would be done, without doing it
`;

/** Reads the installer's flags; a variable can replace each of them. @throws UsageError */
export function installOptions(args: string[], env: Env): InstallOptions {
  const flags: Record<string, string | boolean | undefined> = readFlags(args, FLAGS);
  const text = (names: string[], variables: string[] = []): string | undefined =>
    [...names.map((name) => flags[name] as string | undefined), ...variables.map((name) => env[name])].find(Boolean);
  const ip = text(['master-ip', 'origin-ip'], ['STREAMHUB_MASTER_IP', 'STREAMHUB_ORIGIN_IP']);
  // the placeholder of a command that was pasted unchanged
  const masterIp = ip?.includes('<') ? undefined : ip;
  const given = text(['master-url', 'origin-url'], ['STREAMHUB_MASTER_URL', 'STREAMHUB_ORIGIN_URL']);
  const masterUrl = baseUrl(given ?? (masterIp ? `http://${masterIp}:3020` : undefined));
  const masterToken = text(['join-code', 'master-token', 'cluster-token'], CREDENTIALS);
  const name = text(['node-name'], ['STREAMHUB_NODE_NAME']) ?? os.hostname();
  if (!new RegExp(NODE_NAME_PATTERN).test(name) || name.length > 64) {
    throw new UsageError(
      `${name} cannot be the node's name: 1..64 letters, digits, dots, dashes and underscores (--node-name)`,
    );
  }
  return {
    prefix: text(['prefix'], ['STREAMHUB_EDGE_DIR']) ?? DEFAULT_PREFIX,
    masterUrl: masterUrl.href.replace(/\/+$/, ''),
    masterHost: masterIp ?? masterUrl.hostname.replace(/^\[|\]$/g, ''),
    masterToken,
    ca: text(['ca'], ['STREAMHUB_CA']),
    proxy: text(['proxy'], ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']),
    noProxy: text(['no-proxy'], ['NO_PROXY', 'no_proxy']),
    name,
    region: (flags['region'] as string | undefined) ?? (env['STREAMHUB_REGION'] || undefined),
    nodeIp: text(['node-ip']),
    nodeUrl: text(['node-url']),
    useExternalIp: flags['use-external-ip'] === true,
    livekitBinary: text(['livekit-binary']),
    livekitMirror: text(['livekit-mirror'], ['STREAMHUB_LIVEKIT_MIRROR']),
    livekitExtra: text(['livekit-extra']),
    ports: {
      signal: port(text(['livekit-port']), 7880),
      tcp: port(text(['rtc-tcp-port']), 7881),
      udp: port(text(['rtc-udp-port']), 7882),
      metrics: port(text(['metrics-port']), 6789),
    },
    systemd: flags['no-systemd'] ? 'none' : flags['systemd-user'] ? 'user' : 'auto',
    dryRun: flags['dry-run'] === true,
  };
}

/** Flags of the other commands: where the agent is, and whether only to say what would be done. @throws UsageError */
export function commonOptions(args: string[], env: Env): { prefix: string; dryRun: boolean } {
  const flags = readFlags(args, { prefix: FLAGS.prefix, 'dry-run': FLAGS['dry-run'] });
  return {
    prefix: flags.prefix || env['STREAMHUB_EDGE_DIR'] || DEFAULT_PREFIX,
    dryRun: flags['dry-run'] === true,
  };
}

function readFlags<T extends ParseArgsOptionsConfig>(args: string[], options: T) {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function baseUrl(text: string | undefined): URL {
  if (text === undefined) throw new UsageError('--master-url is missing: the address of the daemon');
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new UsageError('--master-url must be an http:// or https:// address');
  if (url.username || url.password || url.search || url.hash) {
    throw new UsageError('--master-url must be a plain base address, without user, query or fragment');
  }
  return url;
}

function port(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new UsageError(`${text} is not a port`);
  return value;
}
