import { plural } from '../format.ts';
import type { ClusterNode, NodeHealth } from '../schema/cluster.ts';

/** How much something needs a person: soon, or now. */
export type Urgency = 'warn' | 'danger';

/** How long a node may be silent, milliseconds; both come from the settings. */
export interface NodeLimits {
  staleMs: number;
  downMs: number;
}

/**
 * Everything that follows from the two settings, in one place.
 * @param staleSeconds STREAMHUB_CLUSTER_STALE_S
 * @param downSeconds STREAMHUB_CLUSTER_DOWN_S
 */
export function nodeTiming(staleSeconds: number, downSeconds: number) {
  /** How often an agent is asked to report: about nine times before its node counts as stale. */
  const heartbeatSeconds = Math.min(30, Math.max(1, Math.floor(staleSeconds / 9)));
  return {
    staleMs: staleSeconds * 1000,
    downMs: downSeconds * 1000,
    /** Older reports don't count for placement. */
    freshMs: staleSeconds * 500,
    heartbeatSeconds,
    /** How long a machine that has stopped reporting keeps its node from another one, such as itself after a reboot. */
    twinMs: heartbeatSeconds * 3000,
  };
}

/**
 * What a node's silence means.
 * @param silentMs time since the last report; null = it has never reported
 * @param knownMs time since it joined
 */
export function nodeHealth(silentMs: number | null, knownMs: number, { staleMs, downMs }: NodeLimits): NodeHealth {
  if (silentMs === null) return knownMs <= staleMs ? 'joining' : 'never';
  if (silentMs <= staleMs) return 'alive';
  return silentMs <= downMs ? 'stale' : 'down';
}

/** `ClusterNode.stale`: the API reference counts a node without any report as stale. */
export const isStale = (health: NodeHealth): boolean => health !== 'alive';

export type NodeCode =
  | 'disabled'
  | 'joining'
  | 'never'
  | 'stale'
  | 'down'
  | 'drained'
  | 'draining'
  | 'marked'
  | 'livekit-failed'
  | 'old-keys'
  | 'duplicated'
  | 'active';

/** How a node is, as every part of the product says it. */
export interface NodeState {
  code: NodeCode;
  /** How much it needs a person; null = not at all. */
  urgency: Urgency | null;
  /** One or two words for a table. */
  word: string;
}

const STATES: Readonly<Record<NodeCode, Omit<NodeState, 'code'>>> = {
  disabled: { urgency: null, word: 'disabled' },
  joining: { urgency: null, word: 'joining' },
  never: { urgency: 'warn', word: 'never seen' },
  stale: { urgency: 'warn', word: 'stale' },
  down: { urgency: 'danger', word: 'down' },
  drained: { urgency: null, word: 'drained' },
  draining: { urgency: null, word: 'draining' },
  marked: { urgency: null, word: 'marked as draining' },
  'livekit-failed': { urgency: 'danger', word: 'LiveKit failed' },
  'old-keys': { urgency: 'warn', word: 'old LiveKit keys' },
  duplicated: { urgency: 'danger', word: 'two machines' },
  active: { urgency: null, word: 'active' },
};

/** What the rule reads of a node. Only `status` and `health` are certain: a picture kept by the desktop may be older. */
export type JudgedNode = Pick<ClusterNode, 'status' | 'health'> & {
  agent?: { livekit: { state: string } } | null;
  drain?: { managed: boolean; drained: boolean } | null;
  duplicate?: object | null;
  livekit_keys?: ClusterNode['livekit_keys'];
};

/**
 * The one reading of a node's condition. What an operator switched off needs nobody; silence comes before what the
 * operator wanted; a node that leaves on request may stop its LiveKit.
 */
export function nodeState(node: JudgedNode): NodeState {
  const code = codeOf(node);
  // a newer daemon may know further words
  return { code, ...(STATES[code] ?? { urgency: null, word: code }) };
}

function codeOf({ status, health, agent, drain, duplicate, livekit_keys: keys }: JudgedNode): NodeCode {
  if (status === 'disabled') return 'disabled';
  if (duplicate) return 'duplicated';
  if (health !== 'alive') return health;
  if (status === 'draining') {
    if (drain?.drained) return 'drained';
    return drain?.managed === false ? 'marked' : 'draining';
  }
  if (agent?.livekit.state === 'failed') return 'livekit-failed';
  return keys === 'old' ? 'old-keys' : 'active';
}

/** Nodes that need a person, the most urgent first. */
export function nodesInNeed<N extends JudgedNode>(nodes: readonly N[]): { node: N; state: NodeState }[] {
  return nodes
    .map((node) => ({ node, state: nodeState(node) }))
    .filter(({ state }) => state.urgency !== null)
    .sort((a, b) => Number(a.state.urgency === 'warn') - Number(b.state.urgency === 'warn'));
}

/** `1 node needs attention`. */
export const nodesInNeedWords = (n: number): string => `${plural(n, 'node')} ${n === 1 ? 'needs' : 'need'} attention`;

/** What a node's condition is, in one sentence. */
export function nodeSentence(name: string, { code, word }: NodeState): string {
  switch (code) {
    case 'never':
      return `Node ${name} has joined but never reported`;
    case 'stale':
      return `Node ${name} isn’t reporting`;
    case 'down':
      return `Node ${name} is down: it isn’t reporting`;
    case 'livekit-failed':
      return `LiveKit on node ${name} isn’t running`;
    case 'old-keys':
      return `LiveKit on node ${name} uses old keys, so it refuses what the daemon and its clients send`;
    case 'duplicated':
      return `Two machines report as node ${name}; the second is refused`;
    default:
      return `Node ${name} is ${word}`;
  }
}
