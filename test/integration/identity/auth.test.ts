import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { blockScope, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, join, linkToken, MANY_ATTEMPTS, PASSWORD, type Person, signIn } from '#test/helpers/people.ts';

describe('the first account', () => {
  test('a first start offers a set-up link that works once', async (t) => {
    const daemon = await testDaemon(t);
    const anonymous = daemon.api.as(null);
    const { setup } = daemon.firstStart;
    assert.ok(setup);
    assert.equal(setup.url, `${daemon.url}/setup#${setup.token}`);
    assert.equal((await anonymous.get('/auth/config')).body.data.setupRequired, true);

    const body = { token: setup.token, email: 'Root@Example.com', password: PASSWORD, name: 'Root' };
    const wrong = await anonymous.post('/auth/setup', { ...body, token: 'x'.repeat(43) });
    assert.equal(wrong.status, 401);
    assert.equal(wrong.body.code, 'BAD_LINK');
    assert.equal((await anonymous.post('/auth/setup', { ...body, password: 'short' })).status, 400);
    assert.equal((await anonymous.post('/auth/setup', { ...body, email: 'nobody' })).status, 400);

    const both = await Promise.all([
      anonymous.post('/auth/setup', body),
      anonymous.post('/auth/setup', { ...body, email: 'two@example.com' }),
    ]);
    assert.equal(both.filter((a) => a.status === 201).length, 1, 'exactly one of two at once');
    assert.ok(both.some((a) => a.body.code === 'BAD_LINK' || a.body.code === 'SETUP_DONE'));
    const first = both.find((a) => a.status === 201);
    const me = await anonymous.as(first?.body.data.token).get('/auth/me');
    assert.equal(me.body.data.isSuperadmin, true);
    assert.equal(me.body.data.role, 'superadmin');
    assert.equal(me.body.data.tenantId, 'platform');
    assert.equal(me.body.data.via, 'admin_jwt');
    assert.equal(me.body.data.scope, 'global');
    assert.equal((await anonymous.get('/auth/config')).body.data.setupRequired, false);
    assert.equal((await anonymous.post('/auth/setup', body)).status, 401);
  });

  test('each start makes a new link and voids the old one, until somebody used it', async (t) => {
    const dataDir = await temporaryDir(t);
    const first = await testDaemon(t, {}, { dataDir });
    const old = first.firstStart.setup?.token;
    await first.stop();
    const second = await testDaemon(t, {}, { dataDir });
    const anonymous = second.api.as(null);
    const refused = await anonymous.post('/auth/setup', { token: old, email: 'a@example.com', password: PASSWORD });
    assert.equal(refused.status, 401);
    const admin = await firstAdmin(second);
    assert.equal((await admin.api.get('/apps')).status, 200);
    await second.stop();
    const third = await testDaemon(t, {}, { dataDir });
    assert.equal(third.firstStart.setup, null);
    assert.equal((await third.api.as(admin.api.token).get('/auth/me')).status, 200, 'the session outlives the restart');
  });
});

describe('signing in', () => {
  const t = blockScope();
  let daemon: TestDaemon;
  let root: Person;
  before(async () => {
    daemon = await testDaemon(t, MANY_ATTEMPTS);
    root = await firstAdmin(daemon);
  });

  test('a password signs in; names are the same in upper and lower case', async () => {
    const answer = await daemon.api.as(null).post('/auth/login', { user: ' ROOT@example.COM ', password: PASSWORD });
    assert.equal(answer.status, 200);
    assert.deepEqual(Object.keys(answer.body), ['data']);
    const [header, payload] = answer.body.data.token
      .split('.')
      .map((part: string) => Buffer.from(part, 'base64url').toString());
    assert.deepEqual(JSON.parse(header), { alg: 'HS256', typ: 'JWT' });
    const claims = JSON.parse(payload);
    assert.equal(claims.exp - claims.iat, 43_200);
    assert.equal(claims.sub, root.id);
    assert.match(claims.sid, /^[\w-]{24}$/);
  });

  test('an unknown name, a wrong password and a pending account are one answer', async () => {
    await root.api.post('/teams/mine/members', { email: 'waiting@example.com' });
    const anonymous = daemon.api.as(null);
    const answers = await Promise.all(
      ['root@example.com', 'nobody@example.com', 'waiting@example.com', 'admin'].map((user) =>
        anonymous.post('/auth/login', { user, password: 'not this one' }),
      ),
    );
    for (const { status, body } of answers) {
      assert.equal(status, 401);
      assert.equal(body.message, answers[0]?.body.message);
      assert.equal(body.code, 'BAD_LOGIN');
    }
  });

  test('what is missing or too long is named', async () => {
    const anonymous = daemon.api.as(null);
    for (const body of [
      {},
      { user: 'a' },
      { user: '', password: 'x' },
      { user: 'a', password: '' },
      { user: 'a'.repeat(201), password: 'x' },
      { user: 'a', password: 'x'.repeat(201) },
      { user: 'a', password: 'x', code: '1'.repeat(11) },
      { user: 1, password: 'x' },
    ]) {
      assert.equal((await anonymous.post('/auth/login', body)).status, 400, JSON.stringify(body));
    }
  });

  test('whoever asks is told who it is', async () => {
    const token = (await daemon.api.get('/auth/me')).body.data;
    assert.match(token.userId, /^token:\d+$/);
    assert.deepEqual(
      [token.tenantId, token.role, token.isSuperadmin, token.scope, token.via, 'email' in token],
      ['platform', 'service', true, 'global', 'api_token', false],
    );
    const editor = await join(daemon, root.api, 'ed@example.com', 'editor');
    const me = (await editor.api.get('/auth/me')).body.data;
    assert.deepEqual(
      [me.userId, me.tenantId, me.role, me.isSuperadmin, me.scope, me.via, me.email],
      [editor.id, 'platform', 'editor', false, 'user', 'user_jwt', 'ed@example.com'],
    );
    assert.ok(me.permissions.includes('app:read') && !me.permissions.includes('app:delete'));
    assert.equal((await daemon.api.as(null).get('/auth/me')).status, 401);
  });

  test('a session ended in one client is refused in another with the next request', async () => {
    const here = await signIn(daemon, 'root@example.com');
    const there = await signIn(daemon, 'root@example.com');
    const list = (await here.api.get('/auth/sessions')).body.data;
    const mine = list.find((s: any) => s.current);
    const theirs = (await there.api.get('/auth/sessions')).body.data.find((s: any) => s.current);
    assert.notEqual(mine.id, theirs.id);
    assert.equal((await there.api.get('/apps')).status, 200);
    const ended = await here.api.delete(`/auth/sessions/${theirs.id}`);
    assert.deepEqual(ended.body, { data: { revoked: true, current: false }, error: null });
    assert.equal((await there.api.get('/apps')).status, 401);
    assert.equal((await here.api.delete(`/auth/sessions/${theirs.id}`)).status, 404);
    assert.equal((await here.api.delete('/auth/sessions/unknown')).status, 404);
  });

  test('all other sessions end at once; the current one signs out by its name', async () => {
    const here = await signIn(daemon, 'root@example.com');
    const others = [await signIn(daemon, 'root@example.com'), await signIn(daemon, 'root@example.com')];
    const answer = await here.api.delete('/auth/sessions');
    assert.ok(answer.body.data.revoked >= 2);
    for (const other of others) assert.equal((await other.api.get('/auth/me')).status, 401);
    assert.equal((await here.api.get('/auth/sessions')).body.data.length, 1);
    assert.deepEqual((await here.api.delete('/auth/sessions/current')).body.data, { revoked: true, current: true });
    assert.equal((await here.api.get('/auth/me')).status, 401);
    root = await signIn(daemon, 'root@example.com');
  });

  test('nobody ends the session of somebody else by its id', async () => {
    const viewer = await join(daemon, root.api, 'nosy@example.com', 'viewer');
    const id = (await root.api.get('/auth/sessions')).body.data.find((s: any) => s.current).id;
    assert.equal((await viewer.api.delete(`/auth/sessions/${id}`)).status, 404);
    assert.equal((await root.api.get('/auth/me')).status, 200);
  });

  test('an API token has no sessions and no account', async () => {
    for (const [method, url] of [
      ['GET', '/auth/sessions'],
      ['DELETE', '/auth/sessions'],
      ['GET', '/account'],
      ['PATCH', '/account'],
      ['POST', '/account/password'],
      ['POST', '/account/2fa/setup'],
    ] as const) {
      assert.equal((await daemon.api.call(method, url, method === 'GET' ? undefined : {})).status, 403, url);
    }
  });
});

describe('the account', () => {
  const t = blockScope();
  let daemon: TestDaemon;
  let root: Person;
  before(async () => {
    daemon = await testDaemon(t, MANY_ATTEMPTS);
    root = await firstAdmin(daemon);
  });

  test('name and address can be changed; an address in use is refused', async () => {
    const viewer = await join(daemon, root.api, 'v@example.com', 'viewer');
    assert.equal(
      (await viewer.api.patch('/account', { name: '  Vera ', email: 'VERA@example.com' })).body.data.user.pendingEmail,
      'vera@example.com',
    );
    assert.equal((await daemon.api.patch(`/users/${viewer.id}`, { confirmEmail: 'vera@example.com' })).status, 200);
    const changed = await viewer.api.get('/account');
    assert.equal(changed.status, 200);
    assert.equal(changed.body.data.user.name, 'Vera');
    assert.equal(changed.body.data.user.email, 'vera@example.com');
    assert.deepEqual(changed.body.data.tenant.role, 'viewer');
    assert.equal((await viewer.api.get('/auth/me')).body.data.email, 'vera@example.com');
    assert.equal((await viewer.api.patch('/account', { name: '' })).body.data.user.name, null);
    assert.equal((await viewer.api.patch('/account', { email: 'root@example.com' })).body.code, 'EMAIL_IN_USE');
    assert.equal((await viewer.api.patch('/account', { email: 'x' })).status, 400);
    assert.equal((await signIn(daemon, 'vera@example.com')).id, viewer.id);
  });

  test('two-factor: a real authenticator signs in, each code once', async () => {
    const person = await join(daemon, root.api, 'two@example.com', 'editor');
    const setup = (await person.api.post('/account/2fa/setup')).body.data;
    assert.match(setup.qrDataUri, /^data:image\/png;base64,/);
    const totp = new TOTP({ secret: Secret.fromBase32(setup.secret) });
    assert.match(setup.otpauthUri, /^otpauth:\/\/totp\/StreamHub.*secret=/);
    assert.equal((await person.api.post('/account/2fa/enable', { code: '000000' })).status, 400);
    assert.equal((await person.api.post('/account/2fa/enable', { code: 123456 })).status, 400);
    const enabled = await person.api.post('/account/2fa/enable', {
      code: totp.generate({ timestamp: Date.now() - 30_000 }),
    });
    assert.equal(enabled.body.data.enabled, true);
    assert.equal(enabled.body.data.recoveryCodes.length, 10);
    assert.equal((await person.api.get('/account')).body.data.user.recoveryCodesLeft, 10);

    const anonymous = daemon.api.as(null);
    const login = (code?: string) =>
      anonymous.post('/auth/login', { user: 'two@example.com', password: PASSWORD, code });
    const missing = await login();
    assert.deepEqual([missing.status, missing.body.message], [401, 'totp_required']);
    const wrong = await login('000000');
    assert.deepEqual([wrong.status, wrong.body.message], [401, 'totp_invalid']);
    // a wrong password says nothing about the second step
    const both = await anonymous.post('/auth/login', {
      user: 'two@example.com',
      password: 'no',
      code: totp.generate(),
    });
    assert.equal(both.body.code, 'BAD_LOGIN');
    const code = totp.generate();
    assert.equal((await login(code)).status, 200);
    assert.equal((await login(code)).body.message, 'totp_invalid');
    // the step before is within the tolerance, but older than the one used
    assert.equal((await login(totp.generate({ timestamp: Date.now() - 30_000 }))).status, 401);

    const [recovery] = enabled.body.data.recoveryCodes;
    assert.ok(recovery.length <= 10);
    assert.equal((await login(recovery.toUpperCase())).status, 200);
    assert.equal((await login(recovery)).status, 401);
    assert.equal((await person.api.get('/account')).body.data.user.recoveryCodesLeft, 9);

    assert.equal((await person.api.post('/account/2fa/setup')).status, 400);
    const next = totp.generate({ timestamp: Date.now() + 30_000 });
    const renewed = await person.api.post('/account/2fa/recovery-codes', { code: next });
    assert.equal(renewed.body.data.recoveryCodes.length, 10);
    assert.equal((await login(enabled.body.data.recoveryCodes[1])).status, 401);
    assert.equal((await person.api.post('/account/2fa/disable', { code: '000000' })).status, 400);
    assert.equal((await person.api.post('/account/2fa/disable', { code: next })).status, 400, 'it was used');
  });

  test('two-factor can be turned off with a code', async () => {
    const person = await join(daemon, root.api, 'off@example.com', 'editor');
    const { secret } = (await person.api.post('/account/2fa/setup')).body.data;
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    const code = totp.generate({ timestamp: Date.now() - 30_000 });
    assert.equal((await person.api.post('/account/2fa/enable', { code })).status, 200);
    const off = await person.api.post('/account/2fa/disable', { code: totp.generate() });
    assert.equal(off.body.data.enabled, false);
    await signIn(daemon, person.email);
    const again = await person.api.post('/account/2fa/disable', { code: totp.generate() });
    assert.equal(again.body.code, 'TOTP_STATE');
  });

  test('the secret of two-factor is not readable in the database', async () => {
    const person = await join(daemon, root.api, 'sealed@example.com', 'viewer');
    const { secret } = (await person.api.post('/account/2fa/setup')).body.data;
    const row = daemon.services.users.byId(person.id);
    assert.ok(row?.totp_pending_secret);
    assert.ok(!row.totp_pending_secret.includes(secret));
    await daemon.services.db.pragma('wal_checkpoint(TRUNCATE)');
    const file = await readFile(path.join(daemon.dataDir, 'data', 'streamhub.db'), 'latin1');
    assert.ok(!file.includes(secret) && !file.includes(PASSWORD));
  });
});

describe('the break-glass admin', () => {
  const ENV = { ADMIN_USER: 'boss', ADMIN_PASS: 'glass hammer', ...MANY_ATTEMPTS };

  test('signs in without set-up, is mirrored, and cannot be changed through the API', async (t) => {
    const daemon = await testDaemon(t, ENV);
    assert.equal(daemon.firstStart.setup, null);
    const boss = await signIn(daemon, 'boss', 'glass hammer');
    assert.equal(boss.id, 'admin');
    const me = (await boss.api.get('/auth/me')).body.data;
    assert.deepEqual([me.role, me.tenantId, me.isSuperadmin], ['superadmin', 'platform', true]);
    assert.equal((await boss.api.get('/account')).body.data.user.isBreakGlass, true);
    for (const [method, url, body] of [
      ['PATCH', '/account', { email: 'x@example.com' }],
      ['POST', '/account/password', { currentPassword: 'glass hammer', newPassword: 'something else' }],
      ['POST', '/account/2fa/setup', {}],
      ['DELETE', '/users/admin', undefined],
      ['PATCH', '/users/admin', { isSuperadmin: false }],
      ['POST', '/users/admin/sign-in-link', undefined],
      ['DELETE', '/teams/mine/members/admin', undefined],
    ] as const) {
      const answer = await boss.api.call(method, url, body);
      assert.deepEqual([answer.status, answer.body.code], [400, 'BREAK_GLASS_FIXED'], `${method} ${url}`);
    }
    for (const [user, password] of [
      ['boss', 'wrong'],
      ['BOSS', 'glass hammer'],
      ['boss', ''],
      ['boss', 'glass hammer '],
    ] as const) {
      const status = (await daemon.api.as(null).post('/auth/login', { user, password })).status;
      assert.equal(status, password === '' ? 400 : 401, `${user}/${password}`);
    }
  });

  test('a changed ADMIN_PASS ends its sessions, an unset one closes the account', async (t) => {
    const dataDir = await temporaryDir(t);
    const first = await testDaemon(t, ENV, { dataDir });
    const boss = await signIn(first, 'boss', 'glass hammer');
    await first.stop();
    const same = await testDaemon(t, ENV, { dataDir });
    await same.services.auth.stop();
    assert.equal((await same.api.as(boss.api.token).get('/auth/me')).status, 200);
    await same.stop();
    const changed = await testDaemon(t, { ...ENV, ADMIN_PASS: 'another' }, { dataDir });
    await changed.services.auth.stop();
    assert.equal((await changed.api.as(boss.api.token).get('/auth/me')).status, 401);
    const again = await signIn(changed, 'boss', 'another');
    await changed.stop();
    const without = await testDaemon(t, MANY_ATTEMPTS, { dataDir });
    assert.equal((await without.api.as(again.api.token).get('/auth/me')).status, 401);
    assert.equal((await without.api.as(null).post('/auth/login', { user: 'boss', password: 'another' })).status, 401);
    assert.ok(without.firstStart.setup);
  });
});

test('without STREAMHUB_JWT_SECRET the daemon keeps one of its own, readable by its user only', async (t) => {
  const dataDir = await temporaryDir(t);
  const first = await testDaemon(t, {}, { dataDir });
  const root = await firstAdmin(first);
  const file = path.join(dataDir, 'data', 'session-secret');
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.ok((await readFile(file, 'utf8')).trim().length >= 43);
  await first.stop();
  const second = await testDaemon(t, {}, { dataDir });
  assert.equal((await second.api.as(root.api.token).get('/auth/me')).status, 200);
  await second.stop();
  // another secret: nothing signed before is believed
  const third = await testDaemon(t, { STREAMHUB_JWT_SECRET: 'a'.repeat(40) }, { dataDir });
  assert.equal((await third.api.as(root.api.token).get('/auth/me')).status, 401);
});

test('sign-up makes an account and a team only where it is allowed', async (t) => {
  const closed = await testDaemon(t, MANY_ATTEMPTS);
  const body = { email: 'new@example.com', password: PASSWORD, teamName: 'Newcomers' };
  const refused = await closed.api.as(null).post('/auth/signup', body);
  assert.deepEqual([refused.status, refused.body.message], [403, 'signup_disabled']);

  const open = await testDaemon(t, { ...MANY_ATTEMPTS, STREAMHUB_ALLOW_SIGNUP: '1' });
  assert.equal((await open.api.as(null).get('/auth/config')).body.data.allowSignup, true);
  const made = await open.api.as(null).post('/auth/signup', body);
  assert.equal(made.status, 201);
  const api = open.api.as(made.body.data.token);
  const me = (await api.get('/auth/me')).body.data;
  assert.match(me.tenantId, /^tnt_/);
  assert.deepEqual([me.role, me.tenantName], ['owner', 'Newcomers']);
  assert.deepEqual((await api.get('/apps')).body, []);
  const usage = (await api.get(`/tenants/${me.tenantId}/usage`)).body.data;
  assert.equal(usage.plan, 'free');
  assert.equal(usage.quotas.maxApps, 2);
  assert.equal(
    (await open.api.as(null).post('/auth/signup', { ...body, email: 'NEW@example.com' })).body.code,
    'EMAIL_IN_USE',
  );
  assert.equal(
    (await open.api.as(null).post('/auth/signup', { ...body, email: 'z@example.com', password: '1234567' })).status,
    400,
  );
});

test('a new link signs a person in who lost the password; a person without one sets it from a fresh session', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  const viewer = await join(daemon, root.api, 'lost@example.com', 'viewer');
  const link = (await root.api.post(`/users/${viewer.id}/sign-in-link`)).body.data;
  const newer = (await root.api.post(`/users/${viewer.id}/sign-in-link`)).body.data;
  const anonymous = daemon.api.as(null);
  assert.equal((await anonymous.post('/auth/magic/verify', { token: linkToken(link.url) })).status, 401);
  const used = await anonymous.post('/auth/magic/verify', { token: linkToken(newer.url) });
  assert.equal(used.status, 200);
  assert.equal((await anonymous.post('/auth/magic/verify', { token: linkToken(newer.url) })).status, 401);
  const api = daemon.api.as(used.body.data.token);
  assert.equal((await api.get('/auth/me')).body.data.userId, viewer.id);
  assert.equal((await viewer.api.post(`/users/${viewer.id}/sign-in-link`)).status, 403);
});
