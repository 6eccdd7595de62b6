import { listNodes } from '#shared/contract/cluster.ts';
import type { Operation } from '#shared/contract/operation.ts';
import { getStats } from '#shared/contract/system.ts';
import { opened } from '../host/bridge-desktop.ts';
import { bridge } from '../host/host.ts';
import { keyOf, queryClient } from './query.ts';

/** Brings the last picture of a daemon that is away, which the desktop keeps over restarts, to where its pages look. */
export async function recallLastKnown(connectionId: string): Promise<void> {
  const outcome = await bridge().desktop?.connections.snapshot({ id: connectionId });
  const snapshot = outcome && opened(outcome);
  if (!snapshot) return;
  const known: readonly (readonly [Operation, unknown])[] = [
    [getStats, snapshot.stats],
    [listNodes, snapshot.nodes],
  ];
  for (const [op, data] of known) {
    const key = keyOf(connectionId, op);
    if (data == null || queryClient.getQueryData(key) !== undefined) continue;
    queryClient.setQueryData(key, data, { updatedAt: Date.parse(snapshot.at) });
  }
}
