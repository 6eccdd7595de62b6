import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { testDaemon } from '#test/helpers/daemon.ts';
import { type LivekitEvent, livekitFixture, replay, upsets } from '#test/helpers/livekit-fixtures.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';

const FOLDER = path.join(import.meta.dirname, '../../fixtures/livekit');
const names = globSync('egress-*.json', { cwd: FOLDER }).map((file) => path.basename(file, '.json'));

/** What is told of each recording in the end, for one order of the events. */
async function results(
  t: TestContext,
  fixtures: readonly LivekitEvent[][],
  orderOf: (count: number) => number[],
): Promise<Record<string, unknown>> {
  const daemon = await testDaemon(t, { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' });
  const apps = new Set(
    fixtures.map((events) => events.find(({ egressInfo }) => egressInfo)!.egressInfo.roomName.split('-')[0]),
  );
  for (const name of apps) assert.equal((await daemon.api.post('/apps', { name })).status, 201);
  for (const events of fixtures) {
    const statuses = await replay(daemon.url, events, orderOf(events.length));
    assert.deepEqual([...new Set(statuses)], [200]);
  }
  const found: Record<string, unknown> = {};
  for (const name of apps) {
    for (const vod of (await daemon.api.get(`/apps/${name}/vods?limit=100`)).body.data)
      found[vod.egressId] = [vod.status, vod.fileKey, vod.storageBucket, vod.error];
  }
  return found;
}

test('events of real recordings in any order, doubled and with gaps end in the same rows', async (t) => {
  const fixtures = await Promise.all(names.map(livekitFixture));
  const [straight, upset, gaps] = await Promise.all([
    results(t, fixtures, (count) => [...Array(count).keys()]),
    results(t, fixtures, (count) => {
      const { reversed, doubled, shuffled } = upsets(count, count);
      return [...shuffled, ...reversed, ...doubled];
    }),
    // the last events of each are among those that are left
    results(t, fixtures, (count) => upsets(count).lost.concat(count - 2, count - 1)),
  ]);
  assert.ok(Object.keys(straight).length > 15);
  assert.deepEqual(upset, straight);
  assert.deepEqual(gaps, straight);
});
