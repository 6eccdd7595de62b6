import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { GpuStatus } from '#shared/schema/gpu.ts';
import { ManualClock } from '#test/helpers/clock.ts';
import { GpuService } from './service.ts';

const found = (name: string): GpuStatus => ({
  available: true,
  type: 'nvidia',
  devices: [{ kind: 'nvidia', name }],
  checkedAt: new Date().toISOString(),
  detail: name,
});

function probes() {
  const open: PromiseWithResolvers<GpuStatus>[] = [];
  const probe = (): Promise<GpuStatus> => {
    const next = Promise.withResolvers<GpuStatus>();
    open.push(next);
    return next.promise;
  };
  return { open, probe };
}

const never = (): Promise<unknown> => assert.fail('nothing to wait for');

describe('GpuService', () => {
  it('starts without waiting, and a first question waits for the running probe', async () => {
    const { open, probe } = probes();
    const gpu = new GpuService({ probe, wait: never });
    gpu.start();
    assert.equal(gpu.peek(), undefined);
    const asked = gpu.status();
    open[0]?.resolve(found('a'));
    assert.equal((await asked).detail, 'a');
    assert.equal(gpu.peek()?.detail, 'a');
    assert.equal(open.length, 1);
  });

  it('shares one probe between callers; each further one answers what is new, 5 s after the last', async () => {
    const clock = new ManualClock();
    const { open, probe } = probes();
    const waits: number[] = [];
    const over = Promise.withResolvers<void>();
    const wait = (ms: number) => {
      waits.push(ms);
      return over.promise;
    };
    const gpu = new GpuService({ probe, wait, clock });
    const both = [gpu.refresh(), gpu.refresh(), gpu.status()];
    open[0]?.resolve(found('a'));
    assert.deepEqual(
      (await Promise.all(both)).map((status) => status.detail),
      ['a', 'a', 'a'],
    );
    clock.advance(3000);
    const early = [gpu.refresh(), gpu.refresh()];
    assert.deepEqual(waits, [2000]);
    assert.equal(open.length, 1);
    assert.equal((await gpu.status()).detail, 'a', 'the cached finding is answered meanwhile');
    clock.advance(2000);
    over.resolve();
    await over.promise;
    assert.equal(open.length, 2);
    open[1]?.resolve(found('b'));
    assert.deepEqual(
      (await Promise.all(early)).map((status) => status.detail),
      ['b', 'b'],
    );
    clock.advance(5000);
    const late = gpu.refresh();
    assert.equal(open.length, 3);
    open[2]?.resolve(found('c'));
    assert.equal((await late).detail, 'c');
  });

  it('turns a failed probe into a finding, and tries again later', async () => {
    const clock = new ManualClock();
    const { open, probe } = probes();
    const gpu = new GpuService({ probe, wait: never, clock });
    const asked = gpu.status();
    open[0]?.reject(new Error('thread ended'));
    assert.equal((await asked).type, 'none');
    clock.advance(6000);
    const again = gpu.refresh();
    open[1]?.resolve(found('b'));
    assert.equal((await again).type, 'nvidia');
  });
});
