import assert from 'node:assert/strict';
import { test } from 'node:test';
import { providerUnavailable } from './unavailable.ts';

const ref = {
  plugin: 'shaky',
  provider: 'shelf',
  entry: 'file:///shaky/index.js',
  inAppFolder: false,
  egressTarget: true,
};

test('a provider that cannot be used now is named with its plugin once, and why', () => {
  const waits = providerUnavailable(ref, 'shaky ended unexpectedly (it fell); it can start again in 2 s');
  assert.deepEqual([waits.status, waits.code], [409, 'STORAGE_PROVIDER_UNAVAILABLE']);
  assert.equal(
    waits.message,
    'The storage provider shelf is not available: its plugin shaky ended unexpectedly (it fell); it can start again in 2 s.',
  );
  assert.match(
    providerUnavailable(ref, 'its socket is gone').message,
    /its plugin shaky failed: its socket is gone\.$/,
  );
});
