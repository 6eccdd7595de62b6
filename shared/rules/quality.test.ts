import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QualitySample } from '../schema/telemetry.ts';
import { qualityFindings } from './quality.ts';

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
