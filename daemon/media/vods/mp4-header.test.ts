import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { programHere } from '#test/helpers/server-scripts.ts';
import { boundedFacts } from './file-facts.ts';
import { readMp4 } from './mp4-header.ts';

const run = promisify(execFile);
const hasFfmpeg = programHere('ffmpeg') !== undefined && programHere('ffprobe') !== undefined;

const partsOf = (file: Buffer) => {
  const asked: [offset: number, length: number][] = [];
  const read = async (offset: number, length: number) => {
    asked.push([offset, length]);
    return file.subarray(offset, offset + length);
  };
  return { asked, read };
};

describe('the header of an MP4 file', { skip: hasFfmpeg ? false : 'there is no ffmpeg here' }, () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'streamhub-mp4-'));
  });
  after(() => rm(dir, { recursive: true, force: true }));
  const film = async (name: string, ...more: string[]) => {
    const file = path.join(dir, name);
    const inputs = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=15', '-f', 'lavfi', '-i', 'sine'];
    await run('ffmpeg', ['-v', 'error', ...inputs, '-t', '3.4', '-pix_fmt', 'yuv420p', ...more, file]);
    const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'json', file]);
    return { bytes: await readFile(file), seconds: Number(JSON.parse(stdout).format.duration) };
  };

  test('is found at the end and at the beginning, and says what ffprobe says', async () => {
    for (const flags of [[], ['-movflags', '+faststart']]) {
      const { bytes, seconds } = await film(`film-${flags.length}.mp4`, ...flags);
      const { asked, read } = partsOf(bytes);
      const facts = await readMp4(read, bytes.length);
      assert.ok(Math.abs((facts?.seconds as number) - seconds) < 0.01, `${facts?.seconds} ${seconds}`);
      assert.deepEqual(
        [facts?.width, facts?.height, facts?.videoCodec, facts?.audioCodec, Math.round(facts?.frameRate as number)],
        [320, 180, 'h264', 'aac', 15],
      );
      // the media itself is not read
      assert.ok(asked.reduce((sum, [, length]) => sum + length, 0) < bytes.length / 2);
    }
  });

  test('of sound alone', async () => {
    const { bytes } = await film('sound.mp4', '-vn');
    const facts = await readMp4(partsOf(bytes).read, bytes.length);
    assert.deepEqual([facts?.width, facts?.videoCodec, facts?.audioCodec], [null, null, 'aac']);
  });

  test('of a file that is cut off or damaged: nothing, and no failure', async () => {
    const { bytes } = await film('cut.mp4', '-movflags', '+faststart');
    for (let end = 0; end < 3000; end += 37) {
      const cut = bytes.subarray(0, end);
      await readMp4(partsOf(cut).read, cut.length);
      const damaged = Buffer.from(bytes.subarray(0, 6000));
      damaged.fill(255, end, end + 16);
      await readMp4(partsOf(damaged).read, damaged.length);
    }
    assert.equal(await readMp4(partsOf(Buffer.from('moovie')).read, 6), undefined);
  });
});

test('numbers of a file that can’t be are none: anyone can write them into its header or playlist', () => {
  const span = { startedAt: 0, endedAt: 60_000 };
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, -1, 1.8e19];
  for (const value of odd) {
    const facts = { seconds: value, width: value, height: value, frameRate: value };
    const found = boundedFacts({ ...facts, videoCodec: 'a\0b', audioCodec: 'x'.repeat(33) }, span, value);
    const none = { width: null, height: null, frameRate: null, videoCodec: null, audioCodec: null, bytes: null };
    assert.deepEqual(found, { ...none, seconds: 60 });
  }
  const real = { seconds: 59, width: 1280, height: 720, videoCodec: 'h264', audioCodec: 'aac', frameRate: 30 };
  assert.deepEqual(boundedFacts(real, span, 7), { ...real, bytes: 7 });
});
