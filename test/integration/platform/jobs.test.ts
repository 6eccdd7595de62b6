import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharedDaemon } from '#test/helpers/daemon.ts';
import { addVods } from '#test/helpers/recordings.ts';

const daemon = sharedDaemon();
const { api } = daemon;

/** An app whose recordings lie where nothing answers. */
async function appOnDeadStorage(name: string) {
  assert.equal((await api.post('/apps', { name })).status, 201);
  const settings = {
    provider: 'minio',
    endpoint: 'http://127.0.0.1:1',
    bucket: 'b-u-c-k',
    key: 'AKIADEADSTORAGE1',
    secret: 'dead-secret',
  };
  assert.equal((await api.put(`/apps/${name}/s3`, settings)).status, 200);
  addVods(daemon.dataDir, name, [{ key: 'one.mp4' }]);
}

/** The first event of a kind for an app. */
function event(app: string, type: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = daemon.services.events.subscribe((seen) => {
    if (seen.app !== app || seen.type !== type) return;
    stop();
    resolve();
  });
  return promise;
}

test('GET /jobs answers a page, GET /jobs/{id} one job', async () => {
  const empty = await api.get('/jobs?app=nobody');
  assert.deepEqual(empty.body, { data: [], total: 0, limit: 50, offset: 0 });
  assert.equal((await api.get('/jobs/999')).status, 404);
  assert.equal((await api.get('/jobs/x')).status, 400);
  assert.equal((await api.get('/jobs?state=odd')).status, 400);
  assert.equal((await api.get('/jobs?limit=201')).status, 400);
  assert.equal((await api.as(null).get('/jobs')).status, 401);
  assert.equal((await api.post('/apps', { name: 'plain' })).status, 201);
  assert.equal((await api.delete('/apps/plain')).status, 200);
  const { body } = await api.get('/jobs?app=plain&state=succeeded&limit=1');
  assert.equal(body.total, 1);
  const [job] = body.data;
  assert.deepEqual([job.kind, job.app, job.cancellable], ['app-delete', 'plain', false]);
  assert.deepEqual([job.createdBy, job.createdByLabel], ['token:1', 'STREAMHUB_API_TOKEN']);
  assert.match(job.result.archivedAs, /^plain-/);
  assert.deepEqual((await api.get(`/jobs/${job.id}`)).body.data, job);
  assert.equal((await api.post(`/jobs/${job.id}/cancel`)).status, 409);
  assert.equal((await api.post(`/jobs/${job.id}/retry`)).status, 409);
});

test('a deletion that nobody waits for is tried again later, and can be cancelled', async () => {
  await appOnDeadStorage('dead-one');
  const waiting = event('dead-one', 'job.waiting');
  const { body, status } = await api.delete('/apps/dead-one?deleteVods=true', { prefer: 'wait=1, respond-async' });
  assert.equal(status, 202);
  await waiting;
  const job = (await api.get(`/jobs/${body.data.id}`)).body.data;
  assert.deepEqual(
    [job.state, job.attempts, job.error.code, job.error.s3Failed],
    ['waiting', 1, 'STORAGE_PURGE_FAILED', 1],
  );
  assert.ok(Date.parse(job.nextRunAt) > Date.now());
  assert.equal((await api.put('/apps/dead-one/s3', { region: 'eu-west-1' })).status, 409);
  assert.equal((await api.get('/jobs?state=active&app=dead-one')).body.total, 1);
  const cancelled = await api.post(`/jobs/${job.id}/cancel`);
  assert.deepEqual([cancelled.status, cancelled.body.data.state], [200, 'cancelled']);
  assert.equal((await api.put('/apps/dead-one/s3', { region: 'eu-west-1' })).status, 200, 'the app is free again');
});

test('a failed deletion is retried by hand', async () => {
  await appOnDeadStorage('dead-two');
  const { body, status } = await api.delete('/apps/dead-two?deleteVods=true');
  assert.equal(status, 502);
  assert.equal((await api.get(`/jobs/${body.jobId}`)).body.data.state, 'failed');
  const again = event('dead-two', 'job.failed');
  assert.equal((await api.post(`/jobs/${body.jobId}/retry`)).status, 200);
  await again;
  assert.equal((await api.get(`/jobs/${body.jobId}`)).body.data.attempts, 2);
});

test('an app token sees the jobs of its app only and may not touch others', async () => {
  const { id } = (await api.get('/apps/dead-one')).body;
  const { token } = (await api.post('/tokens', { name: 't', scope: 'app', appId: id })).body;
  const { body } = await api.as(token).get('/jobs');
  assert.ok(body.total >= 1);
  assert.ok(body.data.every((job: { app: string }) => job.app === 'dead-one'));
  const foreign = (await api.get('/jobs?app=dead-two')).body.data[0];
  assert.equal((await api.as(token).get(`/jobs/${foreign.id}`)).status, 404);
  assert.equal((await api.as(token).post(`/jobs/${foreign.id}/retry`)).status, 404);
});
