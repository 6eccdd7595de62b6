import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import type { DeleteResult, StorageClient } from '#shared/plugin-sdk/storage-provider.ts';
import { Deleter } from './deleter.ts';

// No real server throttles or forgets on demand, so the client is a scripted one here.
function scripted(answer: (keys: readonly string[], call: number) => DeleteResult) {
  const calls: (readonly string[])[] = [];
  const client = {
    deleteMany: async (keys: readonly string[]) => {
      calls.push(keys);
      return answer(keys, calls.length);
    },
    dispose() {},
  } as unknown as StorageClient;
  return {
    calls,
    deleter: new Deleter(
      async () => ({ client, batch: 10, capabilities: { versions: false, multipart: false } }),
      [0, 0],
    ),
  };
}
const all = (keys: readonly string[]): DeleteResult => ({ deleted: keys.length, failed: [] });
const keys = (n: number) => Array.from({ length: n }, (_, index) => `k${index}`);

test('asks in batches, each key once', async () => {
  const { calls, deleter } = scripted(all);
  const outcome = await deleter.delete([...keys(25), ...keys(25)]);
  assert.equal(outcome.deleted, 25);
  assert.deepEqual(calls.map((call) => call.length).sort(), [10, 10, 5]);
  assert.equal(new Set(calls.flat()).size, 25);
});

test('tries a call again that a slow storage refused', async () => {
  const { calls, deleter } = scripted((batch, call) => {
    if (call < 3) throw new StorageError('THROTTLED');
    return all(batch);
  });
  assert.equal((await deleter.delete(keys(3))).deleted, 3);
  assert.equal(calls.length, 3);
});

test('tries a key again that was not confirmed, and not one that is refused', async () => {
  const { calls, deleter } = scripted((batch, call) =>
    call === 1
      ? {
          deleted: 1,
          failed: [
            { key: 'k1', code: 'NOT_CONFIRMED', message: '' },
            { key: 'k2', code: 'ACCESS_DENIED', message: '' },
          ],
        }
      : all(batch),
  );
  const outcome = await deleter.delete(keys(3));
  assert.equal(outcome.deleted, 2);
  assert.deepEqual(
    outcome.failed.map((failure) => failure.key),
    ['k2'],
  );
  assert.deepEqual(calls[1], ['k1']);
});

test('gives up on a storage that refuses a whole call, and counts the rest', async () => {
  const { calls, deleter } = scripted((batch, call) => {
    if (call > 1) throw new StorageError('CREDENTIALS_REFUSED');
    return all(batch);
  });
  assert.equal((await deleter.delete(keys(10))).deleted, 10);
  const second = await deleter.delete(keys(35));
  assert.equal(second.deleted, 0);
  assert.equal(second.failed.length, 35);
  assert.ok(second.failed.every((failure) => failure.code === 'CREDENTIALS_REFUSED'));
  const before = calls.length;
  assert.equal((await deleter.delete(keys(5))).failed.length, 5);
  assert.equal(calls.length, before, 'it is not asked again');
});

test('counts every key when the storage cannot even be opened', async () => {
  const deleter = new Deleter(() => Promise.reject(new StorageError('CREDENTIALS_MISSING')), []);
  const outcome = await deleter.delete(keys(12));
  assert.equal(outcome.failed.length, 12);
  assert.equal(deleter.broken?.code, 'CREDENTIALS_MISSING');
});

test('ends after the last try when the storage goes away', async () => {
  const { calls, deleter } = scripted((batch, call) => {
    if (call > 1) throw new StorageError('UNREACHABLE');
    return all(batch);
  });
  assert.equal((await deleter.delete(keys(1))).deleted, 1);
  const outcome = await deleter.delete(keys(4));
  assert.equal(outcome.failed.length, 4);
  assert.equal(calls.length, 4, 'one call, and three tries');
});

test('does not try a storage again that never answered', async () => {
  const { calls, deleter } = scripted(() => {
    throw new StorageError('UNREACHABLE');
  });
  assert.equal((await deleter.delete(keys(4))).failed.length, 4);
  assert.equal(calls.length, 1);
});
