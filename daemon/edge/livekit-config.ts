import { readFileSync } from 'node:fs';
import { isMap, parseDocument, stringify } from 'yaml';
import { digestOfKeys } from '#daemon/platform/livekit-keys.ts';
import { hostInUrl } from '#shared/format.ts';
import type { NodeKeys } from '#shared/schema/cluster.ts';
import type { Layout } from './layout.ts';

export interface LivekitConfigInput {
  /** Key → secret. */
  keys: Readonly<Record<string, string>>;
  webhook: { apiKey: string; url: string };
  /** redis:// or rediss:// address; null = a single server, without other nodes, egress and ingress. */
  redisUrl: string | null;
  nodeIp: string;
  /** Where it listens for API and signaling; absent = on every address. */
  bind?: readonly string[];
  /** Clients are on this machine only. */
  isLocal?: boolean;
  /** Ask a STUN server for the address that clients see. */
  useExternalIp: boolean;
  region: string;
  ports: { signal: number; tcp: number; udp: number; metrics: number };
  metricsUser: string;
  metricsPassword: string;
}

type Tree = { [key: string]: unknown };

/** LiveKit times packets only with all three (rtc.forward_stats, livekit-server 1.8 and later). `latency_alert` needs it. */
const FORWARD_STATS = { summary_interval: '500ms', report_interval: '5s', report_window: '30s' };

/** LiveKit's configuration for one server. */
export function livekitConfig(input: LivekitConfigInput): Tree {
  const { ports, isLocal } = input;
  return {
    port: ports.signal,
    ...(input.bind ? { bind_addresses: [...input.bind] } : {}),
    ...(input.region ? { region: input.region } : {}),
    rtc: {
      // LiveKit would listen on every address
      tcp_port: isLocal ? 0 : ports.tcp,
      udp_port: ports.udp,
      use_external_ip: input.useExternalIp,
      ...(input.useExternalIp ? {} : { node_ip: input.nodeIp }),
      ...(isLocal
        ? {
            enable_loopback_candidate: true,
            interfaces: { includes: [process.platform === 'linux' ? 'lo' : 'lo0'] },
          }
        : {}),
      forward_stats: FORWARD_STATS,
    },
    ...(input.redisUrl === null ? {} : { redis: redisBlock(input.redisUrl) }),
    keys: { ...input.keys },
    prometheus: { port: ports.metrics, username: input.metricsUser, password: input.metricsPassword },
    webhook: { api_key: input.webhook.apiKey, urls: [input.webhook.url] },
    logging: { json: true, level: 'info' },
  };
}

/** The Redis of the cluster: the one that the daemon names, else on the daemon's machine. */
export const clusterRedis = (named: string | null, masterHost: string): string =>
  named ?? `redis://${hostInUrl(masterHost)}:6379`;

/** LiveKit's `redis` block for a redis:// or rediss:// address. */
export function redisBlock(address: string): Tree {
  const url = new URL(address);
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') {
    throw new Error('the Redis address of the cluster is neither redis:// nor rediss://');
  }
  const db = Number(url.pathname.slice(1) || '0');
  return {
    address: `${url.hostname}:${url.port || '6379'}`,
    ...(url.username ? { username: decodeURIComponent(url.username) } : {}),
    ...(url.password ? { password: decodeURIComponent(url.password) } : {}),
    ...(Number.isInteger(db) && db > 0 ? { db } : {}),
    ...(url.protocol === 'rediss:' ? { use_tls: true } : {}),
  };
}

/** Applies the operator's own settings (TURN, limits …) on top of the generated ones. Mappings are merged; everything else is replaced. */
function mergeTrees(base: Tree, over: Tree): Tree {
  const merged: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isTree(old) && isTree(value) ? mergeTrees(old, value) : value;
  }
  return merged;
}

/** LiveKit's own settings over a configuration: a range of ports takes the place of one, and a STUN server that of the address. */
export function withOwn(base: Tree, own: Tree): Tree {
  const ownRtc = isTree(own['rtc']) ? own['rtc'] : {};
  const rtc = { ...(isTree(base['rtc']) ? base['rtc'] : {}) };
  if (ownRtc['port_range_start'] !== undefined) delete rtc['udp_port'];
  if (ownRtc['use_external_ip'] === true) delete rtc['node_ip'];
  return mergeTrees({ ...base, rtc }, own);
}

/** The keys of a rotation; keys that an operator added stay. */
export function withKeys(base: Tree, { accepted, webhookKey, removed }: NodeKeys): Tree {
  const before = Object.entries(isTree(base['keys']) ? base['keys'] : {});
  const kept = before.filter(([key, secret]) => !removed.includes(digestOfKeys(key, String(secret))));
  const keys = Object.fromEntries([...kept, ...accepted.map(({ key, secret }) => [key, secret] as const)]);
  const webhook = isTree(base['webhook']) ? base['webhook'] : {};
  return { ...base, keys, webhook: { ...webhook, api_key: webhookKey } };
}

/** Reads the operator's own settings. @throws Error that says what is wrong, without quoting values */
export function readExtra(text: string): Tree {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) throw new Error(`it is not valid YAML (line ${problem.linePos?.[0].line ?? '?'})`);
  if (document.contents === null) return {};
  if (!isMap(document.contents)) throw new Error('it must be a mapping, as LiveKit’s own configuration is');
  return document.toJS() as Tree;
}

/** Digests of the keys in LiveKit's configuration on this machine; null when it can't be read. */
export function configuredKeys({ livekitConfig: file }: Pick<Layout, 'livekitConfig'>): string[] | null {
  try {
    const { keys } = readExtra(readFileSync(file, 'utf8'));
    return isTree(keys) ? Object.entries(keys).map(([key, secret]) => digestOfKeys(key, String(secret))) : null;
  } catch {
    return null;
  }
}

const HEADER =
  '# Written by the StreamHub edge installer. Put your own settings in a file and pass it with --livekit-extra.\n';

export const configText = (tree: Tree, header = HEADER): string => header + stringify(tree);

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
