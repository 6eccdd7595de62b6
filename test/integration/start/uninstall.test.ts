// `streamhub uninstall`: what a removal deletes and keeps, told first. test/install-deb.test.ts has the Debian package's.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { kindOf } from '#daemon/cli/uninstall.ts';
import { processRef } from '#daemon/edge/process-table.ts';
import { BIN, ROOT, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';

const CLUSTER_TOKEN = 'clt_0123456789abcdef';

test('a removal is listed first, refused while the daemon runs, and keeps what isn’t StreamHub’s', async (t) => {
  const dataDir = await temporaryDir(t);
  const config = await temporaryDir(t);
  const command = (...args: string[]): [string, string[], { env: NodeJS.ProcessEnv }] => [
    process.execPath,
    [BIN, 'uninstall', '--data-dir', dataDir, ...args],
    { env: { ...process.env, STREAMHUB_CONFIG_DIR: config } },
  ];
  const uninstall = (...args: string[]) => promisify(execFile)(...command(...args));
  const context = { name: 'prod', url: 'https://a.example', account: 'prod-1', store: 'keychain', user: 'ada' };
  writeFileSync(path.join(config, 'contexts.json'), JSON.stringify({ current: 'prod', contexts: [context] }));
  const daemon = await testDaemon(t, { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN }, { dataDir });
  await daemon.api.post('/apps', { name: 'demo' });
  for (const [place, bucket] of [
    ['/apps/demo/s3', 'films'],
    ['/backups/storage', 'safe'],
  ] as const) {
    const storage = { provider: 'minio', endpoint: 'http://127.0.0.1:9000', bucket, key: 'k', secret: 'hidden-word' };
    const set = await daemon.api.put(place, storage);
    assert.equal(set.status, 200, set.text);
  }
  // one that was made before the storage was changed
  daemon.services.db
    .prepare(
      `INSERT INTO backups (name, state, origin, destination, place_json, created_at)
       VALUES ('x', 'ready', 'request', 'demo', '{"storage_bucket":"former"}', '2026-01-01T00:00:00.000Z')`,
    )
    .run();
  const token = { 'x-cluster-token': CLUSTER_TOKEN };
  const joined = await daemon.api.as(null).post('/cluster/join', { name: 'edge-1', ip: '192.0.2.7' }, token);
  assert.ok(joined.status < 300, joined.text);
  writeFileSync(path.join(dataDir, 'notes.txt'), 'mine');
  // one with its version before the last update
  for (const name of ['shelf', '.previous']) await mkdir(path.join(dataDir, 'plugins', name));

  const { stdout } = await uninstall();
  const [removed = '', kept = ''] = stdout.split('This is kept:');
  for (const part of ['data  accounts', 'apps  2 apps', 'plugins  1 plugin\n', 'logs'])
    assert.ok(removed.includes(path.join(dataDir, part)), stdout);
  assert.match(kept, /1 file or folder that StreamHub didn’t create/);
  assert.match(kept, /recordings of demo in the bucket films/);
  for (const bucket of ['safe', 'former']) assert.match(kept, new RegExp(`backups in the bucket ${bucket}\n`));
  assert.match(
    kept,
    /context prod in the keychain, as StreamHub command line, prod-1; remove it with: streamhub contexts/,
  );
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
  const logs = path.join(dataDir, 'logs');
  for (let file = 0; file < 5000; file += 1) writeFileSync(path.join(logs, `${file}.log`), '');
  const first = spawn(...command('--yes'));
  const killed = once(first, 'exit');
  // the logs come after it
  await until('the removal has begun', () => !existsSync(path.join(dataDir, 'apps')), { every: 1 });
  first.kill('SIGKILL');
  await killed;
  assert.equal((await ended)[1], 'SIGTERM');
  await uninstall('--yes');
  for (const part of ['data', 'apps', 'logs', 'plugins', 'archive'])
    assert.ok(!existsSync(path.join(dataDir, part)), part);
  assert.deepEqual(readdirSync(dataDir), ['notes.txt']);
});

test('the kind of installation is known from its folder', async (t) => {
  assert.equal(kindOf(ROOT), 'clone');
  assert.equal(kindOf('/usr/lib/streamhub'), 'debian');
  assert.equal(kindOf(await temporaryDir(t)), 'npm');
});
