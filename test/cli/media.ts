import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { parseDocument } from 'yaml';
import { bucketPlace, giveBucket } from '#test/helpers/bucket.ts';
import { makeFilm } from '#test/helpers/films.ts';
import { startMediaWorker } from '#test/helpers/media-worker.ts';
import { join } from '#test/helpers/participant.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { terminalMissing } from '#test/helpers/terminal.ts';
import { until } from '#test/helpers/until.ts';
import {
  api,
  daemon,
  file,
  folder,
  json,
  livekit,
  s3,
  screen,
  session,
  shows,
  withoutLivekit,
  withoutS3,
} from './world.ts';

/** Before an S3 server: an answer with the whole film stops after its first half. @returns its address */
async function stallingProxy(t: { after(fn: () => unknown): void }, endpoint: string, whole: number): Promise<string> {
  const { hostname: host, port } = new URL(endpoint);
  const server = http.createServer(({ method, url: path, headers }, response) => {
    const onward = http.request({ host, port, method, path, headers }, async (given) => {
      response.writeHead(given.statusCode ?? 502, given.headers);
      if (method !== 'GET' || headers.range !== undefined || !path?.includes('long.mp4')) return given.pipe(response);
      let left = whole / 2;
      for await (const chunk of given) {
        response.write((chunk as Buffer).subarray(0, left));
        left -= Math.min(left, (chunk as Buffer).length);
        if (left === 0) break;
      }
    });
    onward.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Changes keys of the config of an app. */
async function configure(app: string, values: Record<string, unknown>): Promise<void> {
  const text = parseDocument((await api.get(`/apps/${app}/config/raw`)).body.data.yaml);
  for (const [key, value] of Object.entries(values)) text.setIn(key.split('.'), value);
  const put = await api.put(`/apps/${app}/config/raw`, { yaml: text.toString() });
  assert.equal(put.status, 200, put.text);
}

const ONE_QUALITY = {
  'transcoding.enabled': true,
  'transcoding.vod_adaptive': true,
  'transcoding.vod_renditions': [{ height: 144, bitrate_kbps: 200 }],
};

describe('media, in a terminal', { skip: terminalMissing }, () => {
  test('Ctrl-C in the middle of a download leaves a part, and the next run continues it', {
    skip: withoutS3,
  }, async (t) => {
    assert.ok(typeof s3 !== 'string');
    await api.post('/apps', { name: 'cut' });
    const film = '0123456789'.repeat(100_000);
    const endpoint = await stallingProxy(t, s3.endpoint, film.length);
    const bucket = await giveBucket(api, 'cut', { ...s3, endpoint });
    await s3.put(bucket, ['long.mp4'], film);
    const place = { ...bucketPlace(s3, bucket), endpoint };
    const [id] = addVods(daemon.dataDir, 'cut', [{ key: 'long.mp4', name: 'long.mp4', place }]);
    const get = session(`recordings get cut ${id} --to ${folder}`);
    await get.sees(/50 % of/);
    get.type('\x03');
    const stopped = await get.ended;
    assert.equal(stopped.code, 130, stopped.screen);
    assert.match(stopped.screen, /The part so far is kept in \S+long\.mp4\.part\. Run the command again to continue\./);
    assert.ok(!existsSync(file('long.mp4')), 'half of a file is not the file');
    assert.equal((await stat(file('long.mp4.part'))).size, film.length / 2);
    await shows(`recordings get cut ${id} --to ${folder}`, /Downloaded .*long\.mp4/);
    assert.equal(await readFile(file('long.mp4'), 'utf8'), film);
    assert.ok(!existsSync(file('long.mp4.part')));
  });

  test('storage create-bucket, and recordings transcode with its progress', { skip: withoutS3 }, async () => {
    assert.ok(typeof s3 !== 'string');
    await api.post('/apps', { name: 'ladder' });
    const bucket = `made-${process.pid}`;
    const settings = `--provider minio --bucket ${bucket} --region ${s3.region} --endpoint ${s3.endpoint} --force-path-style --key ${s3.key}`;
    const set = session(`storage set ladder ${settings} --ask-secret`);
    await set.sees(/Secret key: $/);
    set.type(`${s3.secret}\r`);
    assert.equal((await set.ended).code, 0);
    assert.equal((await screen('storage test ladder')).code, 1, 'the bucket is missing');
    await shows('storage create-bucket ladder', new RegExp(bucket));
    await shows('storage test ladder', /ok +write/);
    await configure('ladder', ONE_QUALITY);
    await mkdir(file('films'));
    const source = await makeFilm(file('films'), 'small.mp4', { width: 320, height: 240, seconds: 1, framerate: 10 });
    await s3.client.send(new PutObjectCommand({ Bucket: bucket, Key: 'small.mp4', Body: await readFile(source) }));
    const [id] = addVods(daemon.dataDir, 'ladder', [
      { key: 'small.mp4', name: 'small.mp4', place: bucketPlace(s3, bucket) },
    ]);
    await shows(`recordings transcode ladder ${id} --wait`, /state +succeeded/);
    assert.match((await json(`recordings show ladder ${id}`)).hlsUrl, /master\.m3u8/);
  });

  test('streams are recorded, sent as HLS and ended; people are muted and removed', {
    skip: withoutLivekit || withoutS3,
  }, async (t) => {
    const server = livekit;
    assert.ok(typeof s3 !== 'string' && typeof server !== 'string');
    const worker = await startMediaWorker(t, server);
    if (typeof worker === 'string') return t.skip(worker);
    await api.post('/apps', { name: 'cast' });
    await giveBucket(api, 'cast', s3);
    const [ana, bob] = await Promise.all(
      ['ana', 'bob'].map(async (who) => join(t, server.url, await server.token('cast-stage', who))),
    );
    const [track] = await Promise.all([ana!.publish(), bob!.publish()]);
    const rows = await until('both streams are there', async () => {
      await daemon.services.reconciler.run(true);
      const { data } = (await api.get('/apps/cast/streams')).body;
      return data.length === 2 ? (data as { streamId: string; participant: string }[]) : undefined;
    });
    const idOf = (who: string): string => rows.find(({ participant }) => participant === who)?.streamId ?? '';
    const id = idOf('ana');
    await shows('streams cast', /cast-stage +ana/);
    await shows(`streams get cast ${id}`, /participant +ana/);
    assert.equal((await screen('streams get cast nobody')).code, 5);

    await shows(`streams record cast ${id}`, /status +/);
    await until('it is recorded', async () => (await worker.running()).length > 0);
    await shows(`streams stop-recording cast ${id}`);
    await configure('cast', { ...ONE_QUALITY, 'distribution.mode': 'cdn', 'hls.auto': false });
    await shows(`streams hls cast ${id}`, /participant +ana/);
    await shows(`streams stop-hls cast ${id}`);

    await shows(`rooms mute cast stage ana ${track?.sid}`, /Changed/);
    const muted = async (): Promise<boolean | undefined> =>
      (await server.rooms.getParticipant('cast-stage', 'ana')).tracks.find(({ sid }) => sid === track?.sid)?.muted;
    assert.equal(await muted(), true);
    const remove = session('rooms remove cast stage ana');
    await remove.sees(/Disconnect ana from stage\? \[y\/N\] $/);
    remove.type('y\r');
    assert.match((await remove.ended).screen, /Disconnected ana from stage/);
    await ana?.disconnected;
    await shows(`streams end cast ${idOf('bob')} --yes`, /Ended/);
  });
});
