import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { LogRepository } from './repository.ts';
import type { LogFilter, StoredLog } from './rows.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-logs-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;
const fresh = (batchSize?: number): LogRepository => new LogRepository(path.join(root, `${files++}.db`), batchSize);

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
function plainly(rows: (StoredLog & { id: number })[], filter: LogFilter): { ids: number[]; total: number } {
  const lower = (text: string): string => text.replace(/[A-Z]/g, (c) => c.toLowerCase());
  const found = rows.filter(
    (r) =>
      (filter.level === undefined || r.level === filter.level) &&
      (filter.source === undefined || r.source === filter.source) &&
      (filter.apps === undefined || (r.appId !== null && filter.apps.includes(r.appId))) &&
      (filter.since === undefined || r.ts >= filter.since) &&
      (filter.until === undefined || r.ts <= filter.until) &&
      (filter.q === undefined || lower(r.message).includes(lower(filter.q))),
  );
  const down = filter.order === 'desc' ? 1 : -1;
  found.sort((a, b) => down * (b.ts - a.ts || b.id - a.id));
  return { ids: found.slice(filter.offset, filter.offset + filter.limit).map((r) => r.id), total: found.length };
}

describe('LogRepository', () => {
  it('finds nothing in an empty table', () => assert.deepEqual(search(fresh()), { rows: [], total: 0 }));

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

  it('orders by time, then id, whatever the order of writing', () => {
    const repository = fresh();
    repository.insert([row({ ts: 5 }), row({ ts: 9 }), row({ ts: 5, level: 50 }), row({ ts: 1, appId: 3 })]);
    assert.deepEqual(
      search(repository).rows.map(({ id }) => id),
      [2, 3, 1, 4],
    );
    assert.deepEqual(
      search(repository, { order: 'asc' }).rows.map(({ id }) => id),
      [4, 1, 3, 2],
    );
  });

  it('takes % _ and \\ literally, and ASCII letters without case', () => {
    const repository = fresh();
    repository.insert(
      ['50% off', '50 off', 'a_b', 'axb', 'c:\\dir', 'ÄPFEL', 'Äpfel'].map((message) => row({ message })),
    );
    const found = (q: string): string[] => search(repository, { q, order: 'asc' }).rows.map(({ message }) => message);
    assert.deepEqual(found('0% O'), ['50% off']);
    assert.deepEqual(found('A_B'), ['a_b']);
    assert.deepEqual(found('\\D'), ['c:\\dir']);
    assert.deepEqual(found('äpfel'), []);
    assert.deepEqual(found('Äpfel'), ['ÄPFEL', 'Äpfel']);
    assert.deepEqual(found('%'), ['50% off']);
    assert.deepEqual(found('x\0'), []);
  });

  // the last never has a batch, the others have many
  for (const batchSize of [1, 64, 500, 100_000]) agreesWithPlainSearch(batchSize);

  it('keeps its texts when it is opened again, and makes those that are missing', () => {
    const file = path.join(root, 'texts.db');
    const first = new LogRepository(file, 100);
    const lines = (count: number) => Array.from({ length: count }, (_, i) => row({ ts: i, message: `line ${i % 10}` }));
    for (let i = 0; i < 10; i += 1) first.insert(lines(100));
    first.close();
    const second = new LogRepository(file, 100);
    assert.equal(search(second, { q: 'LINE 3' }).total, 100);
    second.insert(lines(30));
    assert.equal(search(second, { q: 'line 3' }).total, 103);
    second.close();
  });

  it('finds nothing across two messages, and any letters in one', () => {
    const repository = fresh(4);
    repository.insert(
      ['ends with ab', 'cd begins', 'Ünï©ode \n two lines', '日本語 TEXT', 'x'].map((message) => row({ message })),
    );
    const found = (q: string): number => search(repository, { q }).total;
    assert.deepEqual(
      ['abcd', 'ab', 'ünï', 'Ünï©', 'e \n two', '本語 text', '本', 'é'].map(found),
      [0, 1, 0, 1, 1, 1, 1, 0],
    );
  });

  function agreesWithPlainSearch(batchSize: number): void {
    it(`agrees with a plain search for any filter, while rows come and go, in batches of ${batchSize}`, () => {
      const repository = fresh(batchSize);
      const rows: (StoredLog & { id: number })[] = [];
      let seed = 42;
      const next = (n: number): number => {
        seed = (seed * 48271) % 2147483647;
        return seed % n;
      };
      const words = ['Room', 'room created', 'timeout', 'ti', 'failed 100%', 'x', 'ROOM_1'];
      const pick = <T>(list: readonly T[]): T => list[next(list.length)] as T;
      const maybe = <T>(value: T): T | undefined => (next(2) === 0 ? undefined : value);
      let id = 0;
      let deep = 0;
      for (let round = 0; round < 60; round += 1) {
        const batch = Array.from({ length: 1 + next(120) }, () =>
          row({
            ts: 1000 + round * 10 + next(40),
            level: pick([10, 30, 30, 30, 50]),
            source: pick(['http', 'apps']),
            appId: pick([null, 1, 1, 2, 3]),
            message: `${pick(words)} ${pick(words)} ${next(50)}`,
          }),
        );
        repository.insert(batch);
        for (const fields of batch) rows.push({ ...fields, id: ++id });
        if (round % 20 === 19) {
          const cut = 1000 + round * 3;
          const removed = repository.removeOlder(cut, 100_000);
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
            offset: pick([0, 0, 3, 50, 10_001]),
            ...(maybe(1) && { level: pick([10, 30, 40]) }),
            ...(maybe(1) && { source: pick(['http', 'nobody']) }),
            ...(maybe(1) && { apps: pick([[1], [2, 3], [9]]) }),
            ...(maybe(1) && { since: 1000 + next(600) }),
            ...(maybe(1) && { until: 1000 + next(600) }),
            ...(maybe(1) && { q: pick(['room', 'TIME', 'ti', 'x', '100%', '_1', 'room created 1']) }),
          };
          const { rows: found, total } = repository.search(filter);
          deep += filter.offset > 10_000 ? 1 : 0;
          assert.deepEqual({ ids: found.map((r) => r.id), total }, plainly(rows, filter), JSON.stringify(filter));
        }
      }
      assert.ok(deep > 0 && rows.length > 1000);
    });
  }

  it('pages far down, where time order is walked', () => {
    const repository = fresh();
    const count = 12_000;
    repository.insert(Array.from({ length: count }, (_, i) => row({ ts: i, message: i % 2 ? 'odd one' : 'even one' })));
    assert.deepEqual(
      search(repository, { offset: 11_000, limit: 2 }).rows.map(({ ts }) => ts),
      [999, 998],
    );
    const odd = search(repository, { q: 'ODD', offset: 3000, limit: 2 });
    assert.deepEqual([odd.total, ...odd.rows.map(({ ts }) => ts)], [6000, 5999, 5997]);
    const all = search(repository, { q: 'one', offset: 10_500, limit: 1 });
    assert.deepEqual([all.total, all.rows[0]?.ts], [count, 1499]);
  });

  it('sees rows written after the same search', () => {
    const repository = fresh();
    repository.insert(Array.from({ length: 2500 }, (_, i) => row({ ts: i, message: i % 2 ? 'needle' : 'hay' })));
    assert.equal(search(repository, { q: 'needle' }).total, 1250);
    repository.insert([row({ ts: 9999, message: 'a NEEDLE more' }), row({ ts: -5, message: 'needle of old' }), row()]);
    const again = search(repository, { q: 'needle', limit: 2 });
    assert.equal(again.total, 1252);
    assert.deepEqual(
      again.rows.map(({ ts }) => ts),
      [9999, 2499],
    );
    const oldest = search(repository, { q: 'needle', offset: 1251 });
    assert.deepEqual(
      oldest.rows.map(({ ts }) => ts),
      [-5],
    );
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
    assert.deepEqual(repository.appIds(), [8]);
  });

  it('keeps the newest rows when there are too many', () => {
    const repository = fresh();
    repository.insert(Array.from({ length: 10 }, (_, i) => row({ ts: i })));
    assert.equal(repository.removeBeyond(4, 5), 5);
    assert.equal(repository.removeBeyond(4, 5), 1);
    assert.equal(repository.removeBeyond(4, 5), 0);
    assert.deepEqual(
      search(repository).rows.map(({ ts }) => ts),
      [9, 8, 7, 6],
    );
  });

  it('counts right after it is opened again', () => {
    const file = path.join(root, 'again.db');
    const first = new LogRepository(file);
    first.insert([row({ appId: 1 }), row({ appId: 1, level: 50 }), row()]);
    first.close();
    const second = new LogRepository(file);
    assert.equal(search(second).total, 3);
    assert.equal(search(second, { apps: [1] }).total, 2);
    second.insert([row({ appId: 1 })]);
    assert.equal(search(second, { apps: [1], level: 30 }).total, 2);
    second.close();
  });

  it('combines all filters', () => {
    const repository = fresh();
    repository.insert([row({ appId: 1, message: 'abc' })]);
    assert.equal(search(repository, { apps: [1], level: 30, q: 'b', source: 'app', since: 0, until: 2000 }).total, 1);
  });
});
