import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from './errors.ts';
import { parseInstant, readPeriod } from './instants.ts';

const iso = (text: string, dayEnd = false): string => new Date(parseInstant(text, 'query.since', dayEnd)).toISOString();

describe('an instant of a query', () => {
  it('reads dates as their first or last millisecond', () => {
    assert.equal(iso('2026-11-23'), '2026-11-23T00:00:00.000Z');
    assert.equal(iso('2026-11-23', true), '2026-11-23T23:59:59.999Z');
  });

  for (const [text, expected] of [
    ['2026-11-23T10:20:30Z', '2026-11-23T10:20:30.000Z'],
    ['2026-11-23T10:20:30.5Z', '2026-11-23T10:20:30.500Z'],
    ['2026-11-23T10:20:30.123456Z', '2026-11-23T10:20:30.123Z'],
    ['2026-11-23T10:20Z', '2026-11-23T10:20:00.000Z'],
    ['2026-11-23T10:20:30', '2026-11-23T10:20:30.000Z'],
    ['2026-11-23T10:20:30+02:00', '2026-11-23T08:20:30.000Z'],
    ['2026-11-23T10:20:30 02:00', '2026-11-23T08:20:30.000Z'],
    ['2026-11-23T10:20:30-0530', '2026-11-23T15:50:30.000Z'],
    ['2026-11-23 10:20:30', '2026-11-23T10:20:30.000Z'],
    ['2026-11-23T24:00:00Z', '2026-11-24T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-11-23T10:20:30.123456789012Z', '2026-11-23T10:20:30.123Z'],
    ['2026-11-23T10:20:30+02', '2026-11-23T08:20:30.000Z'],
    ['2026-11-23t10:20:30z', '2026-11-23T10:20:30.000Z'],
    ['0099-03-01', '0099-03-01T00:00:00.000Z'],
  ] as const) {
    it(`reads ${text}`, () => assert.equal(iso(text), expected));
  }

  it('keeps a given time of day for an upper bound', () =>
    assert.equal(iso('2026-11-23T00:00:00Z', true), '2026-11-23T00:00:00.000Z'));

  for (const text of [
    'yesterday',
    '',
    '2026',
    '2026-11',
    '2026-13-01',
    '2026-02-30',
    '2026-11-23T25:00:00Z',
    '2026-11-23T10:60:00Z',
    '2026-11-23T10:00:00+99:00',
    '1763892000000',
    '2026-11-23T10:20:30Zjunk',
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => parseInstant(text, 'query.until', true),
        (error: ApiError) =>
          error instanceof ApiError && error.status === 400 && error.details?.[0]?.path === 'query.until',
      ));
  }

  it('leaves an absent or empty end open', () => {
    assert.deepEqual(readPeriod({}), {});
    assert.deepEqual(readPeriod({ since: '', until: '1970-01-01' }), { until: 86_399_999 });
  });
});
