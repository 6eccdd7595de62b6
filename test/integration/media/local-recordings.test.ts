import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { findProgram } from '#daemon/platform/programs.ts';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);

// No egress service can be had here: its files are put where it would write them, and what it tells is sent as LiveKit does.
const ENV = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
const FILM = '0123456789'.repeat(1000);

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** Records a file as LiveKit does without a bucket. @returns the id of the VOD */
async function record(
  daemon: TestDaemon,
  name: string,
  more: { dir?: string; images?: string[]; content?: Buffer } = {},
) {
  const app = path.join(daemon.dataDir, 'apps/live');
  const file = path.join(more.dir ?? path.join(app, 'recordings'), name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, more.content ?? FILM);
  for (const image of more.images ?? []) await writeFile(path.join(app, 'snapshots', image), 'jpeg');
  const answer = await sendWebhook(
    daemon.url,
    event('egress_ended', {
      egressInfo: {
        egressId: `EG_${name}`,
        roomId: 'RM_1',
        roomName: 'live-stage',
        status: 'EGRESS_COMPLETE',
        startedAt: String(Date.now() * 1_000_000),
        endedAt: String(Date.now() * 1_000_000),
        roomComposite: { roomName: 'live-stage', fileOutputs: [{ filepath: file }] },
        fileResults: [{ filename: file, size: String(FILM.length), duration: '3000000000' }],
        ...(more.images
          ? {
              imageResults: [
                { filenamePrefix: path.join(app, 'snapshots', 'film'), imageCount: String(more.images.length) },
              ],
            }
          : {}),
      },
    }),
  );
  assert.equal(answer.status, 200, answer.text);
  const { data } = (await daemon.api.get(`/apps/live/vods?q=${encodeURIComponent(name)}`)).body;
  return { id: data[0].id as number, row: data[0], file };
}

const start = (t: TestContext, env: Record<string, string> = {}) => testDaemon(t, { ...ENV, ...env });

test('with nothing configured a recording is playable, sized and deletable', async (t) => {
  const daemon = await start(t);
  const s3 = (await daemon.api.get('/apps/live/s3')).body.data;
  assert.deepEqual([s3.provider, s3.configured, s3.keptLocally], ['wasabi', false, true]);
  const { id, row, file } = await record(daemon, 'film.mp4', { images: ['film_00000.jpeg', 'film_00001.jpeg'] });
  assert.deepEqual(
    [row.status, row.sizeBytes, row.durationS, row.storageProvider, row.storageBucket],
    ['ready', FILM.length, 3, 'local', null],
  );
  assert.equal((await daemon.api.get('/apps/live/sizes')).body.data.vodTotalBytes, FILM.length);

  // no Bearer
  const whole = await fetch(row.url);
  assert.deepEqual(
    [whole.status, whole.headers.get('content-type'), whole.headers.get('cross-origin-resource-policy')],
    [200, 'video/mp4', 'cross-origin'],
  );
  assert.match(whole.headers.get('content-disposition') ?? '', /^inline; .*film\.mp4$/);
  assert.equal(await whole.text(), FILM);
  const part = await fetch(row.url, { headers: { range: 'bytes=5-14' } });
  assert.deepEqual(
    [part.status, part.headers.get('content-range'), await part.text()],
    [206, `bytes 5-14/${FILM.length}`, '5678901234'],
  );
  const tooLong = await fetch(row.url, { headers: { range: 'bytes=-99999' } });
  assert.deepEqual([tooLong.status, await tooLong.text()], [206, FILM]);
  for (const [headers, status, code, found] of [
    [{ range: `bytes=${FILM.length}-` }, 416, 'RANGE_NOT_SATISFIABLE', `bytes */${FILM.length}`],
    [{ 'if-match': '"other"' }, 412, 'PRECONDITION_FAILED', null],
  ] as const) {
    const refused = await fetch(row.url, { headers });
    assert.deepEqual([refused.status, ((await refused.json()) as { code: string }).code], [status, code]);
    assert.deepEqual([refused.headers.get('content-range'), refused.headers.get('cache-control')], [found, 'no-store']);
  }
  const head = await fetch(row.url, { method: 'HEAD' });
  assert.deepEqual(
    [head.status, head.headers.get('content-length'), head.headers.get('content-type'), await head.text()],
    [200, String(FILM.length), 'video/mp4', ''],
  );
  const headOfPart = await fetch(row.url, { method: 'HEAD', headers: { range: 'bytes=5-14' } });
  assert.deepEqual(
    [headOfPart.status, headOfPart.headers.get('content-range'), headOfPart.headers.get('content-length')],
    [206, `bytes 5-14/${FILM.length}`, '10'],
  );
  const detail = (await daemon.api.get(`/apps/live/vods/${id}`)).body;
  assert.equal(detail.url, detail.presignedUrl);
  assert.match((await fetch(detail.downloadUrl)).headers.get('content-disposition') ?? '', /^attachment; .*film\.mp4$/);

  assert.equal((await daemon.api.delete(`/apps/live/vods/${id}`)).status, 204);
  assert.deepEqual([await exists(file), (await fetch(row.url)).status], [false, 404]);
  assert.deepEqual(await readdir(path.join(daemon.dataDir, 'apps/live/snapshots')), []);
});

test('what a recording that failed has written is deleted with it', async (t) => {
  const daemon = await start(t);
  const file = path.join(daemon.dataDir, 'apps/live/recordings/part.mp4');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, FILM);
  const info = {
    egressId: 'EG_part',
    roomId: 'RM_1',
    roomName: 'live-stage',
    startedAt: String(Date.now() * 1_000_000),
    roomComposite: { roomName: 'live-stage', fileOutputs: [{ filepath: file }] },
    fileResults: [{ filename: file }],
  };
  for (const [name, more] of [
    ['egress_updated', { status: 'EGRESS_ACTIVE' }],
    ['egress_ended', { status: 'EGRESS_FAILED', error: 'signal: killed' }],
  ] as const)
    assert.equal((await sendWebhook(daemon.url, event(name, { egressInfo: { ...info, ...more } }))).status, 200);
  const [row] = (await daemon.api.get('/apps/live/vods')).body.data;
  assert.deepEqual([row.status, row.error, row.url], ['failed', 'signal: killed', null]);
  assert.equal((await daemon.api.delete(`/apps/live/vods/${row.id}`)).status, 204);
  assert.equal(await exists(file), false);
});

test('length, picture and codecs are the file’s, whatever LiveKit says', async (t) => {
  if ((await findProgram('ffmpeg')) === undefined) return t.skip('there is no ffmpeg here');
  const daemon = await start(t);
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=10', '-f', 'lavfi', '-i', 'sine'];
  const file = path.join(daemon.dataDir, 'real.mp4');
  await run('ffmpeg', ['-v', 'error', ...inputs, '-t', '5', '-pix_fmt', 'yuv420p', file]);
  // told are 3 s
  const { id } = await record(daemon, 'film.mp4', { content: await readFile(file) });
  const vod = await until('it is read', async () => {
    const { body } = await daemon.api.get(`/apps/live/vods/${id}`);
    return body.measuredAt === null ? undefined : body;
  });
  assert.ok(Math.abs(vod.durationS - 5) < 0.1, String(vod.durationS));
  assert.deepEqual(
    [vod.width, vod.height, vod.videoCodec, vod.audioCodec, vod.frameRate],
    [320, 180, 'h264', 'aac', 10],
  );
});

test('links open one file, for a while, as they were made', async (t) => {
  const daemon = await start(t, { PUBLIC_BASE_URL: 'https://media.example/' });
  const { row } = await record(daemon, 'film.mp4');
  assert.match(row.url, /^https:\/\/media\.example\/api\/v1\/apps\/live\/files\/film\.mp4\?/);
  const link = new URL(row.url.replace('https://media.example', daemon.url));
  const changed = async (change: (url: URL) => void) => {
    const url = new URL(link);
    change(url);
    const answer = await fetch(url);
    return [answer.status, ((await answer.json()) as { code: string }).code];
  };
  await writeFile(path.join(daemon.dataDir, 'apps/live/recordings/other.mp4'), 'secret');
  const forged = [403, 'FILE_LINK_INVALID'];
  assert.deepEqual(await changed((url) => (url.pathname = url.pathname.replace('film', 'other'))), forged);
  assert.deepEqual(await changed((url) => url.searchParams.set('folder', '..')), forged);
  assert.deepEqual(await changed((url) => url.searchParams.set('expires', '99999999999')), forged);
  assert.deepEqual(await changed((url) => url.searchParams.set('download', '1')), forged);
  assert.deepEqual(await changed((url) => url.searchParams.set('signature', 'A'.repeat(43))), forged);
  assert.deepEqual(await changed((url) => url.searchParams.delete('signature')), [400, 'VALIDATION_FAILED']);
  assert.equal((await fetch(link)).status, 200);
  // the signature of a link must not be read in a log
  const lines = JSON.stringify((await daemon.api.get('/logs?limit=200')).body);
  assert.ok(!lines.includes(link.searchParams.get('signature') as string));
});

test('a recording in segments plays through one link, which opens nothing else', async (t) => {
  const daemon = await start(t);
  const folder = path.join(daemon.dataDir, 'apps/live/recordings');
  await mkdir(folder, { recursive: true });
  const segments = ['film_00000.ts', 'film_00001.ts'];
  const others = ['film.mp4', 'other.m3u8', 'other_00000.ts', 'film_x.ts', 'film_00000.mp4'];
  for (const name of [...segments, ...others]) await writeFile(path.join(folder, name), `bytes of ${name}`);
  await writeFile(path.join(folder, 'film.m3u8'), ['#EXTM3U', ...segments, '#EXT-X-ENDLIST'].join('\n'));
  const info = (more: object) => ({
    egressInfo: {
      egressId: 'EG_hls',
      roomId: 'RM_1',
      roomName: 'live-stage',
      startedAt: String(Date.now() * 1e6),
      ...more,
    },
  });
  const roomComposite = {
    roomName: 'live-stage',
    segmentOutputs: [{ filenamePrefix: path.join(folder, 'film'), playlistName: 'film.m3u8' }],
  };
  const segmentResults = [
    { playlistName: path.join(folder, 'film.m3u8'), segmentCount: '2', size: '30', duration: '9000000000' },
  ];
  await sendWebhook(daemon.url, event('egress_started', info({ status: 'EGRESS_ACTIVE', roomComposite })));
  const ended = info({ status: 'EGRESS_COMPLETE', roomComposite, segmentResults });
  assert.equal((await sendWebhook(daemon.url, event('egress_ended', ended))).status, 200);

  const [row] = (await daemon.api.get('/apps/live/vods')).body.data;
  const detail = (await daemon.api.get(`/apps/live/vods/${row.id}`)).body;
  assert.deepEqual([row.status, row.urlProblem, detail.downloadUrl], ['ready', null, null]);
  for (const address of [row.url, detail.url, detail.presignedUrl, detail.variants[0].url]) {
    const answer = await fetch(address);
    assert.equal(answer.status, 200, address);
    assert.equal(answer.headers.get('content-type'), 'application/vnd.apple.mpegurl');
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    // as players do: each line that is not a tag, relative to the playlist
    const links = (await answer.text()).split('\n').filter((line) => !line.startsWith('#'));
    assert.equal(links.length, segments.length);
    for (const [index, link] of links.entries()) {
      const segment = await fetch(new URL(link, address));
      assert.deepEqual([segment.status, await segment.text()], [200, `bytes of ${segments[index]}`]);
      assert.match(segment.headers.get('content-type') ?? '', /^video\//);
    }
  }
  const refusal = async (url: string | URL) => {
    const answer = await fetch(url);
    return [answer.status, ((await answer.json()) as { code: string }).code];
  };
  const link = new URL(row.url);
  for (const name of ['other.m3u8', 'film_00000.ts', 'config.yaml', '..%2Fconfig.yaml']) {
    const url = row.url.replace('/film.m3u8?', `/${name}?`);
    assert.deepEqual(await refusal(url), [403, 'FILE_LINK_INVALID'], name);
  }
  const [body = '', signature = ''] = (link.searchParams.get('grant') as string).split('.');
  const text = JSON.parse(Buffer.from(body, 'base64url').toString());
  assert.deepEqual(text.slice(0, 2), ['recordings/film.m3u8', 'recordings']);
  for (const [place, value] of [
    [0, 'recordings/../film.m3u8'],
    [1, ''],
    [2, text[2] + 1],
    [3, 'minio'],
  ] as const) {
    const forged = Buffer.from(JSON.stringify(text.with(place, value))).toString('base64url');
    link.searchParams.set('grant', `${forged}.${signature}`);
    assert.deepEqual(await refusal(link), [403, 'FILE_LINK_INVALID']);
  }
  link.searchParams.delete('grant');
  assert.deepEqual(await refusal(link), [400, 'VALIDATION_FAILED']);
  assert.equal((await daemon.api.delete(`/apps/live/vods/${row.id}`)).status, 204);
  assert.deepEqual((await readdir(folder)).sort(), others.sort());
});

test('nothing outside of the app’s recordings is opened or deleted, whatever a row says', async (t) => {
  const daemon = await start(t);
  const app = path.join(daemon.dataDir, 'apps/live');
  const outside = path.join(daemon.dataDir, 'outside');
  const beside = await record(daemon, 'beside.mp4', { dir: outside });
  assert.equal(beside.row.url, null);
  const config = await record(daemon, 'up.mp4', { dir: path.join(app, 'recordings/..') });
  assert.equal(config.row.url, null);
  await symlink(outside, path.join(app, 'linked'));
  const linked = await record(daemon, 'linked.mp4', { dir: path.join(app, 'linked') });
  assert.equal(linked.row.url, null);
  for (const { id, file } of [beside, config]) {
    assert.equal((await daemon.api.delete(`/apps/live/vods/${id}`)).status, 204);
    assert.ok(await exists(file));
  }
  // through a link it is refused, and the row stays
  const refused = await daemon.api.delete(`/apps/live/vods/${linked.id}`);
  assert.deepEqual([refused.status, refused.body.code], [502, 'VOD_OBJECTS_KEPT']);
  assert.ok(await exists(path.join(outside, 'linked.mp4')));
  assert.ok(await exists(path.join(app, 'config.yaml')));
});

test('chosen as the provider it passes its test, and an app is deleted with its files', async (t) => {
  const daemon = await start(t);
  const put = await daemon.api.put('/apps/live/s3', { provider: 'local' });
  assert.equal(put.status, 200, put.text);
  assert.deepEqual([put.body.data.provider, put.body.data.configured, put.body.data.warnings], ['local', true, []]);
  const tried = (await daemon.api.post('/apps/live/s3/test')).body.data;
  assert.ok(tried.ok, JSON.stringify(tried));
  assert.match(tried.probeKey, /^recordings\//);
  const { row } = await record(daemon, 'film.mp4');
  assert.equal((await fetch(row.url)).status, 200);
  // an object of a bucket that was used before stays that bucket's
  addVods(daemon.dataDir, 'live', [{ key: 'recordings/film.mp4', place: { provider: 'minio', bucket: 'films' } }]);
  const kept = await daemon.api.delete('/apps/live?deleteVods=true');
  assert.deepEqual([kept.status, kept.body.s3Failed], [502, 1]);
});

test('deleting an app with its recordings counts the files', async (t) => {
  const daemon = await start(t);
  await record(daemon, 'a.mp4', { images: ['film_00000.jpeg'] });
  await record(daemon, 'b.mp4');
  const gone = await daemon.api.delete('/apps/live?deleteVods=true');
  assert.equal(gone.status, 200, gone.text);
  const { data: jobs } = (await daemon.api.get('/jobs')).body;
  // two films and a picture
  assert.equal(jobs[0].result.s3Deleted, 3, JSON.stringify(jobs[0]));
  assert.ok(!(await exists(path.join(daemon.dataDir, 'apps/live'))));
});
