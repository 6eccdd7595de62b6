import assert from 'node:assert/strict';
import { lookup } from 'node:dns';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import { after, before, test } from 'node:test';
import { minio } from '../../plugins/storage-s3/minio.ts';
import { StorageError } from './storage-error.ts';
import type { NetworkGuard } from './storage-provider.ts';
import { testStorage } from './storage-test.ts';

let silent: Server;
let endpoint: string;
before(async () => {
  silent = createServer((socket) => void socket.resume());
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  endpoint = `http://localhost:${(silent.address() as AddressInfo).port}`;
});
after(() => {
  silent.close();
});

const openGuard: NetworkGuard = {
  check() {},
  lookup: (host, options, done) => lookup(host, { ...options, family: 4 } as { all: false }, done),
};
const run = (guard: NetworkGuard, more: { signal?: AbortSignal } = {}) =>
  testStorage(
    minio,
    {
      settings: { bucket: 'bucket', region: 'us-east-1', endpoint, forcePathStyle: true },
      credentials: { key: 'AKIA', secret: 'hush' },
      guard,
    },
    { probeKey: 'probe', stepTimeoutMs: 300, ...more },
  );

test('a server that never answers is a timeout, not a wait', async () => {
  const steps = await run(openGuard);
  assert.deepEqual(
    steps.map((step) => `${step.id} ${step.state} ${step.code ?? ''}`.trim()),
    [
      'resolve ok',
      'connect ok',
      'sign failed TIMEOUT',
      'write skipped',
      'multipart skipped',
      'read skipped',
      'link skipped',
      'pages skipped',
      'list skipped',
      'delete skipped',
    ],
  );
});

test('a name whose addresses are all refused is not resolved for the asker', async () => {
  const refusing: NetworkGuard = {
    check() {},
    lookup: (_host, _options, done) => done(new StorageError('ENDPOINT_REFUSED'), '', 0),
  };
  const [first, ...rest] = await run(refusing);
  assert.deepEqual([first?.state, first?.code], ['failed', 'ENDPOINT_REFUSED']);
  assert.ok(!first?.message.includes('127.0.0.1'));
  assert.ok(rest.every((step) => step.state === 'skipped'));
});

test('an aborted test stops', async () => {
  const steps = await run(openGuard, { signal: AbortSignal.abort() });
  assert.equal(steps[0]?.code, 'ABORTED');
});
