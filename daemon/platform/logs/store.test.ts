import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { testBackground } from '#test/helpers/background.ts';
import type { StoredLog } from './rows.ts';
import { LogStore } from './store.ts';
import { TableSink } from './table-sink.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-log-store-'));
after(() => rmSync(root, { recursive: true, force: true }));

const line = (fields: object): string =>
  `${JSON.stringify({ level: 'info', time: '2026-11-23T10:00:00.000Z', msg: 'hello', ...fields })}\n`;
const all = { order: 'asc', limit: 1000, offset: 0 } as const;

describe('LogStore with its thread', () => {
  it('stores lines through the sink and finds them again after a restart', async () => {
    const file = path.join(root, 'a.db');
    const store = new LogStore(file);
    const sink = new TableSink({
      background: testBackground(),

      insert: (batch) => store.insert(batch),
      appIdOf: (name) => (name === 'live' ? 4 : undefined),
    });
    sink.write(line({ source: 'apps', app: 'live', extra: 1 }));
    sink.write(line({ appId: 9, app: 'live', level: 'error', msg: undefined, err: { message: 'from the error' } }));
    sink.write(line({ app: 'unknown', msg: 'no\0nul' }));
    await sink.flush();
    await store.close();
    const again = new LogStore(file);
    const { rows, total } = await again.search(all);
    assert.equal(total, 3);
    const ids = rows.map(({ id }) => id);
    assert.deepEqual(ids, [...new Set(ids)].sort());
    assert.deepEqual(rows, [
      {
        id: ids[0],
        ts: Date.parse('2026-11-23T10:00:00.000Z'),
        level: 30,
        source: 'apps',
        appId: 4,
        message: 'hello',
        metaJson: '{"app":"live","extra":1}',
      },
      {
        id: ids[1],
        ts: Date.parse('2026-11-23T10:00:00.000Z'),
        level: 50,
        source: 'app',
        appId: 9,
        message: 'from the error',
        metaJson: '{"app":"live","err":{"message":"from the error"}}',
      },
      {
        id: ids[2],
        ts: Date.parse('2026-11-23T10:00:00.000Z'),
        level: 30,
        source: 'app',
        appId: null,
        message: 'nonul',
        metaJson: '{"app":"unknown"}',
      },
    ]);
    await again.close();
  });

  it('writes thousands of lines in batches, in order', async () => {
    const store = new LogStore(path.join(root, 'many.db'));
    const sizes: number[] = [];
    const sink = new TableSink({
      background: testBackground(),

      insert: (batch) => {
        sizes.push(batch.length);
        return store.insert(batch);
      },
      appIdOf: () => undefined,
    });
    for (let i = 0; i < 3210; i += 1) sink.write(line({ msg: `line ${i}` }));
    await sink.flush();
    const { rows, total } = await store.search({ ...all, offset: 3209 });
    assert.equal(total, 3210);
    assert.equal(rows[0]?.message, 'line 3209');
    assert.ok(sizes.length < 15 && Math.max(...sizes) <= 500, String(sizes));
    await store.close();
  });

  it('cleans up by age and by number, in steps', async () => {
    const store = new LogStore(path.join(root, 'clean.db'));
    const rows = Array.from(
      { length: 6000 },
      (_, ts): StoredLog => ({ ts, level: 30, source: 'a', appId: 1, message: 'm', metaJson: null }),
    );
    await store.insert(rows);
    assert.equal(await store.clean(5000, 600), 5400);
    assert.deepEqual(
      (await store.search({ ...all, limit: 1 })).rows.map(({ ts }) => ts),
      [5400],
    );
    await store.forgetApp(1);
    assert.equal((await store.search({ ...all, apps: [1] })).total, 0);
    await store.close();
  });

  it('puts a damaged file aside and begins a new one', async () => {
    const dir = mkdtempSync(path.join(root, 'damaged-'));
    const file = path.join(dir, 'server-logs.db');
    writeFileSync(file, 'this is no database, and long enough to be taken for one'.repeat(100));
    let keptAs = '';
    const store = new LogStore(file, {
      onDamage: (name) => {
        keptAs = name;
      },
    });
    await store.insert([{ ts: 1, level: 30, source: 'a', appId: null, message: 'm', metaJson: null }]);
    assert.equal((await store.search(all)).total, 1);
    await store.close();
    assert.match(path.basename(keptAs), /^server-logs\.db\.damaged-/);
    assert.ok(readdirSync(dir).includes(path.basename(keptAs)));
  });

  it('lets its thread go when nobody calls, and wakes another when someone does', async () => {
    const store = new LogStore(path.join(root, 'idle.db'), { idleMs: 1 });
    const one = { ts: 1, level: 30, source: 'a', appId: null, message: 'm', metaJson: null };
    for (let round = 1; round <= 5; round += 1) {
      await store.insert([one]);
      while (store.isAwake) await new Promise((resolve) => setImmediate(resolve));
      assert.equal((await store.search(all)).total, round);
    }
    await store.close();
  });

  it('refuses searches beyond its queue, and everything after the stop', async () => {
    const store = new LogStore(path.join(root, 'queue.db'));
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => store.search(all)));
    assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 8);
    await store.close();
    await assert.rejects(store.search(all), { code: 'SHUTTING_DOWN' });
    await store.close();
  });

  it('keeps the lines that the table refuses until it takes them, and counts what is no line', async () => {
    const losses: [number, string][] = [];
    const warnings: object[] = [];
    const stored: number[] = [];
    let isFull = true;
    const sink = new TableSink({
      background: testBackground((data) => warnings.push(data)),
      insert: async (batch) => {
        if (isFull) throw Object.assign(new Error('full'), { code: 'SQLITE_FULL' });
        stored.push(batch.length);
      },
      appIdOf: () => undefined,
      onLoss: (lines, code) => losses.push([lines, code]),
    });
    for (let i = 0; i < 10; i += 1) sink.write(line({}));
    await sink.flush();
    await sink.flush();
    assert.equal(warnings.length, 1);
    assert.deepEqual([losses, stored], [[], []]);
    isFull = false;
    sink.write('not json');
    await sink.flush();
    assert.deepEqual([losses, stored], [[[1, 'unreadable']], [10]]);
  });
});
