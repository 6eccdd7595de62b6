import { refusalOf } from '../access.ts';
import type { WireAnswer } from '../client/client.ts';
import { listIncidents } from '../contract/alerts.ts';
import { listNodes } from '../contract/cluster.ts';
import type { Operation } from '../contract/operation.ts';
import { getStats } from '../contract/system.ts';
import type { Snapshot } from '../ipc/connections.ts';
import type { AuthContext } from '../schema/auth.ts';
import { jsonOf } from './probe.ts';

const BASE = '/api/v1';

/**
 * Reads how a daemon is and what its problems are found in, as far as the account may.
 * @returns null when the daemon gives no stats
 * @throws what keeps a request from being answered
 */
export async function takeSnapshot(
  account: AuthContext | null,
  request: (path: string) => Promise<WireAnswer>,
): Promise<Snapshot | null> {
  const read = async (op: Operation, query = ''): Promise<unknown> => {
    if (account !== null && refusalOf(op, account) !== undefined) return undefined;
    const answer = await request(`${BASE}${op.path}${query}`);
    return answer.status === 200 ? jsonOf(answer) : undefined;
  };
  const [stats, nodes, incidents] = await Promise.all([
    read(getStats),
    read(listNodes).then(dataOf),
    read(listIncidents, '?open=true&limit=1000').then(dataOf),
  ]);
  if (stats === undefined) return null;
  return { at: new Date().toISOString(), stats, nodes: nodes ?? null, incidents };
}

const dataOf = (answer: unknown): unknown => (answer as { data?: unknown } | undefined)?.data;
