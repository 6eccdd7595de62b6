import assert from 'node:assert/strict';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import Database from 'better-sqlite3';
import { Secret, TOTP } from 'otpauth';
import { blockScope, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import {
  firstAdmin,
  join,
  linkIn,
  linkToken,
  MANY_ATTEMPTS,
  mailbox,
  makeTeam,
  PASSWORD,
  type Person,
  signIn,
} from '#test/helpers/people.ts';

describe('a team without mail', () => {
  const t = blockScope();
  let daemon: TestDaemon;
  let root: Person;
  before(async () => {
    daemon = await testDaemon(t, MANY_ATTEMPTS);
    root = await firstAdmin(daemon);
  });

  test('an invitation is a link in the answer; nobody is a member before accepting', async () => {
    const anonymous = daemon.api.as(null);
    const added = await root.api.post('/teams/mine/members', { email: 'Ann@Example.com', role: 'editor' });
    assert.equal(added.status, 201);
    const { inviteUrl, ...member } = added.body.data;
    assert.deepEqual(
      [member.email, member.role, member.status, member.emailSent, member.isSuperadmin],
      ['ann@example.com', 'editor', 'invited', false, false],
    );
    assert.ok(inviteUrl.startsWith(`${daemon.url}/invite#`));
    const open = (await root.api.get('/tenant/invites')).body.data;
    assert.deepEqual(Object.keys(open[0]).sort(), ['email', 'emailSent', 'expiresAt', 'invitedAt', 'role', 'userId']);
    const hours = (Date.parse(open[0].expiresAt) - Date.parse(open[0].invitedAt)) / 3_600_000;
    assert.equal(hours, 72);

    const token = linkToken(inviteUrl);
    const preview = (await anonymous.post('/auth/invite/preview', { token })).body.data;
    assert.deepEqual(
      [preview.email, preview.team, preview.role, preview.hasAccount],
      ['ann@example.com', 'Platform', 'editor', false],
    );
    assert.equal((await anonymous.post('/auth/invite/accept', { token, password: 'short' })).status, 400);
    const accepted = await anonymous.post('/auth/invite/accept', { token, password: PASSWORD, name: 'Ann' });
    assert.equal(accepted.status, 200);
    const me = (await anonymous.as(accepted.body.data.token).get('/auth/me')).body.data;
    assert.deepEqual([me.role, me.tenantId, me.name], ['editor', 'platform', 'Ann']);
    assert.equal((await anonymous.post('/auth/invite/accept', { token, password: PASSWORD })).status, 401);
    assert.equal(
      (await root.api.post('/teams/mine/members', { email: 'ann@example.com' })).body.code,
      'ALREADY_MEMBER',
    );
    assert.equal((await root.api.delete(`/tenant/invites/${me.userId}`)).body.code, 'INVITE_ACCEPTED');
    const team = (await root.api.get('/teams/mine')).body.data;
    assert.deepEqual(Object.keys(team).sort(), ['members', 'team', 'usage']);
    assert.ok(team.team.created_at);
    assert.equal(team.members.find((m: any) => m.userId === me.userId).status, 'active');
  });

  test('inviting again voids the first link; taking it back leaves no account behind', async () => {
    const anonymous = daemon.api.as(null);
    const first = (await root.api.post('/tenant/invites', { email: 'bob@example.com' })).body.data;
    assert.equal(first.role, 'viewer');
    const second = (await root.api.post('/tenant/invites', { email: 'bob@example.com', role: 'editor' })).body.data;
    assert.equal(second.userId, first.userId);
    const preview = (url: string) => anonymous.post('/auth/invite/preview', { token: linkToken(url) });
    assert.equal((await preview(first.inviteUrl)).status, 401);
    assert.equal((await preview(second.inviteUrl)).body.data.role, 'editor');
    assert.equal((await root.api.delete(`/tenant/invites/${first.userId}`)).status, 204);
    assert.equal((await preview(second.inviteUrl)).status, 401);
    assert.equal((await root.api.delete(`/tenant/invites/${first.userId}`)).status, 404);
    assert.equal((await root.api.get('/users?q=bob')).body.total, 0);
  });

  test('a changed role and a removal apply from the next request', async () => {
    const person = await join(daemon, root.api, 'cay@example.com', 'viewer');
    const rename = () => person.api.patch('/apps/live', { displayName: 'Live 2' });
    assert.equal((await rename()).status, 403);
    const changed = await root.api.patch(`/teams/mine/members/${person.id}`, { role: 'editor' });
    assert.equal(changed.body.data.role, 'editor');
    assert.equal((await rename()).status, 200);
    assert.equal((await root.api.delete(`/teams/mine/members/${person.id}`)).status, 200);
    assert.equal((await rename()).status, 403);
    assert.deepEqual((await person.api.get('/apps')).body, []);
    assert.equal((await person.api.get('/teams/mine')).body.code, 'NO_TENANT');
    assert.equal((await person.api.get('/auth/me')).body.data.tenantId, null);
    assert.equal((await root.api.delete(`/teams/mine/members/${person.id}`)).body.code, 'MEMBER_NOT_FOUND');
  });

  test('a team keeps an owner', async () => {
    const { owner } = await makeTeam(daemon, 'solo');
    for (const answer of [
      await owner.api.delete(`/teams/mine/members/${owner.id}`),
      await owner.api.patch(`/teams/mine/members/${owner.id}`, { role: 'viewer' }),
    ])
      assert.deepEqual([answer.status, answer.body.code], [409, 'LAST_OWNER']);
    const second = await join(daemon, owner.api, 'second@example.com', 'owner');
    assert.equal((await owner.api.patch(`/teams/mine/members/${owner.id}`, { role: 'viewer' })).status, 200);
    assert.equal((await owner.api.post('/teams/mine/members', { email: 'z@example.com' })).status, 403);
    assert.equal((await second.api.patch('/teams/mine', { name: 'Duo' })).body.data.team.name, 'Duo');
  });

  test('a person of several teams acts in the owned one', async () => {
    const one = await makeTeam(daemon, 'one');
    const two = await makeTeam(daemon, 'two');
    const invited = await two.owner.api.post('/teams/mine/members', { email: one.owner.email, role: 'editor' });
    const token = linkToken(invited.body.data.inviteUrl);
    const anonymous = daemon.api.as(null);
    assert.equal((await anonymous.post('/auth/invite/preview', { token })).body.data.hasAccount, true);
    assert.equal((await anonymous.post('/auth/invite/accept', { token, password: 'not the password' })).status, 401);
    assert.equal((await anonymous.post('/auth/invite/accept', { token, password: PASSWORD })).status, 200);
    assert.equal((await one.owner.api.get('/auth/me')).body.data.tenantId, one.id);
  });

  test('who invites an address learns nothing of its account before it accepts', async () => {
    const { owner } = await makeTeam(daemon, 'curious');
    assert.equal((await root.api.patch('/account', { name: 'Ruth Root' })).status, 200);
    const invited = (await owner.api.post('/teams/mine/members', { email: root.email })).body.data;
    const listed = async () =>
      (await owner.api.get('/teams/mine')).body.data.members.find((one: any) => one.userId === invited.userId);
    for (const { name, isSuperadmin } of [invited, await listed()])
      assert.deepEqual([name, isSuperadmin], [null, false]);
    const body = { token: linkToken(invited.inviteUrl), password: PASSWORD };
    assert.equal((await daemon.api.as(null).post('/auth/invite/accept', body)).status, 200);
    const { name, isSuperadmin } = await listed();
    assert.deepEqual([name, isSuperadmin], ['Ruth Root', true]);
  });

  test('the installation’s operator makes teams, sets quotas, and deletes only empty ones', async () => {
    const made = await daemon.api.post('/tenants', { name: 'Acme', plan: 'pro', quotas: { maxApps: 1 } });
    assert.equal(made.status, 201);
    const { tenant, invite } = made.body.data;
    assert.equal(invite, null);
    assert.deepEqual([tenant.plan, tenant.quotas.maxApps, tenant.quotas.maxStorageGb], ['pro', 1, 5]);
    assert.equal((await daemon.api.post('/tenants', { name: ' ' })).status, 400);
    assert.equal((await daemon.api.post('/tenants', { name: 'x', quotas: { maxApps: -2 } })).status, 400);
    const wrong = await daemon.api.post('/tenants', { name: 'x', ownerEmail: 'none' });
    assert.deepEqual(
      [wrong.status, wrong.body.details],
      [400, [{ path: 'body.ownerEmail', message: 'is not an email address' }]],
    );
    const changed = await daemon.api.patch(`/tenants/${tenant.id}`, { name: 'Acme 2', quotas: { maxStorageGb: -1 } });
    assert.deepEqual(
      [changed.body.data.name, changed.body.data.quotas.maxApps, changed.body.data.quotas.maxStorageGb],
      ['Acme 2', 1, -1],
    );
    assert.ok((await daemon.api.get('/tenants')).body.data.some((one: any) => one.id === tenant.id));
    assert.equal(
      (await daemon.api.get('/tenants')).body.data.some((one: any) => one.name === 'x'),
      false,
    );
    assert.equal((await daemon.api.patch('/tenants/nope', { name: 'x' })).status, 404);
    assert.equal((await daemon.api.delete('/tenants/platform')).body.code, 'PLATFORM_FIXED');

    const { id, owner } = await makeTeam(daemon, 'withapp');
    assert.equal((await owner.api.post('/apps', { name: 'theirs' })).status, 201);
    assert.equal((await daemon.api.delete(`/tenants/${id}`)).body.code, 'TENANT_HAS_APPS');
    assert.equal((await owner.api.delete('/apps/theirs')).status, 200);
    for (const email of ['only-here@example.com', 'also-here@example.com'])
      assert.equal((await owner.api.post('/tenant/invites', { email })).status, 201);
    assert.equal((await root.api.post('/tenant/invites', { email: 'also-here@example.com' })).status, 201);
    assert.equal((await daemon.api.delete(`/tenants/${id}`)).status, 200);
    assert.equal((await owner.api.get('/auth/me')).body.data.tenantId, null);
    // who was only invited there leaves no account behind
    const left = (await daemon.api.get('/users?q=here@example.com')).body.data;
    assert.deepEqual(
      left.map(({ email }: { email: string }) => email),
      ['also-here@example.com'],
    );
  });

  test('usage and quotas are told to the own team only', async () => {
    const { id, owner } = await makeTeam(daemon, 'usage');
    await owner.api.post('/apps', { name: 'usage-app' });
    const db = daemon.services.databases.get('usage-app');
    const now = new Date().toISOString();
    db.prepare(
      `INSERT INTO vods (app_id, room, name, status, started_at, duration_s, size_bytes) VALUES (1, 'r', 'a', 'ready', ?, 90, 2500000000), (1, 'r', 'b', 'ready', '2020-01-01T00:00:00.000Z', 600, 500000000)`,
    ).run(now);
    db.prepare(
      `INSERT INTO streams (app_id, stream_id, type, room, status, started_at) VALUES (1, 's1', 'whip', 'r', 'active', ?), (1, 's2', 'whip', 'r', 'active', ?), (1, 's3', 'whip', 'r', 'ended', ?)`,
    ).run(now, now, now);
    const { usage, quotas, exceeded, plan } = (await owner.api.get(`/tenants/${id}/usage`)).body.data;
    assert.equal(plan, 'free');
    assert.deepEqual(
      [usage.apps, usage.concurrentStreams, usage.recordingMinutesMonth, usage.egressGbMonth, usage.storageGb],
      [1, 2, 1.5, null, 3],
    );
    assert.deepEqual(exceeded, ['maxConcurrentStreams']);
    assert.equal(quotas.maxConcurrentStreams, 2);
    assert.equal((await owner.api.get('/tenants/platform/usage')).body.code, 'TENANT_NOT_YOURS');
    assert.equal((await owner.api.get('/tenants/nope/usage')).status, 403);
    assert.equal((await daemon.api.get('/tenants/nope/usage')).status, 404);
    assert.equal((await daemon.api.get('/tenants/platform/usage')).body.data.quotas.maxApps, -1);
  });

  test('the installation keeps a superadmin; an account deleted is signed out', async () => {
    assert.equal((await daemon.api.delete(`/users/${root.id}`)).body.code, 'LAST_SUPERADMIN');
    assert.equal((await daemon.api.patch(`/users/${root.id}`, { isSuperadmin: false })).body.code, 'LAST_SUPERADMIN');
    const deputy = await join(daemon, root.api, 'deputy@example.com', 'viewer');
    assert.equal((await deputy.api.get('/users')).status, 403);
    const raised = await root.api.patch(`/users/${deputy.id}`, { isSuperadmin: true });
    assert.equal(raised.body.data.isSuperadmin, true);
    assert.equal((await deputy.api.get('/users')).status, 200);
    assert.equal((await root.api.patch(`/users/${deputy.id}`, { isSuperadmin: false })).status, 200);
    assert.equal((await deputy.api.get('/users')).status, 403);
    assert.equal((await root.api.delete(`/users/${deputy.id}/sessions`)).body.data.revoked, 1);
    assert.equal((await deputy.api.get('/auth/me')).status, 401);
    const again = await signIn(daemon, deputy.email);
    assert.equal((await root.api.delete(`/users/${deputy.id}`)).status, 200);
    assert.equal((await again.api.get('/auth/me')).status, 401);
    assert.equal((await root.api.delete(`/users/${deputy.id}`)).status, 404);
    const page = (await root.api.get('/users?limit=1&offset=0&q=example.com')).body;
    assert.equal(page.data.length, 1);
    assert.ok(page.total > 1);
    assert.equal((await root.api.get('/users?q=%25')).body.total, 0, 'a wildcard is a character');
  });
});

describe('quotas', () => {
  test('an app too many is 429 in the form of the contract, also for several at once', async (t) => {
    const daemon = await testDaemon(t, MANY_ATTEMPTS);
    const { owner } = await makeTeam(daemon, 'limited');
    const answers = await Promise.all(
      ['q-one', 'q-two', 'q-three', 'q-four'].map((name) => owner.api.post('/apps', { name })),
    );
    assert.deepEqual(answers.map((a) => a.status).sort(), [201, 201, 429, 429]);
    const refused = await owner.api.post('/apps', { name: 'q-five' });
    assert.equal(refused.status, 429);
    const { error, metric, limit, used, statusCode, code } = refused.body;
    assert.deepEqual(
      { error, metric, limit, used, statusCode, code },
      { error: 'quota_exceeded', metric: 'maxApps', limit: 2, used: 2, statusCode: 429, code: 'QUOTA_EXCEEDED' },
    );
    // a repeated create is a conflict, also without a quota left
    const made = answers.find((a) => a.status === 201)?.body.name;
    assert.equal((await owner.api.post('/apps', { name: made })).body.code, 'APP_EXISTS');
    // a refused create leaves its name, and room when another app is deleted
    assert.equal((await owner.api.delete(`/apps/${made}`)).status, 200);
    assert.equal((await owner.api.post('/apps', { name: 'q-five' })).status, 201);
  });

  for (const mode of ['log', 'off']) {
    test(`are not enforced in mode ${mode}`, async (t) => {
      const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, STREAMHUB_AUTHZ_ENFORCE: mode });
      const { owner } = await makeTeam(daemon, 'free', { maxApps: 0 });
      assert.equal((await owner.api.post('/apps', { name: 'one-more' })).status, 201);
    });
  }
});

describe('mail', () => {
  test('an invitation arrives at a real SMTP server and signs its reader in', async (t) => {
    const box = await mailbox(t, { user: 'mailer', pass: 'letter box' });
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env });
    const root = await firstAdmin(daemon);
    const { owner } = await (async () => {
      const made = await root.api.post('/tenants', { name: 'Post', ownerEmail: 'o@example.com' });
      assert.equal(made.body.data.invite.emailSent, true);
      assert.equal('inviteUrl' in made.body.data.invite, false, 'a mailed link is told to nobody else');
      const raw = await box.next('o@example.com');
      assert.match(raw, /^Subject: Invitation to Post on StreamHub/m);
      assert.match(raw, /^From: streamhub@example\.com/m);
      const url = linkIn(raw);
      assert.ok(url.startsWith('https://console.example.com/invite#'));
      const accepted = await daemon.api
        .as(null)
        .post('/auth/invite/accept', { token: linkToken(url), password: PASSWORD });
      assert.equal(accepted.status, 200);
      return { owner: daemon.api.as(accepted.body.data.token) };
    })();
    // earlier versions took such a name
    const registry = new Database(path.join(daemon.dataDir, 'data', 'streamhub.db'));
    registry.prepare("UPDATE tenants SET name = ? WHERE name = 'Post'").run('Post\r\nBcc: everyone@example.com');
    registry.close();
    const added = await owner.post('/teams/mine/members', { email: 'w@example.com', role: 'viewer' });
    assert.equal(added.body.data.emailSent, true);
    const mail = await box.next('w@example.com');
    assert.match(mail, /^Subject: Invitation to Post Bcc: everyone@example\.com on StreamHub/m);
    assert.doesNotMatch(mail, /^Bcc:/m);
    // older consoles send an invitation to the sign-in route
    const token = linkToken(linkIn(mail));
    const signedIn = await daemon.api.as(null).post('/auth/magic/verify', { token });
    assert.equal(signedIn.status, 200);
    const w = daemon.api.as(signedIn.body.data.token);
    assert.equal((await w.get('/auth/me')).body.data.role, 'viewer');
    assert.equal((await w.get('/account')).body.data.user.hasPassword, false);
    assert.equal((await w.post('/account/password', { newPassword: PASSWORD })).status, 200);
    assert.equal((await w.post('/account/password', { newPassword: PASSWORD })).status, 403);
    await signIn(daemon, 'w@example.com');
    assert.equal(box.received.length, 2);
  });

  test('a server that refuses leaves the link with the inviter', async (t) => {
    const box = await mailbox(t, { refuse: () => 550 });
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env });
    const root = await firstAdmin(daemon);
    const added = (await root.api.post('/tenant/invites', { email: 'x@example.com' })).body.data;
    assert.equal(added.emailSent, false);
    assert.ok(linkToken(added.inviteUrl));
  });

  test('a sign-in link by mail: once, with the second factor, and nothing told about unknown addresses', async (t) => {
    const box = await mailbox(t);
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env });
    const root = await firstAdmin(daemon);
    const anonymous = daemon.api.as(null);
    assert.equal((await anonymous.get('/auth/config')).body.data.magicLink, true);
    const { secret } = (await root.api.post('/account/2fa/setup')).body.data;
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    await root.api.post('/account/2fa/enable', { code: totp.generate({ timestamp: Date.now() - 30_000 }) });

    const [known, unknown] = [
      await anonymous.post('/auth/magic-link', { email: 'Root@example.com' }),
      await anonymous.post('/auth/magic-link', { email: 'stranger@example.com' }),
    ];
    assert.deepEqual([known.status, known.body], [200, unknown.body]);
    const again = await anonymous.post('/auth/magic-link', { email: 'root@example.com' });
    assert.equal(again.status, 429);
    assert.ok(again.body.retryAfterSeconds > 0 && again.body.retryAfterSeconds <= 60);
    assert.equal((await anonymous.post('/auth/magic-link', { email: 'stranger@example.com' })).status, 429);

    const token = linkToken(linkIn(await box.next('root@example.com')));
    const verify = (code?: string) => anonymous.post('/auth/magic/verify', { token, code });
    assert.equal((await verify()).body.message, 'totp_required');
    assert.equal((await verify('000000')).body.message, 'totp_invalid');
    assert.equal((await verify(totp.generate())).status, 200, 'a wrong code did not use the link up');
    assert.equal((await verify(totp.generate())).status, 401);
    assert.deepEqual(
      box.received.map((m) => m.to),
      ['root@example.com'],
    );
  });

  test('of sign-in links three go to an address in a quarter of an hour, each good for as long', async (t) => {
    const box = await mailbox(t);
    const daemon = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env });
    await firstAdmin(daemon);
    const anonymous = daemon.api.as(null);
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    // both clocks move: the wall clock alone would be taken for one that was set
    const { now } = performance;
    let passedMs = 0;
    t.mock.method(performance, 'now', () => now.call(performance) + passedMs);
    const pass = (ms: number): void => {
      passedMs += ms;
      t.mock.timers.tick(ms);
    };
    const request = () => anonymous.post('/auth/magic-link', { email: 'root@example.com' });
    const verify = (raw: string) => anonymous.post('/auth/magic/verify', { token: linkToken(linkIn(raw)) });
    const mails: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      assert.equal((await request()).status, 200, 'one too many is answered like any other');
      if (n < 3) mails.push(await box.next('root@example.com'));
      pass(61_000);
    }
    pass(900_000 - 5 * 61_000 - 1000);
    assert.equal((await verify(mails[1] as string)).status, 200);
    pass(2000);
    assert.equal((await verify(mails[0] as string)).status, 401, 'too old');
    assert.equal((await request()).status, 200);
    await box.next('root@example.com');
    assert.equal(box.received.length, 4);
  });
});
