import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { bucketPlace, giveBucket } from '#test/helpers/bucket.ts';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { event, LIVEKIT_KEYS, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';

// No egress service can be had here: what it would tell is sent as LiveKit sends it, and its files are put where it would.
const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
let s3: S3Server | string;
before(async () => {
  s3 = startS3Server();
});
after(async () => {
  if (typeof s3 !== 'string') await s3.stop();
});

const NS = 1_000_000_000;
interface EgressParts {
  id?: string;
  status?: string;
  bucket?: string;
  key?: string;
  more?: Record<string, unknown>;
}

function egress(
  name: string,
  { id = 'EG_1', status = 'EGRESS_ACTIVE', bucket, key = 'p/film.mp4', more = {} }: EgressParts,
) {
  const s3Output = {
    endpoint: typeof s3 === 'string' ? '' : s3.endpoint,
    region: 'us-east-1',
    bucket,
    forcePathStyle: true,
  };
  return event(name, {
    egressInfo: {
      egressId: id,
      roomId: 'RM_1',
      roomName: 'live-stage',
      status,
      startedAt: String(Date.now() * 1_000_000),
      roomComposite: {
        roomName: 'live-stage',
        fileOutputs: [{ filepath: key, ...(bucket ? { s3: s3Output } : {}) }],
      },
      ...more,
    },
  });
}
const file = (filename: string, size = 5, seconds = 12.5) => ({
  fileResults: [
    { filename, size: String(size), duration: String(seconds * NS), location: 'https://elsewhere.example/x' },
  ],
  endedAt: String(Date.now() * 1_000_000),
});

async function setUp(
  t: TestContext,
  more: object = {},
): Promise<(TestDaemon & { bucket: string; s3: S3Server }) | undefined> {
  if (typeof s3 === 'string') {
    t.skip(s3);
    return undefined;
  }
  const daemon = await testDaemon(t, ENV);
  const bucket = await giveBucket(daemon.api, 'live', s3, more);
  return { ...daemon, bucket, s3 };
}
const send = async (daemon: { url: string }, body: object): Promise<void> => {
  const answer = await sendWebhook(daemon.url, body);
  assert.equal(answer.status, 200, answer.text);
};
const rows = async (daemon: TestDaemon, query = '') => (await daemon.api.get(`/apps/live/vods${query}`)).body.data;

test('a recording from its start to a link that opens, then deleted with its objects', async (t) => {
  const daemon = await setUp(t);
  if (daemon === undefined) return;
  const { bucket } = daemon;
  const events = await readEvents(t, daemon.url, daemon.token, { query: '?topics=vods' });
  await events.next('hello');
  await send(daemon, egress('egress_started', { bucket }));
  let [vod] = await rows(daemon);
  assert.deepEqual([vod.status, vod.room, vod.name, vod.url], ['recording', 'live-stage', 'film.mp4', null]);
  await send(daemon, egress('egress_updated', { bucket, status: 'EGRESS_ENDING' }));
  [vod] = await rows(daemon);
  assert.equal(vod.status, 'uploading');
  const early = await daemon.api.delete(`/apps/live/vods/${vod.id}`);
  assert.deepEqual([early.status, early.body.code], [409, 'VOD_IN_PROGRESS']);

  const key = 'p/film mit ümläut.mp4';
  await daemon.s3.put(bucket, [key, 'p/unrelated.mp4'], 'moovie');
  await send(daemon, egress('egress_ended', { bucket, status: 'EGRESS_COMPLETE', more: file(key, 6) }));
  [vod] = await rows(daemon, '?status=ready');
  assert.deepEqual(
    [vod.status, vod.fileKey, vod.sizeBytes, vod.durationS, vod.format, vod.storageBucket, vod.storageProvider],
    ['ready', key, 6, 12.5, 'mp4', bucket, 'minio'],
  );
  assert.equal(vod.s3Url, `${daemon.s3.endpoint}/${bucket}/p/film%20mit%20%C3%BCml%C3%A4ut.mp4`);
  assert.equal(await (await fetch(vod.url)).text(), 'moovie');
  const detail = (await daemon.api.get(`/apps/live/vods/${vod.id}`)).body;
  assert.deepEqual([detail.publicUrl, detail.variants], [null, []]);
  assert.equal(detail.url, detail.presignedUrl);
  const download = await fetch(detail.downloadUrl);
  assert.equal(await download.text(), 'moovie');
  assert.match(download.headers.get('content-disposition') ?? '', /^attachment/);
  assert.deepEqual((await daemon.api.get('/apps/live/stats')).body.data.vods, {
    count: 1,
    totalBytes: 6,
    byStatus: { recording: 0, uploading: 0, ready: 1, failed: 0 },
  });

  await daemon.s3.denyDelete(bucket, 'p/');
  const refused = await daemon.api.delete(`/apps/live/vods/${vod.id}`);
  assert.deepEqual([refused.status, refused.body.code], [502, 'VOD_OBJECTS_KEPT']);
  assert.equal(refused.body.s3Failed, 1);
  assert.equal((await daemon.api.get(`/apps/live/vods/${vod.id}`)).status, 200);
  await daemon.s3.denyDelete(bucket, null);
  assert.equal((await daemon.api.delete(`/apps/live/vods/${vod.id}`)).status, 204);
  assert.equal((await daemon.api.get(`/apps/live/vods/${vod.id}`)).status, 404);
  assert.deepEqual(await daemon.s3.keys(bucket), ['p/unrelated.mp4']);
  // late news does not bring it back
  await send(daemon, egress('egress_ended', { bucket, status: 'EGRESS_COMPLETE', more: file(key) }));
  assert.deepEqual(await rows(daemon), []);
  await events.next('vod.deleted');
  assert.deepEqual(
    events.heard.map((message) => message.event),
    ['hello', 'recording.started', 'recording.uploading', 'recording.ready', 'vod.deleted'],
  );
});

test('whatever the order, one recording is one row in its last state', async (t) => {
  const daemon = await setUp(t);
  if (daemon === undefined) return;
  const { bucket } = daemon;
  const done = egress('egress_ended', { id: 'EG_late', bucket, status: 'EGRESS_COMPLETE', more: file('p/late.mp4') });
  await send(daemon, done);
  await send(daemon, done);
  await send(daemon, egress('egress_started', { id: 'EG_late', bucket, key: 'p/late.mp4' }));
  await send(daemon, egress('egress_updated', { id: 'EG_late', bucket, status: 'EGRESS_ENDING' }));
  const cases: [string, string, Record<string, unknown>, unknown[]][] = [
    ['limit', 'EGRESS_LIMIT_REACHED', file('p/limit.mp4'), ['ready', 'p/limit.mp4', null]],
    ['failed', 'EGRESS_FAILED', { error: 'no space left' }, ['failed', null, 'no space left']],
    ['aborted', 'EGRESS_ABORTED', {}, ['failed', null, 'it was aborted']],
    ['half', 'EGRESS_FAILED', { error: 'broke', ...file('p/half.mp4') }, ['failed', 'p/half.mp4', 'broke']],
    ['empty', 'EGRESS_COMPLETE', {}, ['failed', null, 'LiveKit ended it without a file']],
  ];
  for (const [id, status, more] of cases) {
    await send(daemon, egress('egress_started', { id: `EG_${id}`, bucket, key: `p/${id}.mp4` }));
    await send(daemon, egress('egress_ended', { id: `EG_${id}`, bucket, status, more }));
    await send(daemon, egress('egress_updated', { id: `EG_${id}`, bucket, status: 'EGRESS_ENDING' }));
  }
  const byEgress = new Map((await rows(daemon)).map((vod: any) => [vod.egressId, vod]));
  assert.equal(byEgress.size, cases.length + 1);
  assert.equal((byEgress.get('EG_late') as any).status, 'ready');
  for (const [id, , , expected] of cases) {
    const vod = byEgress.get(`EG_${id}`) as any;
    assert.deepEqual([vod.status, vod.fileKey, vod.error], expected, id);
  }
  // a stream to elsewhere is not a recording
  await send(
    daemon,
    event('egress_started', {
      egressInfo: {
        egressId: 'EG_stream',
        roomName: 'live-stage',
        status: 'EGRESS_ACTIVE',
        roomComposite: { roomName: 'live-stage', streamOutputs: [{ urls: ['rtmp://x/y'] }] },
      },
    }),
  );
  assert.equal((await rows(daemon)).length, cases.length + 1);
  assert.equal((await rows(daemon, '?status=failed')).length, 4);
  assert.deepEqual(
    (await rows(daemon, '?q=HALF')).map((vod: any) => vod.name),
    ['half.mp4'],
  );
  assert.deepEqual(await rows(daemon, '?q=%25'), []);
});

test('segments and pictures are deleted with their VOD', async (t) => {
  const daemon = await setUp(t, { prefix: 'p' });
  if (daemon === undefined) return;
  const { bucket } = daemon;
  const objects = [
    'p/hls/film.m3u8',
    'p/hls/live.m3u8',
    ...[0, 1, 2].map((n) => `p/hls/film_0000${n}.ts`),
    ...[0, 1].map((n) => `p/snapshots/film_0000${n}.jpeg`),
  ];
  await daemon.s3.put(bucket, [...objects, 'p/hls/film_00003.ts'], 'media');
  const names = [0, 1, 2].map((n) => `film_0000${n}.ts`);
  const playlist = ['#EXTM3U', ...names, '../snapshots/x.ts', '#EXT-X-ENDLIST'].join('\n');
  await daemon.s3.put(bucket, ['p/hls/film.m3u8'], playlist);
  const request = {
    roomComposite: {
      roomName: 'live-stage',
      segmentOutputs: [
        {
          filenamePrefix: 'p/hls/film',
          playlistName: 'film.m3u8',
          s3: { bucket, endpoint: daemon.s3.endpoint, region: 'us-east-1', forcePathStyle: true },
        },
      ],
    },
  };
  const result = {
    segmentResults: [
      {
        playlistName: 'p/hls/film.m3u8',
        livePlaylistName: 'p/hls/live.m3u8',
        segmentCount: '3',
        size: '30',
        duration: String(9 * NS),
      },
    ],
    imageResults: [{ filenamePrefix: 'p/snapshots/film', imageCount: '2' }],
  };
  await send(
    daemon,
    egress('egress_ended', { id: 'EG_hls', bucket, status: 'EGRESS_COMPLETE', more: { ...request, ...result } }),
  );
  const [vod] = await rows(daemon);
  assert.deepEqual([vod.status, vod.format, vod.sizeBytes, vod.durationS], ['ready', 'hls', 30, 9]);
  assert.equal(vod.snapshotKey, 'p/snapshots/film_00001.jpeg');
  const detail = (await daemon.api.get(`/apps/live/vods/${vod.id}`)).body;
  assert.deepEqual([vod.linkState, vod.urlProblem, detail.downloadUrl], ['signed', null, null]);
  assert.deepEqual(
    detail.variants.map((variant: any) => [variant.kind, variant.format, variant.fileKey]),
    [['master', 'hls', 'p/hls/film.m3u8']],
  );
  for (const url of [vod.url, detail.presignedUrl, detail.variants[0].url]) {
    const answer = await fetch(url);
    const [head, ...lines] = (await answer.text()).split('\n');
    assert.deepEqual([answer.status, head, lines.at(-1)], [200, '#EXTM3U', '#EXT-X-ENDLIST']);
    assert.equal(lines[3], '../snapshots/x.ts', 'what is outside of its folder is not signed');
    for (const link of lines.slice(0, 3)) {
      // the bucket serves it, not the daemon
      assert.equal(new URL(link).origin, new URL(daemon.s3.endpoint).origin);
      assert.equal(await (await fetch(link)).text(), 'media');
    }
    assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);
  }
  const consent = { public_url: 'https://cdn.example.com/x/', confirmPublic: true };
  assert.equal((await daemon.api.put('/apps/live/s3', consent)).status, 200);
  const open = (await daemon.api.get(`/apps/live/vods/${vod.id}`)).body;
  assert.equal(open.url, 'https://cdn.example.com/x/p/hls/film.m3u8');
  assert.equal((await rows(daemon))[0].url, open.url);
  assert.equal((await daemon.api.delete(`/apps/live/vods/${vod.id}`)).status, 204);
  assert.deepEqual(await daemon.s3.keys(bucket), ['p/hls/film_00003.ts']);
  const gone = await fetch(detail.variants[0].url.replace('grant=', 'grant=x'));
  assert.deepEqual([gone.status, ((await gone.json()) as any).code], [403, 'FILE_LINK_INVALID']);
});

test('a recording in segments whose copy stayed in the app’s folder after its move is played and measured in the storage', async (t) => {
  const daemon = await setUp(t);
  if (daemon === undefined) return;
  const playlist = ['#EXTM3U', '#EXTINF:4,', 'film_00000.ts', '#EXTINF:3.5,', 'film_00001.ts', '#EXT-X-ENDLIST'];
  await daemon.s3.put(daemon.bucket, ['p/film/film_00000.ts', 'p/film/film_00001.ts'], 'media');
  await daemon.s3.put(daemon.bucket, ['p/film/film.m3u8'], playlist.join('\n'));
  const { databases, apps, inspector } = daemon.services;
  const [id] = addVods(daemon.dataDir, 'live', [{ name: 'film.m3u8', place: bucketPlace(daemon.s3, daemon.bucket) }]);
  const db = databases.get('live');
  db.prepare(
    "UPDATE vods SET format = 'hls', local_path = 'recordings/film/film.m3u8', started_at = ?, ended_at = ?",
  ).run(...[60_000, 0].map((ago) => new Date(Date.now() - ago).toISOString()));
  db.prepare(
    "INSERT INTO vod_variants (vod_id, kind, format, file_key, created_at) VALUES (?, 'master', 'hls', 'p/film/film.m3u8', '')",
  ).run(id);
  const [vod] = await rows(daemon);
  assert.match(await (await fetch(vod.url)).text(), /^#EXTM3U/);
  await inspector.resume(apps.require('live'));
  assert.equal((await rows(daemon))[0].durationS, 7.5);
});

test('a VOD is played and deleted where it was put, whatever the config says later', async (t) => {
  const daemon = await setUp(t);
  if (daemon === undefined) return;
  const old = daemon.bucket;
  await daemon.s3.put(old, ['p/film.mp4'], 'old place');
  await send(daemon, egress('egress_ended', { bucket: old, status: 'EGRESS_COMPLETE', more: file('p/film.mp4') }));
  const next = await giveBucket(daemon.api, 'live', daemon.s3, { prefix: 'another' });
  await daemon.s3.put(next, ['p/film.mp4'], 'new place');
  await daemon.api.put('/apps/live/s3', { public_url: 'https://cdn.example.com', confirmPublic: true });
  const [vod] = await rows(daemon);
  assert.equal(vod.publicUrl, null);
  assert.equal(await (await fetch(vod.url)).text(), 'old place');
  assert.equal((await daemon.api.delete(`/apps/live/vods/${vod.id}`)).status, 204);
  assert.deepEqual(await daemon.s3.keys(old), []);
  assert.deepEqual(await daemon.s3.keys(next), ['p/film.mp4']);
  // one that is in today's bucket has the open link
  await send(
    daemon,
    egress('egress_ended', { id: 'EG_2', bucket: next, status: 'EGRESS_COMPLETE', more: file('a b/c#d.mp4') }),
  );
  assert.equal((await rows(daemon))[0].url, 'https://cdn.example.com/a%20b/c%23d.mp4');
});

test('an egress that the daemon asked for itself is told apart by its file, before the answer and after', async (t) => {
  if (typeof s3 === 'string') return t.skip(s3);
  const daemon = await testDaemon(t, ENV);
  await mkdir(path.join(daemon.dataDir, 'apps/live/recordings'), { recursive: true });
  const local = path.join(daemon.dataDir, 'apps/live/recordings/film.mp4');
  await writeFile(local, 'on this machine');
  await send(daemon, egress('egress_ended', { key: local, status: 'EGRESS_COMPLETE', more: file(local) }));
  const [vod] = await rows(daemon);
  assert.deepEqual([vod.status, vod.fileKey, vod.localPath], ['ready', null, 'recordings/film.mp4']);
  assert.equal(await (await fetch(vod.url)).text(), 'on this machine');
  assert.equal((await daemon.api.delete(`/apps/live/vods/${vod.id}`)).status, 204);
  assert.deepEqual(await readdir(path.dirname(local)), []);
  await send(
    daemon,
    egress('egress_ended', {
      id: 'EG_out',
      key: '/etc/hostname',
      status: 'EGRESS_COMPLETE',
      more: file('/etc/hostname'),
    }),
  );
  const [outside] = await rows(daemon);
  assert.equal((await daemon.api.delete(`/apps/live/vods/${outside.id}`)).status, 204);
  assert.ok((await readdir('/etc')).includes('hostname'));
});
