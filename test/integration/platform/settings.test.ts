import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it } from 'node:test';
import { Value } from 'typebox/value';
import { hostAndPort, maskApiKey } from '#daemon/operations/system/settings.ts';
import { SystemSettings } from '#shared/schema/settings.ts';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { LIVEKIT_KEYS } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';

const secrets = {
  STREAMHUB_JWT_SECRET: 'jwt-secret-value-0123456789abcdef',
  ADMIN_PASS: 'admin-pass-value',
  LIVEKIT_API_SECRET: 'livekit-secret-value-0123456789ab',
  STREAMHUB_CLUSTER_TOKEN: 'cluster-token-value',
  STREAMHUB_CLUSTER_REDIS_URL: 'redis://:cluster-redis-pass@10.0.0.1:6379',
  METRICS_TOKEN: 'metrics-token-value',
  STREAMHUB_SMTP_PASS: 'smtp-pass-value',
};

describe('GET /system/settings', () => {
  it('tells what is active, and no secret', async (t) => {
    const { api, services, url } = await testDaemon(t, {
      ...secrets,
      ADMIN_USER: 'root',
      STREAMHUB_SMTP_HOST: 'mail.example.com',
      LIVEKIT_API_KEY: 'APIabcdefgh',
      LIVEKIT_URL: 'wss://lkuser:lkpass@livekit.example.com',
      PUBLIC_BASE_URL: 'https://baseuser:basepass@stream.example.com/',
      REDIS_URL: 'redis://redisuser:redispass@10.1.2.3:6380/4',
    });
    const { status, body, text } = await api.get('/system/settings');
    assert.equal(status, 200);
    assert.equal(body.error, null);
    const { data } = body;
    assert.ok(Value.Check(SystemSettings, data), JSON.stringify([...Value.Errors(SystemSettings, data)]));
    assert.equal(data.core.port, Number(new URL(url).port));
    assert.equal(data.ports.core, data.core.port);
    assert.equal(data.core.redisUrl, '10.1.2.3:6380');
    assert.equal(data.core.publicBaseUrl, 'https://stream.example.com/');
    assert.equal(data.core.authzEnforce, 'on');
    assert.equal(data.livekit.url, 'wss://livekit.example.com');
    assert.equal(data.livekit.apiKeyMasked, 'APIabc…');
    assert.deepEqual(
      [
        data.auth.jwtSecretSet,
        data.auth.adminPassSet,
        data.auth.smtpConfigured,
        data.livekit.apiKeySet,
        data.metrics.tokenSet,
      ],
      [true, true, true, true, true],
    );
    assert.deepEqual(data.cluster, {
      enabled: true,
      redisConfigured: true,
      redisUrl: '10.0.0.1:6379',
      nodesCount: data.cluster.nodesCount,
    });
    assert.deepEqual(data.storage.appsCount, 1);
    assert.equal(data.versions.node, process.version);
    assert.equal(data.runtime.envFile, services.settings.envFile);
    const passwords = [
      'cluster-redis-pass',
      'redispass',
      'redisuser',
      'lkpass',
      'lkuser',
      'basepass',
      'baseuser',
      'APIabcdefgh',
    ];
    for (const value of [...Object.values(secrets), ...passwords]) assert.ok(!text.includes(value), value);
  });

  it('gives nobody the user, password or query of an address in the environment', async (t) => {
    const { api, services } = await testDaemon(t, {
      ...LIVEKIT_KEYS,
      LIVEKIT_URL: 'ws://hidden-user:hidden-word@127.0.0.1:1/rtc?access_token=hidden-query',
      PUBLIC_BASE_URL: 'https://hidden-user@stream.example.com',
      STREAMHUB_CLUSTER_TOKEN: 'cluster-token-value',
    });
    const token = await api.post('/apps/live/tokens', { room: 'stage' });
    assert.equal(token.body.data.wsUrl, 'ws://127.0.0.1:1/rtc');
    assert.match(token.body.data.playUrl, /^https:\/\/stream\.example\.com\//);
    const bearer = { authorization: `Bearer ${token.body.data.token}` };
    const watched = await api.as(null).get('/apps/live/watch/stage', bearer);
    assert.equal(watched.body.data.wsUrl, 'ws://127.0.0.1:1/rtc');
    const node = { name: 'edge-1', ip: '203.0.113.9', url: 'wss://hidden-user:hidden-word@edge.example' };
    await api.as(null).post('/cluster/join', node, { 'x-cluster-token': 'cluster-token-value' });
    const nodes = await api.get('/cluster/nodes');
    assert.ok(nodes.body.data.some(({ url }: { url: string }) => url === 'wss://edge.example'));
    const incidents = await until('LiveKit is away', async () => {
      const answer = await api.get('/incidents?condition=livekit-away');
      return answer.body.data.length > 0 ? answer : undefined;
    });
    assert.match(incidents.body.data[0].text, /ws:\/\/127\.0\.0\.1:1\/rtc /);
    for (const { text } of [token, watched, nodes, incidents]) assert.doesNotMatch(text, /hidden-/);
    const odd = services.settings.warnings.filter(({ code }) => code === 'ODD_SETTING');
    assert.deepEqual(odd.map(({ subject }) => subject).sort(), ['LIVEKIT_URL', 'PUBLIC_BASE_URL']);
    assert.doesNotMatch(JSON.stringify(odd), /hidden/);
  });

  it('says so when nothing is set', async (t) => {
    const { api } = await testDaemon(t);
    const { data } = (await api.get('/system/settings')).body;
    assert.deepEqual(
      [
        data.auth.adminPassSet,
        data.auth.smtpConfigured,
        data.livekit.apiKeySet,
        data.metrics.tokenSet,
        data.cluster.enabled,
      ],
      [false, false, false, false, false],
    );
    assert.equal(data.livekit.apiKeyMasked, '');
    assert.equal(data.core.authzEnforce, 'on');
    assert.equal(data.core.redisUrl, 'localhost:6379');
  });

  it('explains each setting with the real file and unit, and where its value comes from', async (t) => {
    const dataDir = await temporaryDir(t);
    await writeFile(path.join(dataDir, 'streamhub.env'), 'LOG_RETENTION_DAYS=7\n');
    const { api, services } = await testDaemon(
      t,
      { PUBLIC_WS_URL: 'wss://a.example.com', SYSTEMD_UNIT: 'my-hub' },
      { dataDir },
    );
    const { guidance, core } = (await api.get('/system/settings')).body.data;
    assert.equal(core.logRetentionDays, 7);
    const counts = Object.fromEntries(
      Object.entries(guidance).map(([group, list]) => [group, (list as unknown[]).length]),
    );
    assert.deepEqual(counts, { core: 9, auth: 5, livekit: 3, cluster: 2, metrics: 1, storage: 1 });
    const of = (envVar: string) =>
      Object.values(guidance as Record<string, { envVar: string; origin: string; howToChange: string }[]>)
        .flat()
        .find((entry) => entry.envVar === envVar) as { origin: string; howToChange: string };
    assert.equal(of('LOG_RETENTION_DAYS').origin, 'file');
    assert.equal(of('PUBLIC_WS_URL').origin, 'environment');
    assert.equal(of('PUBLIC_BASE_URL').origin, 'default');
    assert.ok(of('LOG_RETENTION_DAYS').howToChange.includes(services.settings.envFile));
    assert.match(of('LOG_RETENTION_DAYS').howToChange, /systemctl restart my-hub/);
    assert.match(of('PUBLIC_WS_URL').howToChange, /environment of the process, which takes precedence/);
    assert.match(of('DATA_DIR').howToChange, /--data-dir/);
    assert.ok(!JSON.stringify(guidance).includes('wss://a.example.com'));
  });

  it('is for credentials of global scope only', async (t) => {
    const { api } = await testDaemon(t);
    assert.equal((await api.as(null).get('/system/settings')).status, 401);
    const appId = (await api.get('/apps/live')).body.id;
    const { token } = (await api.post('/tokens', { name: 'a', scope: 'app', appId })).body;
    assert.equal((await api.as(token).get('/system/settings')).status, 403);
    assert.equal((await api.put('/system/settings', {})).status, 404);
  });
});

describe('redaction', () => {
  it('masks API keys, short ones more', () => {
    assert.deepEqual(['', 'ab', '12345678', '123456789'].map(maskApiKey), ['', 'ab…', '12…', '123456…']);
  });

  it('leaves host and port of a Redis address, whatever is around them', () => {
    for (const [url, shown] of [
      ['redis://h', 'h:6379'],
      ['rediss://u:p%40@h:1/2?x=y', 'h:1'],
      ['redis://u:p@ss@h:1', 'h:1'],
      ['h:7000', 'h:7000'],
      ['redis://[::1]:7', '[::1]:7'],
      ['pass word', ''],
      ['redis://', ''],
      ['', ''],
    ] as const) {
      assert.equal(hostAndPort(url), shown, url);
    }
  });
});
