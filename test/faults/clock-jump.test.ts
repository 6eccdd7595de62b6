import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { type DaemonProcess, daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';

const [library] = globSync('/usr/lib/{*/,}faketime/libfaketimeMT.so.1');
const HOUR = 3_600_000;
const YEARS = 3650 * 24 * HOUR;
const CLUSTER_TOKEN = 'c'.repeat(40);

test('a clock that is set forward by ten years, over a restart, and back again ends nothing early and lengthens nothing', {
  skip: library === undefined ? 'needs libfaketime (Debian package faketime)' : false,
}, async (t) => {
  const dir = await temporaryDir(t);
  const control = path.join(await temporaryDir(t), 'time');
  let offset = 0;
  const setClock = async (ms: number): Promise<void> => {
    offset = ms;
    await writeFile(control, `+${ms / 1000}`);
  };
  await setClock(0);
  const env = {
    STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN,
    LD_PRELOAD: library as string,
    FAKETIME_TIMESTAMP_FILE: control,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
  let daemon: DaemonProcess = await daemonProcess(t, dir, env);
  assert.equal((await daemon.api.post('/security/bans', { ip: '203.0.113.7', seconds: 3600 })).status, 201);
  const rule = { cidr: '198.51.100.0/24', action: 'block', expiresInSeconds: 3600 };
  assert.equal((await daemon.api.post('/security/rules', rule)).status, 201);
  assert.equal((await daemon.api.post('/cluster/join-codes', { ttlSeconds: 3600 })).status, 201);
  const joined = await daemon.api
    .as(null)
    .post('/cluster/join', { name: 'edge-1', ip: '203.0.113.1' }, { 'x-cluster-token': CLUSTER_TOKEN });
  const node = `/cluster/nodes/${joined.body.data.nodeId}`;
  const drain = { status: 'draining', drain: { endRoomsAfterSeconds: 3600, confirm: true } };
  assert.equal((await daemon.api.patch(node, drain)).status, 200);

  /** What is left of each hour, milliseconds, by the clock that the daemon has. */
  const left = async (): Promise<Record<string, number>> => {
    const [ban] = (await daemon.api.get('/security/bans')).body.data;
    const [stored] = (await daemon.api.get('/security/rules')).body.data;
    const [code] = (await daemon.api.get('/cluster/join-codes')).body.data;
    assert.equal(ban?.active, true);
    const ends = {
      ban: ban.expiresAt,
      rule: stored?.expiresAt,
      code: code?.expires_at,
      rooms: (await daemon.api.get(node)).body.data.drain.ends_rooms_at,
    };
    const now = Date.now() + offset;
    return Object.fromEntries(Object.entries(ends).map(([what, at]) => [what, Date.parse(at) - now]));
  };
  const anHourIsLeft = async (when: string): Promise<void> => {
    for (const [what, ms] of Object.entries(await left()))
      assert.ok(ms > HOUR / 2 && ms < HOUR + 5000, `${when}: ${Math.round(ms / 1000)} s are left of the ${what}`);
    assert.ok((await daemon.api.get('/audit')).body.data.length > 0, 'nothing is deleted for its age');
  };
  await anHourIsLeft('before');
  await setClock(YEARS);
  await anHourIsLeft('after a jump forward');
  assert.deepEqual(await daemon.end('SIGTERM'), { code: 0, signal: null });
  daemon = await daemonProcess(t, dir, env);
  await anHourIsLeft('after a restart');
  await setClock(0);
  await anHourIsLeft('after the clock was set back');
  await daemon.end();
});
