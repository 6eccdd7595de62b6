import type { listNodes } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { type NodeCode, nodeState } from '#shared/rules/nodes.ts';
import type { Tone } from '../../ui/feedback/state.tsx';

export type Node = ResultOf<typeof listNodes>['data'][number];

/** Tones of states that need no action but aren't `ok`. */
const CALM: Partial<Record<NodeCode, Tone>> = {
  disabled: 'muted',
  joining: 'busy',
  draining: 'busy',
  marked: 'busy',
};

/** How a node is, in shape and word. */
export function nodeTone(node: Node): { tone: Tone; word: string } {
  const { code, urgency, word } = nodeState(node);
  return { tone: urgency ?? CALM[code] ?? 'ok', word };
}

/** For sorting: problems first. */
export function nodeRank(node: Node): number {
  const order: Record<Tone, number> = { danger: 0, warn: 1, busy: 2, info: 3, ok: 4, muted: 5 };
  return order[nodeTone(node).tone];
}
