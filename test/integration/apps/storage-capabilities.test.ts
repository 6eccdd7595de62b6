import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, test } from 'node:test';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { removeVersions } from '#shared/plugin-sdk/s3/versions.ts';
import { bucketSettings, giveBucket } from '#test/helpers/bucket.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { installPlugin } from '#test/helpers/plugins.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';

// One plugin with providers that differ in one capability each, against a real S3 server.
const FLAGS = ['bulkDelete', 'presign', 'versions', 'multipart'] as const;
type Flag = (typeof FLAGS)[number];
const idWithout = (flag: Flag) => `no-${flag.toLowerCase()}`;
const provider = (id: string, without: string) => `defineStorageProvider({
  id: '${id}', settings: s3Settings(), credentials: s3Credentials, maxDeleteBatch: 1000,
  capabilities: { bulkDelete: true, presign: true, versions: true, multipart: true, ${without} },
  endpoint: ({ endpoint }) => endpoint || undefined,
  open: (context) => openS3(context),
})`;
const CODE = `
import { definePlugin, defineStorageProvider } from 'streamhub/plugin-sdk';
import { openS3, s3Credentials, s3Settings } from 'streamhub/plugin-sdk/s3';
export default definePlugin({ storageProviders: [
  ${provider('able', '')},
  ${FLAGS.map((flag) => provider(idWithout(flag), `${flag}: false`)).join(',\n  ')}
] });
`;

const started = startS3Server();
const s3 = started as S3Server;
const daemon = sharedDaemon({}, async () => {
  await installPlugin(daemon.dataDir, 'flags', CODE, { providers: ['able', ...FLAGS.map(idWithout)] });
  await api.post('/plugins/reload');
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  endpoint = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
});
const { api } = daemon;
if (typeof started !== 'string') after(() => s3.stop());

/** Passes requests on to the S3 server and notes them. */
const seen: string[] = [];
const proxy = createServer((request, response) => {
  seen.push(`${request.method} ${request.url}`);
  const { hostname, port } = new URL(s3.endpoint);
  const { method, url: path, headers } = request;
  const onward = httpRequest({ hostname, port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
});
after(() => proxy.close());
let endpoint = '';

let names = 0;
/** A new app whose storage is a fresh bucket, reached through the provider. */
async function newApp(providerId: string, isVersioned = false): Promise<{ app: string; bucket: string }> {
  const app = `flags-${++names}`;
  assert.equal((await api.post('/apps', { name: app })).status, 201);
  const bucket = await s3.bucket();
  if (isVersioned) {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  }
  const body = { ...bucketSettings(s3, bucket), provider: providerId, endpoint, prefix: 'p' };
  const answer = await api.put(`/apps/${app}/s3`, body);
  assert.equal(answer.status, 200, answer.text);
  return { app, bucket };
}

/** Deletes an app with its recordings; answers with the warnings of the job. */
async function purge(app: string): Promise<string[]> {
  const answer = await api.delete(`/apps/${app}?deleteVods=true`);
  assert.equal(answer.status, 200, answer.text);
  const jobs = (await api.get('/jobs?limit=100')).body.data as { type: string; result: Record<string, unknown> }[];
  const job = jobs.find(({ result }) => result?.['name'] === app);
  return job?.result['warnings'] as string[];
}

/** Keys of all versions and delete markers. */
async function versions(Bucket: string): Promise<string[]> {
  const { Versions = [], DeleteMarkers = [] } = await s3.client.send(new ListObjectVersionsCommand({ Bucket }));
  return [...Versions, ...DeleteMarkers].map(({ Key = '' }) => Key).sort();
}

const KEYS = Array.from({ length: 6 }, (_, n) => `p/film-${n}.mp4`);
const vods = KEYS.map((key) => ({ key }));

describe('a capability of a storage provider', { skip: typeof started === 'string' ? started : false }, () => {
  test('bulkDelete: one request for many objects, or one for each', async () => {
    for (const [id, bulk, single] of [
      ['able', 1, 0],
      [idWithout('bulkDelete'), 0, KEYS.length],
    ] as const) {
      const { app, bucket } = await newApp(id);
      await s3.put(bucket, KEYS);
      addVods(daemon.dataDir, app, vods);
      seen.length = 0;
      await purge(app);
      assert.deepEqual(await s3.keys(bucket), []);
      assert.equal(seen.filter((line) => /^POST .*[?&]delete/.test(line)).length, bulk, `${id}: ${seen}`);
      assert.equal(seen.filter((line) => line.startsWith(`DELETE /${bucket}/p/film`)).length, single, `${id}: ${seen}`);
    }
  });

  test('presign: a link that opens the object, or a sentence that says why there is none', async () => {
    const of = async (id: string) => {
      const { app, bucket } = await newApp(id);
      await s3.put(bucket, ['p/film.mp4'], 'moovie');
      const [vod] = addVods(daemon.dataDir, app, [{ key: 'p/film.mp4', place: { provider: id, bucket, endpoint } }]);
      const [row] = (await api.get(`/apps/${app}/vods`)).body.data;
      const detail = (await api.get(`/apps/${app}/vods/${vod}`)).body;
      return { row, detail };
    };
    const { row, detail } = await of('able');
    assert.equal(await (await fetch(row.url)).text(), 'moovie');
    assert.deepEqual([row.urlProblem, detail.urlProblem], [null, null]);
    const without = await of(idWithout('presign'));
    for (const shown of [without.row, without.detail]) {
      assert.equal(shown.url, null);
      assert.match(shown.urlProblem, /^The storage provider no-presign cannot make signed links/);
    }
    assert.deepEqual([without.detail.presignedUrl, without.detail.downloadUrl], [null, null]);
  });

  /** Three versions and a delete marker of the first key, two versions of the others, and what is not the app's. */
  const fill = async (bucket: string) => {
    for (const keys of [KEYS, KEYS, KEYS.slice(0, 1)]) await s3.put(bucket, [...keys, 'p/film-3.mp4.other', 'q/x']);
  };
  const OTHERS = ['p/film-3.mp4.other', 'q/x'].flatMap((key) => [key, key, key]);

  test('versions: a purge removes older ones and delete markers too, or says that they stay', async () => {
    const { app, bucket } = await newApp('able', true);
    await fill(bucket);
    addVods(daemon.dataDir, app, vods);
    assert.deepEqual(await purge(app), []);
    assert.deepEqual(await versions(bucket), OTHERS);

    const unable = await newApp(idWithout('versions'), true);
    await fill(unable.bucket);
    addVods(daemon.dataDir, unable.app, vods);
    const [warning] = await purge(unable.app);
    assert.match(warning ?? '', /^Older versions of 6 deleted objects stay in the bucket/);
    assert.deepEqual(await s3.keys(unable.bucket, 'p/film-0'), []);
    assert.equal((await versions(unable.bucket)).filter((key) => key === 'p/film-0.mp4').length, 4);
  });

  test('versions: the deletion of one recording and the connection test leave none either', async () => {
    const { app, bucket } = await newApp('able', true);
    await fill(bucket);
    const [first] = addVods(daemon.dataDir, app, vods);
    assert.equal((await api.delete(`/apps/${app}/vods/${first}`)).status, 204);
    const left = await versions(bucket);
    assert.ok(!left.includes('p/film-0.mp4') && left.includes('p/film-1.mp4'));
    const tried = (await api.post(`/apps/${app}/s3/test`)).body.data;
    assert.equal(tried.ok, true);
    assert.deepEqual(await versions(bucket), left);
    const without = await newApp(idWithout('versions'), true);
    const { steps } = (await api.post(`/apps/${without.app}/s3/test`)).body.data;
    assert.match(steps.at(-1).message, /keeps older versions, and this provider does not remove them/);
  });

  test('versions: a key that may not delete them leaves them, and the purge says so', async () => {
    const { app, bucket } = await newApp('able', true);
    await s3.put(bucket, KEYS);
    addVods(daemon.dataDir, app, vods);
    const Resource = [`arn:aws:s3:::${bucket}/*`];
    const Statement = [{ Effect: 'Deny', Principal: '*', Action: ['s3:DeleteObjectVersion'], Resource }];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await s3.client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    assert.match((await purge(app))[0] ?? '', /^Older versions of 6 deleted objects stay/);
    assert.deepEqual(await s3.keys(bucket), []);
    assert.equal((await versions(bucket)).length, 12);
  });

  test('versions: they are found page by page, among those of other objects', async () => {
    const { bucket } = await newApp('able', true);
    const all = Array.from({ length: 12 }, (_, n) => `p/${'abcdefghijkl'[n]}/🎥 ${n}.ts`);
    for (let round = 0; round < 3; round++) await s3.put(bucket, all);
    const wanted = [0, 1, 6, 7, 11].map((n) => all[n] as string);
    const pages: unknown[] = [];
    const client = {
      send: (command: { input: Record<string, unknown> }, options: object) => {
        if (command instanceof ListObjectVersionsCommand) {
          command.input.MaxKeys = 2;
          pages.push(command.input.KeyMarker);
        }
        return s3.client.send(command as never, options);
      },
    } as unknown as S3Client;
    const sdk = await import('@aws-sdk/client-s3');
    for (const isBulk of [true, false]) {
      assert.equal(await removeVersions({ sdk, client, bucket }, wanted, isBulk, undefined), 0);
      const kept = all.filter((key) => !wanted.includes(key)).flatMap((key) => [key, key, key]);
      assert.deepEqual(await versions(bucket), kept.sort());
      for (let round = 0; round < 2; round++) await s3.put(bucket, wanted);
    }
    // what is between them is leapt over
    assert.ok(!pages.some((marker) => /\/[cdij]\//.test(String(marker))), `${pages}`);
  });

  test('multipart: a purge removes the parts of uploads that broke off below the prefix', async () => {
    for (const [id, left] of [
      ['able', ['q/broken.mp4']],
      [idWithout('multipart'), ['p/broken.mp4', 'q/broken.mp4']],
    ] as const) {
      const { app, bucket: Bucket } = await newApp(id);
      for (const Key of ['p/broken.mp4', 'q/broken.mp4']) {
        const { UploadId } = await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
        await s3.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }));
      }
      await s3.client.send(new PutObjectCommand({ Bucket, Key: 'p/unnamed.mp4', Body: 'x' }));
      assert.deepEqual(await purge(app), []);
      const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket }));
      assert.deepEqual(Uploads.map((upload) => upload.Key).sort(), left);
      assert.deepEqual(await s3.keys(Bucket), ['p/unnamed.mp4']);
    }
  });

  test('multipart: uploads that may be another app’s are left alone', async () => {
    const { app, bucket: Bucket } = await newApp('able');
    const other = await newApp('able');
    assert.equal((await api.put(`/apps/${other.app}/s3`, { bucket: Bucket, prefix: 'p/deeper' })).status, 200);
    await s3.client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'p/deeper/live.mp4' }));
    // the name of another team's app is not told, so no app is named
    assert.match((await purge(app))[0] ?? '', /^Unfinished uploads were not searched: another app/);
    const { Uploads = [] } = await s3.client.send(new ListMultipartUploadsCommand({ Bucket }));
    assert.equal(Uploads.length, 1);
  });
});

test('recordings of before a switch to the app’s folder are looked for in the bucket of then', {
  skip: typeof started === 'string' ? started : false,
}, async () => {
  const app = 'switched';
  assert.equal((await api.post('/apps', { name: app })).status, 201);
  const bucket = await giveBucket(api, app, s3);
  await s3.put(bucket, ['old.mp4', 'old.jpg', 'older.mp4'], 'film');
  // rows of which no place was written down, or the bucket only
  const [first] = addVods(daemon.dataDir, app, [
    { key: 'old.mp4', snapshot: 'old.jpg' },
    { key: 'older.mp4', place: { bucket } },
  ]);
  assert.equal((await api.put(`/apps/${app}/s3`, { provider: 'local' })).status, 200);
  const rows = (await api.get(`/apps/${app}/vods`)).body.data as { url: string; urlProblem: null }[];
  assert.equal(rows.length, 2);
  for (const { url, urlProblem } of rows) {
    assert.equal(urlProblem, null);
    assert.equal(await (await fetch(url)).text(), 'film');
  }
  assert.equal((await api.delete(`/apps/${app}/vods/${first}`)).status, 204);
  assert.deepEqual(await s3.keys(bucket), ['older.mp4']);
  await purge(app);
  assert.deepEqual(await s3.keys(bucket), []);
});
