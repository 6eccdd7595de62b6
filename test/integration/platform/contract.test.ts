import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { createdPlace, isPolled } from '#shared/contract/answers.ts';
import { operations } from '#shared/contract/index.ts';
import { type Answer, Client, daemonProcess, sharedDaemon, temporaryDir } from '#test/helpers/daemon.ts';

/** Operations that create what no GET gives alone. */
const WITHOUT_ADDRESS = [
  'addMember',
  'createAlertChannel',
  'createAlertRule',
  'createInvite',
  'createIpBan',
  'createIpRule',
  'createJoinCode',
  'createJoinToken',
  'createSignInLink',
  'createTenant',
  'createToken',
  'openBrowserSession',
  'setup',
  'signup',
  'watchRoom',
];
/** A path whose parameters have no names. */
const shapeOf = (path: string): string => path.replace(/\{\w+\}/g, '{}');

const keyed = (key: string) => ({ 'idempotency-key': key });

describe('requests with an Idempotency-Key', () => {
  const daemon = sharedDaemon();

  test('create once, however often and in parallel they come', async () => {
    const { api } = daemon;
    const key = keyed(randomUUID());
    const send = () => api.post('/tokens', { name: 'parallel', scope: 'global' }, key);
    const answers: Answer[] = await Promise.all(Array.from({ length: 8 }, send));
    const last = await send();
    assert.deepEqual([last.status, last.headers.get('idempotency-replayed')], [201, 'true']);
    for (const { status, body, text } of answers)
      if (status === 201) assert.deepEqual(body, last.body);
      else assert.deepEqual([status, body.code], [409, 'IDEMPOTENT_REQUEST_RUNNING'], text);
    const named = (await api.get('/tokens')).body.filter((token: { name: string }) => token.name === 'parallel');
    assert.equal(named.length, 1);
    // the stored answer has the token itself
    assert.equal((await api.as(last.body.token).get('/apps')).status, 200);
    const entries = (await api.get('/audit?action=token.create')).body.data;
    assert.equal(entries.filter((entry: { target: string }) => entry.target === 'parallel').length, 1, 'one entry');
  });

  test('belong to their caller, and to one request', async () => {
    const { api } = daemon;
    const other = api.as((await api.post('/tokens', { name: 'other', scope: 'global' })).body.token);
    const key = keyed(randomUUID());
    const mine = await api.post('/tokens', { name: 'mine', scope: 'global' }, key);
    const theirs = await other.post('/tokens', { name: 'mine', scope: 'global' }, key);
    assert.deepEqual([theirs.status, theirs.headers.get('idempotency-replayed')], [201, null]);
    assert.notEqual(theirs.body.id, mine.body.id);
    for (const [url, body] of [
      ['/tokens', { name: 'changed', scope: 'global' }],
      ['/apps', { name: 'another-one' }],
    ] as const) {
      const refused = await api.post(url, body, key);
      assert.deepEqual([refused.status, refused.body.code], [422, 'IDEMPOTENCY_KEY_REUSED'], refused.text);
    }
    assert.equal((await api.get('/apps/another-one')).status, 404);
  });

  test('are refused before a key counts where the caller may not create', async () => {
    const { api } = daemon;
    const key = keyed(randomUUID());
    assert.equal((await api.as(null).post('/tokens', { name: 'x', scope: 'global' }, key)).status, 401);
    assert.equal((await api.post('/tokens', { name: 'x', scope: 'nothing' }, key)).status, 400);
    assert.equal((await api.post('/tokens', { name: 'x', scope: 'global' }, key)).status, 201);
  });
});

describe('headers of answers', () => {
  const daemon = sharedDaemon();

  test('lists that clients poll have an ETag, and answer 304 while nothing has changed', async () => {
    const { api } = daemon;
    for (const op of operations.filter(isPolled)) {
      if (op.id === 'getJob' || op.access === 'human' || /\{(?!app\}|name\})/.test(op.path)) continue;
      if (((op.query as { required?: string[] } | undefined)?.required ?? []).length > 0) continue;
      const url = op.path.replace(/\{(?:app|name)\}/, 'live');
      const { status, headers, body, text } = await api.get(url);
      // lists that LiveKit answers
      if (body.code === 'LIVEKIT_NOT_CONFIGURED') continue;
      assert.equal(status, 200, `${op.id}: ${text}`);
      assert.match(headers.get('etag') ?? '', /^"[\w-]{22}"$/, op.id);
    }
    const etag = (await api.get('/apps')).headers.get('etag') as string;
    const same = await api.get('/apps', { 'if-none-match': `"other", W/${etag}` });
    assert.deepEqual([same.status, same.text, same.headers.get('etag')], [304, '', etag]);
    await api.post('/apps', { name: 'another' });
    const changed = await api.get('/apps', { 'if-none-match': etag });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.get('etag'), etag);
  });

  test('what was created, or is worked on, has an address', async () => {
    const { api } = daemon;
    const nowhere = operations.filter((op) => 201 in op.responses && createdPlace(op, operations) === undefined);
    assert.deepEqual(
      nowhere.map(({ id }) => id).sort(),
      WITHOUT_ADDRESS.toSorted(),
      'a new one needs `createdPath`, or has no GET',
    );
    for (const { createdPath } of operations)
      if (createdPath !== undefined)
        assert.ok(
          operations.some((op) => op.method === 'GET' && shapeOf(op.path) === shapeOf(createdPath)),
          createdPath,
        );
    const created = await api.post('/apps', { name: 'placed' });
    assert.equal(created.headers.get('location'), '/api/v1/apps/placed');
    const asked = await api.delete('/apps/placed?deleteVods=0', { prefer: 'handling=lenient, respond-async' });
    assert.deepEqual([asked.status, asked.headers.get('preference-applied')], [202, 'respond-async']);
    const place = asked.headers.get('location') as string;
    assert.equal(place, `/api/v1/jobs/${asked.body.data.id}`);
    const job = await api.get(place.slice('/api/v1'.length));
    assert.equal(job.status, 200);
    assert.match(job.headers.get('etag') ?? '', /^"/);
    await api.post('/apps', { name: 'awaited' });
    const waited = await api.delete('/apps/awaited');
    assert.deepEqual([waited.status, waited.headers.get('location')], [200, null]);
  });

  test('the document names the server that the client used', async () => {
    const { api } = daemon;
    const { body } = await api.get('/openapi.json');
    assert.deepEqual(body.servers, [{ url: new URL(daemon.url).origin }]);
    assert.equal((await fetch(`${body.servers[0].url}/api/v1/health`)).status, 200);
    // loopback addresses are trusted proxies
    const proxied = { 'x-forwarded-host': 'media.streamhub.test', 'x-forwarded-proto': 'https' };
    const behind = await api.get('/openapi.json', proxied);
    assert.deepEqual(behind.body.servers, [{ url: 'https://media.streamhub.test' }]);
  });

  test('answers carry the headers that the document promises', async () => {
    const { api } = daemon;
    const document = (await api.get('/openapi.json')).body;
    for (const [method, path, url, body] of [
      ['post', '/apps', '/apps', { name: 'promised' }],
      ['get', '/apps', '/apps', undefined],
      ['get', '/apps/{app}/config', '/apps/live/config', undefined],
      ['get', '/system/settings', '/system/settings', undefined],
      ['get', '/livekit/settings', '/livekit/settings', undefined],
      ['patch', '/apps/{name}', '/apps/live', { displayName: 'Live', colour: 'red' }],
      ['post', '/auth/login', '/auth/login', { user: 'a@example.com', email: 'a@example.com', password: 'x' }],
    ] as const) {
      const { status, headers, text } = await api.call(method.toUpperCase(), url, body);
      const described = document.paths[`/api/v1${path}`][method].responses[status];
      assert.ok(described, `${method} ${path} ${status}: ${text}`);
      // answers that several operations share are referred to
      const response = document.components.responses[described.$ref?.split('/').at(-1)] ?? described;
      for (const name of Object.keys(response.headers)) {
        if (['Idempotency-Replayed', 'Preference-Applied'].includes(name)) continue;
        assert.notEqual(headers.get(name), null, `${name} of ${method} ${path} ${status}`);
      }
    }
  });
});

test('an Idempotency-Key survives kill -9', async (t) => {
  const dir = await temporaryDir(t);
  const first = await daemonProcess(t, dir);
  const key = keyed(randomUUID());
  const created = await first.api.post('/tokens', { name: 'kept', scope: 'global' }, key);
  assert.equal(created.status, 201, created.text);
  // killed while a request runs, or just before or after it
  const cutKey = keyed(randomUUID());
  const cut = first.api.post('/apps', { name: 'cut-short' }, cutKey).catch(() => undefined);
  await first.end('SIGKILL');
  await cut;

  const second = await daemonProcess(t, dir);
  const again = await second.api.post('/tokens', { name: 'kept', scope: 'global' }, key);
  assert.deepEqual([again.status, again.body], [201, created.body]);
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  const named = (await second.api.get('/tokens')).body.filter((token: { name: string }) => token.name === 'kept');
  assert.equal(named.length, 1);
  const repeated = await second.api.post('/apps', { name: 'cut-short' }, cutKey);
  const outcome = repeated.status === 201 ? 'done' : repeated.body.code;
  assert.match(outcome, /^(?:done|IDEMPOTENT_REQUEST_UNKNOWN|APP_EXISTS|APP_SLUG_TAKEN)$/, repeated.text);
  const apps = (await second.api.get('/apps')).body.filter((app: { name: string }) => app.name === 'cut-short');
  assert.ok(apps.length <= 1);
  await new Client(second.url, created.body.token).get('/apps');
});
