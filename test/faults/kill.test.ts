import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { type Answer, Client, type DaemonProcess, daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';
import { withoutLongTests } from '#test/helpers/long-tests.ts';
import { until } from '#test/helpers/until.ts';

/** One kill a round. */
const ROUNDS = withoutLongTests ? 2 : 8;
/** Enough text that a write takes several pages. */
const FILLER = Array.from({ length: 400 }, (_, i) => `# line ${i} ${'.'.repeat(80)}`).join('\n');
const configText = (version: number): string =>
  `name: live\nroom_prefix: live\ndisplay_name: "v${version}"\ntranscoding:\n  enabled: false\n${FILLER}\n# end ${version}\n`;

/** What the daemon confirmed, over all its lives. */
class Confirmed {
  config = 0;
  key = 0;
  rename = 0;
  /** Numbers of apps and tokens are used once. */
  next = 1;
  created = new Set<string>();
  deleted = new Set<string>();
  tokens: string[] = [];
}

/** Writes of every kind, as fast as they are answered, until the connection breaks. */
async function writeUntilKilled(daemon: DaemonProcess, done: Confirmed, killAfter: number): Promise<void> {
  const { api } = daemon;
  let answers = 0;
  const seen = new Set<string>();
  const confirmed = (kind: keyof typeof kinds, { status, text }: Answer, expected: number): void => {
    assert.equal(status, expected, text);
    answers += 1;
    seen.add(kind);
    // not awaited: the kill meets writes of all kinds somewhere in their course
    if (answers >= killAfter && seen.size === Object.keys(kinds).length)
      setImmediate(() => daemon.child.kill('SIGKILL'));
  };
  const kinds = {
    async config() {
      const version = done.config + 1;
      confirmed('config', await api.put('/apps/live/config/raw', { yaml: configText(version) }), 200);
      done.config = version;
    },
    async key() {
      const version = done.key + 1;
      const key = `AKIAKEY${String(version).padStart(9, '0')}`;
      const secret = `secret-${version}-${'s'.repeat(300)}`;
      confirmed('key', await api.put('/apps/live/s3', { key, secret }), 200);
      done.key = version;
    },
    async rename() {
      const version = done.rename + 1;
      confirmed('rename', await api.patch('/apps/named', { displayName: `n${version}` }), 200);
      done.rename = version;
    },
    async app() {
      const name = `app-${done.next++}`;
      confirmed('app', await api.post('/apps', { name }), 201);
      done.created.add(name);
      await api.put(`/apps/${name}/s3`, { key: 'AKIAOFANAPP00001', secret: 'of an app' });
      if (done.next % 2 === 0) return;
      confirmed('app', await api.delete(`/apps/${name}`), 200);
      done.deleted.add(name);
    },
    async token() {
      const made = await api.post('/tokens', { name: `t${done.next++}`, scope: 'global' });
      confirmed('token', made, 201);
      done.tokens.push(made.body.token);
    },
  };
  const writer = async (write: () => Promise<void>): Promise<never> => {
    for (;;) await write();
  };
  for (const end of await Promise.allSettled(Object.values(kinds).map(writer))) {
    const { reason } = end as PromiseRejectedResult;
    if (reason instanceof assert.AssertionError) throw reason;
  }
}

/** What a kill left, before anything repairs it: each file is of one change. */
async function filesAreWhole(dir: string, done: Confirmed): Promise<void> {
  const appDir = path.join(dir, 'apps/live');
  const text = await readFile(path.join(appDir, 'config.yaml'), 'utf8');
  const written = Number(/display_name: "?v(\d+)/.exec(text)?.[1] ?? 0);
  assert.ok(written >= done.config, `version ${written} on the disk, ${done.config} was confirmed`);
  if (written > 0) assert.ok(text.endsWith(`# end ${written}\n`), 'the config is cut off');
  for (const file of (await readdir(appDir)).filter((name) => name.startsWith('config.yaml.bak.')))
    assert.equal(parse(await readFile(path.join(appDir, file), 'utf8')).name, 'live', file);
  done.config = written;
}

/** Registry, folders, configs, secrets and archive tell the same after the next start. */
async function storesAgree(dir: string, daemon: DaemonProcess, done: Confirmed): Promise<void> {
  // deletions that the kill interrupted are finished by the next start
  await until('no job is under way', async () => (await daemon.api.get('/jobs?state=active')).body.total === 0);
  // an app's files are cleaned up when they are first used
  for (const { name } of (await daemon.api.get('/apps')).body)
    assert.equal((await daemon.api.get(`/apps/${name}/config/raw`)).status, 200, name);
  const apps = (await daemon.api.get('/apps')).body as { name: string; displayName: string; problems?: object }[];
  const names = apps.map(({ name }) => name).sort();
  const archived = await readdir(path.join(dir, 'archive')).catch(() => [] as string[]);
  for (const name of done.created)
    assert.equal(names.includes(name) || done.deleted.has(name) || isArchived(archived, name), true, name);
  for (const name of done.deleted) assert.ok(!names.includes(name), `${name} is back`);
  const folders = (await readdir(path.join(dir, 'apps'))).sort();
  assert.deepEqual(folders, names);
  const secretsFile = path.join(dir, 'data/secrets.json');
  const secrets = JSON.parse(await readFile(secretsFile, 'utf8').catch(() => '{}')) as Record<string, string>;
  for (const { name, displayName, problems } of apps) {
    assert.equal(problems, undefined, name);
    const config = parse(await readFile(path.join(dir, 'apps', name, 'config.yaml'), 'utf8'));
    assert.deepEqual([config.name, config.display_name ?? name], [name, displayName], name);
    assert.equal((await daemon.api.get(`/apps/${name}/vods`)).status, 200, name);
    const left = (await readdir(path.join(dir, 'apps', name))).filter((file) => /tmp|redo|\.new/.test(file));
    assert.deepEqual(left, [], 'temporary files of killed writes are cleared away');
  }
  const slugs = new Set(names.map((name) => name.replaceAll('-', '_').toUpperCase()));
  for (const key of Object.keys(secrets)) {
    const slug = /^APP_(.+)_S3_(?:KEY|SECRET)$/.exec(key)?.[1];
    assert.ok(slug === undefined || slugs.has(slug), `${key} is of no app`);
  }
  const key = Number(/^AKIAKEY(\d+)$/.exec(secrets['APP_LIVE_S3_KEY'] ?? '')?.[1] ?? 0);
  assert.ok(key >= done.key, `key ${key} stored, ${done.key} was confirmed`);
  if (key > 0) {
    assert.match(
      secrets['APP_LIVE_S3_SECRET'] ?? '',
      new RegExp(`^secret-${key}-s{300}$`),
      'key and secret belong together',
    );
    assert.equal((await stat(secretsFile)).mode & 0o777, 0o600);
  }
  const named = Number(/^n(\d+)$/.exec(apps.find(({ name }) => name === 'named')?.displayName ?? '')?.[1] ?? 0);
  assert.ok(named >= done.rename, `${named} is the name, ${done.rename} was confirmed`);
  for (const token of done.tokens.slice(-5)) assert.equal((await daemon.api.as(token).get('/apps')).status, 200);
  assert.deepEqual(await readdir(path.join(dir, 'data/changes')).catch(() => []), []);
  Object.assign(done, { key, rename: named });
}

const isArchived = (archived: string[], name: string): boolean =>
  archived.some((folder) => folder.startsWith(`${name}-20`));

/** Makes the daemon's process kill itself before its file operation of the given number. */
const killAt = (count: number): string =>
  `data:text/javascript,${encodeURIComponent(`
import fsp from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
let left = ${count};
if (isMainThread) for (const call of ['open', 'rename', 'mkdir', 'rm', 'readdir', 'stat', 'writeFile']) {
  const original = fsp[call];
  fsp[call] = (...args) => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL');
    return original.apply(fsp, args);
  };
}
syncBuiltinESMExports();`)}`;

describe('SIGKILL at any moment', { concurrency: 2 }, () => {
  test('under writes of every kind: all stores agree after the next start, and nothing confirmed is lost', async (t) => {
    const dir = await temporaryDir(t);
    const done = new Confirmed();
    let daemon = await daemonProcess(t, dir);
    assert.equal((await daemon.api.post('/apps', { name: 'named' })).status, 201);
    for (let round = 0; round < ROUNDS; round += 1) {
      const killAfter = 5 + Math.floor(Math.random() * 25);
      t.diagnostic(`round ${round} ends after ${killAfter} answers`);
      await writeUntilKilled(daemon, done, killAfter);
      await daemon.end('SIGKILL');
      await filesAreWhole(dir, done);
      daemon = await daemonProcess(t, dir);
      await storesAgree(dir, daemon, done);
    }
    const backups = (await daemon.api.get('/apps/live/config/backups')).body.data;
    assert.ok(backups.length > 0);
    for (const { ts } of backups) assert.equal((await daemon.api.get(`/apps/live/config/backups/${ts}`)).status, 200);
  });

  test('in a first start: the next one has one app and one token, which it shows', async (t) => {
    const dir = await temporaryDir(t);
    const env = { STREAMHUB_API_TOKEN: '' };
    for (const count of [2, 6, 10, 14, 20])
      await daemonProcess(t, dir, { ...env, NODE_OPTIONS: `--import=${killAt(count)}` }).then(
        (daemon) => daemon.end('SIGKILL'),
        () => undefined,
      );
    const daemon = await daemonProcess(t, dir, env);
    const shown = /^\s+(sk_[\w-]{43})$/m.exec(daemon.stdout())?.[1];
    assert.ok(shown, daemon.stdout());
    const api = new Client(daemon.url, shown);
    const tokens = (await api.get('/tokens')).body as { revoked: boolean }[];
    assert.equal(tokens.filter(({ revoked }) => !revoked).length, 1);
    assert.deepEqual(
      (await api.get('/apps')).body.map(({ name }: { name: string }) => name),
      ['live'],
    );
    assert.deepEqual(await readdir(path.join(dir, 'apps')), ['live']);
  });
});
