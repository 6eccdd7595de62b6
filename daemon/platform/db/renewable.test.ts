import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { RenewableDatabase } from './renewable.ts';

const MIGRATIONS = [{ id: 1, name: 'core', sql: 'CREATE TABLE lines (id INTEGER PRIMARY KEY, text TEXT)' }];

function setUp(t: TestContext, name = 'lines.db') {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'streamhub-renewable-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const file = path.join(dir, name);
  const kept: string[] = [];
  const refusals: unknown[] = [];
  const database = new RenewableDatabase({
    file,
    migrations: MIGRATIONS,
    prepare: (db) => ({
      add: db.prepare<[string]>('INSERT INTO lines (text) VALUES (?)'),
      count: db.prepare<[], number>("SELECT count(*) FROM lines WHERE text > ''").pluck(),
    }),
    onDamage: (keptAs) => kept.push(keptAs),
    onRefusal: (error) => refusals.push(error),
  });
  t.after(() => database.close());
  return { dir, file, kept, refusals, database };
}

test('damage that shows while the database is used sets the file aside, and the work is done on a new one', (t) => {
  const { dir, file, kept, refusals, database } = setUp(t);
  for (let n = 0; n < 200; n++) database.use(({ add }) => add.run('x'.repeat(500)));
  database.use((_sql, db) => {
    db.pragma('wal_checkpoint(TRUNCATE)');
    const bytes = readFileSync(file);
    bytes.fill(0xa5, 8192);
    writeFileSync(file, bytes);
    db.pragma('shrink_memory');
  });
  assert.equal(
    database.use(({ count }) => count.get()),
    0,
  );
  assert.deepEqual([kept.length, refusals], [1, []]);
  assert.equal(readdirSync(dir).filter((name) => name.startsWith('lines.db.damaged-')).length, 1);
  database.use(({ add }) => add.run('after'));
  assert.equal(
    database.use(({ count }) => count.get()),
    1,
  );
});

test('where no file can be made, memory takes its place', (t) => {
  const { refusals, database } = setUp(t, 'no-folder/lines.db');
  database.use(({ add }) => add.run('kept in memory'));
  assert.equal(
    database.use(({ count }) => count.get()),
    1,
  );
  assert.equal(refusals.length, 1);
});
