import type { Operation } from '#shared/contract/operation.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import type { EventMessage } from '#shared/schema/events.ts';
import { mirrorConnections, useConnections } from '../daemon/connections.ts';
import { noteSignedIn } from '../daemon/signed-in.ts';
import { bridge } from '../host/host.ts';
import { recallLastKnown } from './last-known.ts';
import { type LiveCache, type LiveUpdates, readsAfter } from './live-updates.ts';
import { PAGES, queryClient, refresh } from './query.ts';
import { signedOutElsewhere } from './session.ts';

/** Events of one change come together within this time. */
const BURST_MS = 15;
/** Least time between two rounds of reads, so that a flood of events doesn’t fill the page’s time. */
const PAUSE_MS = 30;
/** Where the reads themselves take long, the pause is this many times as long as they took. */
const PAUSE_SHARE = 2;
/** A read that hangs doesn’t keep the others waiting for longer. */
const PATIENCE_MS = 2000;

/** Reads of one daemon that are to be repeated. */
interface Round {
  waiting: Set<Operation>;
  isDue: boolean;
  nextAt: number;
}

const rounds = new Map<string, Round>();

/** Repeats reads: soon after the first event, so that the screen follows within a tenth of a second; then as often as is cheap. */
function refreshSoon(connectionId: string, operations: readonly Operation[]): void {
  if (operations.length === 0) return;
  const round = rounds.get(connectionId) ?? { waiting: new Set(), isDue: false, nextAt: 0 };
  rounds.set(connectionId, round);
  for (const op of operations) round.waiting.add(op);
  schedule(connectionId, round);
}

function schedule(connectionId: string, round: Round): void {
  if (round.isDue || round.waiting.size === 0) return;
  round.isDue = true;
  setTimeout(() => void read(connectionId, round), Math.max(BURST_MS, round.nextAt - performance.now()));
}

async function read(connectionId: string, round: Round): Promise<void> {
  const begun = performance.now();
  const ops = [...round.waiting];
  round.waiting.clear();
  await Promise.race([
    refresh(connectionId, ...ops).catch(() => undefined),
    new Promise((resolve) => setTimeout(resolve, PATIENCE_MS)),
  ]);
  const now = performance.now();
  round.nextAt = now + Math.max(PAUSE_MS, PAUSE_SHARE * (now - begun));
  round.isDue = false;
  schedule(connectionId, round);
}

const refreshedAt = new Map<string, number>();

const cacheOf = (connectionId: string): LiveCache => ({
  patch: (op, change) => {
    queryClient.setQueriesData<Parameters<typeof change>[0]>(
      // an answer that is read page by page has another shape
      { queryKey: [connectionId, op.id], predicate: ({ queryKey }) => queryKey.at(-1) !== PAGES },
      (data) => (data === undefined ? undefined : change(data)),
    );
  },
  refreshAtMost: (op, everyMs) => {
    const key = `${connectionId}/${op.id}`;
    const now = Date.now();
    if (now - (refreshedAt.get(key) ?? 0) < everyMs) return;
    refreshedAt.set(key, now);
    void refresh(connectionId, op);
  },
});

type Patch = (cache: LiveCache, data: object) => boolean;

/** Brings an event into the cache: patched where it carries the news itself, read again where not. */
function take(updates: readonly LiveUpdates[], connectionId: string, { data }: StreamEvent): void {
  // an older or newer daemon may send types that this page does not know
  const message = data as Partial<EventMessage> | null;
  if (typeof message !== 'object' || message === null || message.topic === undefined) return;
  const { topic } = message;
  const type = message.type as keyof NonNullable<LiveUpdates['patches']>;
  const cache = cacheOf(connectionId);
  const isPatched = updates
    .map(({ patches }) => (patches?.[type] as Patch | undefined)?.(cache, message.data ?? {}))
    .includes(true);
  if (isPatched) return;
  refreshSoon(connectionId, readsAfter(updates, topic, type));
}

/** Mirrors the host's connections and brings their events into the cache. Called once. */
export function followHost(updates: readonly LiveUpdates[]): void {
  const host = bridge();
  const statuses = new Map<string, string>();
  const mirror = (list: Parameters<typeof mirrorConnections>[0]): void => {
    mirrorConnections(list);
    for (const { id, state } of list) {
      const before = statuses.get(id);
      statuses.set(id, state.status);
      if (state.status === 'offline' && before !== 'offline') void recallLastKnown(id).catch(() => undefined);
      if (state.status !== 'online') continue;
      if (!noteSignedIn(id, state.account?.userId ?? '')) queryClient.removeQueries({ queryKey: [id] });
      // back online: read again what may have changed in the meantime
      if (before !== undefined && before !== 'online') void queryClient.invalidateQueries({ queryKey: [id] });
    }
  };
  host.onConnections(mirror);
  void host.connections().then(mirror, () => useConnections.setState({ isKnown: true }));
  host.onEvents((connectionId, events) => {
    for (const event of events) take(updates, connectionId, event);
  });
  host.onSignedOut?.(signedOutElsewhere);
  host.onGap((connectionId) => void queryClient.invalidateQueries({ queryKey: [connectionId] }));
}
