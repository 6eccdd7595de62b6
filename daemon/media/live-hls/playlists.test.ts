import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rungOf } from '#shared/delivery/ladder.ts';
import {
  endOf,
  extend,
  type MediaPlaylist,
  masterPlaylist,
  mediaPlaylist,
  outdated,
  readMediaPlaylist,
} from './playlists.ts';

const EMPTY: MediaPlaylist = { sequence: 0, discontinuities: 0, segments: [], isEnded: false };
const BEGIN = Date.parse('2026-11-29T05:39:00.194Z');

/** What an encoder has written: its segments with these numbers. */
const written = (attempt: number, from: number, to: number): Pick<MediaPlaylist, 'segments'> => ({
  segments: Array.from({ length: to - from }, (_, index) => ({
    name: `s${attempt}_${String(from + index).padStart(5, '0')}.ts`,
    seconds: 2,
    at: BEGIN + 2000 * (from + index),
    isDiscontinuous: false,
  })),
});
const namesIn = (list: MediaPlaylist | undefined) =>
  list?.segments.map(({ name }) => name.replace(/_0*(?=\d)|\.ts/g, '-'));

describe('the list that viewers have', () => {
  const options = { prefix: 's1', size: 4, isWhole: false };

  it('is read as LiveKit and ffmpeg write it, and written for players', () => {
    const list = readMediaPlaylist(
      '#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:9\n#EXTINF:2.000000,\n' +
        '#EXT-X-PROGRAM-DATE-TIME:2026-11-29T05:39:09.194+0000\ns1_00009.ts\n#EXTINF:1.5,\r\n../../secret.ts\n#EXT-X-ENDLIST\n',
    );
    assert.deepEqual(
      [list?.sequence, list?.segments.length, list?.isEnded],
      [9, 1, true],
      'nothing outside of its folder',
    );
    assert.equal(endOf(list as MediaPlaylist), Date.parse('2026-11-29T05:39:11.194Z'));
    const again = readMediaPlaylist(mediaPlaylist(list as MediaPlaylist, 2));
    assert.deepEqual(again, list);
    for (const text of [null, '', '<html>', '{}']) assert.equal(readMediaPlaylist(text), undefined);
  });

  it('grows by what is new and is cut to its size', () => {
    const first = extend(EMPTY, written(1, 0, 3), options);
    assert.deepEqual(namesIn(first), ['s1-0-', 's1-1-', 's1-2-']);
    const second = extend(first as MediaPlaylist, written(1, 1, 6), options);
    assert.deepEqual([second?.sequence, ...(namesIn(second) ?? [])], [2, 's1-2-', 's1-3-', 's1-4-', 's1-5-']);
    assert.deepEqual(
      extend(second as MediaPlaylist, written(1, 0, 5), options),
      second,
      'an old answer changes nothing',
    );
  });

  it('asks for more when segments are missing, and marks what stays missing', () => {
    const first = extend(EMPTY, written(1, 0, 2), options) as MediaPlaylist;
    assert.equal(extend(first, written(1, 7, 12), options), undefined);
    const whole = extend(first, written(1, 0, 12), { ...options, isWhole: true });
    assert.deepEqual([whole?.sequence, whole?.discontinuities, namesIn(whole)?.[0]], [8, 0, 's1-8-']);
    const lost = extend(first, written(1, 7, 9), { ...options, isWhole: true });
    assert.deepEqual(namesIn(lost), ['s1-0-', 's1-1-', 's1-7-', 's1-8-']);
    assert.equal(lost?.segments[2]?.isDiscontinuous, true);
  });

  it('continues with another encoder, and counts discontinuities that leave it', () => {
    const first = extend(EMPTY, written(1, 0, 3), options) as MediaPlaylist;
    const joined = extend(first, written(2, 0, 2), { ...options, prefix: 's2' }) as MediaPlaylist;
    assert.deepEqual(namesIn(joined), ['s1-1-', 's1-2-', 's2-0-', 's2-1-']);
    assert.match(mediaPlaylist(joined, 2), /s1_00002\.ts\n#EXT-X-DISCONTINUITY\n.*\n.*\ns2_00000\.ts/);
    const later = extend(joined, written(2, 0, 5), { ...options, prefix: 's2' }) as MediaPlaylist;
    assert.deepEqual([later.sequence, later.discontinuities, namesIn(later)?.[0]], [4, 1, 's2-1-']);
    const eleventh = extend(EMPTY, written(11, 0, 2), { ...options, prefix: 's11' }) as MediaPlaylist;
    assert.equal(
      namesIn(extend(eleventh, written(1, 0, 1), { ...options, prefix: 's1' }))?.length,
      3,
      'not the same name',
    );
  });
});

describe('old segments', () => {
  const plan = { listSize: 5, segmentSeconds: 2 };

  it('are removed once no player can want them: a list and 30 seconds later', () => {
    assert.deepEqual(outdated(written(1, 10, 15), { prefix: 's1', removedTo: 0 }, plan).names, []);
    const { names, to } = outdated(written(1, 40, 45), { prefix: 's1', removedTo: 20 }, plan);
    assert.deepEqual([names, to], [['s1_00020.ts', 's1_00021.ts', 's1_00022.ts'], 23]);
  });

  it('of another encoder are left', () => {
    assert.deepEqual(outdated(written(2, 40, 45), { prefix: 's1', removedTo: 20 }, plan), { names: [], to: 20 });
  });
});

describe('the master playlist', () => {
  it('names the qualities that can be played, with the level that their size needs', () => {
    const rungs = [rungOf(1080), rungOf(720), rungOf(720, 900)];
    const text = masterPlaylist({ rungs, framerate: 30 }, new Set([0, 2]));
    assert.deepEqual(
      text.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
      ['1080p/live.m3u8', '720p-3/live.m3u8'],
    );
    assert.match(text, /RESOLUTION=1920x1080,CODECS="avc1\.4d4028,mp4a\.40\.2"/);
    assert.match(text, /RESOLUTION=1280x720,CODECS="avc1\.4d401f,mp4a\.40\.2"/);
  });
});

it('leaves out segments whose length can’t be', () => {
  const text = ['1', '9'.repeat(400), '-1', '4000'].map((length, n) => `#EXTINF:${length},\ns1_0000${n}.ts`).join('\n');
  assert.deepEqual(
    readMediaPlaylist(`#EXTM3U\n${text}\n`)?.segments.map(({ seconds }) => seconds),
    [1],
  );
});
