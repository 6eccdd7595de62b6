import type { StreamEvent } from '#shared/ipc/events.ts';
import type { EventTopic } from '#shared/schema/events.ts';
import { mirrorConnections, useConnections } from '../daemon/connections.ts';
import { noteOnline } from '../daemon/was-online.ts';
import { bridge } from '../host/host.ts';
import { recallLastKnown } from './last-known.ts';
import { patchers } from './live-patches.ts';
import { queryClient } from './query.ts';

/** Reads that an event of a topic makes old, by the ids of their operations. */
const READS: Record<EventTopic, readonly string[]> = {
  apps: ['listApps', 'getApp', 'getStats', 'getAppSizes', 'listAppFigures'],
  config: [
    'getRawConfig',
    'getConfig',
    'listBackups',
    'listPresets',
    'previewPreset',
    'getS3',
    'getApp',
    'listApps',
    'getCallbacks',
  ],
  jobs: ['listJobs', 'getJob'],
  nodes: ['listNodes', 'getNode', 'getClusterInfo', 'previewPlacement', 'getClusterSettings'],
  streams: ['listStreams', 'getStream', 'listIngress', 'getIngress', 'getAppStats', 'getStats', 'listAppFigures'],
  vods: ['listVods', 'getVod', 'getAppStats', 'getAppSizes', 'listAppFigures'],
  callbacks: ['getCallbacks', 'listDeliveries', 'getDelivery'],
  logs: [],
  access: [
    'listTokens',
    'listSessions',
    'listUsers',
    'listTenants',
    'getTeam',
    'listInvites',
    'listIpRules',
    'listIpBans',
    'getSecurity',
    'listAudit',
  ],
  plugins: ['listPlugins', 'getPlugin', 'listPresets', 'listStorageProviders'],
  system: ['getStats', 'getSettings', 'getGpu'],
};

const GATHER = 250;
const waiting = new Map<string, Set<string>>();
let isDue = false;

/** Old reads are gathered for a moment: a burst of events makes one read of each kind. */
function makeOld(connectionId: string, operationIds: readonly string[]): void {
  const set = waiting.get(connectionId) ?? new Set();
  waiting.set(connectionId, set);
  for (const id of operationIds) set.add(id);
  if (isDue) return;
  isDue = true;
  setTimeout(() => {
    isDue = false;
    for (const [connection, operations] of waiting) {
      for (const operation of operations) void queryClient.invalidateQueries({ queryKey: [connection, operation] });
    }
    waiting.clear();
  }, GATHER);
}

/** Brings an event into the cache: patched where it carries the news itself, read again where not. */
function take(connectionId: string, { type, data }: StreamEvent): void {
  const message = data as { topic?: EventTopic } | null;
  if (typeof message !== 'object' || message === null || message.topic === undefined) return;
  if (patchers[type]?.(connectionId, message as never)) return;
  makeOld(connectionId, READS[message.topic] ?? []);
}

/** Mirrors the host's connections and brings their events into the cache. Called once. */
export function followHost(): void {
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
      // back again: whatever happened meanwhile has to be read
      if (before !== undefined && before !== 'online') void queryClient.invalidateQueries({ queryKey: [id] });
    }
  };
  host.onConnections(mirror);
  void host.connections().then(mirror, () => useConnections.setState({ isKnown: true }));
  host.onEvents((connectionId, events) => {
    for (const event of events) take(connectionId, event);
  });
  host.onGap((connectionId) => void queryClient.invalidateQueries({ queryKey: [connectionId] }));
}
