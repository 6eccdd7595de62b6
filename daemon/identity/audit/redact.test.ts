import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarize } from './redact.ts';

test('what a key calls secret is starred, at any depth; flags and counts are not', () => {
  assert.deepEqual(
    summarize({
      password: 'a',
      newPassword: 'b',
      callbackSecret: 'c',
      token: 'd',
      key: 'AKIA',
      apiKey: 'e',
      code: '123456',
      nested: { list: [{ secret: 's', name: 'n' }] },
      hasKey: true,
      tokens: 3,
      secret: null,
      name: 'kept',
    }),
    {
      password: '***',
      newPassword: '***',
      callbackSecret: '***',
      token: '***',
      key: '***',
      apiKey: '***',
      code: '***',
      nested: { list: [{ secret: '***', name: 'n' }] },
      hasKey: true,
      tokens: 3,
      secret: null,
      name: 'kept',
    },
  );
});

test('long texts are told by their length, addresses without credentials and query', () => {
  assert.deepEqual(
    summarize({
      note: 'x'.repeat(201),
      yaml: 'name: live\n',
      url: 'https://u:p@h.example/a?sig=1#f',
      plain: 'https://h/a',
    }),
    { note: '(201 characters)', yaml: '***', url: 'https://***@h.example/a?***', plain: 'https://h/a' },
  );
});

test('a large or deep value stays small', () => {
  const deep: Record<string, unknown> = {};
  let at = deep;
  for (let n = 0; n < 50; n += 1) at = at['in'] = {} as Record<string, unknown>;
  assert.ok(JSON.stringify(summarize({ deep })).length < 100);
  const wide = Object.fromEntries(
    Array.from({ length: 500 }, (_, n) => [`k${n}`, { list: Array(100).fill('v'.repeat(100)) }]),
  );
  assert.ok(JSON.stringify(summarize(wide)).length <= 4096);
  assert.deepEqual(summarize({ list: Array.from({ length: 25 }, (_, n) => n) })?.['list'], [
    ...Array(20).keys(),
    '… 5 more',
  ]);
});

test('nothing is nothing', () => {
  for (const value of [null, undefined, {}, 'text', 5]) assert.equal(summarize(value), null);
});
