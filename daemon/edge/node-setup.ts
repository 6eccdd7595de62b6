import { isIP } from 'node:net';
import { CLIENT_ADDRESS, isClientAddress } from '#shared/rules/hosts.ts';
import type { Identity, NodeSetup } from './layout.ts';
import { readExtra } from './livekit-config.ts';
import { type InstallOptions, UsageError } from './options.ts';

const NONE: NodeSetup = {
  nodeUrl: null,
  nodeIp: null,
  useExternalIp: false,
  region: null,
  ports: { signal: 7880, tcp: 7881, udp: 7882, metrics: 6789 },
  extra: {},
};

/**
 * What is given, else what the installation knows. An empty text takes back what was given before.
 * @param extra the content of --livekit-extra
 * @throws UsageError
 */
export function nodeSetup(
  options: Pick<InstallOptions, 'masterIp' | 'nodeUrl' | 'nodeIp' | 'useExternalIp' | 'region' | 'ports'>,
  extra: NodeSetup['extra'] | undefined,
  kept: NodeSetup = NONE,
): NodeSetup {
  const nodeUrl = (options.nodeUrl ?? kept.nodeUrl) || null;
  if (nodeUrl !== null && !isClientAddress(nodeUrl)) throw new UsageError(`--node-url ${CLIENT_ADDRESS}`);
  return {
    masterIp: (options.masterIp ?? kept.masterIp) || null,
    nodeUrl,
    nodeIp: (options.nodeIp ?? kept.nodeIp) || null,
    // each of the two ways to say the address takes the place of the other
    useExternalIp: options.useExternalIp || (options.nodeIp === undefined && kept.useExternalIp),
    region: (options.region ?? kept.region) || null,
    ports: { ...kept.ports, ...options.ports },
    extra: extra ?? kept.extra,
  };
}

/** The setup of an installation that didn't keep it, as far as LiveKit's configuration shows it. */
export function setupOf({ livekit: { url } }: Pick<Identity, 'livekit'>, config: string | undefined): NodeSetup {
  const { port, region, rtc, prometheus, keys, redis, webhook, logging, ...own } = treeOf(config);
  const { tcp_port, udp_port, node_ip, use_external_ip, forward_stats, ...ownRtc } = branch(rtc);
  const { signal, tcp, udp, metrics } = NONE.ports;
  return {
    nodeUrl: isMade(url) ? null : url,
    nodeIp: typeof node_ip === 'string' ? node_ip : null,
    useExternalIp: use_external_ip === true,
    region: typeof region === 'string' ? region : null,
    ports: {
      signal: number(port, signal),
      tcp: number(tcp_port, tcp),
      udp: number(udp_port, udp),
      metrics: number(branch(prometheus)['port'], metrics),
    },
    // a range of ports is an own setting, and LiveKit's address and ports are above
    extra: Object.keys(ownRtc).length > 0 ? { ...own, rtc: ownRtc } : own,
  };
}

/** The address that an installation without --node-url gives: the machine's IP address and the port. */
function isMade(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'ws:' && isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}

function treeOf(config: string | undefined): Record<string, unknown> {
  try {
    return readExtra(config ?? '');
  } catch {
    return {};
  }
}

const branch = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const number = (value: unknown, fallback: number): number => (typeof value === 'number' ? value : fallback);
