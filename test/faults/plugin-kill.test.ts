import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type DaemonProcess, daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';
import { withoutLongTests } from '#test/helpers/long-tests.ts';
import { packedPlugin, providerCode, upload } from '#test/helpers/plugins.ts';

/** Kills, each at another moment of an update, from its first byte to after its answer. */
const ROUNDS = withoutLongTests ? 4 : 40;

test('a kill at any moment of a plugin’s installation leaves the old version or the new one, whole', async (t) => {
  const dataDir = await temporaryDir(t);
  const release = (version: string) => packedPlugin('shelf', providerCode('shelf', ''), { manifest: { version } });
  const files: Record<string, Buffer> = { '1.0.0': await release('1.0.0'), '2.0.0': await release('2.0.0') };
  let daemon: DaemonProcess = await daemonProcess(t, dataDir);
  const first = await upload(daemon.api, files['1.0.0'] as Buffer);
  assert.equal(first.status, 201, first.text);
  let version = '1.0.0';
  let longest = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const next = version === '1.0.0' ? '2.0.0' : '1.0.0';
    const begun = performance.now();
    const answer = upload(daemon.api, files[next] as Buffer, '/plugins/shelf', 'PUT').then(
      ({ status }) => status,
      () => undefined,
    );
    // the first one ends by itself, and tells how long it takes here
    if (round > 0) await pause((longest * round) / (ROUNDS - 1));
    else await answer;
    if (round === 0) longest = performance.now() - begun;
    await daemon.end('SIGKILL');
    const status = await answer;
    daemon = await daemonProcess(t, dataDir);
    const { data } = (await daemon.api.get('/plugins/shelf')).body;
    assert.deepEqual([data.state, data.enabled], ['running', true], `round ${round}: ${data.reason}`);
    assert.ok(data.version === version || data.version === next, data.version);
    if (status === 200) assert.equal(data.version, next, 'a confirmed update stays');
    version = data.version;
    const forms = (await daemon.api.get('/storage/providers')).body.data as { id: string }[];
    assert.equal(forms.filter(({ id }) => id === 'shelf').length, 1);
    // a folder in which a plugin was prepared can be a running command's, so it is removed once it is old
    const names = (await readdir(path.join(dataDir, 'plugins'))).filter((name) => !name.startsWith('.'));
    assert.deepEqual(names, ['shelf']);
  }
  const removed = await daemon.api.delete('/plugins/shelf');
  assert.equal(removed.status, 204, removed.text);
});
