import type { Operation } from '#shared/contract/operation.ts';
import type { StreamEvent } from '#shared/ipc/events.ts';
import type { EventMessage } from '#shared/schema/events.ts';
import { mirrorConnections, useConnections } from '../daemon/connections.ts';
import { noteOnline } from '../daemon/was-online.ts';
import { bridge } from '../host/host.ts';
import { recallLastKnown } from './last-known.ts';
import { type LiveCache, type LiveUpdates, readsAfter } from './live-updates.ts';
import { PAGES, queryClient, refresh } from './query.ts';
import { signedOutElsewhere } from './session.ts';

const GATHER = 250;
const waiting = new Map<string, Set<Operation>>();
let isDue = false;

/** Reads to repeat are collected for a moment, so that a burst of events repeats each of them once. */
function refreshSoon(connectionId: string, operations: readonly Operation[]): void {
  const set = waiting.get(connectionId) ?? new Set();
  waiting.set(connectionId, set);
  for (const op of operations) set.add(op);
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    for (const [connection, ops] of waiting) void refresh(connection, ...ops);
    waiting.clear();
  }, GATHER);
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

/** Brings an event into the cache: patched where it carries the news itself, read again where not. */
function take(updates: readonly LiveUpdates[], connectionId: string, { data }: StreamEvent): void {
  // an older or newer daemon may send types that this page does not know
  const message = data as Partial<EventMessage> | null;
  if (typeof message !== 'object' || message === null || message.topic === undefined) return;
  const { topic } = message;
  const type = message.type as keyof NonNullable<LiveUpdates['patches']>;
  const cache = cacheOf(connectionId);
  const isPatched = updates.map(({ patches }) => patches?.[type]?.(cache, message.data ?? {})).includes(true);
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
      noteOnline(id);
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
