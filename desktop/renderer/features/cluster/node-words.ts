import type { listNodes } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import type { Tone } from '../../ui/feedback/state.tsx';

export type Node = ResultOf<typeof listNodes>['data'][number];

/** How a node is, in shape and word: what needs a person comes before what an operator wanted. */
export function nodeState(node: Node): { tone: Tone; word: string } {
  if (node.status === 'disabled') return { tone: 'muted', word: 'disabled' };
  if (node.health === 'never') return { tone: 'muted', word: 'never seen' };
  if (node.health === 'down') return { tone: 'danger', word: 'down' };
  if (node.stale) return { tone: 'warn', word: 'stale' };
  if (node.status === 'draining') {
    return node.drain?.drained
      ? { tone: 'ok', word: 'drained' }
      : { tone: 'busy', word: node.drain?.managed === false ? 'marked as draining' : 'draining' };
  }
  if (node.agent?.livekit.state === 'failed') return { tone: 'danger', word: 'LiveKit failed' };
  return { tone: 'ok', word: 'active' };
}

/** For sorting: problems first. */
export function nodeRank(node: Node): number {
  const order: Record<Tone, number> = { danger: 0, warn: 1, busy: 2, info: 3, ok: 4, muted: 5 };
  return order[nodeState(node).tone];
}

/** The higher of CPU and memory, 0..1; undefined when neither is reported. */
export function loadOf({ cpu, memory }: { cpu: number | undefined; memory: number | undefined }): number | undefined {
  return cpu === undefined && memory === undefined ? undefined : Math.max(cpu ?? 0, memory ?? 0);
}
