import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import Database from 'better-sqlite3';
import type { ConnectionTest } from '#shared/schema/connections.ts';
import type { Setting } from '#shared/schema/settings.ts';
import {
  type Answer,
  blockScope,
  type Client,
  type TestDaemon,
  temporaryDir,
  testDaemon,
} from '#test/helpers/daemon.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { firstAdmin, type Mailbox, mailbox } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

const PATH = '/system/settings';
const save = (api: Client, values: object, more: object = {}, headers = {}): Promise<Answer> =>
  api.patch(PATH, { values, ...more }, headers);
const settingOf = ({ body }: Answer, name: string): Setting =>
  (body.data.settings as Setting[]).find((one) => one.name === name) as Setting;
const read = async (api: Client, name: string): Promise<Setting> => settingOf(await api.get(PATH), name);

describe('settings that are stored', () => {
  const scope = blockScope();
  let dataDir: string;
  let daemon: TestDaemon;
  let api: Client;
  let box: Mailbox;
  let livekit: LivekitServer | string;
  const LOCKED = { LOG_RETENTION_DAYS: '7' };
  const begin = async (): Promise<void> => {
    daemon = await testDaemon(scope, LOCKED, { dataDir });
    api = daemon.api;
  };
  before(async () => {
    dataDir = await temporaryDir(scope);
    livekit = startLivekit(scope);
    box = await mailbox(scope, { user: 'streamhub', pass: 'mail-word-1' });
    await begin();
  });

  it('LiveKit is tested, stored and used, without a restart and without showing its keys', async (t) => {
    if (typeof livekit === 'string') return t.skip(livekit);
    const server = livekit;
    const values = {
      LIVEKIT_URL: server.url,
      LIVEKIT_API_KEY: server.apiKey,
      LIVEKIT_API_SECRET: server.apiSecret,
    };
    assert.equal((await api.post('/apps/live/tokens', {})).body.code, 'LIVEKIT_NOT_CONFIGURED');

    const wrong = await save(api, { ...values, LIVEKIT_API_SECRET: 'c'.repeat(43) });
    assert.deepEqual([wrong.status, wrong.body.code], [422, 'SETTINGS_TEST_FAILED']);
    const { steps } = wrong.body.test as ConnectionTest;
    assert.deepEqual(
      steps.filter(({ state }) => state === 'failed').map(({ id }) => id),
      ['signIn'],
    );
    assert.equal((await read(api, 'LIVEKIT_URL')).origin, 'default', 'nothing is stored');

    const tried = await api.post('/system/connections/livekit/test', { values });
    assert.equal(tried.body.data.ok, true, tried.text);
    assert.equal((await read(api, 'LIVEKIT_API_KEY')).isSet, false, 'a test stores nothing');

    const saved = await save(api, values);
    assert.equal(saved.status, 200, saved.text);
    assert.deepEqual(
      ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'].map((name) => settingOf(saved, name).origin),
      ['stored', 'stored', 'stored'],
    );
    assert.equal(settingOf(saved, 'LIVEKIT_API_KEY').shown, `${server.apiKey.slice(0, 6)}…`);
    for (const { text } of [saved, await api.get(PATH), await api.get('/audit?limit=50')])
      for (const secret of [server.apiKey, server.apiSecret, 'c'.repeat(43)]) assert.ok(!text.includes(secret));
    await until('LiveKit is in use', async () => (await api.get('/system/livekit')).body.data.status === 'reachable');
    const { token } = (await api.post('/apps/live/tokens', {})).body.data;
    assert.ok(token.length > 20);
    const file = JSON.parse(await readFile(path.join(dataDir, 'data', 'secrets.json'), 'utf8'));
    assert.ok(Object.values(file).includes(server.apiSecret), 'secrets are in the secret store');
    const row = await audited('settings.change');
    assert.match(row.target, /LIVEKIT_URL/);
    assert.equal(row.actor.id.startsWith('token:'), true);

    // undone and done again, secrets included
    const { revision } = settingOf(saved, 'LIVEKIT_URL').changed as { revision: number };
    const undone = await api.post(`${PATH}/undo`, { revision });
    assert.equal(undone.status, 200, undone.text);
    assert.equal(settingOf(undone, 'LIVEKIT_API_SECRET').isSet, false);
    assert.equal((await api.get('/system/livekit')).body.data.status, 'unconfigured');
    const again = settingOf(undone, 'LIVEKIT_URL').changed as { revision: number };
    assert.equal((await api.post(`${PATH}/undo`, { revision: again.revision })).status, 200);
    await until('LiveKit is back', async () => (await api.get('/system/livekit')).body.data.status === 'reachable');
    const old = await api.post(`${PATH}/undo`, { revision });
    assert.deepEqual([old.status, old.body.code], [409, 'SETTINGS_NOT_UNDOABLE']);
  });

  it('Redis is asked, and mail is verified and sent to the one who asks', async () => {
    if (typeof livekit !== 'string') {
      const down = await save(api, { REDIS_URL: 'redis://:hidden-word@127.0.0.1:9' });
      assert.deepEqual([down.status, down.body.code], [422, 'SETTINGS_TEST_FAILED']);
      assert.ok(!down.text.includes('hidden-word'));
      const up = await save(api, { REDIS_URL: livekit.redisUrl });
      assert.equal(up.status, 200, up.text);
      assert.equal(settingOf(up, 'REDIS_URL').shown, new URL(livekit.redisUrl).host);
    }
    const values = {
      STREAMHUB_SMTP_HOST: '127.0.0.1',
      STREAMHUB_SMTP_PORT: box.port,
      STREAMHUB_SMTP_USER: 'streamhub',
      STREAMHUB_SMTP_PASS: 'mail-word-1',
      STREAMHUB_SMTP_FROM: 'streamhub@example.com',
      STREAMHUB_APP_URL: 'https://console.example.com',
    };
    const { api: admin } = await firstAdmin(daemon, 'ana@example.com');
    const tried = await admin.post('/system/connections/mail/test', { values, sendMail: true });
    assert.equal(tried.body.data.ok, true, tried.text);
    assert.match(await box.next('ana@example.com'), /Mail works/);
    const nobody = await api.post('/system/connections/mail/test', { values, sendMail: true });
    assert.deepEqual([nobody.status, nobody.body.details[0].path], [400, 'body.sendMail']);
    const wrong = await save(admin, { ...values, STREAMHUB_SMTP_PASS: 'other-word-2' });
    assert.deepEqual([wrong.status, wrong.body.code], [422, 'SETTINGS_TEST_FAILED']);
    assert.equal((await api.get('/auth/config')).body.data.magicLink, false);
    const saved = await save(admin, values);
    assert.equal(saved.status, 200, saved.text);
    assert.equal((await api.get('/auth/config')).body.data.magicLink, true, 'active immediately');
    assert.equal(settingOf(saved, 'STREAMHUB_SMTP_HOST').changed?.by, 'ana@example.com');
    // what is not up yet can be stored without the test
    const later = await save(api, { STREAMHUB_SMTP_PORT: 9 }, { saveUntested: true });
    assert.equal(settingOf(later, 'STREAMHUB_SMTP_PORT').value, 9);
  });

  it('sign-up, limits, address rules, public addresses, metrics and the join token apply immediately', async () => {
    const login = async () =>
      (await api.as(null).post('/auth/login', { user: 'nobody', password: 'wrong-word-1' })).headers;
    assert.equal((await api.get('/auth/config')).body.data.allowSignup, false);
    assert.equal((await api.as(null).get('//metrics?token=scrape-word-1')).status, 404);
    assert.equal((await api.get('/cluster/info')).body.data.enabled, false);
    const saved = await save(api, {
      STREAMHUB_ALLOW_SIGNUP: true,
      AUTH_RATE_LIMIT_MAX: 33,
      STREAMHUB_IP_ACCESS_MODE: 'log',
      PUBLIC_BASE_URL: 'https://stream.example.com/hub',
      STREAMHUB_TRUSTED_PROXIES: ['127.0.0.0/8', '10.1.0.0/16'],
      METRICS_TOKEN: 'scrape-word-1',
      STREAMHUB_CLUSTER_TOKEN: 'clt_stored_0123456789',
      STREAMHUB_AUDIT_RETENTION_DAYS: 90,
    });
    assert.equal(saved.status, 200, saved.text);
    assert.ok(!saved.text.includes('scrape-word-1'));
    assert.equal((await api.get('/auth/config')).body.data.allowSignup, true);
    assert.match((await login()).get('ratelimit-policy') ?? '', /q=33/);
    const { ipAccess, trustedProxies } = (await api.get('/security')).body.data;
    assert.deepEqual([ipAccess.mode, trustedProxies], ['log', ['127.0.0.0/8', '10.1.0.0/16']]);
    const metrics = await api.as(null).get('//metrics?token=scrape-word-1');
    assert.equal(metrics.status, 200);
    assert.equal((await api.as(null).get('//hub/api/v1/health')).status, 200, 'below the path of the new address');
    const join = await api
      .as(null)
      .post('/cluster/join', { name: 'edge-1', ip: '203.0.113.9' }, { 'x-cluster-token': 'clt_stored_0123456789' });
    assert.equal(join.status, 201, join.text);
    await until('the origin is listed', async () => (await api.get('/cluster/nodes')).body.data.length === 2);

    const off = await save(api, { METRICS_TOKEN: null, PUBLIC_BASE_URL: null, STREAMHUB_ALLOW_SIGNUP: null });
    assert.equal(settingOf(off, 'PUBLIC_BASE_URL').origin, 'default');
    assert.equal((await api.as(null).get('//metrics?token=scrape-word-1')).status, 404);
    assert.equal((await api.get('/auth/config')).body.data.allowSignup, false);
  });

  it('the environment takes precedence and says so; the start’s own are refused; wrong values name their field', async () => {
    const locked = await read(api, 'LOG_RETENTION_DAYS');
    assert.deepEqual([locked.origin, locked.lockedBy], ['environment', 'LOG_RETENTION_DAYS in the environment']);
    const refused = await save(api, { LOG_RETENTION_DAYS: 3 });
    assert.deepEqual([refused.status, refused.body.code], [409, 'SETTING_LOCKED']);
    for (const [values, message] of [
      [{ PORT: 80 }, /can only be set where the daemon is started/],
      [{ ADMIN_PASS: 'word-of-admin' }, /can only be set where the daemon is started/],
      [{ NOT_A_SETTING: 1 }, /is not a setting/],
      [{ LIVEKIT_URL: 'ftp://a' }, /must be an address that begins with/],
      [{ PUBLIC_BASE_URL: 'https://u:hidden-word@a.example' }, /must not contain a user, a password or a query/],
      [{ PUBLIC_WS_URL: 'wss://a.example/?key=hidden-word' }, /must not contain a user, a password or a query/],
      [{ METRICS_TOKEN: 'a\nb' }, /line ends/],
      [{ LIVEKIT_API_SECRET: ' hidden-word' }, /must not begin or end with a blank/],
      [{ STREAMHUB_SMTP_PORT: 70_000 }, /must be a whole number from 1 to 65535/],
      [{ STREAMHUB_IP_ACCESS_MODE: 'maybe' }, /must be one of off, log, enforce/],
    ] as const) {
      const { status, body, text } = await save(api, { ...values, STREAMHUB_ALLOW_SIGNUP: true });
      assert.equal(status, 400, text);
      assert.equal(body.details[0].path, `body.values.${Object.keys(values)[0]}`);
      assert.match(body.details[0].message, message);
      assert.ok(!text.includes('hidden-word'));
    }
    assert.equal((await read(api, 'STREAMHUB_ALLOW_SIGNUP')).value, false, 'all or nothing');
  });

  it('an old ETag is refused, and what would shut the caller out', async () => {
    const first = await api.get(PATH);
    const etag = first.headers.get('etag') ?? '';
    const changed = await save(api, { LOG_MAX_ROWS: 5000 }, {}, { 'if-match': etag });
    assert.equal(changed.status, 200, changed.text);
    assert.notEqual(changed.headers.get('etag'), etag);
    const stale = await save(api, { LOG_MAX_ROWS: 6000 }, {}, { 'if-match': etag });
    assert.deepEqual([stale.status, stale.body.code], [412, 'PRECONDITION_FAILED']);
    const out = { STREAMHUB_IP_ACCESS_MODE: 'enforce', STREAMHUB_IP_ALLOWLIST_ONLY: true };
    const shut = await save(api, out, {}, { 'x-forwarded-for': '203.0.113.7' });
    assert.deepEqual([shut.status, shut.body.code], [409, 'SETTINGS_SHUT_YOU_OUT']);
    assert.equal((await save(api, out)).status, 200, 'private addresses are never rejected');
  });

  it('a restart keeps them and applies the others; what can’t be used is reported and never prevents it', async () => {
    const pending = settingOf(await save(api, { LOG_MAX_FILES: 4, TRANSCODING_JOBS: 2 }), 'LOG_MAX_FILES');
    assert.deepEqual([pending.value, pending.pending, pending.pendingValue], [10, true, 4]);
    // operators see them with the other problems of the installation
    assert.deepEqual(await waiting(), ['LOG_MAX_FILES', 'TRANSCODING_JOBS']);
    await save(api, { TRANSCODING_JOBS: null });
    assert.deepEqual(await waiting(), ['LOG_MAX_FILES']);
    await daemon.stop();
    const db = new Database(path.join(dataDir, 'data', 'streamhub.db'));
    db.prepare("UPDATE settings SET value = 'not a number' WHERE name = 'LOG_MAX_ROWS'").run();
    db.prepare(
      "UPDATE settings SET value = 'STREAMHUB_CLUSTER_TOKEN@999' WHERE name = 'STREAMHUB_CLUSTER_TOKEN'",
    ).run();
    db.prepare(
      "INSERT INTO settings (name, value, revision, changed_at, changed_by) VALUES ('OF_ANOTHER_VERSION', '1', 1, '', '')",
    ).run();
    db.close();
    await begin();
    const answer = await api.get(PATH);
    assert.deepEqual(
      [settingOf(answer, 'LOG_MAX_FILES').value, settingOf(answer, 'LOG_MAX_FILES').pending],
      [4, false],
    );
    assert.deepEqual(await waiting(), []);
    assert.equal(settingOf(answer, 'LOG_MAX_ROWS').value, 2_000_000);
    assert.match(settingOf(answer, 'LOG_MAX_ROWS').problem ?? '', /must be a whole number/);
    assert.match(settingOf(answer, 'STREAMHUB_CLUSTER_TOKEN').problem ?? '', /missing from the stored secrets/);
    const warned = (answer.body.data.warnings as { code: string; subject: string }[]).filter(
      ({ code }) => code === 'STORED_SETTING',
    );
    assert.deepEqual(warned.map(({ subject }) => subject).sort(), ['LOG_MAX_ROWS', 'STREAMHUB_CLUSTER_TOKEN']);
    assert.equal(settingOf(answer, 'STREAMHUB_SMTP_PASS').origin, 'stored');
    if (typeof livekit !== 'string')
      await until('LiveKit is in use', async () => (await api.get('/system/livekit')).body.data.status === 'reachable');
    const mended = await save(api, { LOG_MAX_ROWS: 7000, STREAMHUB_CLUSTER_TOKEN: null });
    assert.deepEqual(
      (mended.body.data.warnings as { code: string }[]).filter(({ code }) => code === 'STORED_SETTING'),
      [],
    );
  });

  it('a set-aside secrets.json leaves the daemon without the secrets, and says which', async () => {
    await daemon.stop();
    await writeFile(path.join(dataDir, 'data', 'secrets.json'), 'not json');
    await begin();
    assert.match((await read(api, 'STREAMHUB_SMTP_PASS')).problem ?? '', /missing from the stored secrets/);
  });

  /** Settings that wait for a restart. */
  const waiting = async (): Promise<string[]> =>
    ((await api.get(PATH)).body.data.warnings as { code: string; subject: string }[])
      .filter(({ code }) => code === 'RESTART_NEEDED')
      .map(({ subject }) => subject)
      .sort();
  const audited = async (action: string): Promise<{ target: string; actor: { id: string } }> =>
    until('the audit entry', async () => (await api.get(`/audit?action=${action}`)).body.data[0]);
});
