// An app's storage with the AWS role of the machine: session credentials that Ceph gave and checks, and the instance's metadata service.

import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { RoomCompositeEgressRequest, RoomServiceClient } from 'livekit-server-sdk';
import { bucketPlace } from '#test/helpers/bucket.ts';
import { daemonProcess, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { metadataService } from '#test/helpers/metadata-service.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { protobufFields, tapRedis } from '#test/helpers/redis-tap.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const started = startS3Server('s3-server', { sts: true });
const s3 = started as S3Server;
const skip = typeof started === 'string' ? started : false;
if (skip === false) after(() => s3.stop());
const metadata = await metadataService({ after });
// read by the daemon's threads
process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = metadata.endpoint;
const livekit = skip === false ? startLivekit({ after }) : skip;
const daemon = await testDaemon({ after }, typeof livekit === 'string' ? {} : { ...livekit.env });
const { api } = daemon;
const session = skip === false ? await s3.session() : undefined;
let names = 0;

const settings = (bucket: string) => ({ ...bucketPlace(s3, bucket), provider: 'aws', prefix: 'p' });

/** A new app whose bucket is opened with the role. */
async function newApp(): Promise<{ app: string; bucket: string }> {
  metadata.role = session ?? null;
  const app = `role-${++names}`;
  assert.equal((await api.post('/apps', { name: app })).status, 201);
  const bucket = await s3.bucket();
  const { status, body, text } = await api.put(`/apps/${app}/s3`, { ...settings(bucket), credentials: 'role' });
  assert.equal(status, 200, text);
  assert.deepEqual(
    [body.data.credentials, body.data.configured, body.data.hasKey, body.data.key],
    ['role', true, false, ''],
  );
  return { app, bucket };
}
const failedStep = (body: any) => body.data.steps.find((step: { state: string }) => step.state === 'failed');

describe('the machine’s AWS role as the credentials of a bucket', { skip }, () => {
  test('the storage test passes, links open no longer than the role’s credentials, and a purge deletes', async () => {
    const { app, bucket } = await newApp();
    const tried = await api.post(`/apps/${app}/s3/test`);
    assert.equal(tried.body.data.ok, true, tried.text);
    await s3.put(bucket, ['p/film.mp4', 'p/other.mp4'], 'film');
    const [id] = addVods(daemon.dataDir, app, [{ key: 'p/film.mp4' }, { key: 'p/other.mp4' }]);
    const { presignedUrl } = (await api.get(`/apps/${app}/vods/${id}`)).body;
    const link = new URL(presignedUrl);
    assert.equal(await (await fetch(link)).text(), 'film');
    const left = (Date.parse(session?.expiration ?? '') - Date.now()) / 1000;
    assert.ok(Number(link.searchParams.get('X-Amz-Expires')) <= left + 30, 'the link ends with the credentials');
    assert.equal(link.searchParams.get('X-Amz-Security-Token'), session?.sessionToken);
    const deleted = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(deleted.status, 200, deleted.text);
    assert.deepEqual(await s3.keys(bucket), []);
    assert.ok(metadata.asked.includes('PUT /latest/api/token'), 'the metadata service is asked in its second version');
  });

  test('nothing of the role is stored or told', async () => {
    const { app } = await newApp();
    assert.equal((await api.post(`/apps/${app}/s3/test`)).body.data.ok, true);
    const told = [
      await readFile(path.join(daemon.dataDir, 'data', 'secrets.json'), 'utf8'),
      (await api.get(`/apps/${app}/s3`)).text,
      (await api.get(`/apps/${app}/config`)).text,
      (await api.get('/logs?limit=500')).text,
    ].join();
    for (const value of [session?.key, session?.secret, session?.sessionToken])
      assert.ok(!told.includes(value as string));
  });

  test('a machine without a role says so, in the test, in links and in a refused recording', async () => {
    const { app, bucket } = await newApp();
    metadata.role = null;
    const step = failedStep((await api.post(`/apps/${app}/s3/test`)).body);
    assert.deepEqual([step.id, step.code], ['sign', 'ROLE_UNAVAILABLE']);
    assert.match(`${step.message} ${step.cure}`, /no credentials of an AWS role.*IAM role/s);
    await s3.put(bucket, ['p/film.mp4']);
    const [id] = addVods(daemon.dataDir, app, [{ key: 'p/film.mp4' }]);
    const vod = (await api.get(`/apps/${app}/vods/${id}`)).body;
    assert.equal(vod.presignedUrl, null);
    const refused = await api.delete(`/apps/${app}/vods/${id}`);
    assert.deepEqual([refused.status, refused.body.reasons], [502, { ROLE_UNAVAILABLE: 1 }], refused.text);
    assert.deepEqual(await s3.keys(bucket), ['p/film.mp4']);
  });

  test('only an operator chooses it, for each bucket again; another bucket in the file does not get it', async () => {
    const { app, bucket } = await newApp();
    const { id: appId } = (await api.get(`/apps/${app}`)).body;
    const own = api.as((await api.post('/tokens', { name: 'own', scope: 'app', appId })).body.token);
    const other = await s3.bucket();
    for (const body of [{ credentials: 'role', bucket: other }, { bucket: other }, { region: 'eu-x', bucket: other }]) {
      const answer = await own.put(`/apps/${app}/s3`, body);
      assert.deepEqual([answer.status, answer.body.code], [403, 'STORAGE_ROLE_OPERATOR_ONLY'], answer.text);
      assert.equal((await own.post(`/apps/${app}/s3/test`, body)).status, 403);
    }
    // what does not concern the bucket is the team's, and the choice stays
    const prefixed = await own.put(`/apps/${app}/s3`, { prefix: 'q' });
    assert.deepEqual([prefixed.status, prefixed.body.data.credentials], [200, 'role'], prefixed.text);
    const raw = (await own.get(`/apps/${app}/config/raw`)).body.data;
    const written = await own.put(`/apps/${app}/config/raw`, { yaml: raw.yaml.replace(bucket, other) });
    assert.equal(written.status, 200, written.text);
    const view = (await own.get(`/apps/${app}/s3`)).body.data;
    assert.deepEqual([view.credentials, view.configured], ['keys', false]);
    assert.match(view.warnings.join(), /role was chosen for another bucket/);
    assert.equal(failedStep((await own.post(`/apps/${app}/s3/test`)).body).code, 'CREDENTIALS_MISSING');
    const chosen = await api.put(`/apps/${app}/s3`, { credentials: 'role' });
    assert.deepEqual([chosen.status, chosen.body.data.credentials], [200, 'role'], chosen.text);
    assert.equal((await own.post(`/apps/${app}/s3/test`)).body.data.ok, true);
    const keys = await own.put(`/apps/${app}/s3`, { key: s3.key, secret: s3.secret });
    assert.deepEqual([keys.status, keys.body.data.credentials], [200, 'keys'], keys.text);
  });

  test('older recordings in a bucket of the role keep the role when the app gets a bucket with keys', async () => {
    const { app, bucket } = await newApp();
    await s3.put(bucket, ['p/old.mp4'], 'old');
    const place = { ...settings(bucket) };
    const [id] = addVods(daemon.dataDir, app, [{ key: 'p/old.mp4', place }]);
    const second = await s3.user(`second-${names}`);
    const next = { provider: 'minio', bucket: 'second', credentials: 'keys', ...second };
    const { status, text } = await api.put(`/apps/${app}/s3`, next);
    assert.equal(status, 200, text);
    const { presignedUrl } = (await api.get(`/apps/${app}/vods/${id}`)).body;
    assert.equal(await (await fetch(presignedUrl)).text(), 'old');
  });

  test('what makes no sense is refused by name', async () => {
    const { app, bucket } = await newApp();
    const put = async (body: object) => (await api.put(`/apps/${app}/s3`, body)).body.message as string;
    assert.match(await put({ credentials: 'role', key: 'AKIAWITHROLE0001' }), /body\.credentials .*leave out key/);
    const minio = { ...settings(bucket), provider: 'minio', credentials: 'role' };
    assert.match(await put(minio), /body\.credentials .*only the provider aws/);
  });

  test('a container of ECS and a pod of EKS have their role without a metadata service of the instance', async (t) => {
    metadata.role = session ?? null;
    const folder = await temporaryDir(t);
    const tokenFile = path.join(folder, 'token');
    await writeFile(tokenFile, metadata.webIdentity);
    const environments = {
      ecs: {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `${metadata.endpoint}/container`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN: metadata.authorization,
      },
      eks: {
        AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile,
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/streamhub',
        AWS_ENDPOINT_URL_STS: metadata.endpoint,
      },
    };
    metadata.asked.length = 0;
    const tries = Object.entries(environments).map(async ([app, env]) => {
      // static keys of another purpose are not the role's
      const strange = { AWS_ACCESS_KEY_ID: 'AKIASTRANGE', AWS_SECRET_ACCESS_KEY: 'strange' };
      const other = await daemonProcess(t, path.join(folder, app), { ...env, ...strange });
      await other.api.post('/apps', { name: app });
      await other.api.put(`/apps/${app}/s3`, { ...settings(await s3.bucket()), credentials: 'role' });
      const tried = await other.api.post(`/apps/${app}/s3/test`);
      assert.equal(tried.body.data.ok, true, tried.text);
      const told = (await other.api.get('/logs?limit=500')).text + tried.text;
      for (const secret of [session?.secret, session?.sessionToken, metadata.webIdentity, metadata.authorization])
        assert.ok(!told.includes(secret as string));
    });
    await Promise.all(tries);
    assert.deepEqual([...new Set(metadata.asked)].sort(), ['GET /container', 'POST /']);
  });

  test('LiveKit’s egress service gets session credentials with their token', async (t) => {
    if (typeof livekit === 'string') return t.skip(livekit);
    const { app, bucket } = await newApp();
    const orders: RoomCompositeEgressRequest[] = [];
    await tapRedis(t, livekit.redisUrl, ({ channel, payload }) => {
      if (channel !== 'EgressInternal|StartEgress|REQ') return;
      const order = protobufFields(protobufFields(protobufFields(payload).get(2) as Buffer).get(8) as Buffer).get(5);
      if (order !== undefined) orders.push(RoomCompositeEgressRequest.fromBinary(order));
    });
    const { LIVEKIT_URL = '', LIVEKIT_API_KEY, LIVEKIT_API_SECRET } = livekit.env;
    const rooms = new RoomServiceClient(LIVEKIT_URL.replace('ws', 'http'), LIVEKIT_API_KEY, LIVEKIT_API_SECRET);
    for (const name of [`${app}-stage`, `${app}-hall`]) await rooms.createRoom({ name, emptyTimeout: 60 });
    // no egress service can be had here, and LiveKit waits for one a while
    void api.post(`/apps/${app}/recording/start`, { room: `${app}-stage` }).catch(() => undefined);
    await until('LiveKit passes the order on', () => orders.length > 0);
    const output = orders[0]?.fileOutputs[0]?.output;
    const upload = output?.case === 's3' ? output.value : undefined;
    assert.deepEqual(
      [upload?.accessKey, upload?.secret, upload?.sessionToken, upload?.bucket],
      [session?.key, session?.secret, session?.sessionToken, bucket],
    );
    metadata.role = null;
    const refused = await api.post(`/apps/${app}/recording/start`, { room: `${app}-hall` });
    assert.equal(refused.body.code, 'RECORDING_NOT_TAKEN');
    assert.match(refused.body.message, /no credentials of an AWS role/);
  });
});
