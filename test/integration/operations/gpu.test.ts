import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { daemonProcess, ROOT, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';

const fixtures = path.join(ROOT, 'test/fixtures/nvidia-smi');

/** A folder with an `nvidia-smi` that prints what a file names, and counts its calls. */
async function machine(t: { after(fn: () => unknown): void }, fixture: string) {
  const dir = await temporaryDir(t);
  const show = (name: string): Promise<void> => writeFile(path.join(dir, 'shown'), path.join(fixtures, `${name}.txt`));
  await show(fixture);
  const program = path.join(dir, 'nvidia-smi');
  await writeFile(program, `#!/bin/sh\necho call >> '${dir}/calls'\ncat "$(cat '${dir}/shown')"\n`);
  await chmod(program, 0o755);
  const calls = async (): Promise<number> =>
    (await readFile(path.join(dir, 'calls'), 'utf8')).trim().split('\n').length;
  return { show, calls, env: { PATH: `${dir}:${process.env['PATH']}`, GPU_DISABLE: '' } };
}

describe('GPU over HTTP', () => {
  it('answers the card of the machine, probed in the background of the start', async (t) => {
    const { env, calls } = await machine(t, 'geforce-rtx-4070');
    const { api } = await daemonProcess(t, await temporaryDir(t), env);
    const { status, body } = await api.get('/system/gpu');
    assert.equal(status, 200);
    assert.equal(body.type, 'nvidia');
    assert.equal(body.available, true);
    assert.equal(body.driver, '550.120');
    assert.deepEqual(body.devices, [
      { kind: 'nvidia', name: 'NVIDIA GeForce RTX 4070', index: 0, memoryMiB: 12282, canEncode: true },
    ]);
    assert.equal(new Date(body.checkedAt).toISOString(), body.checkedAt);
    await api.get('/system/gpu');
    assert.equal(await calls(), 1, 'the finding is kept');
  });

  it('says that an A100 cannot encode', async (t) => {
    const { env } = await machine(t, 'a100-x4');
    const { api } = await daemonProcess(t, await temporaryDir(t), env);
    const { body } = await api.get('/system/gpu');
    assert.equal(body.available, true);
    assert.equal(body.canEncode, false);
    assert.equal(body.devices.length, 4);
    assert.match(body.detail, /no video encoder/);
  });

  it('probes again for all who ask, once in 5 s, and says when', async (t) => {
    const { env, calls, show } = await machine(t, 'tesla-t4');
    const { api } = await daemonProcess(t, await temporaryDir(t), env);
    const first = (await api.get('/system/gpu')).body;
    assert.equal(first.devices[0].name, 'Tesla T4');
    await show('geforce-rtx-4070');
    const urls = ['?refresh', '?refresh=', '?refresh=true', '?refresh=1', '?refresh=false', '?refresh=0', ''];
    const answers = await Promise.all([
      ...urls.map((query) => api.get(`/system/gpu${query}`)),
      api.post('/system/gpu/refresh'),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      answers.map(() => 200),
    );
    assert.equal(await calls(), 2);
    const asked = [...answers.slice(0, 4), answers.at(-1)];
    for (const answer of asked) {
      assert.equal(answer?.body.devices[0].name, 'NVIDIA GeForce RTX 4070');
      assert.ok(answer.body.checkedAt > first.checkedAt);
    }
  });

  it('is turned off by GPU_DISABLE', async (t) => {
    const { api } = await testDaemon(t);
    const { body } = await api.get('/system/gpu');
    assert.equal(body.type, 'none');
    assert.deepEqual(body.devices, []);
    assert.match(body.detail, /turned off/);
    // asked again, it says that it looked again
    const again = await until('a later time', async () => {
      const answer = (await api.post('/system/gpu/refresh')).body;
      return answer.checkedAt > body.checkedAt && answer;
    });
    assert.equal((await api.get('/system/gpu')).body.checkedAt, again.checkedAt);
  });

  it('refuses strangers and queries that mean nothing', async (t) => {
    const { api } = await testDaemon(t);
    assert.equal((await api.as(null).get('/system/gpu')).status, 401);
    assert.equal((await api.as(null).post('/system/gpu/refresh')).status, 401);
    assert.equal((await api.get('/system/gpu?refresh=maybe')).status, 400);
  });
});
