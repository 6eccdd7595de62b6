import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { giveBucket } from '#test/helpers/bucket.ts';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { addVods, spread } from '#test/helpers/recordings.ts';
import { s3Gate } from '#test/helpers/s3-gate.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';

const started = startS3Server();
const s3 = started as S3Server;
const daemon = sharedDaemon();
if (typeof started !== 'string') after(() => s3.stop());
const { api } = daemon;
/** A storage that is not there. */
const dead = { provider: 'minio', endpoint: 'http://127.0.0.1:1', bucket: 'gone', forcePathStyle: true };

let names = 0;
async function newApp(settings: object = {}): Promise<string> {
  const app = `going-${++names}`;
  assert.equal((await api.post('/apps', { name: app })).status, 201);
  const { status, text } = await api.put(`/apps/${app}/s3`, {
    key: 'AKIAGOING0001',
    secret: 'going-secret',
    ...settings,
  });
  assert.equal(status, 200, text);
  return app;
}
const jobOf = async (app: string) => (await api.get(`/jobs?app=${app}`)).body.data[0];
const auditOf = async (action: string) =>
  JSON.stringify((await api.get(`/audit?action=${action}&limit=1`)).body.data[0]);

describe('a bucket that does not answer', () => {
  test('does not keep an app without recordings: the sweep is a warning', async () => {
    const app = await newApp(dead);
    const { status, body } = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual([body.deleted, body.name, body.warnings.length], [true, app, 1]);
    assert.match(body.warnings[0], /Snapshots without a row were not searched: .*bucket gone .*ECONNREFUSED/);
    assert.equal((await api.get(`/apps/${app}`)).status, 404);
  });

  test('keeps one with recordings, until you leave their objects', async () => {
    const app = await newApp(dead);
    addVods(daemon.dataDir, app, [
      { key: 'a.mp4', snapshot: 'a.jpg' },
      { key: 'b.mp4', variants: [{ segments: ['b/0.ts'] }] },
    ]);
    const refused = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(refused.status, 502);
    assert.match(refused.body.hint, /leaveObjects=true/);
    assert.equal((await api.delete(`/apps/${app}?leaveObjects=true`)).body.details[0].path, 'query.leaveObjects');
    const { status, body } = await api.delete(`/apps/${app}?deleteVods=true&leaveObjects=true`);
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(body.warnings, ['4 objects were left in the bucket gone at http://127.0.0.1:1.']);
    const job = await jobOf(app);
    assert.match(job.title, /leave its objects/);
    assert.deepEqual(job.result.objectsLeft, { 'the bucket gone at http://127.0.0.1:1': 4 });
    assert.equal((await api.get(`/apps/${app}`)).status, 404);
    assert.match(await auditOf('app.delete'), /leaveObjects/);
  });

  test('keeps a recording, until you leave its objects', async () => {
    const app = await newApp(dead);
    const [id] = addVods(daemon.dataDir, app, [{ key: 'a.mp4' }]);
    const refused = await api.delete(`/apps/${app}/vods/${id}`);
    assert.deepEqual([refused.status, refused.body.code], [502, 'VOD_OBJECTS_KEPT']);
    assert.match(refused.body.message, /^1 of 1 objects .* not responding \(ECONNREFUSED\)\. .* The VOD was kept\.$/);
    assert.match(refused.body.hint, /leaveObjects=true/);
    assert.equal((await api.delete(`/apps/${app}/vods/${id}?leaveObjects=true`)).status, 204);
    assert.equal((await api.get(`/apps/${app}/vods/${id}`)).status, 404);
    assert.match(await auditOf('vod.delete'), /leaveObjects/);
  });

  test('together with a damaged database still leaves a way out', async () => {
    const app = await newApp(dead);
    await writeFile(path.join(daemon.dataDir, 'apps', app, 'app.db'), 'this is no database');
    const { status, body } = await api.delete(`/apps/${app}?deleteVods=true&leaveObjects=true`);
    assert.equal(status, 200, JSON.stringify(body));
    assert.match(body.warnings.join(), /remaining objects are unknown/);
  });
});

test('of twenty deletions at once one succeeds; the others name its job or find the app gone', async () => {
  const app = await newApp();
  const answers = await Promise.all(Array.from({ length: 20 }, () => api.delete(`/apps/${app}`)));
  const by = (status: number) => answers.filter((answer) => answer.status === status);
  assert.equal(by(200).length, 1);
  assert.equal(by(200).length + by(409).length + by(404).length, 20);
  const { id } = await jobOf(app);
  for (const { body, headers } of by(409)) {
    assert.deepEqual([body.code, body.jobId], ['APP_BUSY', id]);
    assert.equal(headers.get('location'), `/api/v1/jobs/${id}`);
  }
});

test('a failed deletion of an app that is gone by now is not tried again', async () => {
  const app = await newApp(dead);
  addVods(daemon.dataDir, app, [{ key: 'a.mp4' }]);
  const { body } = await api.delete(`/apps/${app}?deleteVods=true`);
  assert.equal((await api.delete(`/apps/${app}`)).status, 200);
  await newApp();
  const retried = await api.post(`/jobs/${body.jobId}/retry`);
  assert.deepEqual([retried.status, retried.body.code], [409, 'JOB_OUTDATED']);
});

describe('a retried deletion', { skip: typeof started === 'string' ? started : false }, () => {
  test('takes no writes while it runs, can be followed and cancelled, and says what it deleted', async (t) => {
    const app = await newApp();
    const gate = await s3Gate(t, s3.endpoint);
    const bucket = await giveBucket(api, app, s3);
    const keys = Array.from({ length: 2100 }, (_, n) => `p/${String(n).padStart(4, '0')}.mp4`);
    await s3.put(bucket, spread(keys));
    addVods(
      daemon.dataDir,
      app,
      keys.map((key) => ({ key })),
    );
    await s3.denyDelete(bucket, 'p/');
    const failed = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.equal(failed.status, 502);
    assert.equal(failed.headers.get('location'), `/api/v1/jobs/${failed.body.jobId}`);
    await s3.denyDelete(bucket, null);
    assert.equal((await api.put(`/apps/${app}/s3`, { endpoint: gate.endpoint })).status, 200, 'the app takes writes');

    const retried = await api.post(`/jobs/${failed.body.jobId}/retry`);
    assert.equal(retried.status, 200);
    const location = retried.headers.get('location') as string;
    const write = await api.put(`/apps/${app}/s3`, { region: 'eu-west-1' });
    assert.deepEqual([write.status, write.body.code], [409, 'APP_BUSY']);
    const other = await api.delete(`/apps/${app}?deleteVods=true`);
    assert.deepEqual([other.status, other.body.jobId], [409, failed.body.jobId]);

    // two bulk requests make the first page
    gate.pass();
    gate.pass();
    const follow = location.replace('/api/v1', '');
    const job = await until('the first page is deleted', async () => {
      const answer = await api.get(follow);
      return answer.body.data.progress?.done === 2000 ? answer : undefined;
    });
    const etag = job.headers.get('etag') as string;
    assert.equal((await api.get(follow, { 'if-none-match': etag })).status, 304);
    assert.equal(job.body.data.cancellable, true);
    const cancelled = await api.post(`${follow}/cancel`);
    assert.deepEqual([cancelled.status, cancelled.body.data.state], [200, 'cancelled']);
    assert.deepEqual(cancelled.body.data.result, { deleted: false, name: app, s3Deleted: 2000 });
    assert.notEqual((await api.get(follow)).headers.get('etag'), etag);
    assert.equal((await api.put(`/apps/${app}/s3`, { region: 'eu-west-1' })).status, 200, 'the app takes writes again');
    gate.open();
  });
});
