import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { giveBucket } from '#test/helpers/bucket.ts';
import { type DaemonProcess, daemonProcess, TEST_TOKEN, temporaryDir } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { addVods, keysOf, type SampleVod, spread } from '#test/helpers/recordings.ts';
import { s3Gate } from '#test/helpers/s3-gate.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';

const started = startS3Server();
const s3 = started as S3Server;
after(() => (typeof started === 'string' ? undefined : s3.stop()));

/** Two pages of a purge. */
const OBJECTS = 2100;

interface JobState {
  id: number;
  state: string;
  attempts: number;
  progress: { done: number; phase: string } | null;
  result: { s3Deleted: number } | null;
}

/** Looks at a job with each news of it until it is as wished. */
async function untilJob(
  t: TestContext,
  daemon: DaemonProcess,
  id: number,
  wished: (job: JobState) => boolean,
): Promise<JobState> {
  const news = await readEvents(t, daemon.url, TEST_TOKEN);
  await news.next('hello');
  for (;;) {
    const job = (await daemon.api.get(`/jobs/${id}`)).body.data as JobState;
    if (wished(job)) {
      news.close();
      return job;
    }
    assert.ok(['queued', 'running', 'succeeded'].includes(job.state), `the job is ${job.state}`);
    await news.next(({ event }) => event.startsWith('job.'));
  }
}

/** An app with recordings in a separate bucket; the first page of the purge passes the gate, and the rest waits there. */
async function prepare(t: TestContext, daemon: DaemonProcess, dir: string) {
  const gate = await s3Gate(t, s3.endpoint);
  const bucket = await giveBucket(daemon.api, 'live', s3, { endpoint: gate.endpoint });
  const vods = Array.from({ length: OBJECTS }, (_, n): SampleVod => ({ key: `streamhub/live/${n}.mp4` }));
  await s3.put(bucket, [...spread(keysOf(vods)), 'someone-else.mp4']);
  addVods(dir, 'live', vods);
  for (let request = 0; request < 2; request += 1) gate.pass();
  return { bucket, gate };
}
const gone = (dir: string): Promise<boolean> =>
  access(path.join(dir, 'apps/live')).then(
    () => false,
    () => true,
  );

const skip = typeof started === 'string' ? started : false;
describe('a purge outlives its daemon', { skip, concurrency: 2 }, () => {
  test('SIGKILL in the middle, and again: each start goes on until every object is gone', async (t) => {
    const dir = await temporaryDir(t);
    let daemon = await daemonProcess(t, dir);
    const { bucket, gate } = await prepare(t, daemon, dir);
    const { body, status } = await daemon.api.delete('/apps/live?deleteVods=true', { prefer: 'respond-async' });
    assert.equal(status, 202);
    const { id } = body.data;

    const first = await untilJob(t, daemon, id, (job) => (job.progress?.done ?? 0) >= 1000);
    assert.equal(first.state, 'running');
    await daemon.end('SIGKILL');
    const left = (await s3.keys(bucket)).length;
    assert.ok(left > 1 && left < OBJECTS, `${left} objects were left at the kill`);
    assert.equal(await gone(dir), false, 'nothing local was touched');

    // a kill before the second life makes any progress
    daemon = await daemonProcess(t, dir);
    assert.equal((await daemon.api.get('/apps/live')).status, 200);
    assert.equal(
      (await daemon.api.put('/apps/live/s3', { bucket: 'elsewhere' })).status,
      409,
      'it is still being deleted',
    );
    await daemon.end('SIGKILL');

    gate.open();
    daemon = await daemonProcess(t, dir);
    const last = await untilJob(t, daemon, id, (job) => job.state === 'succeeded');
    assert.equal(last.attempts, 1, 'a continuation is no new attempt');
    assert.equal(last.result?.s3Deleted, OBJECTS, 'the checkpoint was used: no key is counted twice or left out');
    assert.deepEqual(await s3.keys(bucket), ['someone-else.mp4']);
    assert.equal(await gone(dir), true);
    assert.equal((await daemon.api.get('/apps/live')).status, 404);
    await daemon.end();
  });

  test('SIGTERM while a client waits: it is told at once, and the next start finishes the work', async (t) => {
    const dir = await temporaryDir(t);
    let daemon = await daemonProcess(t, dir);
    const { bucket, gate } = await prepare(t, daemon, dir);
    const answer = daemon.api.delete('/apps/live?deleteVods=true');
    await untilJob(t, daemon, 1, (job) => (job.progress?.done ?? 0) >= 1000);
    const end = daemon.end('SIGTERM');
    assert.deepEqual([(await answer).status, (await answer).body.code], [503, 'SHUTTING_DOWN']);
    assert.deepEqual(await end, { code: 0, signal: null });
    assert.ok((await s3.keys(bucket)).length > 1);

    gate.open();
    daemon = await daemonProcess(t, dir);
    await untilJob(t, daemon, 1, (job) => job.state === 'succeeded');
    assert.deepEqual(await s3.keys(bucket), ['someone-else.mp4']);
    assert.equal(await gone(dir), true);
    await daemon.end();
  });
});
