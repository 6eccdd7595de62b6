import { nodeLoad } from '#shared/rules/measures.ts';
import type { PlacementStrategy } from '#shared/schema/cluster.ts';

/** What a strategy knows of a node that could take a room. */
export interface NodeStats {
  id: string;
  name: string;
  region: string | null;
  /** Share of processor time in use, 0..1; null = not reported. */
  cpu: number | null;
  /** Share of memory in use, 0..1. */
  memory: number | null;
  rooms: number | null;
  participants: number | null;
  /** Rooms placed there since it last reported. */
  pending: number;
  /** When a room was last placed there; 0 = never. */
  lastChosenAt: number;
}

export interface Ranked {
  node: NodeStats;
  reason: string;
}

/** A node this full is ranked last in every strategy. */
const FULL_CPU = 0.9;
const FULL_MEMORY = 0.95;
/** What a room placed since the last report is taken to cost until the next one tells. */
const ROOM_COST = 0.02;

/** The nodes in the order in which they would be chosen, each with the reason. Pure; equal nodes keep the order of their names. */
export function rank(strategy: PlacementStrategy, nodes: readonly NodeStats[], region?: string): Ranked[] {
  const key = KEYS[strategy];
  return nodes
    .map((node) => ({ node, keys: [isFull(node) ? 1 : 0, ...key(node, region)] }))
    .sort((a, b) => compare(a.keys, b.keys) || (a.node.name < b.node.name ? -1 : 1))
    .map(({ node }) => ({ node, reason: reasonOf(strategy, node, region) }));
}

/** CPU or memory use, with what was just placed there; a node that does not report its CPU comes behind those that do. */
export const loadOf = (node: NodeStats): number =>
  (node.cpu === null ? 1 : (nodeLoad(node) ?? 1)) + node.pending * ROOM_COST;

const isFull = (node: NodeStats): boolean => (node.cpu ?? 0) >= FULL_CPU || (node.memory ?? 0) >= FULL_MEMORY;
const roomsOf = (node: NodeStats): number => (node.rooms ?? 0) + node.pending;

const KEYS: Record<PlacementStrategy, (node: NodeStats, region?: string) => number[]> = {
  'least-load': (node) => [loadOf(node), node.participants ?? 0, roomsOf(node)],
  'fewest-rooms': (node) => [roomsOf(node), node.participants ?? 0, loadOf(node)],
  'same-region': (node, region) => [isNear(node, region) ? 0 : 1, loadOf(node), roomsOf(node)],
  spread: (node) => [node.lastChosenAt, roomsOf(node)],
};

const isNear = (node: NodeStats, region: string | undefined): boolean =>
  region !== undefined && region !== '' && node.region === region;

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i += 1) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

function reasonOf(strategy: PlacementStrategy, node: NodeStats, region: string | undefined): string {
  const parts: string[] = [];
  if (isFull(node)) parts.push('nearly full, so ranked after the others');
  if (strategy === 'same-region' && region) {
    parts.push(isNear(node, region) ? `in region ${region}` : `not in region ${region}`);
  }
  const cpu = node.cpu === null ? 'CPU not reported' : `CPU ${percent(node.cpu)}`;
  const load = node.memory === null ? [cpu] : [cpu, `memory ${percent(node.memory)}`];
  const rooms = `${node.rooms ?? 0} rooms${node.pending > 0 ? ` and ${node.pending} just placed` : ''}`;
  if (strategy === 'spread')
    parts.push(node.lastChosenAt === 0 ? 'has not been chosen yet' : 'by time since last chosen');
  parts.push(...(strategy === 'fewest-rooms' ? [rooms, ...load] : [...load, rooms]));
  return parts.join(', ');
}
