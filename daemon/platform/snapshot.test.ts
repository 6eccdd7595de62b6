import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '#test/helpers/clock.ts';
import { Snapshot } from './snapshot.ts';

function setUp() {
  const open: PromiseWithResolvers<string>[] = [];
  const clock = new ManualClock(0);
  const snapshot = new Snapshot({
    load: () => {
      const next = Promise.withResolvers<string>();
      open.push(next);
      return next.promise;
    },
    freshMs: 100,
    staleMs: 1000,
    clock,
  });
  return { open, clock, snapshot };
}

describe('Snapshot', () => {
  it('finds out once for all who ask at the same time', async () => {
    const { open, snapshot } = setUp();
    const asked = [snapshot.get(), snapshot.get()];
    open[0]?.resolve('a');
    assert.deepEqual(await Promise.all(asked), ['a', 'a']);
    assert.equal(open.length, 1);
    assert.equal(snapshot.get(), 'a', 'at hand, without a promise');
  });

  it('answers an older value while a newer one is found out, but not one that is too old', async () => {
    const { open, clock, snapshot } = setUp();
    const first = snapshot.get();
    open[0]?.resolve('a');
    await first;
    clock.advance(500);
    assert.equal(snapshot.get(), 'a');
    assert.equal(open.length, 2);
    open[1]?.resolve('b');
    await open[1]?.promise;
    assert.equal(await snapshot.get(), 'b');
    clock.advance(1500);
    const waited = snapshot.get();
    assert.ok(waited instanceof Promise);
    open[2]?.resolve('c');
    assert.equal(await waited, 'c');
  });

  it('finds out anew once it is told that the value changed', async () => {
    const { open, snapshot } = setUp();
    const first = snapshot.get();
    open[0]?.resolve('a');
    await first;
    snapshot.expire();
    const second = snapshot.get();
    open[1]?.resolve('b');
    assert.equal(await second, 'b');
  });

  it('finds out again when the value changed while it was being found out', async () => {
    const { open, snapshot } = setUp();
    const before = snapshot.get();
    snapshot.expire();
    const after = [snapshot.get(), snapshot.get()];
    open[0]?.resolve('a');
    assert.equal(await before, 'a');
    await new Promise(setImmediate);
    open[1]?.resolve('b');
    assert.deepEqual(await Promise.all(after), ['b', 'b']);
    assert.equal(open.length, 2);
    assert.equal(snapshot.get(), 'b');
  });

  it('tries again after a failure', async () => {
    const { open, snapshot } = setUp();
    const first = snapshot.get();
    open[0]?.reject(new Error('no'));
    await assert.rejects(async () => first);
    const second = snapshot.get();
    open[1]?.resolve('b');
    assert.equal(await second, 'b');
  });
});
