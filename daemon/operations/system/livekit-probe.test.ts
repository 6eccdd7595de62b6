import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { LiveKit } from '#daemon/media/livekit/client.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { LiveKitStatusProbe } from './livekit-probe.ts';

const nothing = { reachable: false, active: 0, total: 0 };

/** A LiveKit whose answers are given by hand: a real one cannot be made to be silent at will. */
function handmade(isConfigured = true) {
  const clock = new ManualClock();
  const open: PromiseWithResolvers<never[]>[] = [];
  const ask = (): Promise<never[]> => {
    const next = Promise.withResolvers<never[]>();
    open.push(next);
    return next.promise;
  };
  const livekit = { isConfigured, listRooms: ask, listEgress: ask, listIngress: ask } as unknown as LiveKit;
  return { open, clock, probe: new LiveKitStatusProbe(livekit, clock) };
}
const pass = async (t: TestContext, ms: number): Promise<void> => {
  t.mock.timers.tick(ms);
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
};

describe('LiveKitStatusProbe', () => {
  it('asks nothing without key and secret', () => {
    const { open, probe } = handmade(false);
    assert.deepEqual(probe.snapshot(), { reachable: false, rooms: 0, egress: nothing, ingress: nothing });
    assert.equal(open.length, 0);
  });

  it('asks once for all who ask at the same time', async () => {
    const { open, probe } = handmade();
    const asked = Array.from({ length: 20 }, () => probe.snapshot());
    assert.equal(open.length, 3, 'rooms, egress and ingress');
    open[0]?.resolve([{} as never, {} as never]);
    open[1]?.reject(new Error('no egress'));
    open[2]?.resolve([]);
    for (const snapshot of await Promise.all(asked)) {
      assert.deepEqual(snapshot, {
        reachable: true,
        rooms: 2,
        egress: nothing,
        ingress: { reachable: true, active: 0, total: 0 },
      });
    }
  });

  it('gives up on a silent one after 2 s, and asks no other question until the first is settled', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const { open, clock, probe } = handmade();
    const asked = probe.snapshot();
    await pass(t, 2000);
    assert.equal((await asked).reachable, false);
    for (let attempt = 0; attempt < 2; attempt += 1) {
      clock.advance(10_000);
      assert.equal((await probe.snapshot()).reachable, false);
    }
    assert.equal(open.length, 3);
    for (const answer of open.splice(0)) answer.resolve([]);
    await pass(t, 0);
    clock.advance(10_000);
    const again = probe.snapshot();
    assert.equal(open.length, 3);
    for (const answer of open) answer.resolve([]);
    assert.equal((await again).reachable, true);
  });
});
