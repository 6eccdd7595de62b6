import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rungOf } from '#shared/delivery/ladder.ts';
import { type LadderRun, ladderArgs, namedRungs, webmArgs } from './ffmpeg-args.ts';
import { bitRates, codecsOf, masterPlaylist, mediaPlaylist, readSegments } from './playlists.ts';
import { readProbe, type SourceFacts } from './source.ts';

const source: SourceFacts = { size: { width: 1280, height: 720 }, framerate: '30/1', hasAudio: true, seconds: 60 };
const run = (more: Partial<LadderRun> = {}): LadderRun => ({
  demuxer: 'mov',
  input: '/work/source.mp4',
  source,
  rungs: namedRungs([rungOf(720), rungOf(360)]),
  segmentSeconds: 4,
  encoder: 'none',
  threads: 0,
  from: 0,
  folder: '/work/out/hls',
  playlistOf: (name) => `/work/${name}.m3u8`,
  ...more,
});
/** The value after each occurrence of a flag. */
const valuesOf = (args: readonly string[], flag: string): string[] =>
  args.flatMap((one, index) => (one === flag ? [args[index + 1] as string] : []));

describe('the arguments of ffmpeg', () => {
  test('one decoder feeds every rung, with key frames at the segments’ boundaries', () => {
    const args = ladderArgs(run());
    assert.deepEqual(valuesOf(args, '-i'), ['/work/source.mp4']);
    assert.deepEqual(valuesOf(args, '-f'), ['mov', 'hls', 'hls']);
    assert.deepEqual(valuesOf(args, '-filter_complex'), [
      '[0:v:0]fps=30/1,split=2[s0][s1];[s0]scale=1280:720,setsar=1,format=yuv420p[v0];[s1]scale=640:360,setsar=1,format=yuv420p[v1]',
    ]);
    assert.deepEqual(valuesOf(args, '-b:v'), ['2800k', '800k']);
    assert.deepEqual(valuesOf(args, '-b:a'), ['128k', '96k']);
    assert.deepEqual(valuesOf(args, '-g'), ['120', '120']);
    assert.deepEqual(new Set(valuesOf(args, '-force_key_frames')), new Set(['expr:gte(t,n_forced*4)']));
    assert.deepEqual(valuesOf(args, '-hls_segment_filename'), [
      '/work/out/hls/720p/seg_%05d.ts',
      '/work/out/hls/360p/seg_%05d.ts',
    ]);
    assert.deepEqual([valuesOf(args, '-ss'), valuesOf(args, '-threads')], [[], []]);
    assert.deepEqual(valuesOf(args, '-protocol_whitelist'), ['file'], 'nothing but files is opened');
  });

  test('a run that continues begins at its first segment', () => {
    const args = ladderArgs(run({ from: 5 }));
    assert.deepEqual(valuesOf(args, '-ss'), ['20']);
    assert.ok(args.indexOf('-ss') < args.indexOf('-i'));
    assert.deepEqual(valuesOf(args, '-output_ts_offset'), ['20', '20']);
    assert.deepEqual(valuesOf(args, '-start_number'), ['5', '5']);
  });

  test('encoders, threads and sound follow the plan and the source', () => {
    assert.deepEqual(valuesOf(ladderArgs(run()), '-c:v'), ['libx264', 'libx264']);
    assert.deepEqual(valuesOf(ladderArgs(run({ encoder: 'nvidia' })), '-c:v'), ['h264_nvenc', 'h264_nvenc']);
    const vaapi = ladderArgs(run({ encoder: 'vaapi' }));
    assert.deepEqual(valuesOf(vaapi, '-c:v'), ['h264_vaapi', 'h264_vaapi']);
    assert.match(valuesOf(vaapi, '-filter_complex')[0] ?? '', /format=nv12,hwupload\[v1\]$/);
    assert.deepEqual(valuesOf(vaapi, '-filter_hw_device'), ['gpu']);
    const bounded = ladderArgs(run({ threads: 6 }));
    assert.deepEqual([valuesOf(bounded, '-threads'), valuesOf(bounded, '-threads:v')], [['6'], ['3', '3']]);
    const silent = ladderArgs(run({ source: { ...source, hasAudio: false } }));
    assert.deepEqual([valuesOf(silent, '-c:a'), silent.filter((one) => one === '-an').length], [[], 2]);
    const sound = ladderArgs(run({ source: { ...source, size: null }, rungs: [] }));
    assert.deepEqual([valuesOf(sound, '-c:v'), valuesOf(sound, '-c:a')], [[], ['aac']]);
    assert.deepEqual(valuesOf(sound, '-hls_segment_filename'), ['/work/out/hls/audio/seg_%05d.ts']);
    const webm = webmArgs({
      demuxer: 'mov',
      input: '/x.mp4',
      source,
      threads: 0,
      rung: rungOf(720),
      output: '/o.webm',
    });
    assert.deepEqual(
      [valuesOf(webm, '-c:v'), valuesOf(webm, '-c:a'), webm.at(-1)],
      [['libvpx'], ['libopus'], '/o.webm'],
    );
  });

  test('rungs of the same height have different names', () => {
    const names = namedRungs([rungOf(720, 4000), rungOf(720, 2000), rungOf(360)]).map(({ name }) => name);
    assert.deepEqual(names, ['720p', '720p-2', '360p']);
  });
});

describe('what ffprobe says', () => {
  const probed = (stream: object, more: object[] = []) =>
    readProbe(JSON.stringify({ streams: [{ codec_type: 'video', ...stream }, ...more], format: { duration: '2.5' } }));

  test('a picture is as it is shown', () => {
    const size = { width: 640, height: 480 };
    assert.deepEqual(probed({ ...size, r_frame_rate: '30/1', avg_frame_rate: '30/1' }), {
      size,
      framerate: '30/1',
      hasAudio: false,
      seconds: 2.5,
    });
    const turned = { width: 480, height: 640 };
    assert.deepEqual(probed({ ...size, side_data_list: [{}, { rotation: -90 }] })?.size, turned);
    assert.deepEqual(probed({ ...size, tags: { rotate: '270' } })?.size, turned);
    assert.deepEqual(probed({ ...size, tags: { rotate: '180' } })?.size, size);
    assert.deepEqual(probed({ width: 720, height: 576, sample_aspect_ratio: '16:11' })?.size, {
      width: 1047,
      height: 576,
    });
  });

  test('a frame rate that changes gets a whole number, 60 at most', () => {
    const rate = (r_frame_rate: string, avg_frame_rate: string) =>
      probed({ width: 4, height: 4, r_frame_rate, avg_frame_rate })?.framerate;
    assert.equal(rate('30000/1001', '30000/1001'), '30000/1001');
    assert.equal(rate('90000/1', '2397/100'), '24');
    assert.equal(rate('120/1', '120/1'), '60');
    assert.equal(rate('0/0', '0/0'), '30');
  });

  test('a cover picture is no video, and nothing at all is nothing', () => {
    const cover = { width: 300, height: 300, disposition: { attached_pic: 1 } };
    assert.deepEqual(probed(cover, [{ codec_type: 'audio' }])?.size, null);
    assert.equal(probed(cover), null);
    assert.equal(readProbe('{}'), null);
  });
});

describe('playlists', () => {
  test('segments are read and written', () => {
    const text = '#EXTM3U\n#EXTINF:4.000000,\n/a/seg_00000.ts\r\n#EXTINF:1.5,title\nseg_00001.ts\n#EXT-X-ENDLIST\n';
    const segments = readSegments(text);
    assert.deepEqual(segments, [
      { name: 'seg_00000.ts', seconds: 4 },
      { name: 'seg_00001.ts', seconds: 1.5 },
    ]);
    const written = mediaPlaylist(segments.map((one, index) => ({ ...one, isDiscontinuous: index === 1 })));
    assert.match(written, /#EXT-X-TARGETDURATION:4\n/);
    assert.match(written, /seg_00000\.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:1\.500000,\nseg_00001\.ts\n#EXT-X-ENDLIST\n$/);
    assert.deepEqual(readSegments(written), segments);
  });

  test('the master names what players choose by', () => {
    const [rung] = namedRungs([rungOf(720)]);
    const common = { peak: 3_000_000, average: 2_800_000, framerate: 29.97 };
    const text = masterPlaylist([
      { name: '720p', rung: rung ?? null, codecs: 'avc1.64001f,mp4a.40.2', ...common },
      { name: 'audio', rung: null, codecs: 'mp4a.40.2', ...common },
    ]);
    assert.match(
      text,
      /INF:BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2800000,RESOLUTION=1280x720,CODECS="avc1\.64001f,mp4a\.40\.2",FRAME-RATE=29\.970\n720p\/index\.m3u8\n/,
    );
    assert.match(text, /CODECS="mp4a\.40\.2"\naudio\/index\.m3u8\n$/);
  });

  test('a short last segment does not count as the peak', () => {
    const segments = [
      { seconds: 4, bytes: 4000 },
      { seconds: 4, bytes: 6000 },
      { seconds: 0.1, bytes: 1000 },
    ];
    assert.deepEqual(bitRates(segments), { peak: 12_000, average: Math.ceil(88_000 / 8.1) });
  });

  test('codecs have the profile and level of the segment', () => {
    const codecs = (profile: string, level: number) =>
      codecsOf(JSON.stringify({ streams: [{ codec_name: 'h264', profile, level }, { codec_name: 'aac' }] }));
    assert.equal(codecs('High', 31), 'avc1.64001f,mp4a.40.2');
    assert.equal(codecs('Constrained Baseline', 30), 'avc1.42e01e,mp4a.40.2');
    assert.equal(codecsOf('{"streams":[{"codec_name":"aac"}]}'), 'mp4a.40.2');
  });
});

test('a playlist with lengths that can’t be gives no figures that can’t be', () => {
  const list = (...lengths: string[]) => lengths.map((text, n) => `#EXTINF:${text},\nseg-${n}.ts`).join('\n');
  const kept = readSegments(`#EXTM3U\n${list('2', '1.2.3', '9'.repeat(400), '0', '3601', '1.5')}`);
  assert.deepEqual(
    kept.map(({ name, seconds }) => [name, seconds]),
    [
      ['seg-0.ts', 2],
      ['seg-3.ts', 0],
      ['seg-5.ts', 1.5],
    ],
  );
  assert.deepEqual(bitRates([{ seconds: 0, bytes: 5 }]), { average: 0, peak: 0 });
  const many = Array.from({ length: 200_000 }, () => ({ name: 'a.ts', seconds: 1, bytes: 1, isDiscontinuous: false }));
  assert.deepEqual(bitRates(many), { average: 8, peak: 8 });
  assert.ok(mediaPlaylist(many).includes('#EXT-X-TARGETDURATION:1\n'));
  assert.deepEqual(readSegments('#EXTINF:1,\na.ts\n'.repeat(100_001)), [], 'too long a list is none');
  for (const duration of ['1e999', '-5', 'x', '1e300'])
    assert.equal(readProbe(JSON.stringify({ streams: [{ codec_type: 'audio' }], format: { duration } })), null);
});
