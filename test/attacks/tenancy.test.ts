import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { operations } from '#shared/contract/index.ts';
import { blockScope, type Client, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, join, MANY_ATTEMPTS, makeTeam, type Person } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';

/** What a stranger to an app might read or change of it. */
const READS = ['', '/sizes', '/config', '/config/raw', '/config/backups', '/s3', '/presets', '/logs'];
const WRITES: [string, string, unknown][] = [
  ['PATCH', '', { displayName: 'mine now' }],
  ['DELETE', '', undefined],
  ['DELETE', '?deleteVods=true', undefined],
  ['PUT', '/config/raw', { yaml: 'name: victim\n' }],
  ['POST', '/config/raw/validate', { yaml: 'name: victim\n' }],
  ['PATCH', '/config', { adaptive: false }],
  ['PUT', '/s3', { bucket: 'mine', key: 'AKIA', secret: 'mine' }],
  ['POST', '/s3/test', {}],
  ['POST', '/reload', undefined],
  ['POST', '/presets/low-latency/apply', undefined],
];

describe('another team’s app', () => {
  const scope = blockScope();
  let daemon: TestDaemon;
  let root: Person;
  let victim: Person;
  let tenantId: string;
  before(async () => {
    daemon = await testDaemon(scope, MANY_ATTEMPTS);
    root = await firstAdmin(daemon);
    ({ owner: victim, id: tenantId } = await makeTeam(daemon, 'victims', { maxApps: -1 }));
    await victim.api.post('/apps', { name: 'victim', displayName: 'Untouched' });
    await victim.api.put('/apps/victim/s3', { bucket: 'private', key: 'AKIAVICTIM', secret: 'victim secret' });
  });

  async function assertShutOut(stranger: Client): Promise<void> {
    for (const read of READS) {
      const { status, text } = await stranger.get(`/apps/victim${read}`);
      assert.equal(status, 403, `GET ${read}: ${text}`);
      for (const leak of [tenantId, 'private', 'Untouched']) assert.ok(!text.includes(leak), text);
    }
    for (const [method, url, body] of WRITES) {
      assert.equal((await stranger.call(method, `/apps/victim${url}`, body)).status, 403, `${method} ${url}`);
    }
    assert.ok(!(await stranger.get('/apps')).text.includes('victim'));
    const app = (await victim.api.get('/apps/victim')).body;
    assert.equal(app.displayName, 'Untouched');
    assert.equal((await victim.api.get('/apps/victim/s3')).body.data.bucket, 'private');
  }

  test('is shut to an owner of another team', async () => {
    const { owner } = await makeTeam(daemon, 'strangers');
    await assertShutOut(owner.api);
  });

  test('is shut to somebody without any team, who sees nothing at all', async () => {
    const person = await join(daemon, victim.api, 'leaver@example.com', 'editor');
    assert.equal((await person.api.get('/apps/victim')).status, 200);
    await victim.api.delete(`/teams/mine/members/${person.id}`);
    await assertShutOut(person.api);
    assert.deepEqual((await person.api.get('/apps')).body, []);
    assert.equal((await person.api.get('/apps/live')).status, 403, 'the platform’s apps are not for everybody either');
    assert.equal((await person.api.post('/apps', { name: 'nobodys' })).status, 403);
    const me = (await person.api.get('/auth/me')).body.data;
    assert.deepEqual([me.tenantId, me.role, me.permissions], [null, null, []]);
  });

  test('is shut to somebody who was invited and has not accepted', async () => {
    const { owner } = await makeTeam(daemon, 'guests');
    await victim.api.post('/teams/mine/members', { email: owner.email, role: 'owner' });
    await assertShutOut(owner.api);
  });

  test('is shut to a token of an app beside it in the same team', async () => {
    const sibling = (await victim.api.post('/apps', { name: 'beside' })).body;
    const made = await daemon.api.post('/tokens', { name: 'beside', scope: 'app', appId: sibling.id });
    const api = daemon.api.as(made.body.token);
    for (const read of READS) assert.equal((await api.get(`/apps/victim${read}`)).status, 403, read);
    for (const [method, url, body] of WRITES)
      assert.equal((await api.call(method, `/apps/victim${url}`, body)).status, 403, url);
  });

  test('cannot be reached by another spelling of its name', async () => {
    const { owner } = await makeTeam(daemon, 'spellers');
    await owner.api.post('/apps', { name: 'own-app' });
    for (const name of [
      'Victim',
      'victim%20',
      '%76ictim',
      'victim%00',
      'own-app%2f..%2fvictim',
      'own-app/../victim',
      'victim/',
      './victim',
      'victim;x',
      'victim%252f',
    ]) {
      const { status, text } = await owner.api.get(`/apps/${name}/config/raw`);
      assert.ok([400, 403, 404].includes(status), `${name}: ${status} ${text}`);
      assert.ok(!text.includes('Untouched'), name);
    }
  });

  test('cannot exist without a team, which everybody could then read', () => {
    const insert = (tenant: string | null) =>
      daemon.services.db
        .prepare(
          `INSERT INTO apps (name, display_name, livekit_room_prefix, slug, created_at, updated_at, tenant_id) VALUES ('loose', 'l', 'loose', 'LOOSE', '', '', ?)`,
        )
        .run(tenant);
    assert.throws(() => insert(null), /NOT NULL/);
    assert.throws(() => insert('tnt_gone'), /FOREIGN KEY/);
  });

  test('is not told of in the log, in statistics of the server only', async () => {
    const { owner } = await makeTeam(daemon, 'readers');
    await owner.api.post('/apps', { name: 'readers-app' });
    const { log } = daemon.services;
    log.fatal({ app: 'victim' }, 'the victim’s stream key leaked');
    log.fatal({ app: 'readers-app' }, 'one of ours');
    log.fatal({}, 'the server’s own line');
    const messages = async (api: Client) =>
      (await api.get('/logs?limit=1000')).body.data.map((row: any) => row.message as string);
    const lines = ['the victim’s stream key leaked', 'one of ours', 'the server’s own line'];
    // lines are stored in batches
    await until('the lines are stored', async () => {
      const stored = await messages(daemon.api);
      return lines.every((line) => stored.includes(line));
    });
    const own = await messages(owner.api);
    assert.ok(own.includes('one of ours'));
    assert.ok(
      !own.includes('the victim’s stream key leaked') && !own.includes('the server’s own line'),
      own.join('\n'),
    );
    assert.deepEqual((await owner.api.get('/logs?app=victim')).body.data, []);
    assert.equal((await owner.api.get('/stats')).status, 200);
  });

  test('leaves nothing to the next app of its name', async () => {
    const { owner: heir } = await makeTeam(daemon, 'heirs');
    const { owner: first } = await makeTeam(daemon, 'first');
    await first.api.post('/apps', { name: 'reused' });
    await first.api.put('/apps/reused/s3', {
      provider: 'minio',
      endpoint: 'http://127.0.0.1:9',
      bucket: 'theirs',
      key: 'AKIAFIRST',
      secret: 'first secret',
    });
    await first.api.patch('/apps/reused', { callbackSecret: 'first callback secret' });
    daemon.services.databases
      .get('reused')
      .prepare(
        `INSERT INTO vods (app_id, room, name, status, started_at, size_bytes) VALUES (1, 'r', 'theirs', 'ready', '2026-01-01T00:00:00.000Z', 5)`,
      )
      .run();
    const oldToken = (
      await daemon.api.post('/tokens', {
        name: 'old',
        scope: 'app',
        appId: (await first.api.get('/apps/reused')).body.id,
      })
    ).body.token;
    assert.ok((await first.api.get('/apps/reused/config/backups')).body.data.length > 0);
    assert.equal((await first.api.delete('/apps/reused')).status, 200);

    assert.equal((await heir.api.post('/apps', { name: 'reused', roomPrefix: 'inherited' })).status, 201);
    const sizes = (await heir.api.get('/apps/reused/sizes')).body.data;
    assert.deepEqual([sizes.vodCount, sizes.vodTotalBytes], [0, 0]);
    assert.deepEqual((await heir.api.get('/apps/reused/config/backups')).body.data, []);
    const s3 = await heir.api.get('/apps/reused/s3');
    for (const leak of ['theirs', 'AKIA', 'first']) assert.ok(!s3.text.includes(leak), s3.text);
    for (const use of ['s3AccessKey', 's3SecretKey', 'callbackSecret'] as const)
      assert.equal(daemon.services.secrets.get('reused', use), '', use);
    assert.equal((await first.api.get('/apps/reused')).status, 403);
    assert.equal((await daemon.api.as(oldToken).get('/apps/reused')).status, 401);
    assert.ok(!(await readdir(path.join(daemon.dataDir, 'apps', 'reused'))).some((file) => file.includes('.bak.')));
  });

  test('an app token makes no further app, not even in its own team', async () => {
    const own = (await victim.api.get('/apps/victim')).body;
    const made = await daemon.api.post('/tokens', { name: 'maker', scope: 'app', appId: own.id });
    const api = daemon.api.as(made.body.token);
    assert.equal((await api.post('/apps', { name: 'offspring' })).status, 403);
    assert.equal((await daemon.api.get('/apps/offspring')).status, 404);
    assert.equal((await api.get('/auth/me')).body.data.permissions.includes('app:create'), false);
  });

  test('an editor can see and use the apps of the own team', async () => {
    const editor = await join(daemon, victim.api, 'working-editor@example.com', 'editor');
    assert.ok((await editor.api.get('/apps')).body.some((app: any) => app.name === 'victim'));
    assert.equal((await editor.api.get('/apps/victim')).status, 200);
    assert.equal((await editor.api.get('/apps/victim/config/raw')).status, 200);
    assert.equal((await editor.api.delete('/apps/victim')).status, 403);
  });

  test('a team’s people are not for members of another', async () => {
    const { owner } = await makeTeam(daemon, 'meddlers');
    for (const answer of [
      await owner.api.patch(`/teams/mine/members/${victim.id}`, { role: 'viewer' }),
      await owner.api.delete(`/teams/mine/members/${victim.id}`),
      await owner.api.delete(`/tenant/invites/${victim.id}`),
    ])
      assert.equal(answer.status, 404, answer.text);
    assert.equal((await owner.api.get(`/tenants/${tenantId}/usage`)).status, 403);
    assert.equal((await victim.api.get('/auth/me')).body.data.role, 'owner');
    assert.equal((await root.api.get('/auth/me')).body.data.isSuperadmin, true);
  });
});

describe('a team owner against the server', () => {
  test('config cannot be turned into the server’s secrets', async (t) => {
    const daemon = await testDaemon(t, {
      ...MANY_ATTEMPTS,
      STREAMHUB_JWT_SECRET: 'the-servers-own-session-secret-value',
      ADMIN_USER: 'boss',
      ADMIN_PASS: 'the-admin-pass-value',
      STREAMHUB_CLUSTER_TOKEN: 'the-cluster-token-value',
      APP_VICTIM_S3_SECRET: 'the-victims-s3-secret',
    });
    const { owner } = await makeTeam(daemon, 'climbers');
    await owner.api.post('/apps', { name: 'climber' });
    const { yaml } = (await owner.api.get('/apps/climber/config/raw')).body.data;
    for (const reference of [
      'STREAMHUB_JWT_SECRET',
      'ADMIN_PASS',
      'STREAMHUB_CLUSTER_TOKEN',
      'APP_VICTIM_S3_SECRET',
      'PATH',
    ]) {
      for (const block of [
        `s3:\n  access_key_env: ${reference}\n  secret_key_env: ${reference}\n`,
        `callbacks:\n  url: https://hooks.example.com\n  secret_env: ${reference}\n`,
      ]) {
        const written = await owner.api.put('/apps/climber/config/raw', { yaml: `${yaml}\n${block}` });
        const answers = [
          written,
          await owner.api.patch('/apps/climber', { displayName: `x ${reference}` }),
          await owner.api.get('/apps/climber/config'),
          await owner.api.get('/apps/climber/s3'),
          await owner.api.post('/apps/climber/s3/test', {}),
        ];
        for (const { text } of answers) {
          for (const secret of ['session-secret-value', 'admin-pass-value', 'cluster-token-value', 'victims-s3-secret'])
            assert.ok(!text.includes(secret), `${reference} leaked: ${text}`);
        }
      }
    }
    assert.equal(daemon.services.secrets.get('climber', 's3SecretKey'), '');
  });

  test('secrets that were sent never come back', async (t) => {
    const daemon = await testDaemon(t, MANY_ATTEMPTS);
    const { owner } = await makeTeam(daemon, 'senders');
    await owner.api.post('/apps', { name: 'sender' });
    const answers = [
      await owner.api.patch('/apps/sender', {
        callbackSecret: 'callback-4711',
        callbackUrl: 'https://hooks.example.com/in',
      }),
      await owner.api.put('/apps/sender/s3', { bucket: 'b', key: 'AKIA4711FULLKEY', secret: 's3-secret-4711' }),
      await owner.api.get('/apps/sender'),
      await owner.api.get('/apps/sender/config'),
      await owner.api.get('/apps/sender/config/raw'),
      await owner.api.get('/apps/sender/s3'),
      await owner.api.patch('/apps/sender', { displayName: 'again', mqttPassword: 'mqtt-4711' }),
      await owner.api.get('/apps/sender/mqtt'),
      await owner.api.get('/audit'),
      await daemon.api.get('/logs?limit=1000'),
      await daemon.api.get('/system/settings'),
    ];
    for (const { status, text } of answers) {
      assert.equal(status, 200, text);
      for (const secret of ['callback-4711', 'AKIA4711FULLKEY', 's3-secret-4711', 'mqtt-4711', daemon.token])
        assert.ok(!text.includes(secret), text);
    }

    // secrets inside of addresses, for somebody who may read the config but not change it
    const viewer = await join(daemon, owner.api, 'viewer@example.com', 'viewer');
    const { yaml } = (await owner.api.get('/apps/sender/config/raw')).body.data;
    const address = (scheme: string) =>
      `${scheme}://user:in-4711@x.example.com/a?token=in-4711&x-amz-signature=in-4711`;
    const blocks = {
      mqtt: `  enabled: true\n  url: ${address('wss')}\n  topic_prefix: a\n`,
      callbacks: `  url: ${address('https')}\n`,
      distribution: `  mode: cdn\n  cdn: {base_url: "${address('https')}", vod_base_url: "${address('https')}"}\n`,
    };
    const changed = Object.entries(blocks).reduce(
      (text, [name, lines]) => `${text.replace(new RegExp(`\\n${name}:\\n(?:(?: .*)?\\n)*`), '\n')}${name}:\n${lines}`,
      `${yaml}\n`,
    );
    const put = await owner.api.put('/apps/sender/config/raw', { yaml: changed });
    assert.equal(put.status, 200, put.text);
    const routes = operations.filter(({ method, path }) => method === 'GET' && /^\/apps\/\{\w+\}[^{}]*$/.test(path));
    assert.ok(routes.length > 15);
    for (const { path } of routes) {
      const { status, text } = await viewer.api.get(path.replace(/\{\w+\}/, 'sender'));
      assert.ok(status < 500 || status === 503, `${path} ${text}`);
      assert.ok(!text.includes('4711'), `${path} ${text}`);
    }
  });
});
