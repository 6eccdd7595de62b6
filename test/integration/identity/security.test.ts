import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDaemon } from '#test/helpers/daemon.ts';
import { type EventReader, readEvents } from '#test/helpers/event-reader.ts';
import { firstAdmin, join, MANY_ATTEMPTS, PASSWORD, signIn } from '#test/helpers/people.ts';

/** As a request arrives that came through the proxy on this machine. */
const via = (ip: string) => ({ 'x-forwarded-for': ip });

test('address rules: made, tried, enforced from the first step on, deleted', async (t) => {
  const daemon = await testDaemon(t, { STREAMHUB_IP_ACCESS_MODE: 'enforce' });
  const { api } = daemon;
  const made = await api.post('/security/rules', { cidr: '203.0.113.9/24', action: 'block', note: 'scanners' });
  assert.equal(made.status, 201);
  assert.deepEqual([made.body.data.cidr, made.body.data.createdBy], ['203.0.113.0/24', 'token:1']);
  assert.equal((await api.get('/security/check?ip=203.0.113.4')).body.data.verdict, 'blocked');
  assert.equal((await api.get('/security/check?ip=nowhere')).status, 400);

  for (const [method, url] of [
    ['GET', '/health'],
    ['GET', '/apps'],
    ['GET', '/no-such-route'],
    ['POST', '/auth/login'],
  ] as const) {
    const answer = await api.call(method, url, method === 'POST' ? {} : undefined, via('203.0.113.4'));
    assert.equal(answer.status, 403, url);
    assert.deepEqual([answer.body.code, answer.body.error, answer.body.data], ['IP_BLOCKED', 'forbidden', null]);
  }
  assert.equal((await api.get('/apps', via('198.51.100.4'))).status, 200);
  // a private address is never locked out, not even by name
  await api.post('/security/rules', { cidr: '0.0.0.0/0', action: 'block' });
  assert.equal((await api.get('/apps', via('10.9.8.7'))).status, 200);
  assert.equal((await api.get('/apps')).status, 200);

  const status = (await api.get('/security', via('10.9.8.7'))).body.data;
  assert.deepEqual(
    [status.ipAccess.mode, status.ipAccess.rules, status.yourAddress, status.autoban.enabled],
    ['enforce', 2, '10.9.8.7', false],
  );
  const rules = (await api.get('/security/rules')).body.data;
  for (const rule of rules) assert.equal((await api.delete(`/security/rules/${rule.id}`)).status, 204);
  assert.equal((await api.delete(`/security/rules/${rules[0].id}`)).status, 404);
  assert.equal((await api.get('/apps', via('203.0.113.4'))).status, 200);
});

test('a ban by hand applies immediately in every mode', async (t) => {
  const daemon = await testDaemon(t);
  const { api } = daemon;
  const made = await api.post('/security/bans', { ip: '203.0.113.20', seconds: 600, reason: 'rude' });
  assert.equal(made.status, 201);
  const refused = await api.get('/health', via('203.0.113.20'));
  assert.deepEqual([refused.status, refused.body.code, refused.body.error], [429, 'IP_BANNED', 'rate_limited']);
  assert.ok(Number(refused.headers.get('retry-after')) > 500);
  assert.equal((await api.post('/security/bans', { ip: '127.0.0.1' })).status, 400);
  assert.equal((await api.post('/security/bans', { ip: '203.0.113.21', seconds: 604_801 })).status, 400);
  assert.equal((await api.delete(`/security/bans/${made.body.data.id}`)).status, 204);
  assert.equal((await api.get('/health', via('203.0.113.20'))).status, 200);
});

test('rules, bans and sessions are announced to operators, and to a person the own sessions', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  const viewer = await join(daemon, root.api, 'viewer@example.com', 'viewer');
  const [operator, own] = (await Promise.all(
    [root.api.token, viewer.api.token].map((token) => readEvents(t, daemon.url, token as string)),
  )) as [EventReader, EventReader];
  const rule = (await daemon.api.post('/security/rules', { cidr: '203.0.113.0/24', action: 'block' })).body.data;
  const ban = (await daemon.api.post('/security/bans', { ip: '203.0.113.20' })).body.data;
  await daemon.api.delete(`/security/rules/${rule.id}`);
  await daemon.api.delete(`/security/bans/${ban.id}`);
  for (const [type, data] of [
    ['address-rule.created', { id: rule.id, cidr: '203.0.113.0/24', action: 'block' }],
    ['address-ban.created', { id: ban.id, address: '203.0.113.20', kind: 'manual', expiresAt: ban.expiresAt }],
    ['address-rule.deleted', { id: rule.id, cidr: '203.0.113.0/24', action: 'block' }],
    ['address-ban.lifted', { id: ban.id, address: '203.0.113.20' }],
  ] as const)
    assert.deepEqual((await operator.next(type)).data.data, data);
  await signIn(daemon, root.email);
  const again = await signIn(daemon, viewer.email);
  assert.equal((await own.next('session.started')).data.data.userId, viewer.id);
  await again.api.delete('/auth/sessions/current');
  await own.next('session.ended');
  const seen = own.heard.map(({ event, data }) => [event, data.data?.userId]).filter(([event]) => event !== 'hello');
  assert.deepEqual(seen, [
    ['session.started', viewer.id],
    ['session.ended', viewer.id],
  ]);
});

test('repeated wrong credentials ban an address; unknown routes only where they count', async (t) => {
  const daemon = await testDaemon(t, {
    ...MANY_ATTEMPTS,
    STREAMHUB_AUTOBAN_ENABLED: 'on',
    STREAMHUB_AUTOBAN_MAX_OFFENSES: '4',
    STREAMHUB_AUTOBAN_404_ENABLED: 'on',
  });
  await firstAdmin(daemon);
  const stranger = daemon.api.as('sk_guess');
  const from = via('198.51.100.30');
  // a missing permission, second factor or credential is not an offence
  for (let n = 0; n < 10; n += 1) await daemon.api.as(null).get('/apps', from);
  assert.equal((await stranger.get('/apps', from)).status, 401);
  assert.equal((await stranger.get('/apps', from)).status, 401);
  assert.equal((await daemon.api.as(null).post('/auth/login', { user: 'a', password: 'b' }, from)).status, 401);
  assert.equal((await daemon.api.as(null).post('/auth/magic/verify', { token: 'x'.repeat(20) }, from)).status, 401);
  assert.equal((await daemon.api.get('/apps', from)).status, 429, 'even with a good credential');
  const [ban] = (await daemon.api.get('/security/bans')).body.data;
  assert.deepEqual([ban.ip, ban.kind, ban.active, ban.offenses], ['198.51.100.30', 'auto', true, 1]);

  const walker = via('198.51.100.31');
  for (let n = 0; n < 10; n += 1) await daemon.api.get('/apps/no-such-app', walker);
  assert.equal((await daemon.api.get('/health', walker)).status, 200, 'a thing that is not there is no unknown route');
  for (let n = 0; n < 5; n += 1) await daemon.api.as(null).get(`/wp-admin-${n}`, walker);
  assert.equal((await daemon.api.get('/health', walker)).status, 429);
});

test('pages of other sites can read that their address is banned', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const from = via('198.51.100.40');
  assert.equal((await daemon.api.post('/security/bans', { ip: '198.51.100.40', seconds: 600 })).status, 201);
  const anonymous = daemon.api.as(null);
  const asked = await anonymous.call('OPTIONS', '/apps/live/watch/stage', undefined, from);
  assert.equal(asked.status, 204);
  for (const answer of [asked, await anonymous.get('/apps/live/watch/stage', from)])
    assert.equal(answer.headers.get('access-control-allow-origin'), '*', answer.text);
  const other = await anonymous.get('/apps', from);
  assert.deepEqual([other.status, other.headers.get('access-control-allow-origin')], [429, null]);
});

test('sign-in attempts: one counter over the three paths, successes included, with the headers', async (t) => {
  const daemon = await testDaemon(t, { AUTH_RATE_LIMIT_MAX: '4', AUTH_RATE_LIMIT_WINDOW_MS: '900000' });
  await firstAdmin(daemon);
  const anonymous = daemon.api.as(null);
  const first = await anonymous.post('/auth/login', { user: 'root@example.com', password: PASSWORD });
  assert.equal(first.status, 200);
  assert.equal(first.headers.get('ratelimit-policy'), '"sign-in";q=4;w=900');
  assert.match(first.headers.get('ratelimit') ?? '', /^"sign-in";r=3;t=\d+$/);
  assert.equal((await anonymous.post('/auth/login', { broken: true })).status, 400);
  assert.equal((await anonymous.post('/auth/magic-link', { email: 'x@example.com' })).status, 200);
  assert.equal((await anonymous.post('/auth/magic/verify', { token: 'x'.repeat(20) })).status, 401);
  const over = await anonymous.post('/auth/login', { user: 'root@example.com', password: PASSWORD });
  assert.equal(over.status, 429);
  assert.deepEqual([over.body.code, over.body.error, over.body.data], ['RATE_LIMITED', 'rate_limited', null]);
  assert.ok(Number(over.headers.get('retry-after')) > 0);
  assert.match(over.headers.get('ratelimit') ?? '', /^"sign-in";r=0;t=\d+$/);
  // other addresses and other routes are not concerned; broken JSON is not even read
  assert.equal((await anonymous.post('/auth/login', '{broken')).status, 429);
  assert.equal((await anonymous.post('/auth/login', { user: 'a', password: 'b' }, via('198.51.100.9'))).status, 401);
  assert.equal((await daemon.api.get('/apps')).status, 200);
  assert.equal((await anonymous.get('/auth/config')).status, 200);
});

test('an IPv6 client has one counter for its /64', async (t) => {
  const daemon = await testDaemon(t, { AUTH_RATE_LIMIT_MAX: '2' });
  const attempt = (ip: string) => daemon.api.as(null).post('/auth/login', { user: 'a', password: 'b' }, via(ip));
  assert.equal((await attempt('2001:db8:7:7::1')).status, 401);
  assert.equal((await attempt('2001:db8:7:7:1::2')).status, 401);
  assert.equal((await attempt('2001:db8:7:7:2::3')).status, 429);
  assert.equal((await attempt('2001:db8:7:8::1')).status, 401);
});
