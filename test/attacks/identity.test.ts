import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Passwords } from '#daemon/identity/auth/passwords.ts';
import { loadSettings } from '#daemon/platform/settings.ts';
import { QUICK, testDaemon } from '#test/helpers/daemon.ts';
import {
  firstAdmin,
  join,
  linkIn,
  linkToken,
  MANY_ATTEMPTS,
  mailbox,
  makeTeam,
  PASSWORD,
  signIn,
} from '#test/helpers/people.ts';

const OPEN = { ...MANY_ATTEMPTS, STREAMHUB_ALLOW_SIGNUP: '1' };

describe('third parties', () => {
  test('no setting has somebody else’s address as its default', () => {
    const settings = loadSettings({ env: { DATA_DIR: '/nonexistent-for-this-test' } });
    for (const key of ['superadminEmail', 'appUrl', 'smtpHost', 'smtpUser', 'smtpFrom', 'publicBaseUrl'] as const)
      assert.equal(settings[key], '', key);
  });

  test('on an installation that only set SMTP, no stranger becomes superadmin by mail', async (t) => {
    const box = await mailbox(t);
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env });
    const anonymous = daemon.api.as(null);
    for (const email of ['admin@streamhub.io', 'root@localhost', 'admin', 'someone@example.com']) {
      const answer = await anonymous.post('/auth/magic-link', { email });
      assert.equal(answer.status, 200);
    }
    // a known address afterwards, so that all earlier ones have been worked off when its mail is there
    const root = await firstAdmin(daemon, 'known@example.com');
    await anonymous.post('/auth/magic-link', { email: root.email });
    await box.next(root.email);
    assert.deepEqual(
      box.received.map((m) => m.to),
      [root.email],
    );
    assert.equal((await daemon.api.get('/users')).body.total, 1);
  });

  test('without a base for links nothing is mailed, so no mail points to a foreign site', async (t) => {
    const box = await mailbox(t);
    const { STREAMHUB_APP_URL: _, ...env } = box.env;
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...env });
    const root = await firstAdmin(daemon);
    const added = (await root.api.post('/tenant/invites', { email: 'a@example.com' })).body.data;
    assert.equal(added.emailSent, false);
    assert.ok(added.inviteUrl.startsWith(daemon.url));
    assert.equal((await daemon.api.as(null).get('/auth/config')).body.data.magicLink, false);
    assert.equal(box.received.length, 0);
  });

  test('a forged Host header does not get into links', async (t) => {
    const daemon = await testDaemon(t, MANY_ATTEMPTS);
    const root = await firstAdmin(daemon);
    for (const headers of [
      { 'x-forwarded-host': 'evil.example' },
      { origin: 'https://evil.example' },
      { 'x-forwarded-proto': 'evil' },
    ]) {
      const { inviteUrl } = (await root.api.post('/tenant/invites', { email: 'b@example.com' }, headers as never)).body
        .data;
      assert.ok(inviteUrl.startsWith(`${daemon.url}/invite#`), inviteUrl);
    }
  });
});

describe('an invitation', () => {
  test('cannot be taken over by signing up with the invited address', async (t) => {
    const closed = await testDaemon(t, MANY_ATTEMPTS);
    const root = await firstAdmin(closed);
    await root.api.post('/teams/mine/members', { email: 'invited@example.com', role: 'owner' });
    const refused = await closed.api
      .as(null)
      .post('/auth/signup', { email: 'invited@example.com', password: PASSWORD });
    assert.deepEqual([refused.status, refused.body.message], [403, 'signup_disabled']);

    const open = await testDaemon(t, OPEN);
    const admin = await firstAdmin(open);
    await admin.api.post('/teams/mine/members', { email: 'invited@example.com', role: 'owner' });
    const taken = await open.api.as(null).post('/auth/signup', { email: 'invited@example.com', password: PASSWORD });
    assert.equal(taken.status, 201);
    const api = open.api.as(taken.body.data.token);
    const me = (await api.get('/auth/me')).body.data;
    assert.match(me.tenantId, /^tnt_/, 'a team of one’s own, not the one of the invitation');
    assert.equal((await api.get('/apps/live')).status, 403);
  });

  test('does not sign its maker in as somebody who has an account', async (t) => {
    const daemon = await testDaemon(t, MANY_ATTEMPTS);
    const { owner: victim } = await makeTeam(daemon, 'victims');
    const { owner: attacker } = await makeTeam(daemon, 'attackers');
    const { inviteUrl } = (await attacker.api.post('/tenant/invites', { email: victim.email, role: 'viewer' })).body
      .data;
    const token = linkToken(inviteUrl);
    const anonymous = daemon.api.as(null);
    assert.equal((await anonymous.post('/auth/magic/verify', { token })).status, 401);
    assert.equal((await anonymous.post('/auth/invite/accept', { token, password: 'attacker chosen' })).status, 401);
    await signIn(daemon, victim.email);
    assert.equal(
      (await victim.api.get('/account')).body.data.tenant.role,
      'owner',
      'and changes nothing for that person',
    );
  });

  test('by mail beats whoever registered the address before its owner', async (t) => {
    const box = await mailbox(t);
    const daemon = await testDaemon(t, { ...OPEN, ...box.env });
    const { owner: company } = await (async () => {
      const made = await daemon.api.post('/tenants', { name: 'company', ownerEmail: 'boss@example.com' });
      assert.equal(made.status, 201);
      const token = linkToken(linkIn(await box.next('boss@example.com')));
      const accepted = await daemon.api.as(null).post('/auth/invite/accept', { token, password: PASSWORD });
      return { owner: daemon.api.as(accepted.body.data.token) };
    })();
    // the attacker is first with an address that is not the attacker's
    const squat = await daemon.api
      .as(null)
      .post('/auth/signup', { email: 'new@example.com', password: 'squatters own' });
    const squatter = daemon.api.as(squat.body.data.token);
    await company.post('/teams/mine/members', { email: 'new@example.com', role: 'editor' });
    const token = linkToken(linkIn(await box.next('new@example.com')));
    const preview = await daemon.api.as(null).post('/auth/invite/preview', { token });
    assert.equal(preview.body.data.hasAccount, false, 'the squatter’s password is not asked of the mailbox’s owner');
    const accepted = await daemon.api.as(null).post('/auth/invite/accept', { token, password: PASSWORD });
    assert.equal(accepted.status, 200);
    assert.equal((await squatter.get('/auth/me')).status, 401, 'the squatter’s session is over');
    const back = await daemon.api.as(null).post('/auth/login', { user: 'new@example.com', password: 'squatters own' });
    assert.equal(back.status, 401, 'and so is the squatter’s password');
    await signIn(daemon, 'new@example.com');
  });
});

describe('the superadmin’s address', () => {
  test('makes a superadmin of whoever reads its mail, and of nobody who merely typed it', async (t) => {
    const box = await mailbox(t);
    const daemon = await testDaemon(t, { ...OPEN, ...box.env, STREAMHUB_SUPERADMIN_EMAIL: 'Chief@example.com' });
    const anonymous = daemon.api.as(null);
    const squat = await anonymous.post('/auth/signup', { email: 'chief@example.com', password: 'squatters own' });
    const squatter = daemon.api.as(squat.body.data.token);
    assert.equal((await squatter.get('/auth/me')).body.data.isSuperadmin, false);
    assert.equal((await squatter.get('/tokens')).status, 403);

    await anonymous.post('/auth/magic-link', { email: 'chief@example.com' });
    const token = linkToken(linkIn(await box.next('chief@example.com')));
    const both = await Promise.all([1, 2, 3].map(() => anonymous.post('/auth/magic/verify', { token })));
    assert.deepEqual(both.map((a) => a.status).sort(), [200, 401, 401], 'a link works once, also at one moment');
    const chief = daemon.api.as(both.find((a) => a.status === 200)?.body.data.token);
    assert.equal((await chief.get('/auth/me')).body.data.isSuperadmin, true);
    assert.equal((await squatter.get('/auth/me')).status, 401);
    assert.equal(
      (await anonymous.post('/auth/login', { user: 'chief@example.com', password: 'squatters own' })).status,
      401,
    );
  });

  test('taken through a change of address gives nothing', async (t) => {
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, STREAMHUB_SUPERADMIN_EMAIL: 'chief@example.com' });
    const root = await firstAdmin(daemon);
    const viewer = await join(daemon, root.api, 'viewer@example.com', 'viewer');
    assert.equal((await viewer.api.patch('/account', { email: 'chief@example.com' })).status, 200);
    assert.equal((await viewer.api.get('/auth/me')).body.data.isSuperadmin, false);
    // the address is not proven, so it is not one to sign in with either
    const again = await daemon.api.as(null).post('/auth/login', { user: 'chief@example.com', password: PASSWORD });
    assert.equal(again.status, 401);
  });
});

describe('a guess at a password', () => {
  const STRANGER = { ip: '192.0.2.1', isKnown: false };

  test('costs the same work whether or not the account exists', async () => {
    const passwords = new Passwords(QUICK);
    const stored = await passwords.hash(PASSWORD, STRANGER);
    assert.equal(await passwords.verify(PASSWORD, stored, STRANGER), true);
    assert.equal(await passwords.verify('wrong', stored, STRANGER), false);
    // with every place taken the next one is refused: so it, too, would have hashed
    const busy = Array.from({ length: 66 }, () => passwords.verify('x', stored, STRANGER));
    for (const nobody of [null, undefined, '', 'not a hash', 'scrypt$9999999$8$1$AAAA$AAAA'])
      await assert.rejects(passwords.verify('x', nobody, STRANGER), { code: 'OVERLOADED' });
    await assert.rejects(passwords.verify('x', stored, STRANGER), { code: 'OVERLOADED' });
    assert.equal(await passwords.verify(PASSWORD, stored, { ...STRANGER, isKnown: true }), true, 'a part is kept');
    await Promise.all(busy.slice(0, 4));
    assert.equal(await passwords.verify('x', null, STRANGER).catch(() => false), false);
    await Promise.allSettled(busy);
  });

  test('from one address delays no other address, and strangers leave room for people who are known', async () => {
    const passwords = new Passwords(QUICK);
    let done = 0;
    const flood = Array.from({ length: 24 }, () => passwords.verify('x', null, STRANGER).then(() => ++done));
    assert.equal(await passwords.verify('x', null, { ip: '192.0.2.2', isKnown: true }), false);
    assert.ok(done < 12, `${done} of the flood came first`);
    const before = done;
    assert.equal(await passwords.verify('x', null, { ip: '192.0.2.3', isKnown: false }), false);
    assert.ok(done - before < 12, `${done - before} of the flood came first`);
    await Promise.all(flood);
  });

  test('is one answer in the same words, and never a way to a stored hash that costs the earth', async () => {
    const passwords = new Passwords();
    const stored = await passwords.hash(PASSWORD, STRANGER);
    assert.match(stored, /^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{86}$/);
    assert.notEqual(await passwords.hash(PASSWORD, STRANGER), stored, 'each has a salt of its own');
    const expensive = stored.replace('$32768$', '$1048576$');
    assert.equal(await passwords.verify(PASSWORD, expensive, STRANGER), false);
  });
});

describe('using a token', () => {
  test('does not write to the database at every request', async (t) => {
    const daemon = await testDaemon(t);
    const changes = () => daemon.services.db.prepare('SELECT total_changes()').pluck().get() as number;
    await daemon.api.get('/apps');
    daemon.services.tokens.flush();
    const before = changes();
    for (let n = 0; n < 50; n += 1) await daemon.api.get('/apps');
    // some are of the daemon itself
    assert.ok(changes() - before < 10);
    const [token] = (await daemon.api.get('/tokens')).body;
    assert.ok(Date.parse(token.lastUsedAt) > 0, 'the list knows all the same');
    assert.ok(changes() - before < 10);
  });

  test('neither does a session', async (t) => {
    const daemon = await testDaemon(t, MANY_ATTEMPTS);
    const root = await firstAdmin(daemon);
    const changes = () => daemon.services.db.prepare('SELECT total_changes()').pluck().get() as number;
    daemon.services.audit.flush();
    const before = changes();
    for (let n = 0; n < 50; n += 1) assert.equal((await root.api.get('/apps')).status, 200);
    daemon.services.sessions.flush();
    assert.ok(changes() - before < 10);
  });
});
