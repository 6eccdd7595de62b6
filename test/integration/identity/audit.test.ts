import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { before, describe, test } from 'node:test';
import { isAudited } from '#daemon/identity/audit/install.ts';
import { operations } from '#shared/contract/index.ts';
import { blockScope, TEST_TOKEN, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { firstAdmin, join, MANY_ATTEMPTS, makeTeam, PASSWORD, type Person } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

describe('the audit trail', () => {
  const t = blockScope();
  let daemon: TestDaemon;
  let root: Person;
  let team: { id: string; owner: Person };
  before(async () => {
    daemon = await testDaemon(t, MANY_ATTEMPTS);
    root = await firstAdmin(daemon);
    team = await makeTeam(daemon, 'seen');
  });
  const trail = async (query = '', api = daemon.api) => (await api.get(`/audit${query}`)).body;

  test('the first start, the set-up and a sign-in are in it', async () => {
    const { data } = await trail('?limit=1000');
    const first = data.find((e: any) => e.action === 'app.create' && e.target === 'live');
    assert.deepEqual(first.actor, { kind: 'system', id: 'system', label: null });
    const setup = data.find((e: any) => e.action === 'auth.setup');
    assert.deepEqual(
      [setup.outcome, setup.status, setup.actor.id, setup.actor.label, setup.tenantId, setup.ip],
      ['done', 201, root.id, 'root@example.com', 'platform', '127.0.0.1'],
    );
  });

  test('a change says who, what, on what, before and after, from where, and by which request', async () => {
    const editor = await join(daemon, team.owner.api, 'editor@example.com', 'viewer');
    const changed = await team.owner.api.patch(`/teams/mine/members/${editor.id}`, { role: 'editor' });
    const { data, total } = await trail('?action=member.update');
    assert.equal(total, 1);
    const [entry] = data;
    assert.deepEqual(
      {
        ...entry,
        id: 0,
        ts: '',
      },
      {
        id: 0,
        ts: '',
        action: 'member.update',
        outcome: 'done',
        status: 200,
        actor: { kind: 'user', id: team.owner.id, label: team.owner.email },
        tenantId: team.id,
        app: null,
        target: 'editor@example.com',
        before: { role: 'viewer' },
        after: { role: 'editor' },
        ip: '127.0.0.1',
        requestId: changed.headers.get('x-request-id'),
      },
    );
    assert.ok(Math.abs(Date.now() - Date.parse(entry.ts)) < 60_000);
  });

  test('an app’s life is told by default, with the team it belongs to', async () => {
    assert.equal((await team.owner.api.post('/apps', { name: 'tracked', displayName: 'Tracked' })).status, 201);
    const [created] = (await trail('?action=app.create&app=tracked')).data;
    assert.deepEqual([created.app, created.target, created.tenantId], ['tracked', 'tracked', team.id]);
    assert.equal(created.after.displayName, 'Tracked');
    assert.equal((await daemon.api.delete('/apps/tracked')).status, 200);
    const deleted = (await trail('?app=tracked&action=app.delete')).data;
    assert.equal(deleted.length, 1);
    assert.deepEqual([deleted[0].actor.kind, deleted[0].actor.label], ['token', 'STREAMHUB_API_TOKEN']);
    assert.equal(deleted[0].tenantId, team.id);
    // the owner learns that the operator did it, not from where
    const seen = (await trail('?action=app.delete', team.owner.api)).data[0];
    assert.deepEqual([seen.actor.kind, seen.ip], ['token', null]);
  });

  test('no secret is in it, whatever was sent', async () => {
    const secrets = ['hook secret 4711', 'S3SECRETKEY4711', 'AKIA4711ACCESS', 'query-secret-4711'];
    await daemon.api.patch('/apps/live', {
      callbackSecret: secrets[0],
      callbackUrl: `https://user:pw-4711@hooks.example.com/in?signature=${secrets[3]}`,
    });
    await daemon.api.put('/apps/live/s3', { bucket: 'b', key: secrets[2], secret: secrets[1] });
    const made = (await daemon.api.post('/tokens', { name: 'ci', scope: 'global' })).body;
    await root.api.post('/account/password', { currentPassword: PASSWORD, newPassword: 'another 4711 secret' });
    const link = (await root.api.post(`/users/${team.owner.id}/sign-in-link`)).body.data.url.split('#')[1];
    const yaml = (await daemon.api.get('/apps/live/config/raw')).body.data.yaml;
    await daemon.api.put('/apps/live/config/raw', { yaml: `${yaml}\n# note-4711\n` });
    const { data } = await trail('?limit=1000');
    const text = JSON.stringify(data);
    for (const secret of [...secrets, 'pw-4711', made.token, PASSWORD, 'another 4711', link, 'note-4711', TEST_TOKEN])
      assert.ok(!text.includes(secret), `the trail holds ${secret}`);
    const s3 = data.find((e: any) => e.action === 's3.write');
    assert.deepEqual([s3.after.key, s3.after.secret, s3.after.bucket], ['***', '***', 'b']);
    assert.ok(data.some((e: any) => e.action === 'config.write'));
  });

  test('a refusal is told once in a while; a wrong input leaves nothing', async () => {
    const viewer = await join(daemon, team.owner.api, 'looker@example.com', 'viewer');
    for (let n = 0; n < 5; n += 1) assert.equal((await viewer.api.post('/apps', { name: 'nope' })).status, 403);
    const refused = (await trail(`?outcome=refused&actor=${viewer.id}`)).data;
    assert.equal(refused.length, 1);
    assert.deepEqual([refused[0].action, refused[0].status, refused[0].after], ['app.create', 403, null]);
    const before = (await trail()).total;
    assert.equal((await daemon.api.post('/tokens', { name: '' })).status, 400);
    assert.equal((await daemon.api.post('/apps', { name: 'live' })).status, 409);
    assert.equal((await trail()).total, before);
  });

  test('a failed sign-in is told with the account it was tried on, not with what was typed', async () => {
    const anonymous = daemon.api.as(null);
    await anonymous.post('/auth/login', { user: 'looker@example.com', password: 'wrong' });
    await anonymous.post('/auth/login', { user: 'my password typed here', password: 'wrong' });
    const [entry] = (await trail('?action=auth.login&outcome=refused')).data;
    assert.match(entry.target, /^usr_/);
    assert.deepEqual([entry.actor.kind, entry.status], ['anonymous', 401]);
    assert.ok(!JSON.stringify((await trail('?action=auth.login')).data).includes('my password typed here'));
  });

  test('filters and pages', async () => {
    const all = await trail('?limit=1000');
    assert.equal(all.data.length, all.total);
    const ids = all.data.map((e: any) => e.id);
    assert.deepEqual(
      ids,
      [...ids].sort((a, b) => b - a),
      'newest first',
    );
    const second = await trail('?limit=2&offset=1');
    assert.deepEqual(
      second.data.map((e: any) => e.id),
      ids.slice(1, 3),
    );
    assert.deepEqual([second.total, second.limit, second.offset], [all.total, 2, 1]);
    const members = (await trail('?action=member&limit=1000')).data;
    assert.ok(members.length > 0 && members.every((e: any) => e.action.startsWith('member.')));
    const byLabel = (await trail('?actor=STREAMHUB_API')).data;
    assert.ok(byLabel.length > 0 && byLabel.every((e: any) => e.actor.kind === 'token'));
    const mid = all.data[Math.floor(all.total / 2)].ts;
    const later = await trail(`?since=${mid}&limit=1000`);
    const earlier = await trail(`?until=${mid}&limit=1000`);
    assert.ok(later.data.every((e: any) => e.ts >= mid) && earlier.data.every((e: any) => e.ts <= mid));
    const same = all.data.filter((e: any) => e.ts === mid).length;
    assert.equal(later.total + earlier.total - same, all.total);
    assert.equal(
      (await trail(`?until=${new Date().toISOString().slice(0, 10)}`)).total,
      all.total,
      'a day includes its end',
    );
    for (const bad of ['since=yesterday', 'outcome=maybe', 'limit=0', 'limit=1001', 'offset=-1'])
      assert.equal((await daemon.api.get(`/audit?${bad}`)).status, 400, bad);
  });

  test('an owner sees the own team only, an editor nothing', async () => {
    const other = await makeTeam(daemon, 'unseen');
    await other.owner.api.patch('/teams/mine', { name: 'Unseen 2' });
    const mine = (await trail('?limit=1000', team.owner.api)).data;
    assert.ok(mine.length > 0 && mine.every((e: any) => e.tenantId === team.id));
    const asked = (await trail(`?tenant=${other.id}&limit=1000`, team.owner.api)).data;
    assert.ok(asked.every((e: any) => e.tenantId === team.id));
    assert.ok((await trail(`?tenant=${other.id}`)).data.every((e: any) => e.tenantId === other.id));
    const editor = await join(daemon, team.owner.api, 'ed2@example.com', 'editor');
    assert.equal((await editor.api.get('/audit')).status, 403);
  });

  test('what is the installation’s is not shown to the Platform team, and not in its hands', async () => {
    const chief = await join(daemon, root.api, 'chief@example.com', 'owner');
    const reader = await readEvents(t, daemon.url, chief.api.token ?? '');
    assert.equal((await root.api.patch('/system/settings', { values: { LOG_MAX_ROWS: 5000 } })).status, 200);
    const begun = await daemon.api.post('/backups', { passphrase: 'correct horse battery staple' });
    assert.equal(begun.status, 202, begun.text);
    const { id } = begun.body.data;
    assert.deepEqual((await chief.api.get('/jobs')).body.data, []);
    for (const job of [`/jobs/${id}/cancel`, `/jobs/${id}/retry`])
      assert.equal((await chief.api.post(job)).status, 404);
    await until('the backup is over', async () => (await daemon.api.get(`/jobs/${id}`)).body.data.finishedAt !== null);
    await daemon.api.post(`/jobs/${id}/retry`);
    assert.equal((await root.api.post('/apps', { name: 'platforms' })).status, 201);
    const installation = (await trail('?limit=1000')).data.filter((e: any) => e.tenantId === null);
    const mine = (await trail('?limit=1000', chief.api)).data.map(({ action }: any) => action);
    for (const action of ['settings.change', 'backup.create']) {
      assert.ok(
        installation.some((e: any) => e.action === action),
        action,
      );
      assert.ok(!mine.includes(action), action);
    }
    assert.ok(mine.includes('app.create'));
    await reader.next('app.created');
    assert.ok(!reader.heard.some(({ event }) => event.startsWith('job.')));
  });
});

test('what a client that left early had asked for is told all the same', async (t) => {
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const sockets = new Set<Socket>();
  daemon.app.server.on('connection', (socket) => sockets.add(socket));
  daemon.services.events.subscribe((event) => {
    // the app is made, the answer not yet sent: the connection ends now
    if (event.type === 'app.created') for (const socket of sockets) socket.destroy();
  });
  await assert.rejects(daemon.api.post('/apps', { name: 'left-early' }));
  assert.equal((await daemon.api.get('/apps/left-early')).status, 200);
  const { data } = (await daemon.api.get('/audit?app=left-early')).body;
  assert.deepEqual(
    data.map((entry: any) => [entry.action, entry.outcome]),
    [['app.create', 'done']],
  );
});

test('every operation that changes something has an entry named <resource>.<verb>', () => {
  const silent = operations.filter((op) => op.method !== 'GET' && !isAudited(op)).map((op) => op.id);
  assert.deepEqual(silent.sort(), [
    'countHlsViewer',
    'createJoinToken',
    'joinCluster',
    'leaveCluster',
    'planConfiguration',
    'previewConfig',
    'previewInvite',
    'receiveLiveKitWebhook',
    'refreshGpu',
    'reportTelemetry',
    'sendHeartbeat',
    'validateConfig',
  ]);
  for (const op of operations.filter(isAudited)) {
    assert.match(String(op.audit || op.id), /^[a-z0-9-]+\.[a-z0-9-]+$/, op.id);
  }
});
