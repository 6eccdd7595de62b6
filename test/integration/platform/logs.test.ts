import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { withLogContext } from '#daemon/platform/log-context.ts';
import type { LogRow } from '#shared/schema/logs.ts';
import { daemonProcess, sharedDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';

const messages = (body: { data: LogRow[] }): string[] => body.data.map(({ message }) => message);

describe('GET /logs', () => {
  const daemon = sharedDaemon({ LOG_LEVEL: 'info', ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' });
  /** Everything written so far is in the table. */
  const settled = async (): Promise<void> => {
    // a deletion of no app flushes what waits, as every deletion does
    await daemon.services.logs.forgetApp(-1);
  };

  before(async () => {
    await daemon.api.post('/apps', { name: 'first' });
    await daemon.api.post('/apps', { name: 'second' });
    const log = daemon.services.log;
    log.child({ source: 'jobs', app: 'first' }).info({ job: 7 }, 'Upload of a_b finished: 100% done');
    log.child({ source: 'jobs', app: 'second' }).warn('upload stalled');
    log.child({ source: 'cluster' }).error({ err: new Error('node is gone') }, 'upload impossible');
    log.debug('upload not written, the level is info');
    await settled();
  });

  it('holds no line for a read, of the API or of the console, unless debug is on', async () => {
    for (const route of ['/api/v1/apps', '/', '/assets/none.js']) await (await fetch(daemon.url + route)).arrayBuffer();
    await settled();
    const { data } = (await daemon.api.get('/logs?source=http&q=request&limit=1000')).body;
    const methods = new Set(data.map(({ metaJson }: LogRow) => JSON.parse(metaJson ?? '{}').method));
    assert.deepEqual([...methods], ['POST']);
  });

  it('finds rows by each filter, and by all together', async () => {
    const find = async (query: string): Promise<string[]> => messages((await daemon.api.get(`/logs?${query}`)).body);
    assert.deepEqual(await find('q=UPLOAD'), [
      'upload impossible',
      'upload stalled',
      'Upload of a_b finished: 100% done',
    ]);
    assert.deepEqual(await find('q=upload&order=asc&limit=1'), ['Upload of a_b finished: 100% done']);
    assert.deepEqual(await find('q=upload&app=first'), ['Upload of a_b finished: 100% done']);
    assert.deepEqual(await find('q=upload&level=warn'), ['upload stalled']);
    assert.deepEqual(await find('q=upload&source=cluster'), ['upload impossible']);
    assert.deepEqual(await find('q=a_b'), ['Upload of a_b finished: 100% done']);
    assert.deepEqual(await find('q=100%25'), ['Upload of a_b finished: 100% done']);
    assert.deepEqual(await find('q=uplo'), await find('q=upload'));
    assert.deepEqual(await find('q=%25'), []);
    assert.deepEqual(await find('app=first&level=info&source=jobs&q=upload&since=2020-01-01&until=2100-01-01'), [
      'Upload of a_b finished: 100% done',
    ]);
    assert.deepEqual(await find('app=nobody'), []);
    assert.deepEqual(await find('q=upload&source=&app=&since=&until='), await find('q=upload'));
  });

  it('answers rows as the reference describes them', async () => {
    const appId = (await daemon.api.get('/apps/first')).body.id;
    const { status, body } = await daemon.api.get('/logs?q=100%25');
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(body), ['data', 'total', 'more', 'limit', 'offset']);
    assert.deepEqual([body.total, body.more, body.limit, body.offset], [1, false, 100, 0]);
    const [row] = body.data;
    assert.deepEqual(Object.keys(row), ['id', 'ts', 'level', 'source', 'appId', 'message', 'metaJson']);
    assert.equal(row.appId, appId);
    assert.equal(row.level, 'info');
    assert.equal(new Date(row.ts).toISOString(), row.ts);
    assert.deepEqual(JSON.parse(row.metaJson), { app: 'first', job: 7 });
  });

  it('finds a request by its id, and an error by its code or cause', async () => {
    const { headers } = await fetch(`${daemon.url}/api/v1/apps`, {
      method: 'POST',
      headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json' },
      body: '{"name":"third"}',
    });
    const cause = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    daemon.services.log.child({ source: 'jobs' }).error({ err: new Error('fetch failed', { cause }) }, 'no answer');
    await settled();
    const find = async (q: string) =>
      (await daemon.api.get(`/logs?q=${encodeURIComponent(q)}`)).body as { data: LogRow[] };
    const { data } = await find(headers.get('x-request-id') as string);
    assert.deepEqual(
      data.map(({ message, metaJson }) => [message, JSON.parse(metaJson as string).method]),
      [['request', 'POST']],
    );
    for (const q of ['ECONNRESET', 'socket hang up', 'fetch failed'])
      assert.deepEqual(messages(await find(q)), ['no answer'], q);
  });

  it('writes a failure once, as a sentence with its stack, cure, app and request, and lists it once with a count', async () => {
    const find = async (q: string) => (await daemon.api.get(`/logs?q=${q}`)).body.data as LogRow[];
    const app = (await daemon.api.get('/apps/second')).body.id as number;
    const failed = await daemon.api.get('/apps/second/ingress');
    assert.equal(failed.status, 502);
    const change = await daemon.api.post('/apps/second/ingress', { type: 'rtmp', room: 'hall' });
    assert.equal(change.status, 502);
    const missing = await daemon.api.get('/apps/second/streams/nobody');
    assert.equal(missing.status, 404);
    await settled();
    const [line, ...more] = await find(failed.body.requestId);
    assert.deepEqual(more, []);
    const { level, message, appId, metaJson } = line as LogRow;
    assert.deepEqual([level, appId], ['error', app]);
    assert.match(message, /^Could not list an app’s ingests: LiveKit is not responding: /);
    const fields = JSON.parse(metaJson as string);
    assert.deepEqual(
      [fields.code, fields.app, fields.hint, typeof fields.err.stack],
      ['LIVEKIT_UNREACHABLE', 'second', failed.body.hint, 'string'],
    );
    // a change has its request line, too: with the same app and code
    const ofChange = await find(change.body.requestId);
    assert.deepEqual(
      ofChange.map((row) => [row.level, row.appId, JSON.parse(row.metaJson as string).code]),
      [
        ['info', app, 'LIVEKIT_UNREACHABLE'],
        ['error', app, 'LIVEKIT_UNREACHABLE'],
      ],
    );
    const [refusal] = await find(missing.body.requestId);
    assert.deepEqual([refusal?.level, refusal?.appId], ['info', app]);
    assert.match(refusal?.message as string, /^Could not .*: The app has no stream nobody\.$/);

    await daemon.api.get('/apps/second/ingress');
    await settled();
    const { errors } = (await daemon.api.get('/logs/errors?app=second')).body.data;
    assert.deepEqual(
      errors.map((one: any) => [one.count, one.line.message]),
      [
        [2, message],
        [1, ofChange[1]?.message],
      ],
    );
    assert.deepEqual((await daemon.api.get('/logs/errors?app=first')).body.data.errors, []);
  });

  it('puts the request and app on lines that services write during it', async () => {
    const { requestId } = (await daemon.api.get('/apps/second/ingress')).body;
    const written = withLogContext({ requestId, app: 'second' }, async () => {
      await null;
      daemon.services.log.child({ source: 'jobs' }).info('a line of a service');
      daemon.services.log.child({ source: 'jobs', app: 'first' }).info('a line about another app');
    });
    await written;
    await settled();
    const rows = (await daemon.api.get(`/logs?q=${requestId}&source=jobs&order=asc`)).body.data as LogRow[];
    const ids = new Map((await daemon.api.get('/apps')).body.map((app: any) => [app.id, app.name]));
    assert.deepEqual(
      rows.map(({ message, appId }) => [message, ids.get(appId)]),
      [
        ['a line of a service', 'second'],
        ['a line about another app', 'first'],
      ],
    );
  });

  it('pages, and counts all rows that match', async () => {
    const all = (await daemon.api.get('/logs?q=upload')).body;
    const seen: LogRow[] = [];
    for (let offset = 0; offset < 3; offset += 1) {
      const { body } = await daemon.api.get(`/logs?q=upload&limit=1&offset=${offset}`);
      assert.equal(body.total, 3);
      seen.push(...body.data);
    }
    assert.deepEqual(seen, all.data);
    const beyond = (await daemon.api.get('/logs?q=upload&offset=99')).body;
    assert.deepEqual([beyond.data, beyond.total, beyond.offset], [[], 3, 99]);
  });

  it('compares instants, not texts: a day as upper bound is meant whole, offsets count', async () => {
    const total = async (query: string): Promise<number> =>
      (await daemon.api.get(`/logs?q=upload&${query}`)).body.total;
    const row = (await daemon.api.get('/logs?q=stalled')).body.data[0] as LogRow;
    const today = row.ts.slice(0, 10);
    assert.equal(await total(`until=${today}`), 3);
    assert.equal(await total(`since=${today}&until=${today}`), 3);
    const inParis = new Date(Date.parse(row.ts) + 2 * 3_600_000).toISOString().replace('Z', '');
    for (const plus of ['%2B', '+']) {
      assert.equal(await total(`level=warn&since=${inParis}${plus}02:00&until=${inParis}${plus}02:00`), 1, plus);
    }
    assert.equal(await total(`since=${new Date(Date.parse(row.ts) + 3_600_000).toISOString()}`), 0);
    assert.equal(await total(`since=2100-01-01&until=2000-01-01`), 0);
  });

  for (const [query, field] of [
    ['limit=0', 'query.limit'],
    ['limit=1001', 'query.limit'],
    ['limit=ten', 'query.limit'],
    ['offset=-1', 'query.offset'],
    ['level=notice', 'query.level'],
    [`q=${'x'.repeat(201)}`, 'query.q'],
    [`app=${'x'.repeat(65)}`, 'query.app'],
    [`source=${'x'.repeat(65)}`, 'query.source'],
    ['since=yesterday', 'query.since'],
    ['until=2026-02-30', 'query.until'],
    ['app=first&app=second', 'query.app'],
    ['q=a&q=b', 'query.q'],
    ['limit=1&limit=2', 'query.limit'],
  ] as const) {
    it(`refuses ${query.slice(0, 40)}`, async () => {
      const { status, body } = await daemon.api.get(`/logs?${query}`);
      assert.equal(status, 400);
      assert.equal(body.details[0].path, field);
    });
  }

  it('takes limits at their boundary and ignores unknown keys', async () => {
    const exact = ['limit=1', 'limit=1000', 'offset=0', `q=${'x'.repeat(200)}`, `app=${'x'.repeat(64)}`, 'color=red'];
    for (const query of exact) assert.equal((await daemon.api.get(`/logs?${query}`)).status, 200, query);
  });

  it('needs a credential', async () => assert.equal((await daemon.api.as(null).get('/logs')).status, 401));

  it('shows a caller without global scope the rows of its apps only', async () => {
    const { services, api } = daemon;
    services.db
      .prepare("INSERT INTO tenants (id, name, plan, created_at) VALUES ('tnt_other', 'Other', 'free', '2026-01-01')")
      .run();
    const other = await services.apps.create(
      { name: 'others' },
      { userId: 'usr_x', tenantId: 'tnt_other', role: 'owner', isSuperadmin: false, scope: 'user', via: 'user_jwt' },
      { id: 'test' },
    );
    services.log.child({ app: 'others', source: 'jobs' }).info('upload of another team');
    await settled();
    const tokenOf = async (appId: number): Promise<string> =>
      (await api.post('/tokens', { name: 't', scope: 'app', appId })).body.token;
    const theirs = api.as(await tokenOf(other.id));
    assert.deepEqual(messages((await theirs.get('/logs')).body), ['upload of another team']);
    assert.equal((await theirs.get('/logs')).body.total, 1);
    assert.deepEqual((await theirs.get('/logs?app=first')).body, {
      data: [],
      total: 0,
      more: false,
      limit: 100,
      offset: 0,
    });
    assert.equal((await theirs.get('/apps/first/logs')).status, 403);
    const ours = api.as(await tokenOf((await api.get('/apps/first')).body.id));
    assert.deepEqual(messages((await ours.get('/logs?q=upload')).body), ['Upload of a_b finished: 100% done']);
    assert.equal((await ours.get('/logs?q=upload&app=second')).body.total, 0, 'not those of a sibling app either');
    assert.equal((await api.get('/logs?q=upload')).body.total, 4);
  });

  it('has a twin for one app', async () => {
    const { body } = await daemon.api.get('/apps/first/logs?q=upload');
    assert.deepEqual(messages(body), ['Upload of a_b finished: 100% done']);
    assert.equal((await daemon.api.get('/apps/first/logs?level=loud')).status, 400);
    assert.equal((await daemon.api.get('/apps/nobody/logs')).status, 404);
    assert.equal((await daemon.api.as(null).get('/apps/first/logs')).status, 401);
  });

  it('keeps the rows of a deleted app, as rows of no app', async () => {
    const { services } = daemon;
    await services.apps.create({ name: 'shortlived' }, null, { id: 'test' });
    services.log.child({ app: 'shortlived' }).info('last words of an app');
    await settled();
    assert.notEqual((await daemon.api.get('/logs?q=last%20words')).body.data[0].appId, null);
    services.apps.remove('shortlived', { id: 'test' });
    assert.equal((await daemon.api.get('/logs?q=last%20words')).body.data[0].appId, null);
    await settled();
    assert.equal((await daemon.api.get('/logs?q=last%20words')).body.data[0].appId, null);
    assert.equal((await daemon.api.get('/logs?app=shortlived')).body.total, 0);
  });
});

describe('The log', () => {
  it('is the same in file and table, and survives a restart', async (t) => {
    const dataDir = await temporaryDir(t);
    const first = await testDaemon(t, { LOG_LEVEL: 'info' }, { dataDir });
    first.services.log.child({ source: 'apps' }).info('written before the restart');
    await first.stop();
    assert.match(await readFile(path.join(dataDir, 'logs/streamhub.log'), 'utf8'), /written before the restart/);
    const second = await testDaemon(t, {}, { dataDir });
    assert.equal((await second.api.get('/logs?q=before%20the%20restart')).body.total, 1);
  });

  it('removes rows that are too old, unless told to keep them', async (t) => {
    for (const [days, left] of [
      ['1', 0],
      ['0', 1],
    ] as const) {
      const { services, api } = await testDaemon(t, { LOG_LEVEL: 'warn', LOG_RETENTION_DAYS: days });
      services.log.warn('soon too old');
      await services.logs.forgetApp(-1);
      await services.logs.clean(Date.now() + 2 * 86_400_000);
      assert.equal((await api.get('/logs?q=too%20old')).body.total, left);
    }
  });

  it('never carries a secret, in any sink or answer, even when one is logged on purpose', async (t) => {
    const dataDir = await temporaryDir(t);
    const secrets = {
      STREAMHUB_JWT_SECRET: 'jwt-secret-0123456789abcdef0123456789',
      ADMIN_USER: 'root',
      ADMIN_PASS: 'correct horse "battery" staple',
      LIVEKIT_API_KEY: 'APIkey1234567',
      LIVEKIT_API_SECRET: 'livekit-secret-0123456789abcdef012345',
      STREAMHUB_CLUSTER_TOKEN: 'cluster-token-value-123',
      METRICS_TOKEN: 'metrics-token-value-123',
      STREAMHUB_SMTP_PASS: 'smtp-password-value',
      REDIS_URL: 'redis://:redis-pass-value@127.0.0.1:6379',
    };
    const { services, api, token, stop } = await testDaemon(t, { ...secrets, LOG_LEVEL: 'trace' }, { dataDir });
    await api.put('/apps/live/s3', {
      bucket: 'b',
      key: 'AKIAIOSFODNN7EXAMPLE',
      secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCY',
    });
    const hidden = [
      ...Object.entries(secrets).flatMap(([name, value]) =>
        ['ADMIN_USER', 'LIVEKIT_API_KEY', 'REDIS_URL'].includes(name) ? [] : [value],
      ),
      'redis-pass-value',
      token,
      'wJalrXUtnFEMI/K7MDENG/bPxRfiCY',
    ];
    for (const value of hidden) {
      services.log.info({ note: value, deep: { list: [value] } }, `text ${value} text`);
      services.log.error({ err: new Error(`refused ${value}`, { cause: new Error(value) }) }, 'failed');
    }
    await api.as(`${token}x`).get('/apps');
    await api.get(`/nothing?token=${token}`);
    await api.get(`//metrics?token=${secrets.METRICS_TOKEN}`);
    await services.logs.forgetApp(-1);
    const answers = [(await api.get('/logs?limit=1000')).text];
    await stop();
    const file = await readFile(path.join(dataDir, 'logs/streamhub.log'), 'utf8');
    assert.ok(file.split('\n').length > hidden.length * 2);
    for (const value of hidden) {
      for (const form of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]) {
        assert.ok(!file.includes(form), `the file holds ${form}`);
        assert.ok(!answers.join().includes(form), `an answer holds ${form}`);
      }
    }
    for (const line of file.trim().split('\n')) JSON.parse(line);
  });

  it('is shown live to those who listen for it, and to nobody else', async (t) => {
    const { api, services } = await testDaemon(t, { LOG_LEVEL: 'info' });
    const appId = (await api.get('/apps/live')).body.id;
    const { token } = (await api.post('/tokens', { name: 'a', scope: 'app', appId })).body;
    const all = await readEvents(t, api.base, api.token as string, { query: '?topics=logs' });
    const own = await readEvents(t, api.base, token, { query: '?topics=logs' });
    services.log.info('of the server');
    services.log.child({ app: 'live', source: 'jobs' }).warn('of the app');
    const isLine = (message: string) => (heard: { event: string; data: { data: LogRow } }) =>
      heard.event === 'log.line' && heard.data.data.message === message;
    const { data } = (await all.next(isLine('of the server'))).data;
    assert.deepEqual([data.level, data.source, data.appId], ['info', 'app', null]);
    const seen = (await own.next(isLine('of the app'))).data.data as LogRow;
    assert.deepEqual((await api.get('/logs?q=of%20the%20app')).body.data, [seen]);
    assert.ok(!own.heard.some(isLine('of the server')));
  });

  it('is counted over time with the filters and the rights of the search', async (t) => {
    const { api, services } = await testDaemon(t, { LOG_LEVEL: 'info' });
    const appId = (await api.get('/apps/live')).body.id;
    const { token } = (await api.post('/tokens', { name: 'a', scope: 'app', appId })).body;
    const since = new Date().toISOString();
    for (let n = 0; n < 5; n += 1) services.log.child({ app: 'live' }).warn(`counted ${n}`);
    services.log.error('counted by the server');
    const count = async (url: string, as = api) => (await as.get(`${url}?since=${since}&q=counted`)).body.data;
    // the table is written in batches, a moment after the lines
    await until('six lines', async () => (await api.get(`/logs?since=${since}&q=counted`)).body.total >= 6);
    const all = await count('/logs/histogram');
    assert.equal(all.total, 6);
    assert.equal(all.buckets.length, 60);
    const sum = (level: string) => all.buckets.reduce((n: number, { counts }: any) => n + (counts[level] ?? 0), 0);
    assert.deepEqual([sum('warn'), sum('error'), sum('info')], [5, 1, 0]);
    assert.equal((await count('/apps/live/logs/histogram')).total, 5);
    assert.equal((await count('/logs/histogram', api.as(token))).total, 5);
    assert.equal((await api.get('/logs/histogram?buckets=0')).status, 400);
    assert.equal((await api.get('/apps/none/logs/histogram')).status, 404);
  });

  it('goes to standard output as JSON lines when that is no terminal', async (t) => {
    const daemon = await daemonProcess(t, await temporaryDir(t));
    await daemon.api.post('/apps', { name: 'demo' });
    await daemon.end();
    const lines = daemon
      .stdout()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const parsed = lines.map((line) => JSON.parse(line));
    assert.ok(parsed.some(({ msg, route, status }) => msg === 'request' && route === '/api/v1/apps' && status === 201));
    assert.ok(!daemon.stdout().includes('undefined'));
  });
});
