import assert from 'node:assert/strict';
import path from 'node:path';
import { after, type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import type { Browser } from 'playwright-core';
import { endOf, type MediaPlaylist } from '#daemon/media/live-hls/playlists.ts';
import { browser, noChromium } from '#test/helpers/browser.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { configOf, type LiveHlsWorld, liveHlsWorld, setConfig } from '#test/helpers/live-hls.ts';
import { withoutLongTests } from '#test/helpers/long-tests.ts';
import { disposeMedia } from '#test/helpers/participant.ts';
import { until } from '#test/helpers/until.ts';

after(() => disposeMedia());

/** The stream of a publisher, as the API shows it. */
const streamOf = async ({ daemon }: LiveHlsWorld, identity: string): Promise<any> =>
  (await daemon.api.get('/apps/live/streams?status=all')).body.data.find((row: any) => row.participant === identity);

const hlsOf = async (world: LiveHlsWorld, identity: string): Promise<any> => (await streamOf(world, identity)).hls;

/** Folder of a run's objects. */
const folderOf = async ({ s3, bucket }: LiveHlsWorld, room: string): Promise<string> => {
  const keys = await s3.keys(bucket, `a/live/hls/${room}-`);
  return keys.map((key) => key.split('/').slice(0, 4).join('/')).at(-1) ?? '';
};

const isWhole = ({ segments }: MediaPlaylist): boolean =>
  segments.every(({ at }, index) => {
    const before = segments[index - 1];
    return at !== null && (before === undefined || segments[index]?.isDiscontinuous || at >= (before.at as number));
  });

test('live HLS of a stream, with a list of the daemon', async (t) => {
  const world = await liveHlsWorld(t);
  if (typeof world === 'string') return t.skip(world);
  const { worker, bucket, s3 } = world;
  await setConfig(world.daemon.api, configOf({ segment_seconds: 1, list_size: 7 }));
  await s3.put(bucket, ['a/live/hls/other.txt', 'a/live/film.mp4']);
  const events = await readEvents(t, world.daemon.url, world.daemon.token);
  await events.next('hello');
  const ana = await world.publisher('live-stage', 'ana');
  const started = await events.next('stream.hls_started');
  const row = await streamOf(world, 'ana');
  const folder = await folderOf(world, 'live-stage');
  const list = (height: number) => world.playlist(`${folder}/${height}p/live.m3u8`);

  await t.test('LiveKit was asked for what the plan says', async () => {
    assert.deepEqual([started.data.data.streamId, started.data.data.hls.heights], [row.streamId, [240, 144]]);
    const { live } = (await world.daemon.api.get('/apps/live/delivery')).body.data.plan;
    const orders = worker.orders().map(({ participant }) => participant);
    assert.equal(orders.length, live.rungs.length);
    for (const [index, { height, bitrateKbps, audioKbps }] of live.rungs.entries()) {
      const order = orders.find(({ advanced }) => advanced.height === height);
      const { segmentOutputs, advanced, identity } = order;
      assert.equal(identity, 'ana');
      // as wide as the publisher's own picture asks, which is 4:3
      const width = [320, 192][index];
      assert.deepEqual(
        [advanced.width, advanced.framerate, advanced.videoBitrate, advanced.audioBitrate, advanced.videoCodec],
        [width, live.framerate, bitrateKbps, audioKbps, 'H264_MAIN'],
      );
      assert.equal(advanced.keyFrameInterval, live.segmentSeconds);
      assert.equal(segmentOutputs[0].segmentDuration, live.segmentSeconds);
      assert.equal(segmentOutputs[0].filenamePrefix, `${folder}/${height}p/s1`);
    }
    assert.equal((await world.daemon.api.get('/apps/live/vods?limit=1')).body.total, 0, 'it is no recording');
  });

  await t.test('the lists are as long as asked for, dated, and cached for a moment', async () => {
    await until('the list is full', async () => ((await list(144))?.sequence ?? 0) > 0);
    const [high, low] = [await list(240), await list(144)];
    for (const one of [high, low]) {
      assert.equal(one?.segments.length, 7);
      assert.ok(one !== undefined && isWhole(one));
      assert.ok(one?.segments.every(({ seconds }) => Math.abs(seconds - 1) < 0.1));
    }
    // both tell the same moment
    const apart = Math.abs((endOf(high as MediaPlaylist) ?? 0) - (endOf(low as MediaPlaylist) ?? Number.NaN));
    assert.ok(apart <= 3000, `${apart} ms apart`);
    assert.equal(await world.cacheControl(`${folder}/240p/live.m3u8`), 'public, max-age=1');
    const hls = await hlsOf(world, 'ana');
    assert.deepEqual([hls.state, hls.error, hls.automatic], ['live', null, true]);
    assert.ok(hls.rungs.every(({ state }: any) => state === 'running'));
    assert.ok(hls.delaySeconds >= 3 && hls.delaySeconds < 60, `${hls.delaySeconds} s behind`);
    const stream = world.daemon.services.liveHls;
    assert.ok((stream.delayMs('live', row.streamId) ?? 0) >= 3000);
    // what the watch page gets
    const watch = (await world.daemon.api.get('/apps/live/watch/stage')).body.data;
    assert.match(watch?.hlsUrl ?? '', /playlists\/master\.m3u8\?grant=/);
  });

  await t.test('latency_alert is silent by default, and tells of live HLS that is too far behind', async () => {
    const alert = (block: string) =>
      setConfig(
        world.daemon.api,
        configOf({ segment_seconds: 1, list_size: 7 }, `latency_alert: {enabled: true, interval_seconds: 2${block}}\n`),
      );
    const problems = async () =>
      ((await world.daemon.api.get('/apps/live')).body.problems ?? []).map(({ code }: any) => code);
    await alert(', threshold_ms: 1000');
    const { notices } = (await world.daemon.api.get('/apps/live/delivery')).body.data;
    assert.ok(
      notices.some(({ code }: any) => code === 'LATENCY_ALWAYS_HIGH'),
      JSON.stringify(notices),
    );
    const high = (await events.next('latency.high')).data.data;
    assert.deepEqual([high.streamId, high.room, high.node, high.thresholdMs], [row.streamId, 'live-stage', null, 1000]);
    assert.ok(high.delayMs > 1000);
    assert.ok((await problems()).includes('LATENCY_HIGH'));
    // the default is about twice the plan's delay; a busy machine gets more
    await alert(', threshold_ms: 120000');
    assert.equal((await events.next('latency.normal')).data.data.thresholdMs, 120_000);
    assert.deepEqual(await problems(), []);
    await alert('');
    const plan = (await world.daemon.api.get('/apps/live/delivery')).body.data.plan;
    assert.deepEqual([plan.live.delaySeconds, plan.latencyAlert.thresholdMs], [3, 11_000]);
    await setConfig(world.daemon.api, configOf({ segment_seconds: 1, list_size: 7 }));
  });

  const chromium = noChromium ? undefined : await browser(t);
  /** A small page: its pictures are painted without a GPU. */
  const open = async (t: TestContext) => {
    const page = await (chromium as Browser).newPage({ viewport: { width: 400, height: 300 } });
    t.after(() => page.close());
    page.setDefaultTimeout(60_000);
    return page;
  };
  await t.test('the watch page plays it first, with its qualities', { skip: noChromium }, async (t) => {
    // the page is the daemon's, and the segments come from the bucket
    assert.deepEqual((await world.daemon.api.post('/apps/live/s3/cors')).body.data, { bucket, isNew: true });
    const { url } = await hlsOf(world, 'ana');
    assert.match(url, /\/api\/v1\/apps\/live\/playlists\/master\.m3u8\?grant=/);
    const page = await open(t);
    const origins = new Set<string>();
    page.on('response', (response) => {
      if (new URL(response.url()).pathname.endsWith('.ts')) origins.add(new URL(response.url()).origin);
    });
    await page.goto(`${world.daemon.url}/watch/live/stage`);
    await page.locator('body[data-state=playing]').waitFor();
    await page.waitForFunction(() => {
      const video = document.querySelector('video');
      if (video === null || video.videoWidth === 0 || !video.src.startsWith('blob:')) return false;
      return video.played.length > 0 && video.played.end(0) - video.played.start(0) > 3;
    });
    assert.deepEqual([...origins], [new URL(s3.endpoint).origin]);
    assert.deepEqual(await page.locator('#quality option').allInnerTexts(), ['Auto', '240p', '144p']);
    await page.getByLabel('Quality').selectOption('144p');
    await page.waitForFunction(() => document.querySelector('video')?.videoHeight === 144);
    // it is in no room of LiveKit, and still counts
    await page.getByText('1 viewer', { exact: true }).waitFor();
    const { participants, viewers } = await streamOf(world, 'ana');
    assert.equal(viewers, 1, `participants: ${participants}`);
    await page.goto('about:blank');
    await until('it is gone', async () => (await streamOf(world, 'ana')).viewers === 0);
  });

  await t.test('a watch page that cannot reach LiveKit plays live HLS', { skip: noChromium }, async (t) => {
    const hls = { segment_seconds: 1, list_size: 7 };
    // live HLS that runs continues, and pages prefer WebRTC
    await setConfig(world.daemon.api, configOf(hls).replace('  mode: cdn\n', '  mode: edge\n'));
    const page = await open(t);
    let attempts = 0;
    await page.routeWebSocket(
      (url) => url.port === new URL(world.livekit.url).port,
      (socket) => {
        attempts += 1;
        void socket.close();
      },
    );
    await page.goto(`${world.daemon.url}/watch/live/stage`);
    await page.locator('body[data-state=playing]').waitFor();
    await page.waitForFunction(() => {
      const video = document.querySelector('video');
      return video !== null && video.currentTime > 0 && video.src.startsWith('blob:');
    });
    assert.ok(attempts > 0, 'WebRTC was tried first');
    await page.getByText('1 viewer', { exact: true }).waitFor();
    await setConfig(world.daemon.api, configOf(hls));
  });

  await t.test('it goes on over a restart of the daemon', async () => {
    const before = (await list(240))?.sequence ?? 0;
    await world.restart();
    await until('the list goes on', async () => ((await list(240))?.sequence ?? 0) > before + 8);
    const after = (await list(240)) as MediaPlaylist;
    assert.ok(after.segments.every(({ isDiscontinuous }) => !isDiscontinuous) && isWhole(after));
    assert.equal(worker.orders().length, 2, 'nothing was ordered again');
    assert.equal((await hlsOf(world, 'ana')).state, 'live');
  });

  await t.test('a killed egress service is noticed, and encoders begin again', async () => {
    await worker.kill();
    await world.startWorker();
    await until('new encoders are ordered', () => world.worker.orders().length >= 2);
    const joint = await until('the list goes on with another encoder', async () => {
      const one = await list(240);
      return one?.segments.some(({ name }) => name.startsWith('s2_')) ? one : undefined;
    });
    assert.ok(joint.segments.find(({ name }) => name === 's2_00000.ts')?.isDiscontinuous ?? joint.discontinuities > 0);
    await until('both qualities run', async () =>
      (await hlsOf(world, 'ana')).rungs.every(({ state }: any) => state === 'running'),
    );
    assert.equal((await streamOf(world, 'ana')).hls.state, 'live');
  });

  await t.test('it ends with the stream, and only its objects are removed', async () => {
    const ends = await readEvents(t, world.daemon.url, world.daemon.token);
    await ends.next('hello');
    await ana.leave();
    await ends.next('stream.hls_ended');
    await until('players are told', async () => (await list(240))?.isEnded && (await list(144))?.isEnded);
    assert.deepEqual([(await hlsOf(world, 'ana')).state, (await hlsOf(world, 'ana')).url], ['ended', null]);
    const db = new Database(path.join(world.daemon.dataDir, 'apps/live/app.db'), { timeout: 5000 });
    db.prepare("UPDATE live_hls SET ended_at = '2026-01-01T00:00:00.000Z'").run();
    db.close();
    await until('its objects are removed', async () => (await s3.keys(bucket, `${folder}/`)).length === 0);
    assert.deepEqual(await s3.keys(bucket), ['a/live/film.mp4', 'a/live/hls/other.txt']);
  });
});

test('live HLS by hand, with the list of LiveKit', { skip: withoutLongTests }, async (t) => {
  const world = await liveHlsWorld(t);
  if (typeof world === 'string') return t.skip(world);
  const { worker, daemon } = world;
  const call = async (identity: string, verb: 'start' | 'stop') => {
    const { streamId } = await streamOf(world, identity);
    return daemon.api.call('POST', `/apps/live/streams/${streamId}/hls/${verb}`);
  };
  const cdn = '  cdn:\n    base_url: https://cdn.example.com/x\n    provider: cloudfront\n';
  const yaml = configOf({ auto: false, segment_seconds: 2 }).replace('  mode: cdn\n', `  mode: cdn\n${cdn}`);
  const bob = await world.publisher('live-hall', 'bob');
  await until('the stream is there', async () => streamOf(world, 'bob'));
  const off = await call('bob', 'start');
  assert.deepEqual([off.status, off.body.code], [409, 'LIVE_HLS_OFF']);
  await setConfig(daemon.api, yaml);

  await t.test('a full service is named as the cause', async () => {
    await worker.full({ egress: true });
    const refused = await call('bob', 'start');
    assert.deepEqual([refused.status, refused.body.code], [502, 'LIVE_HLS_NOT_TAKEN'], refused.text);
    assert.match(
      refused.body.message,
      /^Live HLS of live-hall was not started: .*1 is connected, but it doesn’t have 2 CPUs free/,
    );
    assert.match(refused.body.hint, /The egress service gives away at most 80 %/);
    assert.equal(refused.body.workers.connected, 1);
    assert.equal((await hlsOf(world, 'bob')).state, 'failed');
    await worker.full({ egress: false });
  });

  await t.test('it starts and stops, each once', async () => {
    assert.equal((await call('bob', 'start')).status, 200);
    const again = await call('bob', 'start');
    assert.deepEqual([again.status, again.body.hls.automatic], [200, false]);
    assert.equal(worker.orders().length, 2);
    const live = await until('it is live', async () => {
      const hls = await hlsOf(world, 'bob');
      return hls.state === 'live' ? hls : undefined;
    });
    const folder = await folderOf(world, 'live-hall');
    assert.equal(live.url, `https://cdn.example.com/x/${folder}/master.m3u8`);
    assert.equal(await world.cacheControl(`${folder}/master.m3u8`), 'public, max-age=1, s-maxage=1');
    const order = worker.orders().at(-1).participant.segmentOutputs[0];
    assert.match(order.livePlaylistName, /\/live\.m3u8$/, 'viewers have the list of LiveKit');
    await until('five segments', async () => (await world.playlist(`${folder}/240p/live.m3u8`))?.segments.length === 5);

    // one encoder dies: another follows, and from then on the daemon writes the list of this quality
    const high = worker.orders().find(({ participant }) => participant.advanced.height === 240);
    await worker.killHandler(high.egressId);
    const joint = await until('another encoder follows', async () => {
      const list = await world.playlist(`${folder}/240p/live.m3u8`);
      return list?.segments.some(({ name }) => name.startsWith('s2_')) ? list : undefined;
    });
    assert.ok(joint.segments.some(({ name, isDiscontinuous }) => name === 's2_00000.ts' && isDiscontinuous));
    assert.equal((await world.playlist(`${folder}/144p/live.m3u8`))?.segments.at(-1)?.name.slice(0, 3), 's1_');
    assert.equal((await hlsOf(world, 'bob')).state, 'live');

    assert.deepEqual([(await call('bob', 'stop')).body.hls.state, (await call('bob', 'stop')).status], ['ended', 200]);
    await until('the encoders end', async () => (await worker.running()).length === 0);
    await until('players are told', async () => (await world.playlist(`${folder}/240p/live.m3u8`))?.isEnded);
    assert.equal((await streamOf(world, 'bob')).status, 'active', 'the stream continues');
  });

  await t.test('without a bucket the daemon serves it from the app’s folder', async () => {
    const kept = (await daemon.api.get('/apps/live/config/raw')).body.data.yaml;
    await daemon.api.put('/apps/live/config/raw', { yaml: configOf({ auto: false, segment_seconds: 1 }) });
    assert.equal((await call('bob', 'start')).status, 200);
    const { url } = await until('it is live', async () => {
      const hls = await hlsOf(world, 'bob');
      return hls.state === 'live' ? hls : undefined;
    });
    let address = url;
    for (const kind of ['#EXT-X-STREAM-INF', '#EXTINF']) {
      const answer = await fetch(address);
      const text = await answer.text();
      assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, '*']);
      assert.ok(text.includes(kind), text);
      const next = text.split('\n').find((line) => line !== '' && !line.startsWith('#')) ?? '';
      address = new URL(next, address).href;
    }
    const segment = new Uint8Array(await (await fetch(address)).arrayBuffer());
    assert.equal(segment[0], 0x47, 'a transport stream');
    await call('bob', 'stop');
    await daemon.api.put('/apps/live/config/raw', { yaml: kept });
  });

  await t.test('an app that is deleted takes its live HLS with it', async () => {
    assert.equal((await call('bob', 'start')).status, 200);
    await until('it is live', async () => (await hlsOf(world, 'bob')).state === 'live');
    // recordings are kept, what live HLS has left is not
    const gone = await daemon.api.delete('/apps/live');
    assert.equal(gone.status, 200, gone.text);
    assert.deepEqual(gone.body.warnings ?? [], []);
    assert.deepEqual(await worker.running(), []);
    assert.deepEqual(await world.s3.keys(world.bucket), []);
  });
  await bob.leave();
});
