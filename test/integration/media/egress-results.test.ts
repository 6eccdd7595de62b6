import assert from 'node:assert/strict';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { livekitFixture } from '#test/helpers/livekit-fixtures.ts';
import { event, LIVEKIT_KEYS, sendWebhook } from '#test/helpers/livekit-webhook.ts';

/** LiveKit itself is not needed here; nothing listens at this address. */
const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
const LARGEST = String(2n ** 63n - 1n);

async function play(daemon: TestDaemon, fixture: string): Promise<void> {
  for (const body of await livekitFixture(fixture)) {
    const answer = await sendWebhook(daemon.url, body);
    assert.equal(answer.status, 200, answer.text);
  }
}

/** An app, with the bucket that the fixtures name unless `bucket` is null. */
async function withApp(t: TestContext, name: string, bucket: string | null = 'lab'): Promise<TestDaemon> {
  const daemon = await testDaemon(t, ENV);
  assert.equal((await daemon.api.post('/apps', { name })).status, 201);
  if (bucket === null) return daemon;
  const storage = {
    provider: 'minio',
    endpoint: 'http://s3.example.test:9000',
    region: 'us-east-1',
    forcePathStyle: true,
  };
  const answer = await daemon.api.put(`/apps/${name}/s3`, {
    ...storage,
    bucket,
    key: 'an-access-key',
    secret: 'a-secret',
  });
  assert.equal(answer.status, 200, answer.text);
  return daemon;
}

const only = async (daemon: TestDaemon, app: string) => {
  const { data } = (await daemon.api.get(`/apps/${app}/vods`)).body;
  assert.equal(data.length, 1);
  return data[0];
};
const keysOf = (daemon: TestDaemon, app: string): string[] => {
  const db = new Database(path.join(daemon.dataDir, 'apps', app, 'app.db'), { readonly: true });
  const rows = db.prepare("SELECT value FROM vod_variants, json_each(extra_json, '$.segmentKeys')").pluck().all();
  db.close();
  return rows as string[];
};

/** Which storage and pictures readers of events are told of. */
const snapshotsTold = (daemon: TestDaemon): unknown[] => {
  const told: unknown[] = [];
  daemon.services.events.subscribe(({ type, data }) => {
    if (type === 'snapshot.taken' || type === 'recording.failed') {
      told.push([type, data.provider, data.snapshots]);
    }
  });
  return told;
};

test('the egress service’s default storage: shown with its address, never signed, never reported as deleted', async (t) => {
  const daemon = await withApp(t, 'egd', null);
  await play(daemon, 'egress-default-storage');
  const vod = await only(daemon, 'egd');
  const address =
    'https://s3.example.test:9000/egdefault/var/lib/streamhub/apps/egd/recordings/egd-x-20261128T235611Z.mp4';
  assert.deepEqual(
    [vod.status, vod.storageProvider, vod.storageBucket, vod.localPath, vod.s3Url, vod.url],
    ['ready', 'elsewhere', 'egdefault', null, address, null],
  );
  assert.equal(vod.durationS, 7.01005134);
  assert.match(vod.urlProblem, /not this app’s/);
  const detail = (await daemon.api.get(`/apps/egd/vods/${vod.id}`)).body;
  assert.deepEqual([detail.presignedUrl, detail.downloadUrl, detail.publicUrl], [null, null, null]);
  const gone = await daemon.api.delete('/apps/egd?deleteVods=true');
  assert.equal(gone.status, 200, gone.text);
  const [job] = (await daemon.api.get('/jobs')).body.data;
  assert.equal(job.result.s3Deleted, 0);
  assert.match(job.result.warnings.join('\n'), /1 recording was left: .*egdefault\/var\/lib/);
});

test('a public URL of the app and its keys are not used for what is in another bucket', async (t) => {
  const daemon = await withApp(t, 'egb');
  await daemon.api.put('/apps/egb/s3', { public_url: 'https://cdn.example.com', confirmPublic: true });
  await play(daemon, 'egress-backup-used');
  const vod = await only(daemon, 'egb');
  assert.deepEqual(
    [vod.status, vod.storageProvider, vod.storageBucket, vod.fileKey, vod.url, vod.publicUrl],
    ['ready', 'elsewhere', 'egbackup', 'bk/sh/egb/egb-x-20261128T235658Z.mp4', null, null],
  );
  assert.match(vod.note, /backup storage/);
  assert.equal((await daemon.api.delete(`/apps/egb/vods/${vod.id}`)).status, 204, 'nothing is asked of the storage');
});

test('the backup storage is the app’s own bucket: the file is there, and so are the pictures', async (t) => {
  const daemon = await withApp(t, 'egb', 'egbackup');
  const told = snapshotsTold(daemon);
  await play(daemon, 'egress-backup-used');
  assert.deepEqual(told, [
    ['snapshot.taken', 'minio', { count: 5, prefix: 'bk/sh/egb/snapshots/egb-x-20261128T235658Z' }],
  ]);
  const vod = await only(daemon, 'egb');
  assert.deepEqual(
    [vod.storageProvider, vod.storageBucket, vod.fileKey, vod.snapshotKey],
    [
      'minio',
      'egbackup',
      'bk/sh/egb/egb-x-20261128T235658Z.mp4',
      'bk/sh/egb/snapshots/egb-x-20261128T235658Z_00004.jpeg',
    ],
  );
  assert.match(vod.url, /^http:\/\/s3\.example\.test:9000\/egbackup\/bk\/sh\/egb\//);
});

test('a prefix of the egress service is part of every key', async (t) => {
  const daemon = await withApp(t, 'egp');
  await play(daemon, 'egress-config-prefix');
  const vod = await only(daemon, 'egp');
  assert.equal(vod.fileKey, 'own/prefix/sh/egp/egp-x-20261128T235626Z.mp4');
  assert.equal(vod.snapshotKey, 'own/prefix/sh/egp/snapshots/egp-x-20261128T235626Z_00004.jpeg');
  const keys = keysOf(daemon, 'egp');
  assert.equal(keys.length, 5);
  assert.ok(keys.every((key) => key.startsWith('own/prefix/sh/egp/snapshots/')));
});

test('a signed address is kept without its signature', async (t) => {
  const daemon = await withApp(t, 'egs', null);
  await play(daemon, 'egress-presigned-location');
  const vod = await only(daemon, 'egs');
  assert.deepEqual([vod.storageBucket, vod.s3Url.includes('X-Amz')], ['lab', false]);
  assert.equal(JSON.stringify((await daemon.api.get(`/apps/egs/vods/${vod.id}`)).body).includes('X-Amz-'), false);
});

test('with pictures and a wrong secret: a negative length is none, and no picture is shown, only deleted', async (t) => {
  const daemon = await withApp(t, 'egw');
  const told = snapshotsTold(daemon);
  await play(daemon, 'egress-upload-refused-pictures');
  const vod = await only(daemon, 'egw');
  assert.deepEqual([vod.status, vod.fileKey, vod.durationS, vod.snapshotKey], ['failed', null, null, null]);
  assert.match(vod.error, /SignatureDoesNotMatch/);
  assert.deepEqual(told, [['recording.failed', 'minio', undefined]]);
  assert.deepEqual(keysOf(daemon, 'egw'), ['sh/egw/snapshots/egw-x-20261128T235715Z_00000.jpeg']);
});

const result = (file: object, more: object = {}) =>
  event('egress_ended', {
    egressInfo: {
      egressId: `EG_${Math.random()}`,
      roomName: 'live-stage',
      status: 'EGRESS_COMPLETE',
      startedAt: String(Date.now() * 1_000_000 - 60_000_000_000),
      endedAt: String(Date.now() * 1_000_000),
      fileResults: [{ filename: 'film.mp4', size: '5', ...file }],
      ...more,
    },
  });

test('figures that can’t be move no quota, whatever field they are in', async (t) => {
  const daemon = await testDaemon(t, ENV);
  const nonsense = ['-1795910236718507549', LARGEST, `-${LARGEST}`];
  for (const value of nonsense) {
    for (const field of ['duration', 'size', 'startedAt', 'endedAt']) {
      const answer = await sendWebhook(daemon.url, result({ [field]: value }));
      assert.equal(answer.status, 200, answer.text);
      const whole = await sendWebhook(daemon.url, result({}, { startedAt: value, endedAt: value }));
      assert.equal(whole.status, 200, whole.text);
      const images = [{ filenamePrefix: 'p', imageCount: value }];
      const pictures = await sendWebhook(daemon.url, { ...result({}, { imageResults: images }), createdAt: value });
      assert.equal(pictures.status, 200, pictures.text);
    }
  }
  const rows = (await daemon.api.get('/apps/live/vods?limit=500')).body.data;
  assert.equal(rows.length, 3 * 4 * 3);
  for (const vod of rows) {
    assert.ok(vod.durationS === null || (vod.durationS > 59 && vod.durationS < 61), String(vod.durationS));
    assert.ok(vod.sizeBytes === null || vod.sizeBytes === 5);
    assert.ok(Math.abs(Date.parse(vod.startedAt) - Date.now()) < 3_600_000, vod.startedAt);
  }
  const { usage } = (await daemon.api.get('/tenants/platform/usage')).body.data ?? {};
  assert.ok(
    usage.recordingMinutesMonth >= 0 && usage.recordingMinutesMonth <= rows.length,
    String(usage.recordingMinutesMonth),
  );
  assert.equal(usage.storageGb, 0);
});

test('a complete recording without a byte has failed, and why is said', async (t) => {
  const daemon = await testDaemon(t, ENV);
  await sendWebhook(daemon.url, result({ size: '0' }));
  const vod = await only(daemon, 'live');
  assert.deepEqual([vod.status, vod.error], ['failed', 'the file that LiveKit wrote is empty']);
});

test('a recording that LiveKit ended at its limit is ready and says so', async (t) => {
  const daemon = await testDaemon(t, ENV);
  await sendWebhook(daemon.url, result({}, { status: 'EGRESS_LIMIT_REACHED' }));
  const vod = await only(daemon, 'live');
  assert.deepEqual([vod.status, vod.error], ['ready', null]);
  assert.match(vod.note, /session_limits/);
});

test('signed links use the public endpoint, and the daemon its own', async (t) => {
  const daemon = await withApp(t, 'egp');
  const put = (public_endpoint: string) => daemon.api.put('/apps/egp/s3', { public_endpoint });
  const answer = await put('https://media.example.test/');
  assert.deepEqual([answer.status, answer.body.data.public_endpoint], [200, 'https://media.example.test']);
  await play(daemon, 'egress-config-prefix');
  const vod = await only(daemon, 'egp');
  assert.match(vod.url, /^https:\/\/media\.example\.test\/lab\/own\/prefix\/.*X-Amz-Signature=/);
  assert.match(vod.s3Url, /^http:\/\/s3\.example\.test:9000\/lab\//);
  for (const wrong of ['ftp://x', 'https://user@x', 'nowhere']) assert.equal((await put(wrong)).status, 400, wrong);
});
