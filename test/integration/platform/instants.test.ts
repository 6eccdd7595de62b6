import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '#shared/contract/index.ts';
import { testDaemon } from '#test/helpers/daemon.ts';

const ACCEPTED = [
  '',
  '2026-11-23',
  '2026-11-23T10:20',
  '2026-11-23 10:20:30',
  '2026-11-23T10:20:30.123456789Z',
  '2026-11-23T10:20:30+02:00',
  '2026-11-23T10:20:30-0530',
];
const REFUSED = ['yesterday', '2026', '2026-02-30', '2026-11-23T25:00:00Z', '1763892000000', '2026-11-23T10:20:30Zx'];

test('every list with `since` and `until` reads the same instants and refuses the same texts', async (t) => {
  const { api } = await testDaemon(t);
  await api.post('/apps', { name: 'first' });
  const lists = operations.filter((op) => op.query !== undefined && 'since' in op.query.properties);
  assert.ok(lists.length >= 5, 'logs, audit and their relatives');
  for (const { path } of lists) {
    const url = path.replace(/\{\w+\}/, 'first');
    for (const field of ['since', 'until']) {
      for (const text of ACCEPTED) {
        const { status } = await api.get(`${url}?${field}=${encodeURIComponent(text)}`);
        assert.equal(status, 200, `${url} ${field}=${text}`);
      }
      const messages = new Set<string>();
      for (const text of REFUSED) {
        const { status, body } = await api.get(`${url}?${field}=${encodeURIComponent(text)}`);
        assert.deepEqual([status, body.details?.[0]?.path], [400, `query.${field}`], `${url} ${field}=${text}`);
        messages.add(body.details[0].message);
      }
      assert.equal(messages.size, 1, `${url} has one message for ${field}`);
    }
  }
});
