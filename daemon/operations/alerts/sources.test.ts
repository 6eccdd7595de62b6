import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { NodeEntry } from '#daemon/cluster/node.ts';
import type { LiveKitStatus } from '#daemon/media/livekit/state.ts';
import { conditionOf, judge } from '#shared/rules/conditions.ts';
import type { JudgedNode } from '#shared/rules/nodes.ts';
import { factSources, type SourceDeps } from './sources.ts';

const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const HOUR = 3_600_000;
const app = { id: 1, name: 'demo', tenantId: 'platform' } as AppEntry;

const livekit = (status: LiveKitStatus, ms: number | null = null): SourceDeps['livekit'] => ({
  state: () => ({ status, since: NOW, reason: null }),
  url: () => 'ws://lk:7880',
  clockDifference: () => (ms === null ? null : { ms, at: NOW }),
});
const machine = (diskFree: number, memoryFree = 50) =>
  ({
    disk: { totalBytes: 100 * 2 ** 30, freeBytes: diskFree * 2 ** 30 },
    memory: { totalBytes: 100 * 2 ** 30, freeBytes: memoryFree * 2 ** 30 },
  }) as never;
const nodes = (
  ...list: (Partial<JudgedNode> & { load?: Partial<NodeEntry['load']>; participants?: number })[]
): SourceDeps['nodes'] => ({
  all: () =>
    list.map(({ load, participants = null, ...judged }, index) => ({
      id: `n${index}`,
      livekit: { participants },
      name: `edge-${index}`,
      judged,
      load: { cpu: null, memory: null, forwardMs: null, diskFree: null, quality: null, ...load },
    })) as never,
  judge: (node) =>
    Object.assign({ status: 'active', health: 'alive' }, (node as unknown as { judged: JudgedNode }).judged),
  isFresh: () => true,
  isSettled: () => true,
});
const apps = (code?: string): SourceDeps['apps'] => ({
  entries: () => [app],
  get: (name) => (name === 'demo' ? app : undefined),
  record: () => ({ ...(code ? { problems: [{ code, message: 'line 3', since: '' }] } : {}) }) as never,
});
const job = (state: string, more: object = {}) =>
  ({
    id: 1,
    title: 'Job 1',
    state,
    app: null,
    tenant_id: 'platform',
    attempts: 3,
    error_json: '{"message":"no bucket"}',
    updated_at: new Date(NOW - HOUR).toISOString(),
    ...more,
  }) as never;
const QUIET: SourceDeps = {
  livekit: livekit('reachable'),
  redis: async () => null,
  checks: async () => [],
  stats: () => machine(50),
  nodes: nodes(),
  apps: apps(),
  callbackFailure: () => null,
  hasReadConfigs: () => true,
  storageTroubles: async () => [],
  jobs: () => [],
  plugins: () => [],
  warnings: () => [],
  backupTrouble: () => undefined,
  guard: { recentBans: 0, recentOffences: 0 },
  teams: () => [],
  quotas: () => ({}) as never,
  usage: async () => ({}) as never,
  addresses: () => ({}),
  certificateEnd: async () => undefined,
  ownCertificateEnd: () => undefined,
  channels: () => [],
  now: () => NOW,
};
const quota = {
  teams: () => [{ id: 't', name: 'Team' }],
  quotas: () => ({
    maxApps: 10,
    maxConcurrentStreams: -1,
    maxRecordingMinutesMonth: -1,
    maxEgressGbMonth: -1,
    maxStorageGb: -1,
  }),
};

/** What the default rules make of it: `critical|warning text`. */
async function found(deps: Partial<SourceDeps>): Promise<string[]> {
  const list: string[] = [];
  for (const source of factSources({ ...QUIET, ...deps }))
    for (const { condition, text, value, isMild } of (await source.read()) ?? []) {
      const { threshold, severity } = conditionOf(condition);
      const judged = threshold === undefined ? { isMild: false } : judge(threshold, value as number, threshold.default);
      if (judged !== undefined) list.push(`${isMild || judged.isMild ? 'warning' : severity} ${text}`);
    }
  return list;
}

describe('what the daemon knows, by the default rules', () => {
  for (const [title, deps, expected] of [
    ['all is well', {}, []],
    ['LiveKit is away', { livekit: livekit('unreachable') }, ['critical LiveKit at ws://lk:7880 isn’t responding']],
    [
      'LiveKit has no keys yet',
      { livekit: livekit('unconfigured') },
      ['critical LiveKit is not connected, so nothing can be streamed'],
    ],
    ['LiveKit was not asked yet', { livekit: livekit('unknown') }, []],
    ['the clocks are 2 s apart', { livekit: livekit('reachable', 2000) }, []],
    [
      'LiveKit’s clock is behind',
      { livekit: livekit('reachable', -7000) },
      ['warning LiveKit’s clock is 7 seconds behind the daemon’s'],
    ],
    ['Redis is away', { redis: async () => 'nobody answers' }, ['critical Redis isn’t responding: nobody answers']],
    ['no Redis is set', { redis: async () => undefined }, []],
    ['the disk is at a tenth', { stats: () => machine(10) }, []],
    ['the disk is nearly full', { stats: () => machine(9) }, ['warning The disk is nearly full: 9 GiB free']],
    ['the disk is full', { stats: () => machine(2) }, ['critical The disk is nearly full: 2 GiB free']],
    ['memory is nearly used up', { stats: () => machine(50, 4) }, ['warning Memory is nearly used up: 4 GiB free']],
    [
      'the disk and the memory of a node',
      { nodes: nodes({ load: { diskFree: 0.02, memory: 0.99 } }) },
      [
        'critical The disk of node edge-0 is nearly full: 2 % free',
        'critical Memory of node edge-0 is nearly used up: 1 % free',
      ],
    ],
    ['a node has just joined', { nodes: nodes({ health: 'joining' }) }, []],
    ['a node is disabled', { nodes: nodes({ health: 'down', status: 'disabled' }) }, []],
    [
      'nodes are silent',
      { nodes: nodes({ health: 'stale' }, { health: 'down' }, { health: 'never' }) },
      [
        'warning Node edge-0 isn’t reporting',
        'critical Node edge-1 is down: it isn’t reporting',
        'warning Node edge-2 has joined but never reported',
      ],
    ],
    [
      'after a start nodes are given the time to report',
      {
        nodes: { ...nodes({ health: 'stale' }, { health: 'never' }, { livekit_keys: 'old' }), isSettled: () => false },
      },
      ['warning LiveKit on node edge-2 uses old keys, so it refuses what the daemon and its clients send'],
    ],
    [
      'LiveKit of a node failed, another has old keys, one is there twice',
      {
        nodes: nodes(
          { agent: { livekit: { state: 'failed' } } },
          { livekit_keys: 'old' },
          { duplicate: { address: '', last_seen_at: '' } },
        ),
      },
      [
        'critical LiveKit on node edge-0 isn’t running',
        'warning LiveKit on node edge-1 uses old keys, so it refuses what the daemon and its clients send',
        'critical Two machines report as node edge-2; the second is refused',
      ],
    ],
    [
      'quality on a node is bad',
      {
        nodes: nodes(
          { load: { quality: { score: 2.94, lossOut: 6, rtt: 20 } } },
          { load: { quality: { score: 3.6 } } },
          { load: { quality: { score: 1 } }, participants: 2 },
        ),
      },
      ['warning Quality on node edge-0: a score of 2.9 of 4.5, 6 % loss on the way to viewers'],
    ],
    [
      'a node is slow',
      { nodes: nodes({ load: { forwardMs: 150 } }, { load: { forwardMs: 20 } }) },
      ['warning LiveKit on node edge-0 takes 150 ms to pass on a packet'],
    ],
    ['a config is not active', { apps: apps('CONFIG_INVALID') }, ['critical The config of demo is not active: line 3']],
    ['rooms of an app are another team’s', { apps: apps('ROOM_PREFIX_OVERLAPS') }, ['warning demo: line 3']],
    ['a broker is away', { apps: apps('MQTT_AWAY') }, ['warning demo: line 3']],
    ['callbacks fail', { callbackFailure: () => 'refused' }, ['warning Callbacks of demo are not delivered: refused']],
    [
      'a bucket is away',
      { storageTroubles: async () => [{ app: 'demo', reason: 'no bucket' }] },
      ['critical The storage of demo can’t be used: no bucket'],
    ],
    ['a job failed', { jobs: () => [job('failed')] }, ['warning Job 1 failed: no bucket']],
    [
      'a job failed two days ago',
      { jobs: () => [job('failed', { updated_at: new Date(NOW - 48 * HOUR).toISOString() })] },
      [],
    ],
    [
      'a job fails again and again',
      { jobs: () => [job('waiting')] },
      ['warning Job 1 failed 3 times and is tried again: no bucket'],
    ],
    ['a job failed twice and is tried again', { jobs: () => [job('waiting', { attempts: 2 })] }, []],
    [
      'a plugin failed',
      { plugins: () => [{ id: 'p', title: 'P', state: 'failed', reason: 'no manifest' }] },
      ['warning Plugin P failed: no manifest'],
    ],
    [
      'a plugin crashed often',
      { plugins: () => [{ id: 'p', title: 'P', state: 'quarantined', reason: null }] },
      ['warning Plugin P is quarantined'],
    ],
    [
      'the installation has a warning',
      { warnings: () => [{ code: 'A', subject: 'x', message: 'Do it.' }] },
      ['warning Do it.'],
    ],
    [
      'the daemon is not ready',
      {
        checks: async () => [
          { name: 'disk space', ok: false, detail: 'full' },
          { name: 'a', ok: true },
          { name: 'x', ok: false },
        ],
      },
      ['critical The daemon is not ready, so changes can fail. disk space: full; x'],
    ],
    ['a few bans', { guard: { recentBans: 4, recentOffences: 99 } }, []],
    [
      'an attack',
      { guard: { recentBans: 5, recentOffences: 100 } },
      [
        'warning 5 addresses were banned within an hour',
        'warning 100 requests with a wrong credential within ten minutes',
      ],
    ],
    ['a quota is half used', { ...quota, usage: async () => ({ apps: 5 }) as never }, []],
    [
      'a quota is nearly used up',
      { ...quota, usage: async () => ({ apps: 9 }) as never },
      ['warning Team Team uses 9 of 10 apps'],
    ],
    [
      'a certificate ends',
      { addresses: () => ({ LiveKit: 'wss://lk.example.com' }), certificateEnd: async () => NOW + 5 * 24 * HOUR },
      ['critical The certificate of LiveKit (lk.example.com) ends in 5 days'],
    ],
    [
      'the daemon’s own certificate ends, which its public address shows too',
      {
        addresses: () => ({ 'this daemon': 'https://stream.example.com' }),
        certificateEnd: async () => NOW + 5 * 24 * HOUR,
        ownCertificateEnd: () => NOW + 5 * 24 * HOUR,
      },
      ['critical The certificate of this daemon (TLS_CERT) ends in 5 days'],
    ],
    [
      'a channel fails',
      {
        channels: () => [
          { id: 1, name: 'Ops', enabled: true, failingSince: 'now', lastError: 'It says 500.' },
          { id: 2, name: 'Off', enabled: false, failingSince: 'now', lastError: 'It says 500.' },
        ],
      },
      ['warning Alerts can’t be delivered through Ops: It says 500.'],
    ],
  ] as const satisfies readonly (readonly [string, Partial<SourceDeps>, readonly string[]])[])
    it(title, async () => assert.deepEqual(await found(deps), expected));
});
