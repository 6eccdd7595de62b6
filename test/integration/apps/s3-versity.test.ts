// A second S3 server, Versity's gateway. Unlike Ceph it checks checksums, trailers and signed chunks, so it refuses what is sent wrong.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { testStorageProvider } from 'streamhub/plugin-sdk/conformance';
import { giveBucket } from '#test/helpers/bucket.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { type Intercept, s3Proxy } from '#test/helpers/s3-proxy.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import storageS3 from '../../../plugins/storage-s3/index.ts';

const started = startS3Server('versitygw');
const s3 = started as S3Server;
const skip = typeof started === 'string' ? started : false;
if (skip === false) after(() => s3.stop());

const bucket = skip === false ? await s3.bucket() : '';
for (const provider of storageS3.storageProviders ?? []) {
  const { endpoint, region, key, secret } = skip === false ? s3 : { endpoint: '', region: '', key: '', secret: '' };
  testStorageProvider(provider, {
    name: `${provider.id} on Versity’s gateway`,
    settings: { bucket, region, endpoint, forcePathStyle: true },
    credentials: { key, secret },
    skip,
  });
}

describe('an app with its recordings on Versity’s gateway', { skip }, () => {
  const seen: { method: string; url: string; headers: Record<string, unknown> }[] = [];
  const note: Intercept = ({ method = '', url = '', headers }) => void seen.push({ method, url, headers });
  const setUp = async () => {
    const daemon = await testDaemon({ after });
    const endpoint = await s3Proxy({ after }, s3.endpoint, note);
    return { daemon, endpoint };
  };
  const ready = skip === false ? setUp() : undefined;
  let names = 0;
  const newApp = async (isVersioned: boolean) => {
    const { daemon, endpoint } = (await ready) as Awaited<ReturnType<typeof setUp>>;
    const app = `versity-${++names}`;
    assert.equal((await daemon.api.post('/apps', { name: app })).status, 201);
    const Bucket = await giveBucket(daemon.api, app, s3, { endpoint, prefix: 'p' });
    if (isVersioned) {
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await s3.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    }
    return { daemon, api: daemon.api, app, bucket: Bucket };
  };

  test('it checks what it is sent: a wrong checksum is refused', async () => {
    const wrong = { Bucket: bucket, Key: 'wrong', Body: 'body', ChecksumCRC32: 'AAAAAA==' };
    await assert.rejects(s3.client.send(new PutObjectCommand(wrong)), /[Cc]hecksum|BadDigest/);
    assert.deepEqual(await s3.keys(bucket, 'wrong'), []);
  });

  /** As SDKs of today upload, LiveKit's egress service too: a signed stream with a checksum behind it. */
  const putWithTrailer = async (Bucket: string, Key: string, bytes: Buffer) => {
    const { endpoint } = (await ready) as Awaited<ReturnType<typeof setUp>>;
    const credentials = { accessKeyId: s3.key, secretAccessKey: s3.secret };
    const client = new S3Client({ endpoint, region: s3.region, forcePathStyle: true, credentials });
    const Body = Readable.from([bytes], { objectMode: false });
    await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: bytes.length }));
    client.destroy();
    assert.match(String(seen.at(-1)?.headers['x-amz-trailer']), /^x-amz-checksum-/);
  };

  for (const isVersioned of [false, true]) {
    const words = isVersioned ? 'with versions' : 'without versions';
    test(`the test of the storage passes every step and deletes in bulk, ${words}`, async () => {
      const { api, app, bucket: own } = await newApp(isVersioned);
      const allowed = await api.post(`/apps/${app}/s3/cors`);
      assert.equal(allowed.status, 200, allowed.text);
      seen.length = 0;
      const { body } = await api.post(`/apps/${app}/s3/test`);
      assert.deepEqual(
        body.data.steps.filter((step: { state: string }) => step.state !== 'ok'),
        [],
      );
      assert.doesNotMatch(body.data.steps.at(-1).message, /one by one/);
      const bulk = seen.filter(({ method, url }) => method === 'POST' && /[?&]delete\b/.test(url));
      assert.ok(bulk.length > 0 && bulk.every(({ headers }) => headers['content-md5'] !== undefined));
      const left = await s3.client.send(new ListObjectVersionsCommand({ Bucket: own }));
      assert.deepEqual([...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])], []);
    });

    test(`a recording plays by its link, and a purge of 2,100 objects leaves nothing, ${words}`, async () => {
      const { daemon, api, app, bucket: own } = await newApp(isVersioned);
      const film = randomBytes(100_000);
      await putWithTrailer(own, 'p/film 日本.mp4', film);
      const segments = Array.from({ length: 2100 }, (_, n) => `p/hls/seg_${String(n).padStart(5, '0')}.ts`);
      await s3.put(
        own,
        segments.filter((_, n) => n % 10 === 0),
      );
      await s3.put(own, ['p/beside.txt', 'other/kept.txt']);
      addVods(daemon.dataDir, app, [{ key: 'p/film 日本.mp4', variants: [{ key: 'p/hls/list.m3u8', segments }] }]);
      const { id } = (await api.get(`/apps/${app}/vods`)).body.data[0];
      const vod = (await api.get(`/apps/${app}/vods/${id}`)).body;
      const answer = await fetch(vod.presignedUrl, { headers: { range: 'bytes=10-19' } });
      assert.equal(answer.status, 206);
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), film.subarray(10, 20));
      const Key = 'p/unfinished.mp4';
      await s3.client.send(new CreateMultipartUploadCommand({ Bucket: own, Key }));
      const deleted = await api.delete(`/apps/${app}?deleteVods=true`);
      assert.equal(deleted.status, 200, deleted.text);
      assert.deepEqual(await s3.keys(own), ['other/kept.txt', 'p/beside.txt']);
      const versions = await s3.client.send(new ListObjectVersionsCommand({ Bucket: own, Prefix: 'p/hls/' }));
      assert.deepEqual([...(versions.Versions ?? []), ...(versions.DeleteMarkers ?? [])], []);
      const uploads = await s3.client.send(new ListMultipartUploadsCommand({ Bucket: own }));
      assert.deepEqual(uploads.Uploads ?? [], []);
    });
  }
});
