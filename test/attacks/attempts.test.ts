import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, join, linkToken, MANY_ATTEMPTS, PASSWORD, type Person, signIn } from '#test/helpers/people.ts';

const ALLOWED = 10;
const STEP_MS = 30_000;
let next = 0;
/** A client address that no earlier request had. */
const elsewhere = (): Record<string, string> => {
  next += 1;
  return { 'x-forwarded-for': `198.51.${next >> 8}.${next & 255}` };
};

async function withTwoFactor({ api }: Person): Promise<{ totp: TOTP; enabled: string }> {
  const { secret } = (await api.post('/account/2fa/setup')).body.data;
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  const enabled = totp.generate({ timestamp: Date.now() - STEP_MS });
  assert.equal((await api.post('/account/2fa/enable', { code: enabled })).status, 200);
  return { totp, enabled };
}

/** Six digits that no time step near now has. */
function wrongCode(totp: TOTP): string {
  const good = [-2, -1, 0, 1, 2].map((n) => totp.generate({ timestamp: Date.now() + n * STEP_MS }));
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !good.includes(code)) as string;
}

const signInWith = (daemon: TestDaemon, user: string, password: string, code?: string, headers = elsewhere()) =>
  daemon.api.as(null).post('/auth/login', { user, password, ...(code ? { code } : {}) }, headers);

test('wrong codes are counted per account, over every place that takes one, even in parallel', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  const person = await join(daemon, root.api, 'target@example.com', 'viewer');
  const { totp } = await withTwoFactor(person);
  const code = wrongCode(totp);
  const places = [
    () => person.api.post('/account/2fa/disable', { code }, elsewhere()),
    () => person.api.post('/account/2fa/recovery-codes', { code }, elsewhere()),
    () => signInWith(daemon, person.email, PASSWORD, code),
  ];
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => places[n % 3]?.()));
  const checked = answers.filter((answer) => answer?.status !== 429);
  assert.equal(checked.length, ALLOWED, 'the others were refused unread');
  for (const answer of answers) if (answer?.status === 429) assert.ok(Number(answer.headers.get('retry-after')) > 0);
  const right = totp.generate();
  assert.equal((await person.api.post('/account/2fa/disable', { code: right }, elsewhere())).status, 429);
  assert.equal((await signInWith(daemon, person.email, PASSWORD, right)).status, 429);
  assert.equal((await person.api.get('/account', elsewhere())).status, 200, 'the open session goes on');
});

test('codes guessed before two-factor is on count too', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  await root.api.post('/account/2fa/setup');
  const statuses: number[] = [];
  for (let n = 0; n <= ALLOWED; n += 1)
    statuses.push((await root.api.post('/account/2fa/enable', { code: `00000${n % 10}` }, elsewhere())).status);
  assert.deepEqual(statuses, [...Array(ALLOWED).fill(400), 429]);
});

test('passwords are counted per account over sign-in, invitation and change, from any address', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  const person = await join(daemon, root.api, 'target@example.com', 'viewer');
  const team = (await daemon.api.post('/tenants', { name: 'other', ownerEmail: person.email })).body.data;
  const token = linkToken(team.invite.inviteUrl);
  const anonymous = daemon.api.as(null);
  const places = [
    () => person.api.post('/account/password', { currentPassword: 'no', newPassword: PASSWORD }, elsewhere()),
    () => anonymous.post('/auth/invite/accept', { token, password: 'not this one' }, elsewhere()),
    () => signInWith(daemon, person.email, 'no'),
  ];
  const answers = await Promise.all(Array.from({ length: 24 }, (_, n) => places[n % 3]?.()));
  assert.ok(answers.filter((answer) => answer?.status !== 429).length <= ALLOWED + ALLOWED / 2);
  assert.equal((await signInWith(daemon, person.email, PASSWORD)).status, 429, 'from an address never seen');
});

test('strangers cannot lock an account out where its owner is known, nor stop an open session', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  const person = await join(daemon, root.api, 'owner@example.com', 'viewer');
  const home = { 'x-forwarded-for': '192.0.2.7' };
  assert.equal((await signInWith(daemon, person.email, PASSWORD, undefined, home)).status, 200);
  for (let n = 0; n < ALLOWED + 5; n += 1) await signInWith(daemon, person.email, 'no');
  assert.equal((await signInWith(daemon, person.email, PASSWORD)).status, 429);
  assert.equal((await signInWith(daemon, person.email, PASSWORD, undefined, home)).status, 200);
  const changed = await person.api.post(
    '/account/password',
    { currentPassword: PASSWORD, newPassword: 'a much better one' },
    elsewhere(),
  );
  assert.equal(changed.status, 200, 'the owner can act on the attack');
  // the known address has no more guesses than any other
  const guesses: number[] = [];
  for (let n = 0; n <= ALLOWED; n += 1)
    guesses.push((await signInWith(daemon, person.email, 'no', undefined, home)).status);
  assert.deepEqual(guesses, [...Array(ALLOWED).fill(401), 429]);
});

test('an unknown name is refused after as many attempts as a known one; so is the break-glass admin', async (t) => {
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ADMIN_USER: 'boss', ADMIN_PASS: 'a long secret' });
  for (const name of ['nobody@example.com', 'boss']) {
    const statuses: number[] = [];
    for (let n = 0; n <= ALLOWED; n += 1) statuses.push((await signInWith(daemon, name, 'no')).status);
    assert.deepEqual(statuses, [...Array(ALLOWED).fill(401), 429], name);
  }
  assert.equal((await signInWith(daemon, 'boss', 'a long secret', undefined, {})).status, 200, 'on the machine itself');
});

test('a time step is good once, whatever it was used for, and over a restart', async (t) => {
  const dataDir = await temporaryDir(t);
  const first = await testDaemon(t, MANY_ATTEMPTS, { dataDir });
  const root = await firstAdmin(first);
  const { totp, enabled } = await withTwoFactor(root);
  const now = totp.generate();
  assert.equal((await signInWith(first, root.email, PASSWORD, enabled)).body.message, 'totp_invalid');
  assert.equal((await root.api.post('/account/2fa/recovery-codes', { code: now })).status, 200);
  for (const code of [now, enabled]) {
    assert.equal((await signInWith(first, root.email, PASSWORD, code)).body.message, 'totp_invalid');
    assert.equal((await root.api.post('/account/2fa/disable', { code })).body.code, 'TOTP_WRONG_CODE');
    assert.equal((await root.api.post('/account/2fa/recovery-codes', { code })).body.code, 'TOTP_WRONG_CODE');
  }
  await first.stop();
  const second = await testDaemon(t, MANY_ATTEMPTS, { dataDir });
  assert.equal((await signInWith(second, root.email, PASSWORD, now)).body.message, 'totp_invalid');
  const later = totp.generate({ timestamp: Date.now() + STEP_MS });
  const both = await Promise.all([1, 2, 3].map(() => signInWith(second, root.email, PASSWORD, later)));
  assert.deepEqual(both.map((answer) => answer.status).sort(), [200, 401, 401], 'one of three at a time');
});

test('a recovery code is good once, also when it is sent twice together', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  const { totp } = await withTwoFactor(root);
  const renewed = await root.api.post('/account/2fa/recovery-codes', { code: totp.generate() });
  const [code] = renewed.body.data.recoveryCodes;
  const both = await Promise.all([1, 2].map(() => signInWith(daemon, root.email, PASSWORD, code)));
  assert.deepEqual(both.map((answer) => answer.status).sort(), [200, 401]);
  assert.equal(
    (await signIn(daemon, root.email).catch((error: Error) => error.message.includes('totp'))) === true,
    true,
  );
});
