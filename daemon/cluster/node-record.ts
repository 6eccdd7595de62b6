import { isStale } from '#shared/rules/nodes.ts';
import type { ClusterNode, NodeHealth } from '#shared/schema/cluster.ts';
import { describeDrain } from './drain.ts';
import type { NodeEntry } from './node.ts';

/** The node as the API shows it, but for its stats, which are kept as text. */
export function toRecord(node: NodeEntry, health: NodeHealth, stats: ClusterNode['stats']): ClusterNode {
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
    agent: node.agent,
    drain: node.status === 'draining' && node.drain !== null ? describeDrain(node, node.drain, health) : null,
  };
}
