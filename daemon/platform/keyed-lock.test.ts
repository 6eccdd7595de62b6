import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyedLock } from './keyed-lock.ts';

describe('KeyedLock', () => {
  it('runs the tasks of one key in turn, other keys at once, and goes on after a failure', async () => {
    const lock = new KeyedLock();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = lock.run('a', async () => {
      await gate.promise;
      log.push('first');
      throw new Error('no');
    });
    const second = lock.run('a', async () => log.push('second'));
    await lock.run('b', async () => log.push('other'));
    gate.resolve();
    await assert.rejects(first);
    await second;
    assert.deepEqual(log, ['other', 'first', 'second']);
  });
});
