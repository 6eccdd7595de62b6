import { parseArgs } from 'node:util';
import { hostInUrl } from '#shared/format.ts';
import { NODE_NAME_PATTERN } from '#shared/schema/cluster.ts';
import { DEFAULT_PREFIX, type Ports } from './layout.ts';

/** A mistake in the command that the user can correct. */
export class UsageError extends Error {}

/** What the command says. What it leaves out stays as the machine was installed, see `NodeSetup`. */
export interface InstallOptions {
  prefix: string;
  masterUrl: string;
  /** The daemon's machine, where Redis is looked for when the daemon names none; empty = the host of its address. */
  masterIp: string | undefined;
  /** A join code or the cluster token; undefined = only the node's own credential. */
  masterToken: string | undefined;
  /** A file with certificate authorities to trust beside the system's. */
  ca: string | undefined;
  proxy: string | undefined;
  noProxy: string | undefined;
  name: string | undefined;
  region: string | undefined;
  nodeIp: string | undefined;
  nodeUrl: string | undefined;
  useExternalIp: boolean;
  livekitBinary: string | undefined;
  livekitMirror: string | undefined;
  livekitExtra: string | undefined;
  ports: Partial<Ports>;
  /** Undefined: systemd where it manages the machine. */
  systemd: 'user' | 'none' | undefined;
  dryRun: boolean;
}

/** A flag of the agent's commands. Those without a text are former names, and for the join command alone. */
export interface Flag {
  type: 'string' | 'boolean';
  /** What a value is, as `URL`. */
  value?: string;
  text?: string;
}

const FLAGS = {
  'master-url': { type: 'string', value: 'url', text: 'Address of the daemon. Default: http://MASTER_IP:3020.' },
  ca: { type: 'string', value: 'file', text: 'Certificate authorities to trust in addition to those of the system.' },
  proxy: { type: 'string', value: 'url', text: 'Forward proxy. Default: HTTPS_PROXY.' },
  'no-proxy': { type: 'string', value: 'list', text: 'Hosts to connect to without the proxy.' },
  'master-ip': {
    type: 'string',
    value: 'ip',
    text: 'Machine of the daemon; also of its Redis, unless the daemon has another address.',
  },
  'node-name': { type: 'string', value: 'name', text: 'Name of this machine in the cluster. Default: its host name.' },
  region: { type: 'string', value: 'name', text: 'Location of the machine.' },
  'node-ip': {
    type: 'string',
    value: 'ip',
    text: 'Its address for clients. Default: the one used to connect to the daemon.',
  },
  'node-url': { type: 'string', value: 'url', text: 'wss:// address for clients, for example of a TLS proxy.' },
  'use-external-ip': {
    type: 'boolean',
    text: 'Let LiveKit ask a STUN server for its public address, for machines behind NAT.',
  },
  'livekit-binary': {
    type: 'string',
    value: 'file',
    text: 'Use this livekit-server. Default: the one on PATH, or else the pinned release.',
  },
  'livekit-mirror': {
    type: 'string',
    value: 'url',
    text: 'Download the release from here. Its checksum must match.',
  },
  'livekit-extra': {
    type: 'string',
    value: 'file',
    text: 'YAML merged into LiveKit’s configuration, for TURN or limits.',
  },
  'livekit-port': { type: 'string', value: 'n', text: 'Port for signalling. Default: 7880.' },
  'rtc-tcp-port': { type: 'string', value: 'n', text: 'Port for media over TCP. Default: 7881.' },
  'rtc-udp-port': { type: 'string', value: 'n', text: 'Port for media over UDP. Default: 7882.' },
  'metrics-port': { type: 'string', value: 'n', text: 'Port for metrics. Default: 6789.' },
  'no-systemd': { type: 'boolean', text: 'Run LiveKit and the agent as plain processes.' },
  'systemd-user': { type: 'boolean', text: 'Use the systemd of the user instead of the system’s.' },
  'dry-run': { type: 'boolean', text: 'Show what would be done, without doing it.' },
  prefix: { type: 'string', value: 'dir', text: `Folder for everything. Default: ${DEFAULT_PREFIX}.` },
  join: { type: 'boolean' },
  'join-code': { type: 'string' },
  'master-token': { type: 'string' },
  'cluster-token': { type: 'string' },
  'origin-ip': { type: 'string' },
  'origin-url': { type: 'string' },
} as const satisfies Record<string, Flag>;

/** The flags of one run, by name. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

interface EdgeCommand {
  /** Undefined: for the agent's own use, from the file of the agent before an upgrade. */
  summary?: string;
  flags: Readonly<Record<string, Flag>>;
}

const { prefix, 'dry-run': dryRun } = FLAGS;

/** The commands of the agent. Its help, and the commands of `streamhub edge`, are made of this table. */
export const EDGE_COMMANDS = {
  install: {
    summary:
      'Join the cluster, set up LiveKit and start both. The join code is read from the variable STREAMHUB_JOIN_CODE, so that no process list shows it.',
    flags: FLAGS,
  },
  run: { summary: 'Run the agent in the foreground.', flags: { prefix } },
  status: { summary: 'Show what runs on this machine.', flags: { prefix } },
  uninstall: {
    summary: 'Leave the cluster and remove everything. Remaining rooms end.',
    flags: { prefix, 'dry-run': dryRun },
  },
  guard: { flags: { prefix } },
  'take-back': { flags: { prefix } },
} satisfies Record<string, EdgeCommand>;

export type EdgeCommandName = keyof typeof EDGE_COMMANDS;

/** Variables that hold a credential for the join, the first that is set counts. */
export const CREDENTIALS = ['STREAMHUB_JOIN_CODE', 'STREAMHUB_MASTER_TOKEN', 'STREAMHUB_CLUSTER_TOKEN'];

type Env = Record<string, string | undefined>;

/** The installer's options from its flags; a variable can replace each of them. @throws UsageError */
export function installOptions(flags: Flags, env: Env): InstallOptions {
  const text = (names: string[], variables: string[] = []): string | undefined =>
    [...names.map((name) => flags[name] as string | undefined), ...variables.map((name) => env[name])].find(Boolean);
  const ip = text(['master-ip', 'origin-ip'], ['STREAMHUB_MASTER_IP', 'STREAMHUB_ORIGIN_IP']);
  // the placeholder of a command that was pasted unchanged
  const masterIp = ip?.includes('<') ? undefined : ip;
  const given = text(['master-url', 'origin-url'], ['STREAMHUB_MASTER_URL', 'STREAMHUB_ORIGIN_URL']);
  const masterUrl = baseUrl(given ?? (masterIp ? `http://${hostInUrl(masterIp)}:3020` : undefined));
  const masterToken = text(['join-code', 'master-token', 'cluster-token'], CREDENTIALS);
  const name = text(['node-name'], ['STREAMHUB_NODE_NAME']);
  return {
    prefix: prefixOf(flags, env),
    masterUrl: masterUrl.href.replace(/\/+$/, ''),
    masterIp: masterIp ?? (flags['master-ip'] === '' ? '' : undefined),
    masterToken,
    ca: text(['ca'], ['STREAMHUB_CA']),
    proxy: text(['proxy'], ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']),
    noProxy: text(['no-proxy'], ['NO_PROXY', 'no_proxy']),
    name: name === undefined ? undefined : nodeName(name),
    region: (flags['region'] as string | undefined) ?? (env['STREAMHUB_REGION'] || undefined),
    nodeIp: flags['node-ip'] as string | undefined,
    nodeUrl: flags['node-url'] as string | undefined,
    useExternalIp: flags['use-external-ip'] === true,
    livekitBinary: text(['livekit-binary']),
    livekitMirror: text(['livekit-mirror'], ['STREAMHUB_LIVEKIT_MIRROR']),
    livekitExtra: flags['livekit-extra'] as string | undefined,
    ports: {
      ...port('signal', text(['livekit-port'])),
      ...port('tcp', text(['rtc-tcp-port'])),
      ...port('udp', text(['rtc-udp-port'])),
      ...port('metrics', text(['metrics-port'])),
    },
    systemd: flags['no-systemd'] ? 'none' : flags['systemd-user'] ? 'user' : undefined,
    dryRun: flags['dry-run'] === true,
  };
}

/** @throws UsageError */
export function nodeName(name: string): string {
  if (new RegExp(NODE_NAME_PATTERN).test(name) && name.length <= 64) return name;
  throw new UsageError(
    `${name} cannot be the node's name: 1..64 letters, digits, dots, dashes and underscores (--node-name)`,
  );
}

/** Where the agent is. */
export const prefixOf = (flags: Flags, env: Env): string =>
  (flags['prefix'] as string | undefined) || env['STREAMHUB_EDGE_DIR'] || DEFAULT_PREFIX;

/** Reads the arguments of a command. @throws UsageError */
export function readFlags(command: EdgeCommandName, args: string[]): Flags {
  const options: Readonly<Record<string, Flag>> = EDGE_COMMANDS[command].flags;
  try {
    return parseArgs({ args, options }).values as Flags;
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

function port(name: keyof Ports, text: string | undefined): Partial<Ports> {
  if (text === undefined) return {};
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new UsageError(`${text} is not a port`);
  return { [name]: value };
}
