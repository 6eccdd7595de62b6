import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { BIN, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { sampleEvent } from '#test/helpers/declared-events.ts';
import { namesIn } from '#test/helpers/files.ts';
import { refuseFiles } from '#test/helpers/fs-faults.ts';

const run = promisify(execFile);

/** Starts a daemon, does something, stops it, so that its files can be hurt. */
async function used(
  t: { after(fn: () => unknown): void },
  work: (daemon: Awaited<ReturnType<typeof testDaemon>>) => unknown,
) {
  const dataDir = await temporaryDir(t);
  const daemon = await testDaemon(t, {}, { dataDir });
  await work(daemon);
  await daemon.stop();
  return dataDir;
}

async function spoil(file: string): Promise<void> {
  for (const end of ['-wal', '-shm']) await rm(file + end, { force: true });
  await writeFile(file, randomBytes(9000));
}

/** Damages every page but the first, so that the file still looks like a database. */
async function spoilInside(file: string): Promise<void> {
  const bytes = await readFile(file);
  const page = bytes.readUInt16BE(16) === 1 ? 65_536 : bytes.readUInt16BE(16);
  assert.ok(bytes.length > page, file);
  randomBytes(bytes.length - page).copy(bytes, page);
  await writeFile(file, bytes);
}

/** What the daemon says when it does not start. */
async function refusal(dataDir: string): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir, PORT: '0', STREAMHUB_CONSOLE_BUILD: 'off' };
  try {
    await run(process.execPath, [BIN], { env, timeout: 60_000 });
  } catch (error) {
    const { code, stderr } = error as { code: number; stderr: string };
    assert.equal(code, 1, stderr);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    return stderr;
  }
  throw new Error('it started');
}

describe('an app whose files are gone or damaged', () => {
  test('a missing folder: the other apps work, answers say what is missing, and a new config makes the folder anew', async (t) => {
    const dataDir = await used(t, async ({ api }) => {
      for (const name of ['lost', 'kept']) await api.post('/apps', { name });
    });
    const folder = path.join(dataDir, 'apps/lost');
    await rm(folder, { recursive: true });
    const { api } = await testDaemon(t, {}, { dataDir });
    assert.equal((await api.get('/apps')).body.length, 3);
    assert.equal((await api.get('/apps/kept/vods')).status, 200);
    assert.equal((await api.get('/apps/lost')).status, 200);
    assert.deepEqual((await api.get('/apps/lost/sizes')).body.data, {
      app: 'lost',
      dbSizeBytes: 0,
      vodTotalBytes: 0,
      vodLadderBytes: 0,
      vodCount: 0,
      vodFailed: 0,
    });
    for (const url of ['vods', 'streams', 'stats', 'callbacks']) {
      const { status, body } = await api.get(`/apps/lost/${url}`);
      assert.deepEqual(
        [status, body.code, body.message],
        [500, 'APP_DATABASE_UNUSABLE', 'The database of the app lost is missing.'],
        url,
      );
    }
    for (const answer of [await api.get('/apps/lost/config/raw'), await api.patch('/apps/lost', { displayName: 'x' })])
      assert.deepEqual([answer.status, answer.body.code], [404, 'CONFIG_MISSING']);

    const yaml = 'name: lost\nroom_prefix: lost\ntranscoding:\n  enabled: false\n';
    assert.equal((await api.put('/apps/lost/config/raw', { yaml })).status, 200);
    assert.deepEqual(await namesIn(folder), ['app.db', 'config.yaml', 'recordings', 'samples', 'snapshots']);
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.equal((await api.get('/apps/lost/config/raw')).body.data.yaml, yaml);
    assert.deepEqual((await api.get('/apps/lost/vods')).body.data, []);
    assert.equal((await api.patch('/apps/lost', { displayName: 'Found' })).body.displayName, 'Found');
  });

  test('a folder that is gone can be deleted', async (t) => {
    const dataDir = await used(t, ({ api }) => api.post('/apps', { name: 'lost' }));
    await rm(path.join(dataDir, 'apps/lost'), { recursive: true });
    const { api } = await testDaemon(t, {}, { dataDir });
    assert.deepEqual((await api.delete('/apps/lost')).body, { deleted: true, name: 'lost' });
    assert.equal((await api.post('/apps', { name: 'lost' })).status, 201);
  });

  test('a damaged database: answers say so, the config stays usable, and nothing is purged without it', async (t) => {
    const dataDir = await used(t, ({ api }) => api.post('/apps', { name: 'hurt' }));
    await spoil(path.join(dataDir, 'apps/hurt/app.db'));
    const { api } = await testDaemon(t, {}, { dataDir });
    for (const url of ['vods', 'streams', 'stats']) {
      const { status, body, text } = await api.get(`/apps/hurt/${url}`);
      assert.deepEqual(
        [status, body.code, body.message],
        [500, 'APP_DATABASE_UNUSABLE', 'The database of the app hurt is damaged.'],
        url,
      );
      assert.match(body.hint, /backup/);
      assert.ok(!text.includes(dataDir), 'no path of the machine');
    }
    assert.equal((await api.patch('/apps/hurt', { displayName: 'Hurt' })).body.displayName, 'Hurt');
    const purge = await api.delete('/apps/hurt?deleteVods=true');
    assert.deepEqual([purge.status, purge.body.code], [502, 'STORAGE_PURGE_FAILED']);
    assert.equal((await api.get('/apps/hurt')).status, 200);
    assert.equal((await api.get('/apps/live/vods')).status, 200);
  });
});

test('a database that is damaged during use affects only its app: lists and figures of all apps leave it out', async (t) => {
  const dataDir = await temporaryDir(t);
  const { api, services } = await testDaemon(t, {}, { dataDir });
  const { databases, monthUsage } = services;
  for (const name of ['hurt', 'later']) {
    assert.equal((await api.post('/apps', { name })).status, 201);
    databases
      .get(name)
      .prepare(`INSERT INTO room_sessions (sid, room, started_at, is_start_known) VALUES ('RM_a', ?, ?, 1)`)
      .run(`${name}-a`, Date.now());
  }
  assert.equal((await api.get('/sessions')).body.data.length, 2);
  databases.close('hurt');
  await spoil(databases.file('hurt'));
  await monthUsage.roll();
  const kept = databases.get('later').prepare('SELECT count(*) FROM usage_days').pluck();
  assert.equal(kept.get(), 1, 'the days of other apps are kept');
  const { apps, unread } = (await api.get('/usage')).body.data;
  assert.deepEqual(apps.map(({ app }: any) => app).sort(), ['later', 'live']);
  assert.deepEqual(
    unread.map(({ app }: any) => app),
    ['hurt'],
  );
  assert.match((await api.get('/usage/export')).text, /^[\d-]+,[^,]+,hurt,,,,,\r$/m);
  const { data, more } = (await api.get('/sessions')).body;
  assert.deepEqual([data.map(({ app }: any) => app), more], [['later'], true]);
  assert.equal((await api.get('/sessions/figures')).status, 200);
  for (const url of ['/apps/hurt/usage', '/sessions?app=hurt'])
    assert.equal((await api.get(url)).body.code, 'APP_DATABASE_UNUSABLE', url);
});

describe('files of the daemon', () => {
  test('an unreadable secrets.json is set aside, and new secrets can be stored', async (t) => {
    const dataDir = await used(t, ({ api }) => api.put('/apps/live/s3', { key: 'AAAABBBBCCCCDDDD', secret: 'first' }));
    await writeFile(path.join(dataDir, 'data/secrets.json'), '{"APP_LIVE');
    const { api } = await testDaemon(t, {}, { dataDir });
    assert.equal((await api.get('/apps/live/s3')).body.data.configured, false);
    assert.equal(
      (await api.put('/apps/live/s3', { key: 'AAAABBBBCCCCEEEE', secret: 'second' })).body.data.configured,
      true,
    );
    const files = await readdir(path.join(dataDir, 'data'));
    assert.equal(files.filter((file) => file.startsWith('secrets.json.unreadable-')).length, 1, String(files));
  });

  test('inner damage, which no header shows: what can be missed is set aside, an app.db concerns its app, and all start', async (t) => {
    const dataDir = await used(t, async (daemon) => {
      await daemon.api.post('/apps', { name: 'hurt' });
      for (let n = 0; n < 50; n += 1)
        daemon.services.events.publish(sampleEvent('config.reloaded', { app: 'live', data: { etag: `${n}` } }));
      daemon.services.log.fatal({}, 'a line for the table');
      await daemon.services.history.look();
    });
    const names = ['data/events.db', 'data/history.db', 'logs/server-logs.db'];
    for (const name of [...names, 'apps/hurt/app.db']) await spoilInside(path.join(dataDir, name));
    const { api, stop } = await testDaemon(t, {}, { dataDir });
    assert.equal((await api.post('/apps', { name: 'later' })).status, 201);
    for (const url of ['/logs', '/stats/history', '/apps/live/vods', '/apps/later/vods', '/ready'])
      assert.equal((await api.get(url)).status, 200, url);
    const { status, body } = await api.get('/apps/hurt/vods');
    assert.deepEqual([status, body.message], [500, 'The database of the app hurt is damaged.']);
    await stop();
    for (const name of names) {
      const files = await readdir(path.join(dataDir, path.dirname(name)));
      const kept = files.filter((file) => file.startsWith(`${path.basename(name)}.damaged-`));
      assert.equal(kept.length, 1, `${name}: ${files}`);
    }
  });

  test('inner damage of the registry stops the start, or names the registry in the answer', async (t) => {
    const dataDir = await used(t, () => {});
    const file = path.join(dataDir, 'data/streamhub.db');
    await spoilInside(file);
    assert.match(await refusal(dataDir), /the registry \S+streamhub\.db is damaged .*backup/);
  });

  test('a change that a kill interrupted, and that the disk does not let the next start finish, is finished by a later one', async (t) => {
    const dataDir = await used(t, async ({ api }) => {
      await api.put('/apps/live/s3', { key: 'AKIAOLD000000001', secret: 'old-secret' });
    });
    // both files are staged and the intent is written: the kill came before the first was in place
    const intent = { files: [] as object[] };
    for (const [name, from, to] of [
      ['data/secrets.json', 'AKIAOLD000000001', 'AKIANEW000000001'],
      ['apps/live/config.yaml', 'display_name: Live', 'display_name: New'],
    ] as const) {
      const file = path.join(dataDir, name);
      const next = path.join(path.dirname(file), `.${path.basename(file)}.0123456789ab.tmp`);
      const text = await readFile(file, 'utf8');
      assert.ok(text.includes(from), text);
      await writeFile(next, text.replace(from, to), { mode: 0o600 });
      const { ino, size, mtimeNs } = await stat(file, { bigint: true });
      intent.files.push({ file, next, previous: null, stamp: `${ino}-${size}-${mtimeNs}` });
    }
    await mkdir(path.join(dataDir, 'data/changes'), { recursive: true });
    await writeFile(path.join(dataDir, 'data/changes/0123456789ab.json'), JSON.stringify(intent));
    const after = async () => {
      await (await testDaemon(t, {}, { dataDir })).stop();
      const [secrets = '', config = ''] = await Promise.all(
        ['data/secrets.json', 'apps/live/config.yaml'].map((file) => readFile(path.join(dataDir, file), 'utf8')),
      );
      return [/AKIA(\w{3})/.exec(secrets)?.[1], /display_name: (\w+)/.exec(config)?.[1]];
    };
    const fault = refuseFiles('EIO', ['rename'], /\/data\/secrets\.json$/);
    t.after(() => fault.end());
    assert.deepEqual(await after(), ['OLD', 'Live']);
    assert.ok(fault.hits() > 0);
    fault.end();
    assert.deepEqual(await after(), ['NEW', 'New']);
  });

  test('half of a file, which a kill in the middle of its write left, is removed; files of others stay', async (t) => {
    const half = (name: string) => `.${name}.0123456789ab.tmp`;
    const dataDir = await used(t, ({ dataDir: place }) => mkdir(path.join(place, 'data', 'rollback-points')));
    const left = [half('initial-token'), `data/${half('daemon.json')}`, `data/rollback-points/${half('1.sealed')}`];
    const kept = ['.notes.tmp', 'data/.notes.0123456789ab.txt'];
    for (const file of [...left, ...kept]) await writeFile(path.join(dataDir, file), 'sk_half');
    await testDaemon(t, {}, { dataDir });
    for (const file of left) await assert.rejects(access(path.join(dataDir, file)), { code: 'ENOENT' }, file);
    for (const file of kept) await access(path.join(dataDir, file));
  });

  test('a damaged event log is set aside', async (t) => {
    const dataDir = await used(t, () => {});
    await spoil(path.join(dataDir, 'data/events.db'));
    const { api } = await testDaemon(t, {}, { dataDir });
    assert.equal((await api.post('/apps', { name: 'later' })).status, 201);
    const files = await readdir(path.join(dataDir, 'data'));
    assert.equal(files.filter((file) => file.startsWith('events.db.damaged-')).length, 1, String(files));
  });

  test('a registry that is damaged, newer, or of another program stops the start with one line that names the file', async (t) => {
    const dataDir = await used(t, () => {});
    const file = path.join(dataDir, 'data/streamhub.db');
    const kept = path.join(dataDir, 'kept.db');
    await rename(file, kept);

    await spoil(file);
    assert.match(await refusal(dataDir), /the registry \S+streamhub\.db is damaged .*backup/);

    await rm(file);
    await rename(kept, file);
    const db = new Database(file);
    db.exec("INSERT INTO schema_migrations VALUES (900, 'of tomorrow', '2030-01-01T00:00:00.000Z')");
    db.close();
    assert.match(
      await refusal(dataDir),
      /was written by a newer StreamHub \(a newer build, schema 900\/\d+\) .*streamhub rollback/,
    );

    await rm(file);
    const other = new Database(file);
    other.exec('CREATE TABLE apps (id INTEGER PRIMARY KEY, name TEXT)');
    other.close();
    assert.match(await refusal(dataDir), /streamhub\.db holds tables of another program \(apps/);
    const untouched = new Database(file, { readonly: true });
    assert.deepEqual(untouched.prepare('SELECT name FROM sqlite_master').pluck().all(), ['apps']);
    untouched.close();
  });

  test('a registry that is empty or missing beside other data is not taken for a first start', async (t) => {
    const dataDir = await used(t, () => {});
    const file = path.join(dataDir, 'data/streamhub.db');
    await rm(file);
    for (const left of ['apps/live/config.yaml', 'data/session-secret']) {
      assert.match(
        await refusal(dataDir),
        new RegExp(`the registry \\S+\\.db is missing, but \\S+${left} is .*backup`),
      );
      await assert.rejects(access(file));
      await writeFile(file, '');
      assert.match(await refusal(dataDir), /the registry \S+streamhub\.db is damaged \(it is empty\), .*backup/);
      await rm(file);
      await rm(path.join(dataDir, left));
    }
    // a first start that was killed while it made the registry
    await writeFile(file, '');
    const { api } = await testDaemon(t, {}, { dataDir });
    assert.equal((await api.get('/apps')).status, 200);
  });

  test('an older registry is copied before it is brought up to date, and keeps its rows', async (t) => {
    const dataDir = await used(t, ({ api }) => api.post('/apps', { name: 'older' }));
    const file = path.join(dataDir, 'data/streamhub.db');
    const db = new Database(file);
    const last = db.prepare<[], { id: number }>('SELECT max(id) AS id FROM schema_migrations').get()?.id as number;
    db.close();
    // as it was before the last step: tables of the steps up to there, with what they can hold of today's rows
    const older = new Database(`${file}.older`);
    migrate(
      older,
      registryMigrations.filter(({ id }) => id < last),
    );
    older.pragma('foreign_keys = OFF');
    older.exec(`ATTACH '${file}' AS newer`);
    const tables = older.prepare(
      "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name <> 'schema_migrations'",
    );
    for (const table of tables.pluck().all() as string[]) {
      const columnsOf = (schema: string) =>
        older.prepare(`SELECT name FROM pragma_table_info(?, ?)`).pluck().all(table, schema);
      const newer = columnsOf('newer');
      const columns = columnsOf('main').filter((column) => newer.includes(column));
      older.exec(`INSERT OR REPLACE INTO main.${table} (${columns}) SELECT ${columns} FROM newer.${table}`);
    }
    older.close();
    for (const end of ['', '-wal', '-shm']) await rm(file + end, { force: true });
    await rename(`${file}.older`, file);
    const { api, stop } = await testDaemon(t, {}, { dataDir });
    assert.equal((await api.get('/apps/older')).status, 200);
    assert.equal((await api.get('/audit')).status, 200);
    await stop();
    const renewed = new Database(file, { readonly: true });
    assert.equal(renewed.prepare('SELECT max(id) FROM schema_migrations').pluck().get(), last);
    renewed.close();
    const copy = new Database(`${file}.before-${last}`, { readonly: true });
    assert.ok((copy.prepare('SELECT max(id) FROM schema_migrations').pluck().get() as number) < last);
    assert.equal(copy.prepare("SELECT count(*) FROM apps WHERE name = 'older'").pluck().get(), 1);
    copy.close();
  });

  test('a HOST that is no address of this machine is named', async (t) => {
    const dataDir = await temporaryDir(t);
    await mkdir(path.join(dataDir, 'data'), { recursive: true });
    const env = { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir, PORT: '0', HOST: '203.0.113.9' };
    await assert.rejects(run(process.execPath, [BIN], { env }), (error: any) => {
      assert.match(error.stderr, /^streamhub: HOST 203\.0\.113\.9 is not an address of this machine/);
      return true;
    });
    await access(path.join(dataDir, 'data'));
  });
});
