import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { extract } from 'tar';
import { copyBeforeUpgrade, upgradeCopies } from '#daemon/operations/backup/upgrade.ts';
import { prepareDataDir } from '#daemon/platform/data-dir.ts';
import { migrate } from '#daemon/platform/db/migrate.ts';
import { registryMigrations } from '#daemon/platform/db/registry/index.ts';
import { SCHEMA } from '#daemon/platform/db/schema-versions.ts';
import { VERSION } from '#daemon/platform/version.ts';
import { BIN, ROOT, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

const run = promisify(execFile);
type Scope = { after(fn: () => unknown): void };
/** The databases of the fixture that hold what can't be replaced. */
const DATABASES = ['data/streamhub.db', 'apps/films/app.db', 'apps/live/app.db'];

/** A data folder as StreamHub 0.1.0 of 2026-11-29 left it, with schema 21/15: apps, configs, people, tokens, recordings, jobs. */
async function oldFolder(t: Scope, file = 'data-folder-0.1.0.tgz'): Promise<string> {
  const dataDir = await temporaryDir(t);
  await extract({ file: path.join(ROOT, 'test/fixtures', file), cwd: dataDir });
  return dataDir;
}

function rowsOf(file: string, tables?: readonly string[]): Record<string, string[]> {
  const db = new Database(file, { readonly: true });
  try {
    const all = db
      .prepare<[], string>(
        `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`,
      )
      .pluck()
      .all();
    const rows = (table: string) =>
      db
        .prepare(`SELECT * FROM "${table}"`)
        .all()
        .map((row) => JSON.stringify(row))
        .sort();
    return Object.fromEntries((tables ?? all).map((table) => [table, rows(table)]));
  } finally {
    db.close();
  }
}

const streamhub = (dataDir: string, ...args: string[]) =>
  run(process.execPath, [BIN, ...args, '--data-dir', dataDir], { env: { PATH: process.env['PATH'] ?? '' } });
const rollback = (dataDir: string, ...args: string[]) => streamhub(dataDir, 'rollback', ...args);

test('a data folder of 0.1.0 opens, is copied first, and can be rolled back', async (t) => {
  const dataDir = await oldFolder(t);
  const registry = new Database(path.join(dataDir, 'data/streamhub.db'));
  registry.exec(`
    INSERT INTO users (id, email, status, created_at) VALUES ('u1', 'gone@example.org', 'active', '2026'), ('u2', 'left@example.org', 'active', '2026');
    INSERT INTO memberships SELECT id, 'platform', 'viewer', 'active', '2026' FROM users WHERE id IN ('u1', 'u2');
    INSERT INTO links (token_hash, kind, email, user_id, created_at, expires_at)
      VALUES ('h1', 'login', NULL, 'u2', '2026', '2026'), ('h2', 'invite', 'gone@example.org', 'u1', '2026', '9999');`);
  registry.close();
  const before = Object.fromEntries(DATABASES.map((place) => [place, rowsOf(path.join(dataDir, place))]));
  const first = await testDaemon(t, {}, { dataDir });
  const names = (await first.api.get('/apps')).body.map(({ name }: { name: string }) => name);
  assert.deepEqual(names, ['films', 'live']);
  const vods = (await first.api.get('/apps/films/vods')).body.data;
  assert.equal(vods.length, before['apps/films/app.db']?.['vods']?.length);
  assert.ok(vods.length > 0);
  assert.equal((await first.api.get('/apps/films/s3')).body.data.bucket, 'films-3');
  assert.equal((await first.api.get('/apps/films/s3')).body.data.hasSecret, true);
  const [copy, ...others] = await upgradeCopies(dataDir);
  assert.ok(copy !== undefined && others.length === 0);
  assert.match(path.basename(copy.folder), new RegExp(`^schema-21-${VERSION.replaceAll('.', '\\.')}-\\d{8}T`));
  for (const place of DATABASES) assert.deepEqual(rowsOf(path.join(copy.folder, place)), before[place], place);
  const files = ['data/secrets.json', 'apps/films/config.yaml'];
  const contents = (folder: string) => Promise.all(files.map((place) => readFile(path.join(folder, place), 'utf8')));
  const old = await contents(copy.folder);
  const changed = { bucket: 'another', key: 'another-key', secret: 'another-secret' };
  assert.equal((await first.api.put('/apps/films/s3', changed)).status, 200);
  await first.api.post('/apps', { name: 'later' });
  await first.api.post('/tokens', { name: 'later', scope: 'global' });
  for (const withdrawn of ['/tokens/2', '/users/u1', '/teams/mine/members/u2'])
    assert.ok((await first.api.delete(withdrawn)).status < 300, withdrawn);
  await first.stop();
  const again = await testDaemon(t, {}, { dataDir });
  await again.stop();
  assert.equal((await upgradeCopies(dataDir)).length, 1, 'the second start upgrades nothing');
  const told = await rollback(dataDir);
  assert.match(told.stdout, /Would be lost/);
  assert.match(told.stdout, /data\/streamhub\.db: 1 more in apps/);
  assert.match(told.stdout, /apps\/later: the whole app/);
  for (const place of files) assert.ok(told.stdout.includes(`${place}: changes`), told.stdout);
  assert.deepEqual(
    told.stdout.split('\n').filter((line) => line.startsWith('  data/streamhub.db: the ')),
    [
      'revocation of the API token integration',
      // that of ADMIN_USER, which is not set here
      'removal of the account root@example.org',
      'removal of the account gone@example.org',
      'removal of left@example.org from the team Platform',
      'end of the invite link of gone@example.org',
    ].map((line) => `  data/streamhub.db: the ${line}`),
  );
  assert.equal(rowsOf(path.join(dataDir, 'data/streamhub.db'), ['apps'])['apps']?.length, 3, 'nothing was changed yet');
  const done = await rollback(dataDir, '--yes');
  assert.match(done.stdout, /Brought back the data of schema-21/);
  for (const place of DATABASES) assert.deepEqual(rowsOf(path.join(dataDir, place)), before[place], place);
  assert.deepEqual(await contents(dataDir), old);
  assert.ok(!existsSync(path.join(dataDir, 'apps/later')));
  const [kept = ''] = await readdir(path.join(dataDir, 'replaced'));
  assert.ok(existsSync(path.join(dataDir, 'replaced', kept, 'apps/later/config.yaml')));
  assert.equal(rowsOf(path.join(dataDir, 'replaced', kept, 'data/streamhub.db'), ['apps'])['apps']?.length, 3);
});

// made by test/fixtures/make-data-folders.mjs with the programs of those commits
for (const file of readdirSync(path.join(ROOT, 'test/fixtures')).filter((name) => /^data-folder-\d{3}-/.test(name)))
  test(`the data folder ${file} opens with everything in it, and is copied first`, async (t) => {
    const dataDir = await oldFolder(t, file);
    const registry = path.join(dataDir, 'data/streamhub.db');
    const old = rowsOf(registry, ['apps', 'api_tokens']);
    const people = () => (rowsOf(registry)['users'] ?? []).map((row) => JSON.parse(row).id);
    const were = people();
    const admin = { ADMIN_USER: 'admin@example.com', ADMIN_PASS: 'a long enough password' };
    const daemon = await testDaemon(t, admin, { dataDir });
    // its own token still opens it
    const api = daemon.api.as('sk_0123456789abcdef0123456789abcdef');
    const apps = (await api.get('/apps')).body;
    assert.deepEqual(apps.map(({ name }: { name: string }) => name).sort(), ['films', 'live']);
    assert.match((await api.get('/tokens')).text, /"kept"/);
    if (existsSync(path.join(dataDir, 'data/secrets.json'))) {
      const { bucket, hasKey, hasSecret } = (await api.get('/apps/films/s3')).body.data;
      assert.deepEqual([bucket, hasKey, hasSecret], ['films', true, true]);
    }
    assert.equal((await api.post('/apps/films/reload')).status, 200);
    await daemon.stop();
    assert.deepEqual(people().slice(0, were.length), were);
    assert.equal(
      rowsOf(registry, ['schema_migrations'])['schema_migrations']?.some((row) =>
        row.includes(`"id":${SCHEMA.registry},`),
      ),
      true,
    );
    const [copy] = await upgradeCopies(dataDir);
    assert.deepEqual(rowsOf(path.join(copy?.folder ?? '', 'data/streamhub.db'), ['apps', 'api_tokens']), old);
    assert.ok(existsSync(path.join(copy?.folder ?? '', 'apps/films/config.yaml')));
  });

test('`admin` lists the accounts of an old data folder without an upgrade, and copies it before it changes anything', async (t) => {
  const dataDir = await oldFolder(t);
  const before = rowsOf(path.join(dataDir, 'data/streamhub.db'));
  const admin = (...args: string[]) => streamhub(dataDir, 'admin', ...args);
  const ids = (before['users'] ?? []).map((row) => JSON.parse(row).id);
  const listed = (await admin('users')).stdout;
  assert.ok(ids.length > 0 && ids.every((id) => listed.includes(id)), listed);
  assert.deepEqual(rowsOf(path.join(dataDir, 'data/streamhub.db')), before);
  assert.deepEqual(await upgradeCopies(dataDir), []);
  const { stdout: token, stderr } = await admin('create-token');
  const daemon = await testDaemon(t, {}, { dataDir });
  assert.equal((await daemon.api.as(token.trim()).get('/apps')).status, 200);
  await daemon.stop();
  const [copy, ...others] = await upgradeCopies(dataDir);
  assert.ok(copy !== undefined && others.length === 0, 'the start after it upgrades nothing');
  assert.ok(stderr.includes(copy.folder), stderr);
  await rollback(dataDir, '--yes');
  assert.deepEqual(rowsOf(path.join(dataDir, 'data/streamhub.db')), before);
});

test('a newer data folder is refused with both versions', async (t) => {
  const dataDir = await oldFolder(t);
  const db = new Database(path.join(dataDir, 'data/streamhub.db'));
  db.exec(`INSERT INTO schema_migrations VALUES (999, 'later', '2030-01-01T00:00:00.000Z');
    INSERT INTO streamhub_meta VALUES ('program.version', '9.8.7', '2030-01-01T00:00:00.000Z')`);
  db.close();
  const refusal = await testDaemon(t, {}, { dataDir }).then(
    () => '',
    (error: Error) => error.message,
  );
  assert.match(refusal, /newer StreamHub \(9\.8\.7, schema 999/);
  assert.ok(refusal.includes(`(${VERSION}, schema ${SCHEMA.registry}/${SCHEMA.app})`));
  assert.ok(!existsSync(path.join(dataDir, 'upgrades')));
});

/** Copies as the start does, and kills itself before the file operation of the given number. */
const COPY = `
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
const [dir, killAt] = [process.argv[1], Number(process.argv[2])];
const { copyBeforeUpgrade } = await import('#daemon/operations/backup/upgrade.ts');
const { prepareDataDir } = await import('#daemon/platform/data-dir.ts');
let count = 0;
for (const call of ['mkdir', 'rename', 'open', 'readdir', 'rm', 'stat']) {
  const original = fsp[call];
  fsp[call] = (...args) => {
    if (++count === killAt) process.kill(process.pid, 'SIGKILL');
    return original.apply(fsp, args);
  };
}
syncBuiltinESMExports();
await copyBeforeUpgrade(prepareDataDir(dir));
`;

test('a kill during the copy leaves no half copy, and the next start makes a whole one', async (t) => {
  const dataDir = await oldFolder(t);
  const before = rowsOf(path.join(dataDir, 'apps/films/app.db'));
  for (const killAt of [3, 6, 9, 12]) {
    const { signal, status, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', COPY, dataDir, String(killAt)],
      { encoding: 'utf8', cwd: ROOT },
    );
    assert.ok(signal === 'SIGKILL' || status === 0, stderr);
    for (const { folder } of await upgradeCopies(dataDir))
      assert.deepEqual(rowsOf(path.join(folder, 'apps/films/app.db')), before);
  }
  const copy = await copyBeforeUpgrade(prepareDataDir(dataDir));
  assert.deepEqual(rowsOf(path.join(copy?.folder ?? '', 'apps/films/app.db')), before);
  const names = await readdir(path.join(dataDir, 'upgrades'));
  assert.ok(names.length <= 3 && names.every((name) => !name.startsWith('.')), names.join());
  assert.ok((await readFile(path.join(copy?.folder ?? '', 'upgrade.json'), 'utf8')).includes('apps/films/app.db'));
});

test('jobs, incidents and audit entries of the installation leave the Platform team', () => {
  const db = new Database(':memory:');
  migrate(
    db,
    registryMigrations.filter(({ id }) => id < 26),
  );
  const at = '2026-01-01T00:00:00.000Z';
  for (const app of [null, 'live']) {
    db.prepare(
      `INSERT INTO jobs (id, kind, title, state, app, tenant_id, input_json, max_attempts, created_by_json, created_at, updated_at)
       VALUES (?, 'k', 't', 'failed', ?, 'platform', '{}', 1, '{}', ?, ?)`,
    ).run(app === null ? 4 : 7, app, at, at);
    db.prepare(
      `INSERT INTO incidents (rule_id, condition, subject, name, app, tenant_id, severity, text, opened_at, updated_at)
       VALUES ('r', 'job-failed', '4', 'n', ?, 'platform', 'warning', 't', ?, ?)`,
    ).run(app, at, at);
  }
  for (const action of ['settings.change', 'token.create', 'backup.create', 'member.add', 'auth.login'])
    db.prepare(
      `INSERT INTO audit (ts, action, outcome, actor_kind, actor_id, actor_is_global, tenant_id)
       VALUES (?, ?, 'done', 'user', 'u', 1, 'platform')`,
    ).run(at, action);
  db.exec('DELETE FROM jobs WHERE id = 7');
  migrate(db, registryMigrations);
  const list = (sql: string) => db.prepare(sql).pluck().all();
  assert.deepEqual(list('SELECT tenant_id FROM jobs'), [null]);
  assert.deepEqual(list("SELECT seq FROM sqlite_sequence WHERE name = 'jobs'"), [7], 'no id is used again');
  assert.deepEqual(list('SELECT tenant_id FROM incidents ORDER BY id'), [null, 'platform']);
  assert.deepEqual(list("SELECT action FROM audit WHERE tenant_id = 'platform' ORDER BY id"), [
    'member.add',
    'auth.login',
  ]);
  db.close();
});

/** Migrates the registry as the start does, and kills itself after the given number of statements, before they are committed. */
const MIGRATE = `
import Database from 'better-sqlite3';
const [file, killAt] = [process.argv[1], Number(process.argv[2])];
const { migrate } = await import('#daemon/platform/db/migrate.ts');
const { registryMigrations } = await import('#daemon/platform/db/registry/index.ts');
let count = 0;
const { exec } = Database.prototype;
Database.prototype.exec = function (sql) {
  const result = exec.call(this, sql);
  if (++count === killAt) process.kill(process.pid, 'SIGKILL');
  return result;
};
migrate(new Database(file), registryMigrations);
`;

/** Brings the newest copy back, and kills itself before the file operation of the given number. */
const ROLL_BACK = COPY.replace(
  "const { copyBeforeUpgrade } = await import('#daemon/operations/backup/upgrade.ts');",
  `const { prepareRollback, upgradeCopies } = await import('#daemon/operations/backup/upgrade.ts');
const { applyRestore } = await import('#daemon/operations/backup/restore.ts');`,
).replace(
  'await copyBeforeUpgrade(prepareDataDir(dir));',
  `const [copy] = await upgradeCopies(dir);
await prepareRollback(dir, copy);
await applyRestore(dir);`,
);

const killed = (script: string, ...args: string[]) => {
  const options = { encoding: 'utf8', cwd: ROOT } as const;
  const { signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, ...args], options);
  assert.equal(signal, 'SIGKILL', stderr);
};

test('a kill between migrations, and one in a rollback, lose nothing: the copy stays that of the old program', async (t) => {
  const dataDir = await oldFolder(t, 'data-folder-012-60a66bb7.tgz');
  const registry = path.join(dataDir, 'data/streamhub.db');
  const before = rowsOf(registry);
  await copyBeforeUpgrade(prepareDataDir(dataDir));
  killed(MIGRATE, registry, '4');
  const half = rowsOf(registry, ['schema_migrations'])['schema_migrations']?.length ?? 0;
  assert.ok(half > (before['schema_migrations']?.length ?? 0) && half < SCHEMA.registry, 'some migrations were made');
  const daemon = await testDaemon(t, {}, { dataDir });
  assert.equal((await daemon.api.as('sk_0123456789abcdef0123456789abcdef').get('/apps')).status, 200);
  await daemon.stop();
  const copies = await upgradeCopies(dataDir);
  assert.equal(copies.length, 1);
  assert.deepEqual(rowsOf(path.join(copies[0]?.folder ?? '', 'data/streamhub.db')), before);
  const secrets = await readFile(path.join(copies[0]?.folder ?? '', 'data/secrets.json'), 'utf8');
  for (const killAt of [5, 25]) {
    killed(ROLL_BACK, dataDir, String(killAt));
    await rollback(dataDir, '--yes');
    assert.deepEqual(rowsOf(registry), before, `killed before operation ${killAt}`);
    assert.equal(await readFile(path.join(dataDir, 'data/secrets.json'), 'utf8'), secrets);
  }
});
