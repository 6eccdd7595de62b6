import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GetBucketCorsCommand, PutBucketCorsCommand } from '@aws-sdk/client-s3';
import { parse } from 'yaml';
import { BUILT_IN_PROVIDERS } from '#shared/config/schema.ts';
import { sharedDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';

const s3 = startS3Server();
const daemon = sharedDaemon({
  APP_FROM_ENV_S3_KEY: 'AKIAENVIRONMENT1',
  STREAMHUB_JWT_SECRET: 'jwt-secret-of-the-daemon',
});
const { api } = daemon;
let names = 0;

async function newApp(name = `s3-${++names}`): Promise<string> {
  assert.equal((await api.post('/apps', { name })).status, 201);
  return name;
}
const yamlOf = async (app: string) =>
  parse(await readFile(path.join(daemon.dataDir, 'apps', app, 'config.yaml'), 'utf8'));
const backupsOf = async (app: string) =>
  (await readdir(path.join(daemon.dataDir, 'apps', app))).filter((name) => name.startsWith('config.yaml.bak.'));
const secretsFile = () => path.join(daemon.dataDir, 'data', 'secrets.json');
const put = (app: string, body: object, headers?: Record<string, string>) => api.put(`/apps/${app}/s3`, body, headers);

describe('GET and PUT /apps/{name}/s3', () => {
  test('a new app shows the defaults', async () => {
    const app = await newApp();
    const { status, body } = await api.get(`/apps/${app}/s3`);
    assert.equal(status, 200);
    assert.equal(body.error, null);
    const { data } = body;
    assert.deepEqual(
      [data.provider, data.bucket, data.region, data.endpoint, data.forcePathStyle, data.prefix, data.public_url],
      ['wasabi', '', 'us-east-1', 'https://s3.us-east-1.wasabisys.com', false, `streamhub/${app}`, ''],
    );
    assert.deepEqual([data.key, data.keyMasked, data.secret, data.secretMasked], ['', '', '', '']);
    assert.deepEqual(
      [data.hasKey, data.hasSecret, data.configured, data.publicVods, data.publicWarning],
      [false, false, false, false, null],
    );
    assert.match(data.accessKeyEnv, /^APP_S3_\d+_S3_KEY$/);
  });

  test('stores settings in place and credentials apart, and shows them masked', async () => {
    const app = await newApp();
    const secret = 'wJalrXUtnFEMIK7MDENGbPxRfiCY';
    const { status, text, body } = await put(app, {
      provider: 'minio',
      bucket: 'recordings',
      region: 'eu-west-1',
      endpoint: 'http://127.0.0.1:9000',
      forcePathStyle: true,
      prefix: 'my/prefix',
      key: 'AKIAIOSFODNN7EXAMPLE',
      secret,
    });
    assert.equal(status, 200, text);
    assert.equal(body.data.key, '****MPLE');
    assert.equal(body.data.secret, '****');
    assert.ok(body.data.configured);
    assert.ok(!text.includes(secret) && !text.includes('AKIAIOSFODNN7'));
    const yaml = await yamlOf(app);
    assert.deepEqual(
      [yaml.s3.provider, yaml.s3.bucket, yaml.s3.endpoint, yaml.s3.force_path_style, yaml.s3.prefix],
      ['minio', 'recordings', 'http://127.0.0.1:9000', true, 'my/prefix'],
    );
    const file = await readFile(path.join(daemon.dataDir, 'apps', app, 'config.yaml'), 'utf8');
    assert.ok(!file.includes(secret));
    const stored = JSON.parse(await readFile(secretsFile(), 'utf8'));
    assert.equal(stored[body.data.secretKeyEnv], secret);
    assert.equal((await stat(secretsFile())).mode & 0o777, 0o600);
    assert.deepEqual((await api.get(`/apps/${app}/s3`)).body.data.key, '****MPLE');
  });

  test('an empty body changes nothing', async () => {
    const app = await newApp();
    const before = await readFile(path.join(daemon.dataDir, 'apps', app, 'config.yaml'), 'utf8');
    assert.equal((await put(app, {})).status, 200);
    assert.equal(await readFile(path.join(daemon.dataDir, 'apps', app, 'config.yaml'), 'utf8'), before);
    assert.deepEqual(await backupsOf(app), []);
  });

  test('absent and empty credentials keep the stored ones', async () => {
    const app = await newApp();
    await put(app, { key: 'AKIAIOSFODNN7EXAMPLE', secret: 'first-secret-value' });
    const { body } = await put(app, { key: '', secret: '', bucket: 'other-bucket' });
    assert.equal(body.data.key, '****MPLE');
    assert.ok(body.data.hasSecret);
    assert.equal((await put(app, { secret: 'second-secret-value' })).body.data.key, '****MPLE');
    assert.equal(JSON.parse(await readFile(secretsFile(), 'utf8'))[body.data.secretKeyEnv], 'second-secret-value');
  });

  test('aws without an endpoint clears it, also when aws was chosen already; an explicit one wins', async () => {
    const app = await newApp();
    assert.equal((await put(app, { provider: 'aws' })).body.data.endpoint, '');
    assert.equal((await put(app, { endpoint: 'https://s3.example.com' })).body.data.endpoint, 'https://s3.example.com');
    assert.equal((await put(app, { provider: 'aws' })).body.data.endpoint, '');
    assert.equal(
      (await put(app, { provider: 'aws', endpoint: 'https://s3.example.com' })).body.data.endpoint,
      'https://s3.example.com',
    );
    assert.equal((await put(app, { bucket: 'kept' })).body.data.endpoint, 'https://s3.example.com');
  });

  test('wasabi gets the endpoint of its region, minio needs one', async () => {
    const app = await newApp();
    await put(app, { provider: 'aws' });
    const refused = await put(app, { provider: 'minio' });
    assert.equal(refused.status, 400);
    assert.equal(refused.body.details[0].path, 'body.endpoint');
    const { body } = await put(app, { provider: 'wasabi', region: 'eu-central-1' });
    assert.equal(body.data.endpoint, 'https://s3.eu-central-1.wasabisys.com');
    const other = await put(app, { provider: 'minio' });
    assert.equal(
      other.body.data.endpoint,
      'https://s3.eu-central-1.wasabisys.com',
      'an endpoint that is known is left alone',
    );
  });

  const consent: [name: string, before: string, body: object, status: number][] = [
    ['a first public_url without consent', '', { public_url: 'https://cdn.example.com' }, 400],
    ['a first public_url with consent false', '', { public_url: 'https://cdn.example.com', confirmPublic: false }, 400],
    ['a first public_url with consent', '', { public_url: 'https://cdn.example.com', confirmPublic: true }, 200],
    ['another public_url', 'https://cdn.example.com', { public_url: 'https://cdn2.example.com' }, 200],
    ['the same public_url', 'https://cdn.example.com', { public_url: 'https://cdn.example.com' }, 200],
    ['clearing it', 'https://cdn.example.com', { public_url: '' }, 200],
    ['leaving it out', 'https://cdn.example.com', { bucket: 'b-u-c-k-e-t' }, 200],
  ];
  for (const [name, current, body, status] of consent) {
    test(`${name} is ${status}`, async () => {
      const app = await newApp();
      if (current !== '') await put(app, { public_url: current, confirmPublic: true });
      const secrets = await readFile(secretsFile(), 'utf8');
      const answer = await put(app, { ...body, key: 'AKIANEVERSTORED1' });
      assert.equal(answer.status, status, answer.text);
      if (status !== 200) {
        assert.equal(answer.body.code, 'STORAGE_PUBLIC_UNCONFIRMED');
        assert.equal((await yamlOf(app)).s3.public_url, '');
        assert.equal(await readFile(secretsFile(), 'utf8'), secrets, 'a refused call stores no credential');
      } else if (current !== '') {
        const expected = 'public_url' in body ? String(body.public_url) : current;
        assert.equal(answer.body.data.public_url, expected);
        assert.equal(answer.body.data.publicVods, expected !== '');
        assert.equal(answer.body.data.publicWarning === null, expected === '');
      }
    });
  }

  test('trailing slashes of public_url are removed', async () => {
    const app = await newApp();
    const { body } = await put(app, { public_url: 'https://cdn.example.com/base//', confirmPublic: true });
    assert.equal(body.data.public_url, 'https://cdn.example.com/base');
  });

  const refused: [name: string, body: object, path: string][] = [
    ['bucket of 256', { bucket: 'b'.repeat(256) }, 'body.bucket'],
    ['region of 65', { region: 'r'.repeat(65) }, 'body.region'],
    ['endpoint of 256', { endpoint: `https://${'e'.repeat(248)}` }, 'body.endpoint'],
    ['prefix of 256', { prefix: 'p'.repeat(256) }, 'body.prefix'],
    ['public_url of 256', { public_url: `https://${'e'.repeat(248)}` }, 'body.public_url'],
    ['key of 513', { key: 'k'.repeat(513) }, 'body.key'],
    ['secret of 513', { secret: 's'.repeat(513) }, 'body.secret'],
    ['number for a bucket', { bucket: 5 }, 'body.bucket'],
    ['null for a bucket', { bucket: null }, 'body.bucket'],
    ['text for a boolean', { forcePathStyle: 'true' }, 'body.forcePathStyle'],
    ['bucket with a slash', { bucket: 'a/../b' }, 'body.bucket'],
    ['region that is a host', { region: 'x.evil.example/' }, 'body.region'],
    ['endpoint that is no URL', { endpoint: 'localhost:9000' }, 'body.endpoint'],
    ['ftp endpoint', { endpoint: 'ftp://files.example.com' }, 'body.endpoint'],
    ['endpoint with a user', { endpoint: 'https://user:pass@s3.example.com' }, 'body.endpoint'],
    ['metadata endpoint', { endpoint: 'http://169.254.169.254/latest' }, 'body.endpoint'],
    ['metadata endpoint as a number', { endpoint: 'http://2852039166/' }, 'body.endpoint'],
    ['link-local endpoint', { endpoint: 'http://[fe80::1]:9000' }, 'body.endpoint'],
    ['metadata public_endpoint', { public_endpoint: 'http://169.254.169.254/' }, 'body.public_endpoint'],
    ['public_url that is no URL', { public_url: 'javascript:alert(1)', confirmPublic: true }, 'body.public_url'],
    ['the shown key', { key: '****MPLE' }, 'body.key'],
    ['the shown secret', { secret: '****' }, 'body.secret'],
    ['a key masked by an older daemon', { key: 'AK***LE' }, 'body.key'],
    ['a prefix with a line break', { prefix: 'a\nb' }, 'body.prefix'],
  ];
  for (const [name, body, field] of refused) {
    test(`${name} is refused, and nothing is stored`, async () => {
      const app = await newApp();
      const before = await yamlOf(app);
      const answer = await put(app, { ...body, ...('secret' in body ? {} : { secret: 'never-stored-secret' }) });
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.body.details[0].path, field);
      assert.deepEqual(await yamlOf(app), before);
      assert.equal((await api.get(`/apps/${app}/s3`)).body.data.hasSecret, false);
    });
  }

  test('limits are allowed at their boundary', async () => {
    const app = await newApp();
    const { status, text } = await put(app, {
      bucket: 'b'.repeat(255),
      region: 'r'.repeat(64),
      prefix: 'p'.repeat(255),
      key: 'k'.repeat(512),
      secret: 's'.repeat(512),
    });
    assert.equal(status, 200, text);
  });

  test('an unknown provider is refused with the names of the known ones', async () => {
    const { status, body } = await put(await newApp(), { provider: 'azure' });
    assert.equal(status, 400);
    assert.equal(body.code, 'STORAGE_PROVIDER_UNKNOWN');
    assert.match(body.message, /aws, wasabi, minio/);
  });

  test('an unknown app is 404, a caller without the right 403', async () => {
    assert.equal((await api.get('/apps/nowhere/s3')).status, 404);
    assert.equal((await put('nowhere', { bucket: 'b' })).status, 404);
    assert.equal((await api.post('/apps/nowhere/s3/test')).status, 404);
    assert.equal((await api.as(null).get('/apps/live/s3')).status, 401);
    const app = await newApp();
    const { id } = (await api.get(`/apps/${app}`)).body;
    const { token } = (await api.post('/tokens', { name: 't', scope: 'app', appId: id })).body;
    assert.equal((await api.as(token).get(`/apps/${app}/s3`)).status, 200);
    assert.equal((await api.as(token).get('/apps/live/s3')).status, 403);
    assert.equal((await api.as(token).put('/apps/live/s3', { bucket: 'stolen' })).status, 403);
  });

  test('a reference to another secret is refused in the raw config and never read', async () => {
    const app = await newApp();
    const victim = await newApp();
    await put(victim, { key: 'AKIAVICTIMVICTIM', secret: 'the-victims-secret' });
    for (const name of ['STREAMHUB_JWT_SECRET', `APP_${victim.toUpperCase().replace('-', '_')}_S3_KEY`]) {
      const { yaml } = (await api.get(`/apps/${app}/config/raw`)).body.data;
      const edited = yaml.replace(/access_key_env: \S+/, `access_key_env: ${name}`);
      assert.notEqual(edited, yaml);
      assert.equal((await api.put(`/apps/${app}/config/raw`, { yaml: edited })).status, 400);
    }
    const view = (await put(app, { key: 'AKIAATTACKER0001' })).body.data;
    assert.equal(view.key, '****0001');
    assert.equal((await api.get(`/apps/${victim}/s3`)).body.data.key, '****CTIM');
  });

  test('an environment variable wins over the stored key, and the view says so', async () => {
    const app = await newApp('from-env');
    const { data } = (await put(app, { key: 'AKIASTORED000001' })).body;
    assert.equal(data.key, '****ENT1');
    assert.equal(data.keySource, 'environment');
    assert.match(data.warnings.join(), /APP_FROM_ENV_S3_KEY is set in the environment/);
  });

  test('comments, order and unknown blocks survive, and a backup is taken', async () => {
    const app = await newApp();
    const { yaml } = (await api.get(`/apps/${app}/config/raw`)).body.data;
    const marked = `# mine\n${yaml}x-mine: {a:   1} # odd\n`;
    assert.equal((await api.put(`/apps/${app}/config/raw`, { yaml: marked })).status, 200);
    const backups = (await backupsOf(app)).length;
    assert.equal((await put(app, { bucket: 'recordings' })).status, 200);
    const text = (await api.get(`/apps/${app}/config/raw`)).body.data.yaml;
    assert.equal(text.replace(/bucket: .*/, ''), marked.replace(/bucket: .*/, ''));
    assert.equal((await backupsOf(app)).length, backups + 1);
  });

  test('If-Match is honoured', async () => {
    const app = await newApp();
    assert.equal((await put(app, { bucket: 'one' }, { 'if-match': '"stale"' })).status, 412);
    const { etag } = (await api.get(`/apps/${app}/config/raw`)).body.data;
    assert.equal((await put(app, { bucket: 'two' }, { 'if-match': etag })).status, 200);
  });

  test('others who write the config all the time keep nobody from storing settings', async () => {
    let isOver = false;
    const others = (async () => {
      for (let n = 0; !isOver; n += 1) {
        const yaml = `name: live\nroom_prefix: live\ndisplay_name: v${n}\ntranscoding: { enabled: false }\n`;
        assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml })).status, 200);
      }
    })();
    for (let n = 0; n < 20; n += 1) {
      const answer = await daemon.api.put('/apps/live/s3', { bucket: `bucket-${n}` });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.data.bucket, `bucket-${n}`);
    }
    isOver = true;
    await others;
  });

  test('of many writers at once none is lost', async () => {
    const app = await newApp();
    const bodies = [
      { bucket: 'several' },
      { region: 'eu-west-2' },
      { prefix: 'p/q' },
      { forcePathStyle: true },
      { key: 'AKIASEVERAL00001' },
    ];
    const answers = await Promise.all(bodies.map((body) => put(app, body)));
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [200, 200, 200, 200, 200],
    );
    const { data } = (await api.get(`/apps/${app}/s3`)).body;
    assert.deepEqual(
      [data.bucket, data.region, data.prefix, data.forcePathStyle, data.key],
      ['several', 'eu-west-2', 'p/q', true, '****0001'],
    );
  });
});

test('private endpoints can be denied', async (t) => {
  const strict = await testDaemon(t, { STREAMHUB_DENY_PRIVATE_ENDPOINTS: '1' });
  for (const endpoint of [
    'http://10.0.0.5:9000',
    'http://127.0.0.1:9000',
    'http://localhost:9000',
    'http://[fd12::1]:9000',
  ]) {
    for (const call of [
      () => strict.api.put('/apps/live/s3', { endpoint }),
      () => strict.api.post('/apps/live/s3/test', { endpoint }),
    ]) {
      const refused = await call();
      assert.equal(refused.status, 400, endpoint);
      assert.equal(refused.body.details[0].path, 'body.endpoint');
    }
  }
});

test('GET /storage/providers describes the forms', async () => {
  const { status, body } = await api.get('/storage/providers');
  assert.equal(status, 200);
  assert.deepEqual(body.data.map((provider: { id: string }) => provider.id).sort(), [...BUILT_IN_PROVIDERS].sort());
  assert.deepEqual([body.data[0].settings.properties, body.data[0].credentials], [{}, []]);
  for (const provider of body.data.slice(1)) {
    assert.equal(provider.settings.type, 'object');
    assert.deepEqual(
      provider.credentials.map((field: { name: string }) => field.name),
      ['key', 'secret'],
    );
    assert.deepEqual(Object.keys(provider.settings.properties), ['bucket', 'region', 'endpoint', 'forcePathStyle']);
  }
});

after(() => (typeof s3 === 'string' ? undefined : s3.stop()));

describe('POST /apps/{name}/s3/test', { skip: typeof s3 === 'string' ? s3 : false }, () => {
  const server = s3 as S3Server;
  const settings = async () => ({
    provider: 'minio',
    endpoint: server.endpoint,
    bucket: await server.bucket(),
    forcePathStyle: true,
    key: server.key,
    secret: server.secret,
  });
  const statesOf = (answer: { body: { data: { steps: { id: string; state: string }[] } } }) =>
    answer.body.data.steps.map((step) => `${step.id} ${step.state}`);
  const failedStep = (answer: {
    body: { data: { steps: { state: string; code: string; cure: string; message: string }[] } };
  }) => answer.body.data.steps.find((step) => step.state === 'failed');

  test('passes all steps and leaves nothing behind', async () => {
    const app = await newApp();
    const body = await settings();
    await put(app, body);
    const answer = await api.post(`/apps/${app}/s3/test`);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.data.ok, true);
    assert.deepEqual(statesOf(answer), [
      'resolve ok',
      'connect ok',
      'sign ok',
      'write ok',
      'multipart ok',
      'read ok',
      'link ok',
      'pages warning',
      'list ok',
      'delete ok',
    ]);
    const pages = answer.body.data.steps.find(({ id }: any) => id === 'pages');
    assert.match(pages.message, /does not let pages at http:\/\/[\w.:]+ read it \(CORS\)/);
    assert.match(pages.cure, /s3\/cors/);
    assert.match(answer.body.data.probeKey, new RegExp(`^streamhub/${app}/`));
    assert.deepEqual(await server.keys(body.bucket), []);
  });

  test('a missing bucket is created; its state is what its last use told, not that keys are stored', async () => {
    const app = await newApp();
    const body = { ...(await settings()), bucket: `created-${process.pid}-${Date.now()}` };
    await put(app, body);
    const lastUse = async () => (await api.get(`/apps/${app}/s3`)).body.data.lastUse;
    assert.equal(await lastUse(), null);
    await api.post(`/apps/${app}/s3/test`);
    const { ok, what, reason } = await lastUse();
    assert.deepEqual([ok, what], [false, 'test']);
    assert.match(reason, /^The bucket does not exist .*Create the bucket/);
    for (const isNew of [true, false]) {
      const created = await api.post(`/apps/${app}/s3/bucket`);
      assert.deepEqual([created.status, created.body.data], [200, { bucket: body.bucket, isNew }], created.text);
    }
    assert.equal((await api.post(`/apps/${app}/s3/test`)).body.data.ok, true);
    assert.deepEqual({ ...(await lastUse()), at: '' }, { ok: true, at: '', what: 'test', reason: null });
    const refused = await api.post(`/apps/${app}/s3/bucket`, { secret: 'wrong-wrong-wrong-wrong' });
    assert.deepEqual([refused.status, refused.body.code], [502, 'STORAGE_BUCKET_NOT_CREATED']);
    assert.match(refused.body.message, /does not accept these credentials/);
    assert.doesNotMatch(refused.text, /wrong-wrong/);
  });

  test('pages of other sites may read the bucket once that is allowed, and its other rules stay', async () => {
    const app = await newApp();
    const body = await settings();
    await put(app, body);
    const { bucket: Bucket } = body;
    const kept = { AllowedOrigins: ['https://upload.example.com'], AllowedMethods: ['PUT'] };
    await server.client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [kept] } }));
    const yaml = (await api.get(`/apps/${app}/config/raw`)).body.data.yaml as string;
    const cdn = `${yaml}\ndistribution: {mode: cdn}\n`;
    assert.equal((await api.put(`/apps/${app}/config/raw`, { yaml: cdn })).status, 200);
    const notices = async () => (await api.get(`/apps/${app}/delivery`)).body.data.notices.map(({ code }: any) => code);
    assert.ok(!(await notices()).includes('BUCKET_REFUSES_PAGES'), 'not known yet');
    const tested = async () =>
      statesOf(await api.post(`/apps/${app}/s3/test`)).find((step) => step.startsWith('pages'));
    assert.equal(await tested(), 'pages warning');
    assert.ok((await notices()).includes('BUCKET_REFUSES_PAGES'));
    for (const isNew of [true, false]) {
      const allowed = await api.post(`/apps/${app}/s3/cors`);
      assert.deepEqual([allowed.status, allowed.body.data], [200, { bucket: Bucket, isNew }], allowed.text);
    }
    assert.ok(!(await notices()).includes('BUCKET_REFUSES_PAGES'));
    assert.equal(await tested(), 'pages ok');
    const { CORSRules } = await server.client.send(new GetBucketCorsCommand({ Bucket }));
    assert.deepEqual(CORSRules?.map(({ AllowedMethods }) => AllowedMethods?.join()).sort(), ['GET,HEAD', 'PUT']);
    const refused = await api.post(`/apps/${app}/s3/cors`, { secret: 'wrong-wrong-wrong-wrong' });
    assert.deepEqual([refused.status, refused.body.code], [502, 'STORAGE_CORS_NOT_SET']);
    assert.doesNotMatch(refused.text, /wrong-wrong/);
  });

  test('tries a body without storing it', async () => {
    const app = await newApp();
    const answer = await api.post(`/apps/${app}/s3/test`, await settings());
    assert.equal(answer.body.data.ok, true, answer.text);
    const { data } = (await api.get(`/apps/${app}/s3`)).body;
    assert.deepEqual([data.provider, data.hasKey], ['wasabi', false]);
  });

  const faults: [name: string, change: object, step: string, code: string][] = [
    ['an unknown host', { endpoint: 'http://no-such-host.invalid:9000' }, 'resolve', 'HOST_UNKNOWN'],
    ['a closed port', { endpoint: 'http://127.0.0.1:1' }, 'connect', 'UNREACHABLE'],
    ['https on a plain port', { endpoint: 'https' }, 'connect', 'TLS_FAILED'],
    ['a wrong secret', { secret: 'wrong-wrong-wrong-wrong' }, 'sign', 'CREDENTIALS_REFUSED'],
    ['an unknown key', { key: 'AKIAUNKNOWNUNKNOWN' }, 'sign', 'CREDENTIALS_REFUSED'],
    ['no bucket', { bucket: '' }, 'sign', 'BUCKET_NOT_SET'],
    ['a missing bucket', { bucket: 'there-is-no-such-bucket' }, 'sign', 'BUCKET_MISSING'],
  ];
  for (const [name, change, step, code] of faults) {
    test(`names ${name}`, async () => {
      const body = { ...(await settings()), ...change };
      if (body.endpoint === 'https') body.endpoint = server.endpoint.replace('http:', 'https:');
      const answer = await api.post('/apps/live/s3/test', body);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.body.data.ok, false);
      const failed = failedStep(answer);
      assert.equal(failed?.code, code, answer.text);
      assert.ok(statesOf(answer).includes(`${step} failed`));
      assert.ok(failed?.cure);
      assert.ok(
        statesOf(answer)
          .slice(statesOf(answer).indexOf(`${step} failed`) + 1)
          .every((state) => state.endsWith('skipped')),
      );
      for (const hidden of [server.secret, 'wrong-wrong', 'AKIAUNKNOWN']) assert.ok(!answer.text.includes(hidden));
    });
  }

  test('someone else’s bucket: the credentials are right, the right to write is missing', async () => {
    const stranger = await server.user('stranger');
    const answer = await api.post('/apps/live/s3/test', { ...(await settings()), ...stranger });
    assert.deepEqual(statesOf(answer).slice(2, 4), ['sign ok', 'write failed']);
    assert.equal(failedStep(answer)?.code, 'ACCESS_DENIED');
  });

  test('a bucket that forbids deleting: only that step fails', async () => {
    const body = await settings();
    await server.denyDelete(body.bucket, '');
    const answer = await api.post('/apps/live/s3/test', body);
    assert.deepEqual(statesOf(answer).slice(3), [
      'write ok',
      'multipart ok',
      'read ok',
      'link ok',
      'pages warning',
      'list ok',
      'delete failed',
    ]);
    await server.denyDelete(body.bucket, null);
  });

  describe('something that is no storage', () => {
    let web: Server;
    let url: string;
    before(async () => {
      web = createServer((_request, response) =>
        response.setHeader('content-type', 'text/html').end('<html><body>hello</body></html>'),
      );
      await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
    });
    after(() => {
      web.closeAllConnections();
      web.close();
    });

    test('is named as such', async () => {
      const answer = await api.post('/apps/live/s3/test', { ...(await settings()), endpoint: url });
      assert.ok(statesOf(answer).includes('sign failed'), answer.text);
      assert.equal(failedStep(answer)?.code, 'NOT_A_STORAGE');
    });
  });
});
