// `streamhub uninstall`: what a removal deletes and keeps, told first. test/install-deb.test.ts has the Debian package's.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { kindOf } from '#daemon/cli/uninstall.ts';
import { processRef } from '#daemon/edge/process-table.ts';
import { BIN, ROOT, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

const CLUSTER_TOKEN = 'clt_0123456789abcdef';

test('a removal is listed first, refused while the daemon runs, and keeps what isn’t StreamHub’s', async (t) => {
  const dataDir = await temporaryDir(t);
  const uninstall = (...args: string[]) =>
    promisify(execFile)(process.execPath, [BIN, 'uninstall', '--data-dir', dataDir, ...args]);
  const daemon = await testDaemon(t, { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN }, { dataDir });
  await daemon.api.post('/apps', { name: 'demo' });
  const set = await daemon.api.put('/apps/demo/s3', {
    provider: 'minio',
    endpoint: 'http://127.0.0.1:9000',
    bucket: 'films',
    key: 'k',
    secret: 'hidden-word',
  });
  assert.equal(set.status, 200, set.text);
  const token = { 'x-cluster-token': CLUSTER_TOKEN };
  const joined = await daemon.api.as(null).post('/cluster/join', { name: 'edge-1', ip: '192.0.2.7' }, token);
  assert.ok(joined.status < 300, joined.text);
  writeFileSync(path.join(dataDir, 'notes.txt'), 'mine');

  const { stdout } = await uninstall();
  const [removed = '', kept = ''] = stdout.split('This is kept:');
  for (const part of ['data  accounts', 'apps  2 apps', 'logs'])
    assert.ok(removed.includes(path.join(dataDir, part)), stdout);
  assert.match(kept, /1 file or folder that StreamHub didn’t create/);
  assert.match(kept, /recordings of demo in the bucket films/);
  assert.match(kept, /edge node edge-1/);
  assert.match(stdout, /Nothing was removed\. To remove it, add --yes\.\n$/);
  const keeping = (await uninstall('--keep-data')).stdout;
  assert.doesNotMatch(keeping.split('This is kept:')[0] ?? '', /accounts/);

  await assert.rejects(uninstall('--yes'), (error: { stderr: string }) =>
    /a daemon is running on .*stop it first/.test(error.stderr),
  );
  assert.ok(existsSync(path.join(dataDir, 'apps', 'demo')));
  await daemon.stop();
  // as a LiveKit that the daemon ran
  const program = spawn('sleep', ['600']);
  t.after(() => program.kill('SIGKILL'));
  await mkdir(path.join(dataDir, 'livekit', 'var'), { recursive: true });
  const state = { process: processRef(program.pid as number) };
  writeFileSync(path.join(dataDir, 'livekit', 'var', 'livekit.json'), JSON.stringify(state));
  const ended = once(program, 'exit');
  await uninstall('--yes');
  assert.equal((await ended)[1], 'SIGTERM');
  for (const part of ['data', 'apps', 'logs', 'plugins', 'archive'])
    assert.ok(!existsSync(path.join(dataDir, part)), part);
  assert.ok(existsSync(path.join(dataDir, 'notes.txt')));
});

test('the kind of installation is known from its folder', async (t) => {
  assert.equal(kindOf(ROOT), 'clone');
  assert.equal(kindOf('/usr/lib/streamhub'), 'debian');
  assert.equal(kindOf(await temporaryDir(t)), 'npm');
});
