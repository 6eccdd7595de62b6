import { refusalOf } from '../access.ts';
import type { WireAnswer } from '../client/client.ts';
import { listApps } from '../contract/apps.ts';
import { listNodes } from '../contract/cluster.ts';
import { listJobs } from '../contract/jobs.ts';
import type { Operation } from '../contract/operation.ts';
import { listPlugins } from '../contract/plugins.ts';
import { getReady, getSettings, getStats } from '../contract/system.ts';
import type { Snapshot } from '../ipc/connections.ts';
import type { AuthContext } from '../schema/auth.ts';
import { jsonOf } from './probe.ts';

const BASE = '/api/v1';

/**
 * Reads what a daemon's problems are found in, as far as the account may.
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
    // a daemon that is not ready says why
    return answer.status === 200 || (op.id === getReady.id && answer.status === 503) ? jsonOf(answer) : undefined;
  };
  const [stats, nodes, settings, failedJobs, waitingJobs, plugins, apps, ready] = await Promise.all([
    read(getStats),
    read(listNodes).then(dataOf),
    read(getSettings).then(dataOf),
    read(listJobs, '?state=failed&limit=20').then(dataOf),
    read(listJobs, '?state=waiting&limit=20').then(dataOf),
    read(listPlugins).then(dataOf),
    read(listApps),
    read(getReady),
  ]);
  if (stats === undefined) return null;
  const { livekit, warnings } = (settings ?? {}) as { livekit?: unknown; warnings?: unknown };
  return {
    at: new Date().toISOString(),
    stats,
    nodes: nodes ?? null,
    livekit,
    warnings,
    failedJobs,
    waitingJobs,
    checks: (ready as { checks?: unknown } | undefined)?.checks,
    plugins,
    apps: inTrouble(apps),
  };
}

const dataOf = (answer: unknown): unknown => (answer as { data?: unknown } | undefined)?.data;

/** Of a list that can be long only what is told of. */
const inTrouble = (apps: unknown): unknown =>
  Array.isArray(apps)
    ? apps.filter((app) => (app as { problems?: unknown } | null)?.problems !== undefined)
    : undefined;
