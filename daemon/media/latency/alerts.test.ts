import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { EventBus } from '#daemon/platform/events/bus.ts';
import type { DeliveryPlan } from '#shared/delivery/plan.ts';
import { testBackground } from '#test/helpers/background.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { LatencyAlerts } from './alerts.ts';

test('a delay above the threshold is told once, again after the cooldown, and its end too', async () => {
  const clock = new ManualClock();
  const bus = new EventBus((error) => assert.fail(String(error)));
  const told: string[] = [];
  const stored: [string, unknown][] = [];
  bus.subscribe(({ type }) => void told.push(type));
  const app = { id: 1, name: 'live', tenantId: 'acme' } as AppEntry;
  let trouble: { message: string } | null = null;
  let latencyAlert: DeliveryPlan['latencyAlert'] = {
    thresholdMs: 5000,
    forwardThresholdMs: 50,
    cooldownSeconds: 60,
    intervalSeconds: 10,
  };
  let delays: number[] = [];
  let nodes: { node: string; delayMs: number }[] = [];
  let liveRooms: string[] = [];
  const alerts = new LatencyAlerts({
    apps: { get: () => app, forRoom: () => app, noteTrouble: (_app, _code, one) => void (trouble = one) },
    delivery: { plan: async () => ({ latencyAlert }) as DeliveryPlan },
    nodes: () => nodes,
    liveRooms: () => liveRooms,
    streams: () => delays.map((delayMs, n) => ({ app: 'live', streamId: `PA_${n}`, room: `live-${n}`, delayMs })),
    mediaStore: {
      async change(_app, work) {
        const callback = ({ event, data }: { event: string; data: { delayMs?: unknown } }): void =>
          void stored.push([event, data.delayMs]);
        return { result: work({ callback } as never), changes: [] };
      },
    },
    bus,
    background: testBackground(),
    clock,
    log: { info() {}, warn() {} },
  });
  const after = async (seconds: number, ...next: number[]): Promise<string[]> => {
    clock.advance(seconds * 1000);
    delays = next;
    told.length = 0;
    await alerts.look();
    return [...told];
  };

  assert.deepEqual(await after(0, 5000), []);
  assert.deepEqual(await after(2, 9000), [], 'the interval has not passed');
  assert.deepEqual(await after(8, 9000), ['latency.high']);
  assert.match((trouble as { message: string } | null)?.message ?? '', /^Viewers of live-0 are 9\.0 s behind/);
  assert.deepEqual(await after(10, 9500), [], 'told once');
  assert.deepEqual(await after(10, 4000), ['latency.normal']);
  assert.equal(trouble, null);
  assert.deepEqual(await after(10, 9000), [], 'the cooldown');
  assert.deepEqual(await after(30, 9000, 7000), ['latency.high', 'latency.high'], 'two streams');
  assert.deepEqual(await after(10, 9000), ['latency.normal'], 'the second stream is over');
  assert.notEqual(trouble, null);
  nodes = [{ node: 'edge-fra', delayMs: 70 }];
  assert.deepEqual(await after(10, 9000), [], 'the node serves nobody of the app');
  liveRooms = ['live-0', 'live-1'];
  assert.deepEqual(await after(10, 9000), ['latency.high'], 'a slow node');
  assert.match((trouble as { message: string } | null)?.message ?? '', /^Viewers of live-0/, 'the older one is shown');
  assert.deepEqual(await after(10), ['latency.normal'], 'the first stream is over');
  assert.match((trouble as { message: string } | null)?.message ?? '', /^LiveKit on edge-fra takes 70 ms/);
  nodes = [{ node: 'edge-fra', delayMs: 2 }];
  assert.deepEqual(await after(10), ['latency.normal']);
  assert.equal(trouble, null);
  assert.deepEqual(await after(60, 9000), ['latency.high']);
  latencyAlert = null;
  assert.deepEqual(await after(10, 9000), ['latency.normal'], 'nobody asks any more');
  assert.equal(trouble, null);
  assert.deepEqual(stored, [
    ['latency_high', 9000],
    ['latency_normal', 4000],
    ['latency_high', 9000],
    ['latency_high', 7000],
    ['latency_normal', null],
    ['latency_high', 70],
    ['latency_normal', null],
    ['latency_normal', 2],
    ['latency_high', 9000],
    ['latency_normal', null],
  ]);
});
