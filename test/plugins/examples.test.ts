import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import { testStorageProvider } from 'streamhub/plugin-sdk/conformance';
import { parse } from 'yaml';
import { addPlugin } from '#daemon/cli/plugin/add.ts';
import { checkPlugin } from '#daemon/cli/plugin/check.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { r2Endpoint, r2Provider } from '../../plugins/examples/cloudflare-r2/r2.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../plugins/examples');
const ACCOUNT = '0123456789abcdef0123456789abcdef';

const server = startS3Server();
const skip = typeof server === 'string' ? server : false;
const bucket = typeof server === 'string' ? '' : await server.bucket();
if (typeof server !== 'string') after(() => server.stop());

// the provider as it is, with only the host exchanged for a server that can be had here
testStorageProvider(
  r2Provider(() => (typeof server === 'string' ? undefined : server.endpoint)),
  {
    settings: { bucket, accountId: ACCOUNT, jurisdiction: 'default' },
    credentials: typeof server === 'string' ? {} : { key: server.key, secret: server.secret },
    skip,
  },
);

test('R2’s endpoint follows from account and jurisdiction', () => {
  const at = (jurisdiction: 'default' | 'eu') => r2Endpoint({ bucket: 'films', accountId: ACCOUNT, jurisdiction });
  assert.equal(at('default'), `https://${ACCOUNT}.r2.cloudflarestorage.com`);
  assert.equal(at('eu'), `https://${ACCOUNT}.eu.r2.cloudflarestorage.com`);
});

test('both examples pass their check without a remark, and work in a daemon', async (t) => {
  const daemon = await testDaemon(t);
  for (const name of ['night-shift', 'cloudflare-r2']) {
    const { problems, warnings } = await checkPlugin(path.join(EXAMPLES, name));
    assert.deepEqual([problems, warnings], [[], []], name);
    await addPlugin(path.join(EXAMPLES, name), { dataDir: daemon.dataDir });
  }
  assert.equal((await daemon.api.post('/plugins/reload')).status, 200);

  assert.equal((await daemon.api.post('/apps/live/presets/night-shift/apply')).status, 200);
  const config = async () => parse(await readFile(path.join(daemon.dataDir, 'apps/live/config.yaml'), 'utf8'));
  assert.deepEqual([(await config()).recording.split_minutes, (await config()).recording.auto], [60, true]);

  const put = (body: object) => daemon.api.put('/apps/live/s3', body);
  const wrong = await put({ provider: 'r2', bucket: 'films', options: { accountId: 'me' } });
  assert.deepEqual([wrong.status, wrong.body.details[0].path], [400, 'body.options.accountId']);
  const right = await put({ provider: 'r2', bucket: 'films', options: { accountId: ACCOUNT, jurisdiction: 'eu' } });
  assert.equal(right.status, 200, right.text);
  // what LiveKit is told to upload to
  const { endpoint, region, force_path_style, options } = (await config()).s3;
  assert.deepEqual(
    [endpoint, region, force_path_style, options],
    [`https://${ACCOUNT}.eu.r2.cloudflarestorage.com`, 'auto', true, { accountId: ACCOUNT, jurisdiction: 'eu' }],
  );
});
