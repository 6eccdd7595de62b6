import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { sharedDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { until } from '#test/helpers/until.ts';

describe('API tokens', () => {
  const daemon = sharedDaemon();
  let appId: number;
  before(async () => {
    appId = (await daemon.api.get('/apps/live')).body.id;
  });

  test('a created token is shown once, works, and is stored as a hash only', async () => {
    const { status, body } = await daemon.api.post('/tokens', { name: 'ci', scope: 'global' });
    assert.equal(status, 201);
    assert.deepEqual(Object.keys(body).sort(), ['id', 'token']);
    assert.match(body.token, /^sk_[A-Za-z0-9_-]{43}$/);
    assert.equal((await daemon.api.as(body.token).get('/apps')).status, 200);
    const row = daemon.services.db.prepare('SELECT * FROM api_tokens WHERE id = ?').get(body.id) as Record<
      string,
      unknown
    >;
    assert.equal(row['token_hash'], createHash('sha256').update(body.token).digest('hex'));
    assert.ok(!JSON.stringify(row).includes(body.token));
  });

  test('the list is newest first and shows neither hash nor text', async () => {
    const { body: created } = await daemon.api.post('/tokens', {
      name: 'newest',
      scope: 'app',
      appId,
      allowedIps: ['127.0.0.1'],
    });
    const { status, body, text } = await daemon.api.get('/tokens');
    assert.equal(status, 200);
    assert.ok(Array.isArray(body));
    assert.equal(body[0].id, created.id);
    assert.deepEqual(body[0].allowedIps, ['127.0.0.1']);
    assert.equal(body[0].scope, 'app');
    assert.equal(body[0].appId, appId);
    assert.equal(body[0].lastUsedAt, null);
    assert.equal(body[0].revoked, false);
    assert.ok(!text.includes('hash') && !text.includes(created.token));
    assert.ok(body[0].id > body[1].id);
  });

  test('use is recorded', async () => {
    const { body } = await daemon.api.post('/tokens', { name: 'used', scope: 'global' });
    await daemon.api.as(body.token).get('/apps');
    const row = (await daemon.api.get('/tokens')).body.find((t: { id: number }) => t.id === body.id);
    assert.match(row.lastUsedAt, /Z$/);
    assert.equal(row.lastUsedIp, '127.0.0.1');
  });

  test('one with an end is refused from then on', async (t) => {
    const expiresAt = new Date(Date.now() + 3000).toISOString();
    const { body } = await daemon.api.post('/tokens', { name: 'short', scope: 'global', expiresAt });
    const api = daemon.api.as(body.token);
    await until('the token has ended', async () => (await api.get('/apps')).status === 401);
    assert.ok(Date.now() >= Date.parse(expiresAt));
    const row = (await daemon.api.get('/tokens')).body.find((one: { id: number }) => one.id === body.id);
    assert.deepEqual([row.expiresAt, row.revoked], [expiresAt, false]);
    assert.equal((await readEvents(t, daemon.url, body.token)).status, 401);
  });

  test('its limits are listed, and GET /auth/me shows what is left', async () => {
    const permissions = ['recording:start', 'recording:stop'];
    const few = (await daemon.api.post('/tokens', { name: 'few', scope: 'app', appId, permissions })).body;
    const reading = (await daemon.api.post('/tokens', { name: 'reading', scope: 'global', readOnly: true })).body;
    const list = (await daemon.api.get('/tokens')).body;
    const of = ({ id }: { id: number }) => list.find((one: { id: number }) => one.id === id);
    assert.deepEqual([of(few).permissions, of(few).readOnly, of(few).expiresAt], [permissions, false, null]);
    assert.deepEqual([of(reading).permissions, of(reading).readOnly], [null, true]);
    assert.deepEqual((await daemon.api.as(few.token).get('/auth/me')).body.data.permissions, permissions);
    assert.equal((await daemon.api.as(few.token).get('/apps/live/vods')).body.code, 'TOKEN_LIMITED');
    const me = (await daemon.api.as(reading.token).get('/auth/me')).body.data;
    assert.ok(me.readOnly && me.permissions.every((one: string) => one.endsWith(':read')));
    assert.equal((await daemon.api.as(reading.token).get('/apps/live')).status, 200);
    assert.equal((await daemon.api.as(reading.token).delete('/apps/live')).body.code, 'TOKEN_LIMITED');
  });

  test('a revoked token is refused at once; revoking again is no error', async () => {
    const { body } = await daemon.api.post('/tokens', { name: 'gone', scope: 'global' });
    assert.equal((await daemon.api.as(body.token).get('/apps')).status, 200);
    const revoked = await daemon.api.delete(`/tokens/${body.id}`);
    assert.equal(revoked.status, 204);
    assert.equal(revoked.text, '');
    assert.equal((await daemon.api.as(body.token).get('/apps')).status, 401);
    assert.equal((await daemon.api.delete(`/tokens/${body.id}`)).status, 204);
    assert.equal((await daemon.api.get('/tokens')).body.find((t: { id: number }) => t.id === body.id).revoked, true);
  });

  test('revoking an unknown token is 404, a malformed id 400', async () => {
    assert.equal((await daemon.api.delete('/tokens/99999')).body.code, 'TOKEN_NOT_FOUND');
    assert.equal((await daemon.api.delete('/tokens/abc')).status, 400);
  });

  for (const [what, body] of Object.entries<Record<string, unknown>>({
    'no name': { scope: 'global' },
    'a blank name': { name: '  ', scope: 'global' },
    'a name of 101': { name: 'n'.repeat(101), scope: 'global' },
    'an end that is past': { name: 'x', scope: 'global', expiresAt: '2020-01-01T00:00:00Z' },
    'an end that is no time': { name: 'x', scope: 'global', expiresAt: 'soon' },
    'a permission that nobody knows': { name: 'x', scope: 'global', permissions: ['app:fly'] },
    'no permission': { name: 'x', scope: 'global', permissions: [] },
    'two limits': { name: 'x', scope: 'global', permissions: ['app:read'], readOnly: true },
    'a permission beyond one app': { name: 'x', scope: 'app', appId: 1, permissions: ['tenant:read'] },
    'an unknown scope': { name: 'x', scope: 'tenant' },
    'app scope without appId': { name: 'x', scope: 'app' },
    'an unknown appId': { name: 'x', scope: 'app', appId: 4711 },
    'appId with global scope': { name: 'x', scope: 'global', appId: 1 },
    'appId as text': { name: 'x', scope: 'app', appId: '1' },
    'an address that is none': { name: 'x', scope: 'global', allowedIps: ['10.0.0.300'] },
    'a blank address': { name: 'x', scope: 'global', allowedIps: [' '] },
    'a CIDR that is too long': { name: 'x', scope: 'global', allowedIps: ['10.0.0.0/33'] },
    'addresses as text': { name: 'x', scope: 'global', allowedIps: '127.0.0.1' },
  })) {
    test(`create with ${what} is 400`, async () => {
      const answer = await daemon.api.post('/tokens', body);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.code, 'VALIDATION_FAILED');
      assert.ok(answer.body.details.length > 0);
    });
  }

  test('a name of exactly 100 characters is accepted', async () => {
    assert.equal((await daemon.api.post('/tokens', { name: 'n'.repeat(100), scope: 'global' })).status, 201);
  });

  test('an app token reaches its own app only and no global route', async () => {
    await daemon.api.post('/apps', { name: 'second' });
    const { body } = await daemon.api.post('/tokens', { name: 'mine', scope: 'app', appId });
    const mine = daemon.api.as(body.token);
    assert.equal((await mine.get('/apps/live')).status, 200);
    assert.equal((await mine.get('/apps/second')).status, 403);
    assert.equal((await mine.get('/tokens')).status, 403);
    assert.equal((await mine.post('/tokens', { junk: true })).status, 403);
    assert.equal((await mine.post('/apps', { name: 'sibling' })).status, 403);
  });

  for (const [allowed, forwarded, status] of [
    [['203.0.113.7'], '203.0.113.7', 200],
    [['203.0.113.7'], '203.0.113.8', 401],
    [['203.0.113.0/24'], '203.0.113.255', 200],
    [['203.0.113.0/24'], '203.0.114.1', 401],
    [['2001:db8::/32'], '2001:db8:ffff::1', 200],
    [['2001:db8::/32'], '2001:db9::1', 401],
    [['2001:db8::5'], '2001:0db8:0:0::5', 200],
    [['203.0.113.7'], '::ffff:203.0.113.7', 200],
    [['203.0.113.7'], 'nonsense', 401],
  ] as const) {
    test(`a token for ${allowed} used from ${forwarded} answers ${status}`, async () => {
      const { body } = await daemon.api.post('/tokens', { name: 'bound', scope: 'global', allowedIps: allowed });
      const answer = await daemon.api.as(body.token).get('/apps', { 'x-forwarded-for': forwarded });
      assert.equal(answer.status, status);
    });
  }

  test('a client cannot choose its address through the proxy: hops are counted from the right', async () => {
    const { body } = await daemon.api.post('/tokens', { name: 'bound', scope: 'global', allowedIps: ['203.0.113.7'] });
    const answer = await daemon.api.as(body.token).get('/apps', { 'x-forwarded-for': '203.0.113.7, 198.51.100.1' });
    assert.equal(answer.status, 401);
  });

  test('a stored address list that cannot be read allows nothing', async (t) => {
    const { body } = await daemon.api.post('/tokens', { name: 'corrupt', scope: 'global', allowedIps: ['127.0.0.1'] });
    daemon.services.db.prepare("UPDATE api_tokens SET allowed_ips_json = '{broken' WHERE id = ?").run(body.id);
    await daemon.stop();
    const again = await testDaemon(t, {}, { dataDir: daemon.dataDir });
    assert.equal((await again.api.as(body.token).get('/apps')).status, 401);
  });
});

describe('an untrusted peer', () => {
  test('X-Forwarded-For of a peer that is no trusted proxy is ignored', async (t) => {
    const daemon = await testDaemon(t, { STREAMHUB_TRUSTED_PROXIES: '192.0.2.1' });
    const { body } = await daemon.api.post('/tokens', { name: 'bound', scope: 'global', allowedIps: ['203.0.113.7'] });
    assert.equal((await daemon.api.as(body.token).get('/apps', { 'x-forwarded-for': '203.0.113.7' })).status, 401);
  });
});
