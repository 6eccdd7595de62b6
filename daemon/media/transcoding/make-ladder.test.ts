import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { rungOf } from '#shared/delivery/ladder.ts';
import type { VodPlan } from '#shared/delivery/plan.ts';
import type { JobProgress } from '#shared/schema/jobs.ts';
import { makeFilm, probe } from '#test/helpers/films.ts';
import { programHere } from '#test/helpers/server-scripts.ts';
import { NoSpace } from './failures.ts';
import { LadderMaker } from './make-ladder.ts';
import { readSegments } from './playlists.ts';

const [ffmpeg, ffprobe] = [programHere('ffmpeg'), programHere('ffprobe')];

describe('a ladder', { skip: ffmpeg && ffprobe ? false : 'there is no ffmpeg here' }, () => {
  let dir: string;
  let film: string;
  before(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-ladder-'));
    film = await makeFilm(dir, 'film.mp4', { width: 320, height: 180, seconds: 3 });
  });
  after(() => rm(dir, { recursive: true, force: true }));

  const maker = (name: string, plan: Partial<VodPlan>) => {
    const folder = path.join(dir, name);
    const phases: JobProgress['phase'][] = [];
    const input = {
      ...{ programs: { ffmpeg: ffmpeg as string, ffprobe: ffprobe as string }, lowered: [], threads: 1, folder },
      source: { kind: 'file' as const, path: film, name: 'film.mp4' },
      plan: {
        ...{ rungs: [rungOf(180), rungOf(144)], hasLadder: true, hasVp8: false, segmentSeconds: 1 },
        ...{ encoder: 'none' as const, ...plan },
      } as VodPlan,
    };
    const deps = {
      open: () => assert.fail('a file needs no storage'),
      report: ({ phase }: JobProgress) => phases.push(phase),
      signal: new AbortController().signal,
    };
    return { folder, phases, make: () => new LadderMaker(input, deps).make() };
  };

  // without such a GPU both fail in the real ffmpeg; with one there is nothing to warn of
  for (const encoder of ['nvidia', 'vaapi'] as const) {
    test(`is made by the CPU when ${encoder} does not encode, with one warning`, async (t) => {
      const { folder, make } = maker(encoder, { encoder });
      const made = await make();
      const [note, ...more] = made.notes;
      if (note === undefined) return t.skip('this machine has such a GPU');
      assert.match(note, /^The GPU did not encode it \(.+\), so the CPU did\.$/);
      assert.ok(!note.includes(dir), note);
      assert.deepEqual(more, []);
      assert.deepEqual(
        made.variants.map(({ kind, height }) => [kind, height]),
        [
          ['master', null],
          ['rendition', 180],
          ['rendition', 144],
        ],
      );
      const rung = path.join(folder, 'out/hls/180p');
      const segments = readSegments(await readFile(path.join(rung, 'index.m3u8'), 'utf8'));
      assert.equal(segments.length, 3);
      const { codecs, height } = await probe(path.join(rung, 'seg_00000.ts'));
      assert.deepEqual([codecs, height], ['h264 aac', 180]);
      assert.deepEqual(await make(), made, 'a later call finds all of it');
    });
  }

  test('is not begun on a disk without room for it', async () => {
    const huge = { ...rungOf(180), bitrateKbps: 1e12 };
    for (const plan of [{ rungs: [huge] }, { rungs: [huge], hasVp8: true }]) {
      const { folder, phases, make } = maker('full', plan);
      await assert.rejects(make(), (error: NoSpace) => error instanceof NoSpace && error.neededBytes > 1e14);
      assert.deepEqual(phases, [], 'ffmpeg was not started');
      assert.deepEqual(
        (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts')),
        [],
      );
    }
  });
});
