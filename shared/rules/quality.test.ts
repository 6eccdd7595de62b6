import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QualitySample } from '../schema/telemetry.ts';
import { nodeFindings, nodeQualityWords, qualityFindings } from './quality.ts';

const at = (second: number): string => new Date(1_800_000_000_000 + second * 1000).toISOString();
const sample = (second: number, more: Partial<QualitySample>): QualitySample => ({ at: at(second), ...more });

test('a stretch of loss is told with its times, its worst value and the way it took', () => {
  const samples = [0, 10, 20, 30, 40].map((second) =>
    sample(second, { ice: 'turn-tcp', up: { bps: 1e6, lossPercent: second === 20 ? 3.24 : second === 40 ? 0 : 2.5 } }),
  );
  assert.deepEqual(qualityFindings(samples), [
    {
      measure: 'loss',
      direction: 'up',
      from: at(0),
      to: at(30),
      worst: 3.24,
      text: '3.2 % loss upstream, on TCP through TURN',
    },
  ]);
});

test('one bad sample is no finding, and neither are two with a silence between them', () => {
  const bad = { rttMs: 900 };
  assert.deepEqual(qualityFindings([sample(0, {}), sample(10, bad), sample(20, {})]), []);
  assert.deepEqual(qualityFindings([sample(0, bad), sample(60, bad)]), []);
  assert.equal(qualityFindings([sample(0, bad), sample(10, bad)])[0]?.text, '900 ms round trip');
});

test('each measure has its words; what is missing is not bad', () => {
  const bad: Partial<QualitySample> = {
    up: { bps: 1, jitterMs: 80 },
    down: { bps: 1, lossPercent: 12.4, fps: 4, width: 640, freezeSeconds: 2 },
  };
  assert.deepEqual(
    qualityFindings([sample(0, bad), sample(10, bad)])
      .map(({ text }) => text)
      .sort(),
    [
      '12 % loss downstream',
      '80 ms jitter upstream',
      'Only 4 pictures a second downstream',
      'The picture was frozen for 20 % of the time',
    ],
  );
  const silent = { down: { bps: 0, fps: 0 }, ice: 'tcp' } as const;
  assert.deepEqual(qualityFindings([sample(0, silent), sample(10, silent)]), []);
});

test('a node’s minutes beyond a limit are told; a silence and a single minute are not', () => {
  const minute = (index: number, more: object) => ({ at: at(index * 60), ...more });
  const samples = [
    minute(0, { rtt: 320, lossOut: 2, score: 3.5 }),
    minute(1, { rtt: 410.4, lossOut: 2.6, score: 2.94 }),
    minute(2, { rtt: null, lossOut: 2, score: null }),
    minute(3, { rtt: 500, nack: 900 }),
  ];
  assert.deepEqual(nodeFindings(samples, 60), [
    { measure: 'score', from: at(0), to: at(60), worst: 2.94, text: 'A quality score of 2.9' },
    { measure: 'rtt', from: at(0), to: at(60), worst: 410.4, text: '410 ms round trip' },
  ]);
  assert.deepEqual(nodeQualityWords({ score: 4.4, lossIn: 12.2, jitter: 50, forward: 130 }), [
    '12 % loss on the way to the node',
    '130 ms to pass on a packet',
  ]);
});
