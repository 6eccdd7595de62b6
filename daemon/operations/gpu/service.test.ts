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

describe('GpuService', () => {
  it('starts without waiting, and a first question waits for the running probe', async () => {
    const { open, probe } = probes();
    const gpu = new GpuService({ probe });
    gpu.start();
    assert.equal(gpu.peek(), undefined);
    const asked = gpu.status();
    open[0]?.resolve(found('a'));
    assert.equal((await asked).detail, 'a');
    assert.equal(gpu.peek()?.detail, 'a');
    assert.equal(open.length, 1);
  });

  it('shares one probe between callers, and probes again only after 5 s', async () => {
    const clock = new ManualClock();
    const { open, probe } = probes();
    const gpu = new GpuService({ probe, clock });
    const both = [gpu.refresh(), gpu.refresh(), gpu.status()];
    open[0]?.resolve(found('a'));
    assert.deepEqual(
      (await Promise.all(both)).map((status) => status.detail),
      ['a', 'a', 'a'],
    );
    clock.advance(4999);
    assert.equal((await gpu.refresh()).detail, 'a');
    assert.equal(open.length, 1);
    clock.advance(1);
    const again = gpu.refresh();
    assert.equal(open.length, 2);
    assert.equal((await gpu.status()).detail, 'a', 'the cached finding is answered meanwhile');
    open[1]?.resolve(found('b'));
    assert.equal((await again).detail, 'b');
  });

  it('turns a failed probe into a finding, and tries again later', async () => {
    const clock = new ManualClock();
    const { open, probe } = probes();
    const gpu = new GpuService({ probe, clock });
    const asked = gpu.status();
    open[0]?.reject(new Error('thread ended'));
    assert.equal((await asked).type, 'none');
    clock.advance(6000);
    const again = gpu.refresh();
    open[1]?.resolve(found('b'));
    assert.equal((await again).type, 'nvidia');
  });
});
