import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ACTIVE, changedKeys, READ_ELSEWHERE } from '#test/helpers/config-keys.ts';
import { type AppConfig, completeConfig, schemaAt } from '../config/defaults.ts';
import { rungsWithin } from './ladder.ts';
import { type DeliveryFacts, deliveryPlan } from './plan.ts';
import { deliveryWords } from './words.ts';

const FACTS: DeliveryFacts = {
  storage: 'bucket',
  hasFfmpeg: true,
  hwaccel: { requested: 'auto', effective: 'cpu', type: 'none', reason: '' },
  daemonUrl: 'https://hub.example.com',
  refusesPages: false,
};

const config = (value: Record<string, unknown>): AppConfig =>
  completeConfig({ name: 'live', room_prefix: 'live', ...value }, 'live');
const plan = (value: Record<string, unknown>, facts: Partial<DeliveryFacts> = {}) =>
  deliveryPlan(config(value), { ...FACTS, ...facts });

describe('the delivery plan', () => {
  it('has a reader for every key of config.yaml', () => {
    const unread = changedKeys()
      .filter(
        ({ changed }) =>
          !(['bucket', 'moved'] as const).some(
            (storage) => JSON.stringify(plan(ACTIVE, { storage })) !== JSON.stringify(plan(changed, { storage })),
          ),
      )
      .map(({ key }) => key);
    assert.deepEqual(unread, []);
  });

  it('names no key that the schema lacks', () => {
    for (const key of Object.keys(READ_ELSEWHERE)) assert.ok(schemaAt(key.split('.')), key);
    for (const { key } of plan({ distribution: { mode: 'cdn' }, transcoding: { vod_adaptive: true } }).notices)
      assert.ok(schemaAt(key.split('.')), key);
  });

  it('says what happens, in words', () => {
    assert.deepEqual(
      deliveryWords(
        plan({
          recording: { auto: true },
          transcoding: {
            enabled: true,
            vod_adaptive: true,
            vod_renditions: [
              { height: 1080, bitrate_kbps: 4500 },
              { height: 720, bitrate_kbps: 2800 },
              { height: 480, bitrate_kbps: 1400 },
            ],
          },
          distribution: { mode: 'cdn', cdn: { base_url: 'https://cdn.example.com' } },
          hls: { segment_seconds: 3, list_size: 8 },
        }),
      ),
      [
        'Browsers publish 3 qualities (720p, 480p, 240p).',
        'RTMP is encoded again in 3 qualities (720p, 480p, 240p).',
        'WHIP is encoded again in 3 qualities (720p, 480p, 240p).',
        'Each stream is recorded by itself: the room as one picture (grid), 1080p H.264 at 4.5 Mbit/s, 30 frames a second, to the bucket. Each needs 4 CPUs of egress.',
        'After a recording ffmpeg makes an HLS ladder in 3 qualities (1080p, 720p, 480p, segments of 3 s) on the CPU.',
        'Viewers watch live HLS, anyone with the link, with viewer count, adaptive quality.',
        'Live HLS in 3 qualities (1080p, 720p, 480p) through cdn.example.com: segments of 3 s, 8 in the list, about 9 s behind. Each stream needs 3 × 2 CPUs of egress.',
      ],
    );
  });

  it('leaves ladders to egress workers, and says what they need', () => {
    const value = {
      transcoding: { enabled: true, vod_adaptive: true, ladder_on: 'egress', encoding: 'h264+vp8' },
    };
    const { vod } = plan(value);
    assert.deepEqual([vod?.by, vod?.hasLadder, vod?.hasVp8, vod?.egressCpus], ['egress', true, true, 12]);
    const about = (facts: Partial<DeliveryFacts>) =>
      deliveryWords(plan(value, facts)).filter((line) => /ladder|WebM/.test(line));
    const byEgress =
      'While a recording runs, egress workers make an HLS ladder in 3 qualities (720p, 480p, 240p, segments of 4 s). That needs 3 × 4 CPUs of egress more for each recording.';
    assert.deepEqual(about({}), [byEgress, 'After a recording ffmpeg makes a WebM file in VP8 on the CPU.']);
    assert.deepEqual(about({ hasFfmpeg: false }), [byEgress], 'which needs no ffmpeg here');
    const moved = plan(value, { storage: 'moved' });
    assert.equal(moved.vod?.by, 'daemon');
    assert.deepEqual(
      moved.notices.map(({ code }) => code),
      ['LADDER_NOT_ON_EGRESS'],
    );
  });

  it('says what cannot be done', () => {
    const codes = (value: Record<string, unknown>, facts: Partial<DeliveryFacts> = {}) =>
      plan(value, facts).notices.map(({ code }) => code);
    const on = { enabled: true, vod_adaptive: true };
    assert.deepEqual(codes({ transcoding: on }), []);
    assert.deepEqual(codes({ transcoding: on }, { hasFfmpeg: false }), ['NO_FFMPEG']);
    assert.equal(plan({ transcoding: on }, { hasFfmpeg: false }).vod, null);
    assert.deepEqual(codes({ transcoding: { enabled: false, vod_adaptive: true } }), [
      'ALWAYS_ENCODED',
      'NO_LADDER_WITHOUT_TRANSCODING',
    ]);
    assert.deepEqual(codes({ transcoding: on, distribution: { mode: 'cdn' } }), ['NO_CDN_ADDRESS']);
    assert.deepEqual(codes({ transcoding: on, distribution: { mode: 'cdn' } }, { storage: 'folder' }), [
      'LIVE_NEEDS_BUCKET',
    ]);
    const refusesPages = { refusesPages: true };
    assert.deepEqual(codes({ transcoding: on }, refusesPages), ['BUCKET_REFUSES_PAGES']);
    assert.deepEqual(codes({ transcoding: on, s3: { public_url: 'https://media.example.com' } }, refusesPages), []);
    assert.deepEqual(codes({}, refusesPages), [], 'an MP4 needs no such rule');
    const alert = (latency_alert: object, mode = 'cdn') => plan({ latency_alert, distribution: { mode } });
    assert.equal(alert({ enabled: true }).latencyAlert?.thresholdMs, 29_000);
    assert.equal(alert({ enabled: true }, 'edge').latencyAlert?.thresholdMs, null);
    const always = alert({ enabled: true, threshold_ms: 12_000 });
    assert.ok(always.notices.some(({ code }) => code === 'LATENCY_ALWAYS_HIGH'));
    assert.ok(!alert({ enabled: true }).notices.some(({ code }) => code === 'LATENCY_ALWAYS_HIGH'));
    assert.match(
      deliveryWords(always).at(-1) ?? '',
      /^An event reports live HLS more than 12 s behind, or a LiveKit node .* more than 100 ms/,
    );
  });
});

describe('a ladder', () => {
  const rungs = plan({ transcoding: { enabled: true, vod_adaptive: true } }).vod?.rungs ?? [];
  it('never rises above its source and keeps its shape', () => {
    assert.deepEqual(
      rungs.map(({ width, height }) => [width, height]),
      [
        [1280, 720],
        [854, 480],
        [426, 240],
      ],
    );
    const sizes = (width: number, height: number) =>
      rungsWithin(rungs, { width, height }).map((rung) => [rung.width, rung.height]);
    assert.deepEqual(sizes(640, 480), [
      [640, 480],
      [320, 240],
    ]);
    assert.deepEqual(sizes(720, 1280), [
      [720, 1280],
      [480, 854],
      [240, 426],
    ]);
    assert.deepEqual(sizes(160, 90), [[160, 90]]);
  });
});
