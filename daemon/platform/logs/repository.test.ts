import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { hasWords } from '#shared/log-words.ts';
import { LOG_COUNT_MAX } from '#shared/schema/logs.ts';
import { logMigrations } from '../db/logs/index.ts';
import { migrate } from '../db/migrate.ts';
import { openDatabase } from '../db/open.ts';
import { LogRepository } from './repository.ts';
import type { LogFilter, StoredLog, StoredLogRow } from './rows.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-logs-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const fresh = (): LogRepository => LogRepository.open(path.join(root, `${files++}.db`));

const row = (fields: Partial<StoredLog> = {}): StoredLog => ({
  ts: 1000,
  level: 30,
  source: 'app',
  appId: null,
  message: 'hello',
  metaJson: null,
  ...fields,
});
const search = (repository: LogRepository, filter: Partial<LogFilter> = {}) =>
  repository.search({ order: 'desc', limit: 100, offset: 0, ...filter });

/** The same search, done the plain way. */
function plainly(rows: StoredLogRow[], filter: LogFilter): { ids: number[]; total: number } {
  const found = rows.filter(
    (r) =>
      (filter.level === undefined || r.level === filter.level) &&
      (filter.source === undefined || r.source === filter.source) &&
      (filter.apps === undefined || (r.appId !== null && filter.apps.includes(r.appId))) &&
      (filter.since === undefined || r.ts >= filter.since) &&
      (filter.until === undefined || r.ts <= filter.until) &&
      (filter.q === undefined || hasWords(r, filter.q)),
  );
  const down = filter.order === 'desc' ? 1 : -1;
  found.sort((a, b) => down * (b.ts - a.ts || b.id - a.id));
  return { ids: found.slice(filter.offset, filter.offset + filter.limit).map((r) => r.id), total: found.length };
}

describe('LogRepository', () => {
  it('finds nothing in an empty table', () => assert.deepEqual(search(fresh()), { rows: [], total: 0, more: false }));

  it('counts over time what a search finds, stretch by stretch', () => {
    const repository = fresh();
    assert.deepEqual(repository.histogram({ until: 99, buckets: 10 }).counts, []);
    const rows = Array.from({ length: 500 }, (_, n) =>
      row({
        ts: (n * 7919) % 1000,
        level: [30, 40, 50][n % 3] as number,
        appId: n % 4 || null,
        message: `line ${n % 5}`,
      }),
    );
    repository.insert(rows);
    for (const filter of [{}, { level: 40 }, { apps: [1, 3] }, { q: 'LINE 2' }, { since: 200 }, { source: 'none' }]) {
      const { since, bucketMs, counts } = repository.histogram({ until: 999, buckets: 10, ...filter });
      for (let bucket = 0; bucket < 10; bucket += 1) {
        const from = Math.ceil(since + bucket * bucketMs);
        const to = Math.ceil(since + (bucket + 1) * bucketMs) - 1;
        const found = counts.filter((one) => one.bucket === bucket).reduce((sum, one) => sum + one.rows, 0);
        assert.equal(
          found,
          search(repository, { ...filter, since: from, until: to }).total,
          JSON.stringify({ filter, bucket }),
        );
      }
    }
  });

  it('orders by time, then by writing, whatever the order of writing', () => {
    const repository = fresh();
    const ids = repository.insert([
      row({ ts: 5 }),
      row({ ts: 9 }),
      row({ ts: 5, level: 50 }),
      row({ ts: 1, appId: 3 }),
    ]) as [number, number, number, number];
    const found = (order: 'asc' | 'desc') => search(repository, { order }).rows.map(({ id, ts }) => [id, ts]);
    const oldestFirst = [
      [ids[3], 1],
      [ids[0], 5],
      [ids[2], 5],
      [ids[1], 9],
    ];
    assert.deepEqual(found('asc'), oldestFirst);
    assert.deepEqual(found('desc'), oldestFirst.toReversed());
  });

  it('gives every row an id of its own, however many share a millisecond', () => {
    const repository = fresh();
    const ids = [
      ...repository.insert(Array.from({ length: 1500 }, () => row({ ts: 7 }))),
      ...repository.insert([row({ ts: 8 }), row({ ts: 7 })]),
    ];
    assert.equal(new Set(ids).size, 1502);
    assert.equal(search(repository, { until: 9 }).total, 1502);
  });

  it('finds words in the message and in the fields, with their names', () => {
    const repository = fresh();
    const err = { message: 'fetch failed', stack: 'Error: fetch failed\n    at get', cause: { code: 'ECONNREFUSED' } };
    const fields = { requestId: '0d9b-77aa', ms: 12.5, tags: ['blue'], nothing: null, err };
    repository.insert([row({ message: 'request', metaJson: JSON.stringify(fields) }), row()]);
    for (const q of [
      '0d9b-77aa',
      '77a',
      'ECONNREFUSED',
      'cause code',
      'ms 12.5',
      'blue',
      'fetch failed at',
      'requestid',
    ])
      assert.equal(search(repository, { q }).total, 1, q);
    // neither across message and fields nor across two lines of the log; words in their order
    for (const q of ['request requestId', 'failed fetch', 'null', 'nfetch', 'hello request'])
      assert.equal(search(repository, { q }).total, 0, q);
  });

  it('ignores case, accents and punctuation; the last word may be incomplete from its second character on', () => {
    const repository = fresh();
    const messages = ['50% off', '500 off', 'a_b', 'c:\\dir\\x', 'Äpfel', 'say "hi"', '日本語 text'];
    repository.insert(messages.map((message) => row({ message })));
    const found = (q: string): string[] => search(repository, { q, order: 'asc' }).rows.map(({ message }) => message);
    assert.deepEqual(found('50'), ['50% off', '500 off']);
    assert.deepEqual(found('50%'), ['50% off']);
    assert.deepEqual(found('5'), []);
    assert.deepEqual(found('A_B'), ['a_b']);
    assert.deepEqual(found('dir/X'), ['c:\\dir\\x']);
    assert.deepEqual(found('APF'), ['Äpfel']);
    assert.deepEqual(found('日本'), ['日本語 text']);
    assert.deepEqual(found('"hi'), ['say "hi"']);
    for (const q of ['%', '"', '*', '', '\0', ') OR (', 'pfel']) assert.deepEqual(found(q), [], q);
  });

  it('agrees with a plain search for any filter, while rows come and go', () => {
    const repository = fresh();
    const rows: StoredLogRow[] = [];
    let seed = 42;
    const next = (n: number): number => {
      seed = (seed * 48271) % 2147483647;
      return seed % n;
    };
    const words = ['Room', 'room created', 'timeout', 'ti', 'failed 100%', 'x', 'ROOM_1'];
    const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
    const maybe = <T>(value: T): T | undefined => (next(2) === 0 ? undefined : value);
    for (let round = 0; round < 60; round += 1) {
      const batch = Array.from({ length: 1 + next(120) }, () =>
        row({
          ts: 1000 + round * 10 + next(40),
          level: pick([10, 30, 30, 30, 50]),
          source: pick(['http', 'apps-x']),
          appId: pick([null, 1, 1, 2, 3]),
          message: `${pick(words)} ${pick(words)} ${next(50)}`,
          metaJson: pick([null, `{"requestId":"${next(200)}-x"}`]),
        }),
      );
      const ids = repository.insert(batch);
      for (const [i, fields] of batch.entries()) rows.push({ ...fields, id: ids[i] as number });
      if (round % 20 === 19) {
        const cut = 1000 + round * 3;
        const removed = repository.removeUpTo(repository.newestToRemove(cut, 100_000) as number, 100_000);
        const kept = rows.filter((r) => r.ts >= cut);
        assert.equal(removed, rows.length - kept.length);
        rows.splice(0, rows.length, ...kept);
      }
      if (round === 30) {
        while (repository.forgetApp(2, 50) > 0);
        for (const r of rows) if (r.appId === 2) r.appId = null;
      }
      for (let k = 0; k < 25; k += 1) {
        const filter: LogFilter = {
          order: pick(['desc', 'asc']),
          limit: pick([1, 7, 100]),
          offset: pick([0, 0, 3, 50]),
          ...(maybe(1) && { level: pick([10, 30, 40]) }),
          ...(maybe(1) && { source: pick(['http', 'apps', 'nobody']) }),
          ...(maybe(1) && { apps: pick([[1], [2, 3], [9]]) }),
          ...(maybe(1) && { since: 1000 + next(600) }),
          ...(maybe(1) && { until: 1000 + next(600) }),
          ...(maybe(1) && {
            q: pick(['room', 'TIME', 'ti', 'x', '100%', '_1', 'room created 1', 'requestid 1', '17']),
          }),
        };
        const { rows: found, total } = repository.search(filter);
        assert.deepEqual({ ids: found.map((r) => r.id), total }, plainly(rows, filter), JSON.stringify(filter));
      }
    }
    assert.ok(rows.length > 1000);
  });

  it('counts up to 10,000 rows, says that there are more, and still reaches them', () => {
    const repository = fresh();
    const write = (count: number, from: number) =>
      repository.insert(Array.from({ length: count }, (_, i) => row({ ts: from + i, message: 'one' })));
    write(LOG_COUNT_MAX, 0);
    for (const q of [undefined, 'one']) {
      const { total, more } = search(repository, q === undefined ? {} : { q });
      assert.deepEqual([total, more], [LOG_COUNT_MAX, false]);
    }
    write(2000, LOG_COUNT_MAX);
    for (const filter of [{}, { q: 'one' }, { level: 30 }]) {
      const page = search(repository, { ...filter, offset: 11_000, limit: 2 });
      assert.deepEqual([page.total, page.more, ...page.rows.map(({ ts }) => ts)], [LOG_COUNT_MAX, true, 999, 998]);
      assert.deepEqual(search(repository, { ...filter, offset: 12_000 }).rows, []);
    }
    // a page across the last row that is counted
    const across = search(repository, { q: 'one', offset: LOG_COUNT_MAX - 1, limit: 3 });
    assert.deepEqual(
      across.rows.map(({ ts }) => ts),
      [2000, 1999, 1998],
    );
  });

  it('takes over the rows of older versions in steps, in their order', () => {
    const file = path.join(root, 'old.db');
    const db = openDatabase(file);
    migrate(db, logMigrations.slice(0, 2));
    const insert = db.prepare(
      "INSERT INTO server_logs (ts, level, source, app_id, message, meta_json) VALUES (?, 30, 'app', 4, ?, ?)",
    );
    for (let i = 0; i < 25; i += 1) insert.run(100 + Math.floor(i / 4), `line ${i}`, i === 3 ? '{"code":"E42"}' : null);
    db.close();
    const repository = LogRepository.open(file);
    repository.insert([row({ ts: 500, message: 'line 25' })]);
    assert.equal(search(repository).total, 1);
    assert.ok(repository.moveOldRows(10));
    assert.equal(search(repository, { apps: [4] }).rows[0]?.message, 'line 24');
    let steps = 1;
    while (repository.moveOldRows(10)) steps += 1;
    assert.equal(steps, 2);
    assert.deepEqual(
      search(repository, { order: 'asc' }).rows.map(({ message }) => message),
      Array.from({ length: 26 }, (_, i) => `line ${i}`),
    );
    assert.equal(search(repository, { q: 'e42', apps: [4] }).rows[0]?.ts, 100);
    repository.close();
    const again = LogRepository.open(file);
    assert.equal(again.moveOldRows(10), false);
    assert.equal(search(again).total, 26);
    again.close();
  });

  it('releases the rows of an app in steps, and keeps them', () => {
    const repository = fresh();
    repository.insert([...Array.from({ length: 5 }, () => row({ appId: 7, message: 'seven' })), row({ appId: 8 })]);
    assert.equal(search(repository, { q: 'seven', apps: [7] }).total, 5);
    assert.equal(repository.forgetApp(7, 3), 3);
    assert.equal(repository.forgetApp(7, 3), 2);
    assert.equal(repository.forgetApp(7, 3), 0);
    assert.equal(search(repository, { apps: [7] }).total, 0);
    assert.equal(search(repository, { q: 'seven', apps: [7] }).total, 0);
    assert.equal(search(repository, { q: 'seven' }).total, 5);
    assert.ok(repository.appIds().includes(8));
  });

  it('removes what is too old or too much, oldest first, and no longer finds it', () => {
    const repository = fresh();
    repository.insert(Array.from({ length: 10 }, (_, i) => row({ ts: i, message: `line ${i}` })));
    assert.equal(repository.newestToRemove(undefined, 10), undefined);
    assert.equal(repository.newestToRemove(0, 10), undefined);
    const id = repository.newestToRemove(2, 4) as number;
    assert.equal(id, repository.newestToRemove(undefined, 4));
    assert.deepEqual(
      [5, 5, 5].map((limit) => repository.removeUpTo(id, limit)),
      [5, 1, 0],
    );
    assert.deepEqual(
      search(repository, { q: 'line' }).rows.map(({ ts }) => ts),
      [9, 8, 7, 6],
    );
    assert.equal(repository.removeUpTo(repository.newestToRemove(9, 4) as number, 5), 3);
    assert.equal(search(repository).total, 1);
  });

  it('combines all filters', () => {
    const repository = fresh();
    repository.insert([row({ appId: 1, message: 'abc' })]);
    assert.equal(search(repository, { apps: [1], level: 30, q: 'ab', source: 'app', since: 0, until: 2000 }).total, 1);
  });
});
