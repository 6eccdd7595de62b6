import { iso } from '#shared/instants.ts';
import { type NodeFigures, nodeFigures } from '#shared/rules/measures.ts';
import {
  type AgentReport,
  type DrainPhase,
  type LivekitReport,
  type NodeHealth,
  ORIGIN,
} from '#shared/schema/cluster.ts';
import { publicAddress } from '#shared/secrets.ts';
import type { HeartbeatRow, NodeRow, StoredNode } from './repository.ts';

/** What placement reads from a heartbeat's stats. */
export interface NodeLoad {
  /** Share of processor time in use, 0..1. */
  cpu: number | null;
  memory: number | null;
  /** Milliseconds that its LiveKit takes to pass on a packet. */
  forwardMs: number | null;
  /** Share of the disk that is free, 0..1. */
  diskFree: number | null;
  /** How well media travels through it; null = nothing was measured. */
  quality: NodeFigures | null;
}

/** How far a draining has come; stored with the node. Times are wall-clock milliseconds. */
export interface DrainState {
  startedAt: number;
  /** When rooms that are left are ended; null = never. */
  endRoomsAt: number | null;
  /** The agent was told, so that what it reports from now on is its answer. */
  told: boolean;
  phase: Exclude<DrainPhase, 'mark'>;
  drainedAt: number | null;
}

/** One node in memory: what operators decided, and what the last heartbeat said. */
export interface NodeEntry {
  readonly id: string;
  readonly createdAt: string;
  name: string;
  url: string;
  ip: string | null;
  region: string | null;
  status: NodeRow['status'];
  /** SHA-256 of its own credential, hex. */
  tokenHash: string | null;
  /** The credential was used: the shared token no longer speaks for the node. */
  isTokenUsed: boolean;
  drain: DrainState | null;
  /** Wall-clock milliseconds; null = never. */
  seenAt: number | null;
  /** The same on the monotonic clock, so that a jump of the wall clock makes nobody stale. */
  seenMono: number;
  statsJson: string | null;
  load: NodeLoad;
  /** The agent behind the node, when one reports. */
  agent: AgentReport | null;
  /** Its LiveKit server, told by the agent or, for the origin, read by the daemon. */
  livekit: LivekitReport | null;
  /** Health as last announced. */
  health: NodeHealth;
  /** The running machine behind the node, where it says so; and when it last reported, on the monotonic clock. */
  instance: string | null;
  instanceMono: number;
  /** A second machine with this identity, which is refused. Times as above. */
  duplicate: { address: string; seenAt: number; seenMono: number } | null;
}

export function fromStored(row: StoredNode, now: number, mono: number): NodeEntry {
  const seenAt = row.last_seen_at === null ? null : Date.parse(row.last_seen_at);
  const stats = parse<Record<string, unknown>>(row.stats_json);
  const agent = parse<AgentReport>(row.agent_json);
  return {
    id: row.id,
    createdAt: row.created_at,
    name: row.name,
    url: publicAddress(row.url),
    ip: row.ip,
    region: row.region,
    status: row.status,
    tokenHash: row.token_hash,
    isTokenUsed: row.token_used === 1,
    drain: parse<DrainState>(row.drain_json),
    seenAt,
    seenMono: seenAt === null ? 0 : mono - Math.max(0, now - seenAt),
    statsJson: stats === null ? null : row.stats_json,
    load: loadOf(stats),
    agent,
    livekit: row.id === ORIGIN ? null : (agent?.livekit ?? null),
    health: (row.health as NodeHealth | null) ?? 'never',
    instance: row.instance,
    instanceMono: seenAt === null ? 0 : mono - Math.max(0, now - seenAt),
    duplicate: null,
  };
}

export function nodeRow(node: NodeEntry): NodeRow {
  return {
    id: node.id,
    name: node.name,
    url: node.url,
    ip: node.ip,
    region: node.region,
    status: node.status,
    created_at: node.createdAt,
    token_hash: node.tokenHash,
    token_used: node.isTokenUsed ? 1 : 0,
    drain_json: node.drain === null ? null : JSON.stringify(node.drain),
  };
}

export function heartbeatRow(node: NodeEntry): HeartbeatRow {
  return {
    node_id: node.id,
    last_seen_at: iso(node.seenAt ?? 0),
    health: node.health,
    stats_json: node.statsJson,
    agent_json: node.agent === null ? null : JSON.stringify(node.agent),
    instance: node.instance,
  };
}

/** Reads what other heartbeat senders call `cpu` and `memUsedRatio` as well. */
export function loadOf(stats: Record<string, unknown> | null): NodeLoad {
  const figures = nodeFigures(stats);
  const disk = stats?.['disk'] as Record<string, unknown> | null | undefined;
  const [free, total] = [amount(disk?.['freeBytes']), amount(disk?.['totalBytes'])];
  const diskFree = free === null || !total ? null : Math.min(free / total, 1);
  return {
    cpu: share(stats?.['cpu']),
    memory: share(stats?.['memUsedRatio']),
    forwardMs: figures.forward ?? null,
    diskFree,
    quality: figures.score === undefined ? null : figures,
  };
}

const amount = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;

const share = (value: unknown): number | null => {
  const found = amount(value);
  return found === null ? null : Math.min(found, 1);
};

/** A row that a fault or another program damaged counts as absent. */
function parse<T>(text: string | null): T | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as T) : null;
  } catch {
    return null;
  }
}
