import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileLinks } from './file-links.ts';
import { LOCAL_PLACE } from './location.ts';

test('viewers who come within a while get the same link to a playlist, which works as long as they asked', () => {
  const start = Date.parse('2026-01-01T10:00:00Z');
  let now = start;
  const links = new FileLinks({
    key: new Uint8Array(32),
    base: () => 'https://hub.example.com',
    clock: { now: () => now, monotonic: () => now },
  });
  const playlist = { key: 'p/live.m3u8', scope: 'p', place: LOCAL_PLACE };
  for (const lifetime of [60, 3600, 86_400, 7 * 86_400]) {
    const made = new Set<string>();
    for (now = start; now < start + (lifetime * 1000) / 6; now += 500) {
      const link = links.makePlaylist('live', 1, playlist, lifetime);
      made.add(link);
      const { expires } = links.openPlaylist(1, new URL(link).searchParams.get('grant') ?? '', 'live.m3u8');
      const left = expires - Math.floor(now / 1000);
      assert.ok(left >= lifetime && left <= lifetime * (1 + 1 / 24), `${left} of ${lifetime}`);
    }
    assert.ok(made.size <= 6, `${made.size} links in a sixth of ${lifetime} s`);
  }
});
