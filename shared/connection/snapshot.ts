import { refusalOf } from '../access.ts';
import type { ContractHub } from '../client/contract-hub.ts';
import { DaemonError } from '../client/errors.ts';
import type { Call } from '../client/methods.ts';
import type { CallOptions } from '../client/wire.ts';
import { listIncidents } from '../contract/alerts.ts';
import { listNodes } from '../contract/cluster.ts';
import type { Operation } from '../contract/operation.ts';
import { getStats } from '../contract/system.ts';
import type { Snapshot } from '../ipc/connections.ts';
import type { AuthContext } from '../schema/auth.ts';

const TIMEOUT = 20_000;

/**
 * Reads how a daemon is and what its problems are found in, as far as the account may.
 * @returns null when the daemon gives no stats
 * @throws what keeps a request from being answered
 */
export async function takeSnapshot(
  account: AuthContext | null,
  client: ContractHub,
  signal: AbortSignal,
): Promise<Snapshot | null> {
  const read = async <T>(op: Operation, call: (options: CallOptions) => Call<T>): Promise<T | undefined> => {
    if (account !== null && refusalOf(op, account) !== undefined) return undefined;
    const answer = await call({ signal, timeout: TIMEOUT }).result();
    if (answer.ok) return answer.data;
    if (answer.error instanceof DaemonError) return undefined;
    throw answer.error;
  };
  const [stats, nodes, incidents] = await Promise.all([
    read(getStats, (options) => client.call(getStats, undefined, options)),
    read(listNodes, (options) => client.call(listNodes, undefined, options)),
    read(listIncidents, (options) => client.call(listIncidents, { query: { open: true, limit: 1000 } }, options)),
  ]);
  if (stats === undefined) return null;
  return { at: new Date().toISOString(), stats, nodes: nodes ?? null, incidents: incidents?.data };
}
