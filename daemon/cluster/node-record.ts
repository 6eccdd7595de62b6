import { digestOfKeys } from '#daemon/platform/livekit-keys.ts';
import { isStale } from '#shared/rules/nodes.ts';
import type { AgentReport, ClusterNode } from '#shared/schema/cluster.ts';
import { describeDrain } from './drain.ts';
import type { NodeEntry } from './node.ts';
import type { NodeRegistry } from './registry.ts';

/** LiveKit's keys as they are now. */
export interface PresentKeys {
  livekitApiKey: string;
  livekitApiSecret: string;
}

/** The node as the API shows it, but for its stats, which are kept as text. */
export function toRecord(
  node: NodeEntry,
  nodes: NodeRegistry,
  stats: ClusterNode['stats'],
  config: PresentKeys,
): ClusterNode {
  const health = nodes.health(node);
  const duplicate = nodes.duplicate(node);
  return {
    id: node.id,
    name: node.name,
    url: node.url,
    ip: node.ip,
    region: node.region,
    status: node.status,
    created_at: node.createdAt,
    last_seen_at: node.seenAt === null ? null : new Date(node.seenAt).toISOString(),
    stats,
    stale: isStale(health),
    health,
    agent: node.agent && shownAgent(node.agent),
    livekit_keys: keysOf(node, config),
    drain: node.status === 'draining' && node.drain !== null ? describeDrain(node, node.drain, health) : null,
    duplicate: duplicate && { address: duplicate.address, last_seen_at: new Date(duplicate.seenAt).toISOString() },
  };
}

const shownAgent = ({ keys: _keys, settings: _settings, ...agent }: AgentReport): ClusterNode['agent'] => agent;

function keysOf(
  { agent }: NodeEntry,
  { livekitApiKey: key, livekitApiSecret: secret }: PresentKeys,
): ClusterNode['livekit_keys'] {
  if (agent?.keys === undefined || key === '' || secret === '') return null;
  return agent.keys.includes(digestOfKeys(key, secret)) ? 'current' : 'old';
}
