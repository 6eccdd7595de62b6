import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret, TOTP } from 'otpauth';
import { type Client, testDaemon } from '#test/helpers/daemon.ts';
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
import { until } from '#test/helpers/until.ts';

const VICTIM = 'victim@example.com';
const GLOBAL = { name: 'any', scope: 'global' };
const NEW = 'a password of the real owner';

test('an address that someone else typed in does not stop the invitation of its owner', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  const squatter = await join(daemon, root.api, 'squatter@example.com', 'viewer');
  const patched = await squatter.api.patch('/account', { email: VICTIM });
  assert.equal(patched.status, 200);
  assert.deepEqual(
    [patched.body.data.user.email, patched.body.data.user.pendingEmail],
    [squatter.email, VICTIM],
    'the old address counts until the new one is proven',
  );
  const anonymous = daemon.api.as(null);
  assert.equal((await anonymous.post('/auth/login', { user: VICTIM, password: PASSWORD })).status, 401);
  const invited = (await root.api.post('/tenant/invites', { email: VICTIM })).body.data;
  assert.notEqual(invited.userId, squatter.id);
  const token = linkToken(invited.inviteUrl);
  assert.equal((await anonymous.post('/auth/invite/preview', { token })).body.data.hasAccount, false);
  const accepted = await anonymous.post('/auth/invite/accept', { token, password: NEW });
  assert.equal(accepted.status, 200);
  assert.equal((await daemon.api.patch(`/users/${squatter.id}`, { confirmEmail: VICTIM })).body.code, 'EMAIL_IN_USE');
  await signIn(daemon, squatter.email);
});

test('a new address is proven by the link that was mailed to it, in a session of the account', async (t) => {
  const box = await mailbox(t);
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env });
  const root = await firstAdmin(daemon);
  const team = (await root.api.post('/tenants', { name: 'old', ownerEmail: 'old@example.com' })).body.data;
  assert.equal(team.invite.emailSent, true);
  const token = linkToken(linkIn(await box.next('old@example.com')));
  const entered = await daemon.api.as(null).post('/auth/invite/accept', { token, password: PASSWORD });
  const api = daemon.api.as(entered.body.data.token);
  // invited under the new address before it is proven: the invitation ends with that address
  await root.api.post('/tenant/invites', { email: 'new@example.com' });
  const invitation = linkToken(linkIn(await box.next('new@example.com')));
  await api.patch('/account', { email: 'New@example.com' });
  const proof = linkToken(linkIn(await box.next('new@example.com')));
  assert.equal((await root.api.post('/account/email/confirm', { token: proof })).body.code, 'BAD_LINK');
  assert.equal((await daemon.api.as(null).post('/account/email/confirm', { token: proof })).status, 401);
  assert.equal((await daemon.api.as(null).post('/auth/magic/verify', { token: proof })).status, 401);
  const confirmed = await api.post('/account/email/confirm', { token: proof });
  assert.deepEqual(
    [confirmed.status, confirmed.body.data.user.email, confirmed.body.data.user.pendingEmail],
    [200, 'new@example.com', null],
  );
  assert.equal((await api.post('/account/email/confirm', { token: proof })).status, 401, 'once');
  assert.equal((await api.get('/auth/me')).body.data.email, 'new@example.com');
  await signIn(daemon, 'new@example.com');
  const joined = await daemon.api.as(null).post('/auth/invite/accept', { token: invitation, password: PASSWORD });
  assert.equal(joined.status, 200, joined.text);
});

test('proof of an address ends what an unproven holder had set up, a second factor too', async (t) => {
  const box = await mailbox(t);
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env, STREAMHUB_ALLOW_SIGNUP: '1' });
  const root = await firstAdmin(daemon);
  const anonymous = daemon.api.as(null);
  const signedUp = await anonymous.post('/auth/signup', { email: VICTIM, password: PASSWORD });
  const squatter = daemon.api.as(signedUp.body.data.token);
  const { secret } = (await squatter.post('/account/2fa/setup')).body.data;
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  assert.equal((await squatter.post('/account/2fa/enable', { code: totp.generate() })).status, 200);

  await root.api.post('/tenant/invites', { email: VICTIM });
  const token = linkToken(linkIn(await box.next(VICTIM)));
  assert.equal((await anonymous.post('/auth/invite/preview', { token })).body.data.hasAccount, false);
  const accepted = await anonymous.post('/auth/invite/accept', { token, password: NEW });
  assert.equal(accepted.status, 200, 'neither the squatter’s password nor code is asked for');
  const owner = daemon.api.as(accepted.body.data.token);
  const { user } = (await owner.get('/account')).body.data;
  assert.deepEqual([user.twoFactorEnabled, user.recoveryCodesLeft], [false, 0]);
  assert.equal((await squatter.get('/account')).status, 401);
  assert.equal((await anonymous.post('/auth/login', { user: VICTIM, password: PASSWORD })).status, 401);
  await signIn(daemon, VICTIM, NEW);

  // from now on the second factor is the owner's, and a mailed link asks for it
  const own = (await owner.post('/account/2fa/setup')).body.data.secret;
  const code = new TOTP({ secret: Secret.fromBase32(own) }).generate();
  assert.equal((await owner.post('/account/2fa/enable', { code })).status, 200);
  await anonymous.post('/auth/magic-link', { email: VICTIM });
  const link = linkToken(linkIn(await box.next(VICTIM)));
  assert.equal((await anonymous.post('/auth/magic/verify', { token: link })).body.message, 'totp_required');
});

test('without mail a link proves the invitation, whoever signed up with the address', async (t) => {
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, STREAMHUB_ALLOW_SIGNUP: '1' });
  await firstAdmin(daemon);
  const host = await makeTeam(daemon, 'host');
  const anonymous = daemon.api.as(null);
  const signedUp = await anonymous.post('/auth/signup', { email: VICTIM, password: PASSWORD });
  const squatter = daemon.api.as(signedUp.body.data.token);
  assert.equal((await squatter.post('/apps', { name: 'squat' })).status, 201);
  const invited = (await host.owner.api.post('/tenant/invites', { email: VICTIM })).body.data;
  const token = linkToken(invited.inviteUrl);
  const { hasAccount, canReplace } = (await anonymous.post('/auth/invite/preview', { token })).body.data;
  assert.deepEqual([hasAccount, canReplace], [true, true]);
  const unknown = await anonymous.post('/auth/invite/accept', { token, password: NEW });
  assert.equal(unknown.status, 401, 'the link alone opens nobody’s account');
  const accepted = await anonymous.post('/auth/invite/accept', { token, password: NEW, newAccount: true });
  assert.equal(accepted.status, 200, accepted.text);
  const owner = daemon.api.as(accepted.body.data.token);
  const mine = (await owner.get('/account')).body.data;
  assert.deepEqual([mine.user.email, mine.tenant.name, mine.user.formerEmail], [VICTIM, 'host', null]);
  assert.equal((await owner.get('/apps/squat')).status, 403, 'nothing of the other account came with it');
  // each signs in with the address and the own password; the account that was first keeps what it has
  const theirs = (await squatter.get('/account')).body.data;
  assert.deepEqual([theirs.user.email, theirs.user.formerEmail, theirs.tenant.role], [null, VICTIM, 'owner']);
  const asOwner = await signIn(daemon, VICTIM, NEW);
  const asSquatter = await signIn(daemon, VICTIM, PASSWORD);
  assert.equal((await asOwner.api.get('/auth/me')).body.data.userId, mine.user.id);
  assert.equal((await asSquatter.api.get('/auth/me')).body.data.userId, theirs.user.id);
  assert.equal((await anonymous.post('/auth/login', { user: VICTIM, password: 'neither of them' })).status, 401);
  assert.equal((await squatter.get('/teams/mine')).body.data.team.name === 'host', false);

  // an operator answers for the address: then it is proven, and no link moves it any more
  assert.equal((await daemon.api.patch(`/users/${mine.user.id}`, { confirmEmail: VICTIM })).status, 200);
  const again = (await squatter.post('/tenant/invites', { email: VICTIM })).body.data;
  const trick = linkToken(again.inviteUrl);
  assert.equal((await anonymous.post('/auth/invite/preview', { token: trick })).body.data.canReplace, false);
  const refused = await anonymous.post('/auth/invite/accept', { token: trick, password: NEW, newAccount: true });
  assert.equal(refused.body.code, 'EMAIL_IN_USE');
});

test('an operator’s invitation proves the address and ends what was set up before', async (t) => {
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, STREAMHUB_ALLOW_SIGNUP: '1' });
  const root = await firstAdmin(daemon);
  const anonymous = daemon.api.as(null);
  const signedUp = await anonymous.post('/auth/signup', { email: VICTIM, password: PASSWORD });
  const squatter = daemon.api.as(signedUp.body.data.token);
  const { secret } = (await squatter.post('/account/2fa/setup')).body.data;
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
  assert.equal((await squatter.post('/account/2fa/enable', { code })).status, 200);
  const { inviteUrl } = (await root.api.post('/tenant/invites', { email: VICTIM })).body.data;
  const token = linkToken(inviteUrl);
  const accepted = await anonymous.post('/auth/invite/accept', { token, password: NEW });
  assert.equal(accepted.status, 200, accepted.text);
  assert.equal((await squatter.get('/account')).status, 401);
  assert.equal((await anonymous.post('/auth/login', { user: VICTIM, password: PASSWORD })).status, 401);
  await signIn(daemon, VICTIM, NEW);
});

test('who proves an address does not work in a team that the earlier holder shares with others', async (t) => {
  const box = await mailbox(t);
  await t.test('by the invitation of an operator; the earlier account keeps its team', async (t) => {
    const daemon = await testDaemon(t, MANY_ATTEMPTS);
    const root = await firstAdmin(daemon);
    const { id: teamId, owner: mallory } = await makeTeam(daemon, 'corp');
    const squatter = await join(daemon, mallory.api, VICTIM, 'owner');
    const { tenant, invite } = (await root.api.post('/tenants', { name: 'Corp', ownerEmail: VICTIM })).body.data;
    const token = linkToken(invite.inviteUrl);
    const accepted = await daemon.api.as(null).post('/auth/invite/accept', { token, password: NEW, name: 'Carol' });
    assert.equal(accepted.status, 200, accepted.text);
    const carol = daemon.api.as(accepted.body.data.token);
    const me = (await carol.get('/auth/me')).body.data;
    assert.deepEqual([me.tenantId, me.role, me.name], [tenant.id, 'owner', 'Carol']);
    assert.equal((await carol.post('/apps', { name: 'payroll' })).status, 201);
    assert.deepEqual((await mallory.api.get('/apps')).body, []);
    const { data } = (await root.api.get(`/users?q=${VICTIM}`)).body;
    assert.deepEqual(
      data.map((one: any) => [one.id, one.emailProven, one.teams.map(({ id }: any) => id)]),
      [[me.userId, true, [tenant.id]]],
    );
    // nothing of the earlier account is lost, and its password opens nothing of Carol's
    const again = await signIn(daemon, VICTIM);
    assert.deepEqual([again.id, (await again.api.get('/auth/me')).body.data.tenantId], [squatter.id, teamId]);
    assert.equal((await signIn(daemon, VICTIM, NEW)).id, me.userId);
    const { members } = (await mallory.api.get('/teams/mine')).body.data;
    assert.deepEqual(
      members.map((one: any) => [one.userId, one.email, one.role]),
      [
        [mallory.id, mallory.email, 'owner'],
        [squatter.id, null, 'owner'],
      ],
    );
  });
  await t.test('by a mailed link to sign in, and says that the account is someone else’s', async (t) => {
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env, STREAMHUB_ALLOW_SIGNUP: '1' });
    await firstAdmin(daemon);
    const anonymous = daemon.api.as(null);
    const enter = async (email: string): Promise<any> => {
      assert.equal((await anonymous.post('/auth/magic-link', { email })).status, 200);
      const token = linkToken(linkIn(await box.next(email)));
      const entered = await anonymous.post('/auth/magic/verify', { token });
      return (await daemon.api.as(entered.body.data.token).get('/auth/me')).body.data;
    };
    const signUp = async (email: string): Promise<Client> => {
      const { data } = (await anonymous.post('/auth/signup', { email, password: PASSWORD })).body;
      return daemon.api.as(data.token);
    };
    const squatter = await signUp(VICTIM);
    // who only has an open invitation could accept it later
    assert.equal((await squatter.post('/tenant/invites', { email: 'helper@example.com' })).status, 201);
    assert.equal((await anonymous.post('/auth/magic-link', { email: VICTIM })).status, 200);
    const token = linkToken(linkIn(await box.next(VICTIM)));
    const verify = (body: object) => anonymous.post('/auth/magic/verify', { token, ...body });
    const guesses: string[] = [];
    for (let n = 0; n <= 10; n += 1) guesses.push((await verify({ password: `guess ${n} of ten` })).body.code);
    assert.deepEqual(guesses, [...Array<string>(10).fill('BAD_LOGIN'), 'RATE_LIMITED']);
    const chosen = await verify({ newAccount: true, password: NEW });
    assert.equal(chosen.status, 200, chosen.text);
    const victim = (await daemon.api.as(chosen.body.data.token).get('/auth/me')).body.data;
    assert.equal(victim.tenantId, null);
    assert.equal((await signIn(daemon, VICTIM, NEW)).id, victim.userId);
    assert.equal((await squatter.get('/auth/me')).body.data.role, 'owner');
    const alone = (await (await signUp('alone@example.com')).get('/auth/me')).body.data;
    const { tenantId, userId } = await enter('alone@example.com');
    assert.deepEqual([tenantId, userId], [alone.tenantId, alone.userId], 'a team that no one else has stays');
  });
  await t.test('by the set-up link', async (t) => {
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, STREAMHUB_ALLOW_SIGNUP: '1' });
    const { data } = (await daemon.api.as(null).post('/auth/signup', { email: VICTIM, password: PASSWORD })).body;
    const squatter = daemon.api.as(data.token);
    await join(daemon, squatter, 'helper@example.com', 'owner');
    const root = await firstAdmin(daemon, VICTIM);
    const found = (await root.api.get(`/users?q=${VICTIM}`)).body.data;
    assert.deepEqual(
      found.map((one: any) => [one.id, one.isSuperadmin, one.teams.map(({ id }: any) => id)]),
      [[root.id, true, ['platform']]],
    );
    const theirs = (await squatter.get('/auth/me')).body.data;
    assert.deepEqual([theirs.role, theirs.isSuperadmin], ['owner', false]);
  });
});

test('a founder who shares a team keeps it at the first sign-in by a mailed link', async (t) => {
  const box = await mailbox(t);
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env, STREAMHUB_ALLOW_SIGNUP: '1' });
  const root = await firstAdmin(daemon);
  const anonymous = daemon.api.as(null);
  const email = 'founder@example.com';
  const signedUp = await anonymous.post('/auth/signup', { email, password: PASSWORD });
  const founder = daemon.api.as(signedUp.body.data.token);
  const { userId, tenantId } = (await founder.get('/auth/me')).body.data;
  const { secret } = (await founder.post('/account/2fa/setup')).body.data;
  const setupCode = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
  const [code] = (await founder.post('/account/2fa/enable', { code: setupCode })).body.data.recoveryCodes;
  await founder.post('/tenant/invites', { email: 'colleague@example.com' });
  await anonymous.post('/auth/magic-link', { email });
  const token = linkToken(linkIn(await box.next(email)));
  const verify = (more: object = {}) => anonymous.post('/auth/magic/verify', { token, ...more });
  const asked = await verify();
  assert.deepEqual([asked.status, asked.body.code], [401, 'ACCOUNT_CHOICE_REQUIRED']);
  assert.equal((await verify({ code })).body.code, 'ACCOUNT_CHOICE_REQUIRED', 'a code alone answers nothing');
  assert.equal((await verify({ password: NEW, code })).body.code, 'BAD_LOGIN');
  assert.equal((await verify({ password: PASSWORD })).body.code, 'TOTP_REQUIRED');
  assert.equal((await verify({ password: PASSWORD, code: '000000' })).body.code, 'TOTP_INVALID');
  const isProven = async () => (await root.api.get(`/users?q=${email}`)).body.data[0].emailProven;
  assert.equal(await isProven(), false, 'no refused answer proves anything');
  const entered = await verify({ password: PASSWORD, code });
  assert.equal(entered.status, 200, entered.text);
  const me = (await daemon.api.as(entered.body.data.token).get('/auth/me')).body.data;
  assert.deepEqual([me.userId, me.tenantId, me.role, me.email], [userId, tenantId, 'owner', email]);
  assert.equal((await founder.get('/account')).body.data.user.twoFactorEnabled, true, 'sessions and the factor stay');
  assert.equal(await isProven(), true);
  assert.equal((await anonymous.post('/auth/login', { user: email, password: PASSWORD })).body.code, 'TOTP_REQUIRED');
  assert.equal((await verify({ password: PASSWORD, code })).body.code, 'BAD_LINK', 'once');
});

test('whoever proves an address gets it from an account that only typed it in', async (t) => {
  const box = await mailbox(t);
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env, STREAMHUB_ALLOW_SIGNUP: '1' });
  await firstAdmin(daemon);
  const anonymous = daemon.api.as(null);
  await anonymous.post('/auth/signup', { email: VICTIM, password: PASSWORD });
  const signedUp = await anonymous.post('/auth/signup', { email: 'owner@example.com', password: PASSWORD });
  const owner = daemon.api.as(signedUp.body.data.token);
  assert.equal((await owner.patch('/account', { email: VICTIM })).status, 200);
  const proof = linkToken(linkIn(await box.next(VICTIM)));
  const confirmed = await owner.post('/account/email/confirm', { token: proof });
  assert.equal(confirmed.body.data.user.email, VICTIM, confirmed.text);
});

test('the previous, proven address is told of a change and can undo it', async (t) => {
  const box = await mailbox(t);
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env });
  const root = await firstAdmin(daemon);
  await root.api.post('/tenant/invites', { email: VICTIM });
  const invitation = linkToken(linkIn(await box.next(VICTIM)));
  const anonymous = daemon.api.as(null);
  const entered = await anonymous.post('/auth/invite/accept', { token: invitation, password: PASSWORD });
  const session = daemon.api.as(entered.body.data.token);
  const enableTotp = async (api: Client): Promise<string[]> => {
    const { secret } = (await api.post('/account/2fa/setup')).body.data;
    const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
    return (await api.post('/account/2fa/enable', { code })).body.data.recoveryCodes;
  };
  const move = async (email: string, api = session): Promise<string> => {
    const { email: before } = (await api.get('/auth/me')).body.data;
    assert.equal((await api.patch('/account', { email })).status, 200);
    const proof = linkToken(linkIn(await box.next(email)));
    assert.equal((await api.post('/account/email/confirm', { token: proof })).status, 200);
    const mail = await box.next(before);
    assert.match(mail, /It now uses /);
    return linkToken(linkIn(mail));
  };
  // someone in an open session locks the owner out and moves the account away, twice
  assert.equal((await enableTotp(session)).length, 10);
  const undo = await move('thief@example.com');
  const thiefsUndo = await move('thief2@example.com');
  const undone = await anonymous.post('/account/email/undo', { token: undo });
  assert.deepEqual([undone.status, undone.body.data.email], [200, VICTIM]);
  assert.equal((await session.get('/account')).status, 401, 'the session ended');
  assert.equal((await anonymous.post('/auth/login', { user: VICTIM, password: PASSWORD })).status, 401);
  for (const token of [undo, thiefsUndo])
    assert.equal((await anonymous.post('/account/email/undo', { token })).body.code, 'BAD_LINK');
  await anonymous.post('/auth/magic-link', { email: VICTIM });
  const link = linkToken(linkIn(await box.next(VICTIM)));
  const entry = await anonymous.post('/auth/magic/verify', { token: link });
  assert.equal(entry.status, 200, 'the stranger’s second factor is not asked for');
  const { user } = (await daemon.api.as(entry.body.data.token).get('/account')).body.data;
  assert.deepEqual([user.twoFactorEnabled, user.recoveryCodesLeft], [false, 0]);

  // what the owner had before the session that changed the address stays, also of a superadmin
  const newToken = async (api: Client) => daemon.api.as((await api.post('/tokens', GLOBAL)).body.token);
  const [first = '', second = ''] = await enableTotp(root.api);
  const kept = await newToken(root.api);
  // sessions begin at whole seconds
  const thisSecond = Math.floor(Date.now() / 1000);
  await until('the next second begins', () => Date.now() / 1000 >= thisSecond + 1);
  const login = { user: root.email, password: PASSWORD, code: first };
  const thief = daemon.api.as((await anonymous.post('/auth/login', login)).body.data.token);
  const before = await newToken(thief);
  const undoRoot = await move('thief3@example.com', thief);
  const after = await newToken(thief);
  const handedOn = await newToken(after);
  assert.equal((await anonymous.post('/account/email/undo', { token: undoRoot })).status, 200);
  const states = await Promise.all([kept, before, after, handedOn].map((api) => api.get('/tokens')));
  assert.deepEqual(
    states.map(({ status }) => status),
    [200, 401, 401, 401],
  );
  const { url } = (await daemon.api.post(`/users/${root.id}/sign-in-link`)).body.data;
  const token = linkToken(url);
  assert.equal((await anonymous.post('/auth/magic/verify', { token })).body.message, 'totp_required');
  assert.equal((await anonymous.post('/auth/magic/verify', { token, code: second })).status, 200);
});

test('nobody’s mailbox is filled with invitations: beyond some in an hour the link is shown instead', async (t) => {
  const box = await mailbox(t);
  const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env });
  const root = await firstAdmin(daemon);
  const sent: boolean[] = [];
  for (let n = 0; n < 7; n += 1) {
    const { emailSent, inviteUrl } = (await root.api.post('/tenant/invites', { email: VICTIM })).body.data;
    assert.equal(emailSent, inviteUrl === undefined);
    sent.push(emailSent);
  }
  assert.deepEqual(sent, [true, true, true, true, true, true, false]);
  assert.equal((await root.api.post('/tenant/invites', { email: 'other@example.com' })).body.data.emailSent, true);
});

test('without mail an operator confirms the address that waits, and no other', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const root = await firstAdmin(daemon);
  const person = await join(daemon, root.api, 'before@example.com', 'viewer');
  await person.api.patch('/account', { email: 'after@example.com' });
  const confirm = (email: string) => daemon.api.patch(`/users/${person.id}`, { confirmEmail: email });
  assert.equal((await confirm('other@example.com')).body.code, 'EMAIL_NOT_PENDING');
  assert.equal((await person.api.patch(`/users/${person.id}`, { confirmEmail: 'after@example.com' })).status, 403);
  const { email, emailProven, pendingEmail, isSuperadmin } = (await confirm('after@example.com')).body.data;
  assert.deepEqual([email, emailProven, pendingEmail, isSuperadmin], ['after@example.com', true, null, false]);
  await signIn(daemon, 'after@example.com');
  assert.equal((await daemon.api.patch(`/users/${person.id}`, {})).status, 400);
  await person.api.patch('/account', { email: 'third@example.com' });
  const cleared = await person.api.patch('/account', { email: 'after@example.com' });
  assert.equal(cleared.body.data.user.pendingEmail, null, 'the own address clears it');
});
