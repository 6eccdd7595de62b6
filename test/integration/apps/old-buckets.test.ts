import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { bucketPlace } from '#test/helpers/bucket.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const started = startS3Server();
const s3 = started as S3Server;
const daemon = sharedDaemon();
if (typeof started !== 'string') after(() => s3.stop());
const { api } = daemon;
let names = 0;

interface Account {
  key: string;
  secret: string;
}

/** A bucket of one account, with a film in it. */
async function bucketOf({ key, secret }: Account): Promise<string> {
  const client = new S3Client({
    endpoint: s3.endpoint,
    region: s3.region,
    forcePathStyle: true,
    credentials: { accessKeyId: key, secretAccessKey: secret },
  });
  const Bucket = `old-${++names}-${Date.now()}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  await client.send(new PutObjectCommand({ Bucket, Key: 'p/film.mp4', Body: 'film' }));
  client.destroy();
  return Bucket;
}

const placeOf = (bucket: string) => bucketPlace(s3, bucket);
const settings = (bucket: string, account: Partial<Account>) => ({ ...placeOf(bucket), prefix: 'p', ...account });

/** An app with one recording in a bucket of this account. */
async function newApp(account: Account): Promise<{ app: string; bucket: string; id: number }> {
  const app = `old-${++names}`;
  assert.equal((await api.post('/apps', { name: app })).status, 201);
  const bucket = await bucketOf(account);
  const { status, text } = await api.put(`/apps/${app}/s3`, settings(bucket, account));
  assert.equal(status, 200, text);
  const [id] = addVods(daemon.dataDir, app, [{ key: 'p/film.mp4', place: placeOf(bucket) }]);
  return { app, bucket, id: id as number };
}
const film = async (app: string, id: number) => {
  const { url, linkState } = (await api.get(`/apps/${app}/vods/${id}`)).body;
  const opened = url === null ? null : await fetch(url, { headers: { range: 'bytes=0-9' } });
  return [linkState, opened === null ? null : opened.status < 300 ? await opened.text() : opened.status];
};
const secretsOf = async (): Promise<string> => readFile(path.join(daemon.dataDir, 'data', 'secrets.json'), 'utf8');

describe('after a change of the bucket', { skip: typeof started === 'string' ? started : false }, () => {
  const first: Account = typeof started === 'string' ? { key: '', secret: '' } : { key: s3.key, secret: s3.secret };

  test('older recordings keep their credentials: links open, deletion reaches them, then the credentials go', async () => {
    const second = await s3.user(`second${++names}`);
    const { app, bucket, id } = await newApp(first);
    const next = await bucketOf(second);
    const { body } = await api.put(`/apps/${app}/s3`, settings(next, second));
    assert.equal(body.data.recordingsElsewhere, 1);
    assert.deepEqual(body.data.elsewhere, [
      { provider: 'minio', bucket, endpoint: s3.endpoint, options: {}, recordings: 1, credentials: 'own' },
    ]);
    assert.deepEqual(await film(app, id), ['signed', 'film']);
    assert.ok((await secretsOf()).includes(first.secret));
    assert.ok(!JSON.stringify(body).includes(first.secret));
    // back again: the bucket is opened with its own credentials, without entering them
    const back = await api.put(`/apps/${app}/s3`, { bucket });
    assert.equal(back.body.data.recordingsElsewhere, 0);
    assert.equal(back.body.data.key, `****${first.key.slice(-4)}`);
    assert.equal((await api.post(`/apps/${app}/s3/test`)).body.data.ok, true);
    await api.put(`/apps/${app}/s3`, { bucket: next });
    const gone = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(gone.status, 200, gone.text);
    assert.deepEqual(await s3.keys(bucket), []);
    assert.ok(!(await secretsOf()).includes(second.secret));
    assert.ok(!(await secretsOf()).includes(`APP_${app.toUpperCase().replaceAll('-', '_')}_`));
  });

  test('the bucket first and its keys in a second call: the same', async () => {
    const second = await s3.user(`second${++names}`);
    const { app, bucket, id } = await newApp(first);
    const next = await bucketOf(second);
    assert.equal((await api.put(`/apps/${app}/s3`, { bucket: next })).body.data.elsewhere[0].credentials, 'current');
    await api.put(`/apps/${app}/s3`, second);
    assert.deepEqual(await film(app, id), ['signed', 'film']);
    const isKept = async () => (await secretsOf()).includes(`${app.toUpperCase().replaceAll('-', '_')}_S3_SECRET__`);
    assert.equal(await isKept(), true);
    assert.equal((await api.delete(`/apps/${app}/vods/${id}`)).status, 204);
    assert.deepEqual(await s3.keys(bucket), []);
    await until('the old credentials go with the last recording that needs them', async () => !(await isKept()));
    assert.equal((await api.post(`/apps/${app}/s3/test`)).body.data.ok, true, 'the credentials in use stay');
  });

  test('new keys that open the old bucket too, as after a rotation, replace the old ones', async () => {
    const { app, bucket, id } = await newApp(first);
    const next = await bucketOf(first);
    await api.put(`/apps/${app}/s3`, { bucket: next, key: 'AKIAWRONGWRONG01', secret: 'wrong' });
    assert.equal((await api.get(`/apps/${app}/s3`)).body.data.elsewhere[0].credentials, 'own');
    await api.put(`/apps/${app}/s3`, { bucket, ...first });
    await api.put(`/apps/${app}/s3`, { bucket: next, ...first });
    assert.equal((await api.get(`/apps/${app}/s3`)).body.data.elsewhere[0].credentials, 'current');
    assert.deepEqual(await film(app, id), ['signed', 'film']);
  });

  test('a link that the storage refuses is known as such', async () => {
    const stranger = await s3.user(`stranger${++names}`);
    const { app, id } = await newApp(first);
    for (const [key, secret, words] of [
      [stranger.key, stranger.secret, /refuses this operation \(AccessDenied, HTTP 403, request /],
      [first.key, 'wrong-secret-wrong', /does not accept these credentials \(SignatureDoesNotMatch/],
    ] as const) {
      await api.put(`/apps/${app}/s3`, { key, secret });
      assert.deepEqual(await film(app, id), ['refused', null]);
      const [row] = (await api.get(`/apps/${app}/vods`)).body.data;
      assert.deepEqual([row.linkState, row.url], ['refused', null]);
      assert.match(row.urlProblem, words);
    }
    await api.put(`/apps/${app}/s3`, { key: first.key, secret: first.secret });
    assert.deepEqual(await film(app, id), ['signed', 'film']);
  });
});
