import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { Secret, TOTP } from 'otpauth';
import { blockScope, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, join, MANY_ATTEMPTS, PASSWORD, type Person, signIn } from '#test/helpers/people.ts';

const SECRET = 'the secret that the attacker somehow learnt';
const KEY = new TextEncoder().encode(SECRET);
const claimsOf = (token: string | null) =>
  JSON.parse(Buffer.from(String(token).split('.')[1] as string, 'base64url').toString());

describe('a session token', () => {
  const t = blockScope();
  let daemon: TestDaemon;
  let root: Person;
  let viewer: Person;
  before(async () => {
    daemon = await testDaemon(t, { ...MANY_ATTEMPTS, STREAMHUB_JWT_SECRET: SECRET });
    root = await firstAdmin(daemon);
    viewer = await join(daemon, root.api, 'viewer@example.com', 'viewer');
  });
  const statusOf = async (token: string): Promise<number> => (await daemon.api.as(token).get('/auth/me')).status;
  /** Signed with the right secret; each case changes one thing about a token that is good. */
  const forge = (change: (jwt: SignJWT, claims: any) => SignJWT, claims = claimsOf(root.api.token)) =>
    change(
      new SignJWT({ sid: claims.sid })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setSubject(claims.sub)
        .setIssuedAt(claims.iat)
        .setExpirationTime(claims.exp),
      claims,
    ).sign(KEY);
  const plain = (payload: Record<string, unknown>, alg = 'HS256') =>
    new SignJWT(payload).setProtectedHeader({ alg, typ: 'JWT' }).sign(KEY);

  test('is believed with all its claims', async () => {
    assert.equal(await statusOf(await forge((jwt) => jwt)), 200);
  });

  test('without sid, exp, iat or sub is refused, however well it is signed', async () => {
    const { sub, sid, exp, iat } = claimsOf(root.api.token);
    for (const payload of [
      { sub, exp, iat },
      { sub, sid, iat },
      { sub, sid, exp },
      { sid, exp, iat },
      { sub: 'admin', exp, iat },
      { sub: 'admin' },
      { sub, sid: null, exp, iat },
      { sub, sid: '', exp, iat },
      { sub, sid: [sid], exp, iat },
      { sub, sid, exp: String(exp), iat },
    ]) {
      const token = await plain(payload as Record<string, unknown>).catch(() => undefined);
      if (token !== undefined) assert.equal(await statusOf(token), 401, JSON.stringify(payload));
    }
  });

  test('of another person’s session, an unknown session, or an expired one is refused', async () => {
    const mine = claimsOf(viewer.api.token);
    const admin = claimsOf(root.api.token);
    assert.equal(await statusOf(await forge((jwt) => jwt.setSubject(admin.sub), mine)), 401);
    assert.equal(await statusOf(await forge((jwt) => jwt.setSubject('admin'), mine)), 401);
    assert.equal(await statusOf(await forge((jwt) => jwt, { ...admin, sid: 'x'.repeat(24) })), 401);
    const past = Math.floor(Date.now() / 1000) - 10;
    assert.equal(await statusOf(await forge((jwt) => jwt.setExpirationTime(past))), 401);
  });

  test('with another algorithm is refused', async () => {
    const claims = claimsOf(root.api.token);
    for (const alg of ['HS384', 'HS512']) assert.equal(await statusOf(await plain(claims, alg)), 401, alg);
    assert.equal(await statusOf(new UnsecuredJWT(claims).encode()), 401, 'none');
    const [, payload, signature] = String(root.api.token).split('.');
    for (const header of [{ alg: 'none' }, { alg: 'RS256' }, { alg: 'HS256', crit: ['x'], x: 1 }, { typ: 'JWT' }]) {
      const encoded = Buffer.from(JSON.stringify(header)).toString('base64url');
      assert.equal(await statusOf(`${encoded}.${payload}.${signature}`), 401, JSON.stringify(header));
      assert.equal(await statusOf(`${encoded}.${payload}.`), 401);
    }
  });

  test('that was altered or cut is refused, also after the good one was seen', async () => {
    const good = String(root.api.token);
    assert.equal(await statusOf(good), 200);
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const raised = Buffer.from(JSON.stringify({ ...claimsOf(good), exp: 9_999_999_999 })).toString('base64url');
    const flipped = (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1);
    for (const token of [
      `${header}.${raised}.${signature}`,
      `${header}.${payload}.${flipped}`,
      `${header}.${payload}`,
      `${header}.${payload}.${signature.slice(0, -4)}`,
      `${good}.x`,
      `${good}=`,
      `sk_${good}`,
      good.toLowerCase(),
    ])
      assert.equal(await statusOf(token), 401, token.slice(-30));
  });

  test('does not outlive the password it was opened with', async () => {
    const person = await join(daemon, root.api, 'careless@example.com', 'editor');
    const stolen = await signIn(daemon, person.email);
    const changed = await person.api.post('/account/password', {
      currentPassword: PASSWORD,
      newPassword: 'brand new one',
    });
    assert.equal(changed.status, 200);
    assert.equal((await stolen.api.get('/apps')).status, 401, 'the thief is out');
    assert.equal((await person.api.get('/apps')).status, 200, 'whoever changed it stays in');
    assert.equal(
      (await daemon.api.as(null).post('/auth/login', { user: person.email, password: PASSWORD })).status,
      401,
    );
    const wrong = await person.api.post('/account/password', { currentPassword: PASSWORD, newPassword: 'yet another' });
    assert.deepEqual([wrong.status, wrong.body.code], [403, 'WRONG_PASSWORD']);
    const without = await person.api.post('/account/password', { newPassword: 'yet another' });
    assert.equal(without.status, 403);
  });

  test('gives no further rights through fields that nobody offers', async () => {
    await viewer.api.patch('/account', {
      name: 'V',
      isSuperadmin: true,
      is_superadmin: 1,
      role: 'owner',
      tenantId: 'platform',
      status: 'active',
      id: 'admin',
      __proto__: { isSuperadmin: true },
    });
    const me = (await viewer.api.get('/auth/me')).body.data;
    assert.deepEqual([me.userId, me.role, me.isSuperadmin], [viewer.id, 'viewer', false]);
  });

  test('codes cannot be tried without end, even from many addresses', async () => {
    const person = await join(daemon, root.api, 'target@example.com', 'viewer');
    const { secret } = (await person.api.post('/account/2fa/setup')).body.data;
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    await person.api.post('/account/2fa/enable', { code: totp.generate() });
    const guess = (n: number, code: string) =>
      daemon.api
        .as(null)
        .post('/auth/login', { user: person.email, password: PASSWORD, code }, { 'x-forwarded-for': `203.0.113.${n}` });
    const right = totp.generate();
    const statuses: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      const code = String(n).padStart(6, '0');
      statuses.push((await guess(n, code === right ? '999999' : code)).status);
    }
    assert.deepEqual(statuses, [...Array(10).fill(401), 429, 429]);
    assert.equal((await guess(99, totp.generate())).status, 429, 'the right one neither, until the window has passed');
  });
});
