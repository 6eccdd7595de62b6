import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { type Answer, Client, daemonProcess, sharedDaemon, temporaryDir } from '#test/helpers/daemon.ts';

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
