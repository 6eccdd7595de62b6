import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { ListObjectVersionsCommand, PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import { type VodRecord, vodRepository } from '#daemon/media/vods/repository.ts';
import { giveBucket } from '#test/helpers/bucket.ts';
import { blockScope, sharedDaemon } from '#test/helpers/daemon.ts';
import { addVods } from '#test/helpers/recordings.ts';
import {
  gatewayPage,
  type Intercept,
  isBulkDeletion,
  isDeletion,
  likeBackblaze,
  s3Error,
  s3Proxy,
} from '#test/helpers/s3-proxy.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const scope = blockScope();
const started = startS3Server();
const s3 = started as S3Server;
const daemon = sharedDaemon({ LOG_LEVEL: 'warn' }, async () => {
  if (typeof started !== 'string') endpoint = await s3Proxy(scope, s3.endpoint, (request) => intercept(request));
});
if (typeof started !== 'string') after(() => s3.stop());
const { api } = daemon;

/** What the storage does at the moment. */
let intercept: Intercept = () => undefined;
let endpoint: string;

const KEYS = Array.from({ length: 4 }, (_, n) => `p/film-${n}.mp4`);
let names = 0;

/** A new app with four recordings in a bucket behind the proxy. */
async function newApp({ isVersioned = false, keys = KEYS } = {}): Promise<{ app: string; bucket: string }> {
  intercept = () => undefined;
  const app = `strict-${++names}`;
  assert.equal((await api.post('/apps', { name: app })).status, 201);
  const bucket = await giveBucket(api, app, s3, { endpoint, prefix: 'p' });
  if (isVersioned) {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  }
  await s3.put(bucket, keys);
  addVods(
    daemon.dataDir,
    app,
    keys.map((key) => ({ key })),
  );
  return { app, bucket };
}

const purge = (app: string, query = '') => api.delete(`/apps/${app}?deleteVods=true${query}`);
const jobOf = async (app: string) => (await api.get(`/jobs?app=${app}`)).body.data[0];
const logLines = async (app: string) => JSON.stringify((await api.get(`/logs?app=${app}&limit=200`)).body.data);

describe('a storage that is not Amazon’s', { skip: typeof started === 'string' ? started : false }, () => {
  for (const isVersioned of [false, true]) {
    test(`one as strict as Backblaze B2 passes the test and deletes, ${isVersioned ? 'with' : 'without'} versions`, async () => {
      const { app, bucket } = await newApp({ isVersioned });
      const bulk: string[] = [];
      intercept = (request) => {
        if (isBulkDeletion(request)) bulk.push(request.url ?? '');
        return likeBackblaze(request);
      };
      const { body } = await api.post(`/apps/${app}/s3/test`);
      const states = (body.data.steps as { id: string; state: string }[]).map(({ id, state }) => `${id} ${state}`);
      assert.deepEqual(states, [
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
      assert.ok(bulk.length >= 1, 'the test deletes in bulk, as a purge does');
      const answer = await purge(app);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(await s3.keys(bucket), []);
      const left = await s3.client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
      assert.deepEqual([...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])], []);
    });
  }

  for (const [name, answer] of [
    ['400 InvalidArgument', s3Error(400, 'InvalidArgument')],
    ['400 without XML', gatewayPage(400)],
    ['403', s3Error(403, 'AccessDenied')],
    ['404', gatewayPage(404)],
    ['405', s3Error(405, 'MethodNotAllowed')],
    ['411', gatewayPage(411)],
    ['500', s3Error(500, 'InternalError')],
    ['501', s3Error(501, 'NotImplemented')],
    ['an empty success', { status: 200 }],
  ] as const) {
    test(`bulk deletes answered with ${name} are made one by one`, async () => {
      const { app, bucket } = await newApp({ isVersioned: true });
      intercept = (request) => (isBulkDeletion(request) ? answer : undefined);
      const tried = (await api.post(`/apps/${app}/s3/test`)).body.data;
      assert.equal(tried.ok, true, JSON.stringify(tried.steps));
      assert.match(tried.steps.at(-1).message, /one by one, because bulk deletes are refused/);
      const { status, text } = await purge(app);
      assert.equal(status, 200, text);
      const left = await s3.client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
      assert.deepEqual([...(left.Versions ?? []), ...(left.DeleteMarkers ?? [])], []);
    });
  }

  test('a refusal carries the storage’s own code, status and request id, in the answer and in the log', async () => {
    const { app } = await newApp();
    intercept = (request) => (isDeletion(request) ? s3Error(400, 'OddlyNamedError', 'tx000abc-77') : undefined);
    const said = { code: 'FAILED', native: 'OddlyNamedError', status: 400, requestId: 'tx000abc-77' };
    const { status, body } = await purge(app);
    assert.equal(status, 502);
    assert.deepEqual(body.storageErrors, [{ ...said, count: 4 }]);
    assert.match(body.message, /4 of 4 objects .*OddlyNamedError, HTTP 400, request tx000abc-77/);
    const vod = (await api.get(`/apps/${app}/vods`)).body.data[0];
    const single = await api.delete(`/apps/${app}/vods/${vod.id}`);
    assert.deepEqual([single.status, single.body.storageErrors], [502, [{ ...said, count: 1 }]]);
    const { steps } = (await api.post(`/apps/${app}/s3/test`)).body.data;
    const { code, native, requestId } = steps.at(-1);
    assert.deepEqual([code, native, requestId, steps.at(-1).status], ['FAILED', 'OddlyNamedError', 'tx000abc-77', 400]);
    for (const words of ['4 of 4 objects', 'tx000abc-77', 'storage test failed', '1 of 1 objects'])
      await until(`the log says ${words}`, async () => (await logLines(app)).includes(words), { seconds: 10 });
  });

  for (const status of [500, 502, 503, 504, 521]) {
    test(`a gateway’s page with ${status} is an outage, for each operation`, async () => {
      const { app, bucket } = await newApp();
      intercept = () => gatewayPage(status);
      const { steps } = (await api.post(`/apps/${app}/s3/test`)).body.data;
      const failed = steps.find((step: { state: string }) => step.state === 'failed');
      assert.deepEqual([failed.id, failed.code, failed.status], ['sign', 'UNAVAILABLE', status]);
      intercept = (request) => (isDeletion(request) ? gatewayPage(status) : undefined);
      const { body } = await purge(app);
      assert.deepEqual([body.code, body.reasons], ['STORAGE_PURGE_FAILED', { UNAVAILABLE: 4 }]);
      assert.match(body.message, /temporarily unavailable \(HTTP/);
      intercept = (request) => (request.method === 'GET' ? gatewayPage(status) : undefined);
      const swept = await purge(app);
      assert.equal(swept.status, 200, swept.text);
      assert.deepEqual(await s3.keys(bucket), []);
      assert.match((await jobOf(app)).result.warnings.join(), /Snapshots .* temporarily unavailable/);
    });
  }

  test('answers without an end, and sizes that can’t be, are bounded', async () => {
    const { app } = await newApp();
    const list = (inside: string) => ({
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: `<?xml version="1.0"?><ListBucketResult><Name>b</Name><KeyCount>1</KeyCount>${inside}</ListBucketResult>`,
    });
    const isList = ({ url = '' }: { url?: string }): boolean => url.includes('list-type=2');
    intercept = (request) => (isList(request) ? list(`<Note>${'x'.repeat(17_000_000)}</Note>`) : undefined);
    const { steps } = (await api.post(`/apps/${app}/s3/test`)).body.data;
    const failed = steps.find((step: { state: string }) => step.state === 'failed');
    assert.equal(failed.code, 'NOT_A_STORAGE', JSON.stringify(steps));

    // the size that a listing says of a segment counts for the team's storage
    const playlist = 'p/hls/index.m3u8';
    const text = `#EXTM3U\n#EXTINF:${'9'.repeat(400)},\nseg_00000.ts\n#EXT-X-ENDLIST\n`;
    intercept = (request) => {
      if (isList(request)) return list('<Contents><Key>p/hls/seg_00000.ts</Key><Size>-5000000000000</Size></Contents>');
      if (request.url?.includes('seg_00000.ts')) return { status: 200, body: 'a segment' };
      if (!request.url?.includes('index.m3u8')) return undefined;
      return { status: 200, headers: { 'content-length': String(text.length) }, body: text };
    };
    const { apps, databases, inspector } = daemon.services;
    const [id] = addVods(daemon.dataDir, app, [{ key: playlist }]) as [number];
    const row = vodRepository(databases.get(app)).get(id) as VodRecord;
    await inspector.follow(apps.registry.get(app) as AppEntry, [{ kind: 'recording_finished', vod: row }]);
    const vod = (await api.get(`/apps/${app}/vods`)).body.data.find((one: { id: number }) => one.id === id);
    assert.deepEqual([vod.durationS, vod.sizeBytes], [null, 0]);
  });

  test('an endless listing of objects, versions or unfinished uploads ends with a warning', async () => {
    const xml = (kind: string, inside: string) => ({
      status: 200,
      headers: { 'content-type': 'application/xml' },
      body: `<?xml version="1.0"?><${kind}><Name>b</Name><KeyCount>1</KeyCount><IsTruncated>true</IsTruncated>${inside}</${kind}>`,
    });
    const film = '<NextKeyMarker>p/film-0.mp4</NextKeyMarker>';
    let pages = 0;
    for (const [token, key] of [
      [() => 'same', () => `new-${pages}`],
      [() => `new-${pages}`, () => 'same'],
    ] as const) {
      const { app } = await newApp();
      pages = 0;
      intercept = ({ method, url = '' }) => {
        if (method !== 'GET') return undefined;
        pages += 1;
        if (url.includes('list-type=2')) {
          const object = `<Contents><Key>p/snapshots/${key()}.jpg</Key><Size>1</Size></Contents>`;
          return xml('ListBucketResult', `<NextContinuationToken>${token()}</NextContinuationToken>${object}`);
        }
        if (/[?&]versions\b/.test(url))
          return xml('ListVersionsResult', `${film}<NextVersionIdMarker>v</NextVersionIdMarker>`);
        if (!/[?&]uploads\b/.test(url)) return undefined;
        return xml('ListMultipartUploadsResult', `${film}<NextUploadIdMarker>u</NextUploadIdMarker>`);
      };
      const { status, text } = await purge(app);
      assert.equal(status, 200, text);
      const warnings = (await jobOf(app)).result.warnings.join('\n');
      assert.match(warnings, /Snapshots without a row .* listing does not end/);
      assert.match(warnings, /Unfinished uploads .* listing does not end/);
      assert.ok(pages < 100, String(pages));
    }
  });

  test('a deletion that nobody waits for outlasts a gateway’s page', async () => {
    const { app, bucket } = await newApp();
    intercept = () => gatewayPage(502);
    const { body } = await api.delete(`/apps/${app}?deleteVods=true`, { prefer: 'respond-async' });
    const reaches = (type: string) =>
      new Promise<void>((resolve) => {
        const stop = daemon.services.events.subscribe((event) => {
          if (event.type === type && event.app === app) {
            stop();
            resolve();
          }
        });
      });
    await reaches('job.waiting');
    intercept = () => undefined;
    const done = reaches('job.succeeded');
    assert.equal((await api.post(`/jobs/${body.data.id}/retry`)).status, 200);
    await done;
    assert.deepEqual(await s3.keys(bucket), []);
  });
});
