// kill -9 of the daemon, LiveKit and its Redis in each state of a recording, live HLS and an ingest. Of the media services:
// recordings.worker.test.ts and live-hls.test.ts.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { inspect } from 'node:util';
import {
  AudioFrame,
  AudioSource,
  DisconnectReason,
  LocalAudioTrack,
  TrackPublishOptions,
  TrackSource,
} from '@livekit/rtc-node';
import { parseDocument } from 'yaml';
import { giveBucket } from '#test/helpers/bucket.ts';
import { type DaemonProcess, daemonProcess, temporaryDir } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { withoutLongTests } from '#test/helpers/long-tests.ts';
import { startMediaWorker } from '#test/helpers/media-worker.ts';
import { disposeMedia, join, type Participant } from '#test/helpers/participant.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { freePort } from '#test/helpers/server-scripts.ts';
import { until } from '#test/helpers/until.ts';

after(() => disposeMedia());
// a client that never came back keeps its process alive
after(() => void setTimeout(() => process.exit(), 30_000).unref());

const SETTINGS = {
  recording: { format: 'segments', height: 180, fps: 15, bitrate_kbps: 200, keyframe_seconds: 1 },
  transcoding: { enabled: true, vod_adaptive: false, vod_renditions: [{ height: 144, bitrate_kbps: 200 }] },
  hls: { segment_seconds: 1 },
};
const RUNNING = ['starting', 'recording', 'uploading'];

async function hum({ room }: Participant, t: { after(fn: () => unknown): void }): Promise<void> {
  const source = new AudioSource(48_000, 1);
  const options = new TrackPublishOptions();
  options.source = TrackSource.SOURCE_MICROPHONE;
  await room.localParticipant!.publishTrack(LocalAudioTrack.createAudioTrack('mic', source), options);
  const frame = new AudioFrame(new Int16Array(4800).fill(900), 48_000, 1, 4800);
  const timer = setInterval(() => void source.captureFrame(frame).catch(() => {}), 100);
  t.after(() => clearInterval(timer));
}

test('kill -9 in each state of recordings, live HLS and ingests', { timeout: 400_000 }, async (t) => {
  const s3 = startS3Server();
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(s3.stop);
  const port = await freePort();
  const livekit = startLivekit(t, { webhooks: [`http://127.0.0.1:${port}/api/v1/webhooks/livekit`] });
  if (typeof livekit === 'string') return t.skip(livekit);
  const worker = await startMediaWorker(t, livekit);
  if (typeof worker === 'string') return t.skip(worker);
  const dir = await temporaryDir(t);
  let daemon: DaemonProcess;
  const startDaemon = async () => {
    daemon = await daemonProcess(t, dir, { ...livekit.env, PORT: String(port) });
  };
  await startDaemon();
  const get = async (url: string, app = 'live') => (await daemon.api.get(`/apps/${app}/${url}`)).body;
  const vods = async (): Promise<any[]> => (await get('vods?limit=100')).data;
  const of = async (room: string): Promise<any[]> => (await vods()).filter((vod) => vod.room === room);
  const streamIn = async (room: string): Promise<any> =>
    (await get('streams', room.split('-')[0])).data.find((stream: any) => stream.room === room);
  const statuses = async (room: string) => (await of(room)).map(({ status }) => status).sort();
  const record = async (room: string) => {
    const answer = await daemon.api.post('/apps/live/recording/start', { room });
    assert.equal(answer.status, 201, answer.text);
    return answer.body;
  };
  const isIn = async (room: string, ...wanted: string[]) => {
    const isSo = async () => (await statuses(room)).join() === wanted.toSorted().join();
    await until(`${room} is ${wanted}`, isSo, { seconds: 60 }).catch(async (error) => {
      throw new Error(`${error.message}: ${JSON.stringify(await of(room))}`);
    });
  };
  const configure = async (app: string, mode: 'edge' | 'cdn') => {
    const bucket = await giveBucket(daemon.api, app, s3, { prefix: 'p' });
    const text = parseDocument((await get('config/raw', app)).data.yaml);
    for (const [block, keys] of Object.entries({ ...SETTINGS, distribution: { mode } }))
      for (const [key, value] of Object.entries(keys)) text.setIn([block, key], value);
    const put = await daemon.api.put(`/apps/${app}/config/raw`, { yaml: text.toString() });
    assert.equal(put.status, 200, put.text);
    return bucket;
  };
  const bucket = await configure('live', 'edge');
  assert.equal((await daemon!.api.post('/apps', { name: 'show' })).status, 201);
  const hlsBucket = await configure('show', 'cdn');

  const rooms = { start: 'live-start', run: 'live-run', up: 'live-up', part: 'live-part' };
  const HLS = 'show-one';
  const all = () => [...Object.values(rooms), HLS, 'live-camera'];
  const hlsIsLive = () => until('live HLS is live', async () => (await streamIn(HLS))?.hls?.state === 'live');
  let speaker: Participant;
  /** Rooms whose publisher has lost LiveKit for good. */
  const lost = new Set<string>();
  const publishIn = async (room: string) => {
    const person = await join(t, livekit.url, await livekit.token(room, `ana-${room}`));
    // who enters again under the same name ends the old connection, and is there
    void person.disconnected.then((reason) => reason !== DisconnectReason.DUPLICATE_IDENTITY && lost.add(room));
    if (room === rooms.part) {
      speaker = person;
      await hum(person, t);
    } else await person.publish();
  };
  const enter = async (room: string) => {
    await publishIn(room);
    return until(`${room} is live`, () => streamIn(room));
  };
  /** Is someone in a room who publishes nothing? */
  const isMute = async (room: string) =>
    (await livekit.rooms.listParticipants(room).catch(() => [])).some(({ tracks }) => tracks.length === 0);
  /** Brings each state about, in a separate room. @returns egress ids that a fault holds */
  const bringAbout = async () => {
    await Promise.all([...Object.values(rooms), HLS].map(enter));
    await Promise.all([rooms.run, rooms.part].map(record));
    await Promise.all([rooms.run, rooms.part].map((room) => isIn(room, 'recording')));
    // the encoder of live HLS begins by itself, and must not get the fault of a recording
    await hlsIsLive();
    await worker.fault('hold-end');
    const up = await record(rooms.up);
    await isIn(rooms.up, 'recording');
    await daemon.api.call('POST', `/apps/live/recording/${up.id}/stop`);
    await isIn(rooms.up, 'uploading');
    await worker.fault('hold-start');
    await speaker.publish();
    await isIn(rooms.part, 'recording', 'starting');
    await worker.fault('hold-start');
    await record(rooms.start);
    const ingest = (await daemon.api.post('/apps/live/ingress', { type: 'rtmp', room: 'camera' })).body.data;
    await worker.startEncoder(ingest.streamKey);
    await until('the ingest is live', () => streamIn('live-camera'));
    return until('their orders are known', async () => {
      const held = [...(await of(rooms.start)), ...(await of(rooms.part)), ...(await of(rooms.up))];
      const ids = held.filter(({ status }) => status !== 'recording').map(({ egressId }) => egressId);
      return ids.length === 3 && ids.every((id) => id !== null) ? (ids as string[]) : undefined;
    });
  };
  /** Each state is still as it was, and continues. */
  const goesOn = async (what: string) => {
    await t.test(`${what}: nothing that runs has failed, and all of it goes on`, async () => {
      const isBack = async () => (await daemon.api.get('/livekit')).body.data?.reachable !== false;
      await until('LiveKit is reachable', isBack);
      await Promise.all(all().map((room) => until(`${room} is live`, () => streamIn(room))));
      const seen = Object.fromEntries(
        await Promise.all(Object.entries(rooms).map(async ([state, room]) => [state, await statuses(room)])),
      );
      assert.deepEqual(seen, {
        start: ['starting'],
        run: ['recording'],
        up: ['uploading'],
        part: ['recording', 'starting'],
      });
      await hlsIsLive();
      const listed = async (of: string) => (await s3.keys(of)).filter((key) => key.endsWith('.ts'));
      await Promise.all(
        [bucket, hlsBucket].map(async (one) => {
          const known = new Set(await listed(one));
          await until('segments are added', async () => (await listed(one)).some((key) => !known.has(key)));
        }),
      );
    });
  };
  /** Everything ends. Nothing is left in a running state, and each object in the bucket is known. */
  const ends = async (what: string, wanted: Partial<Record<keyof typeof rooms, string[]>>) => {
    await t.test(
      `${what}: all of it ends, nothing in the bucket is lost, and each room can be recorded again`,
      async () => {
        await until('no recording runs', async () => {
          for (const vod of await vods())
            if (vod.status === 'starting' || vod.status === 'recording')
              await daemon.api.call('POST', `/apps/live/recording/${vod.id}/stop`);
          return (await vods()).every(({ status }) => !RUNNING.includes(status));
        });
        for (const [state, expected] of Object.entries(wanted)) {
          const rows = await of(rooms[state as keyof typeof rooms]);
          assert.deepEqual(rows.map(({ status }) => status).sort(), expected, JSON.stringify(rows));
        }
        for (const vod of await vods()) {
          if (vod.status !== 'ready') continue;
          const playlist = await fetch(vod.url);
          assert.equal(playlist.status, 200, vod.url);
          assert.match(await playlist.text(), /#EXT-X-ENDLIST/);
        }
        const known = (await Promise.all((await vods()).map(({ id }) => get(`vods/${id}`)))).map((vod) =>
          JSON.stringify(vod),
        );
        const media = (await s3.keys(bucket)).filter((key) => key.endsWith('.m3u8'));
        for (const key of media) {
          const folder = key.slice(0, key.lastIndexOf('/'));
          assert.ok(
            known.some((vod) => vod.includes(folder)),
            `${key} is of no recording`,
          );
        }
        await Promise.all(
          Object.values(rooms).map(async (room) => {
            const { id } = await record(room);
            await until(`${room} is recorded again`, async () => (await get(`vods/${id}`)).status === 'recording');
            await daemon.api.call('POST', `/apps/live/recording/${id}/stop`);
          }),
        );
        await until('these end too', async () => (await vods()).every(({ status }) => !RUNNING.includes(status)));
      },
    );
  };
  const held = await bringAbout();
  await daemon!.end('SIGKILL');
  await startDaemon();
  await goesOn('the daemon');
  await t.test('the daemon: each room is in the session that it was in', async () => {
    const { data } = await get(`sessions?room=${rooms.run}`);
    assert.deepEqual([data.length, data[0].endedAt, data[0].publishers], [1, null, 1]);
    const { stays } = await get(`sessions/${data[0].id}`);
    const publisher = stays.data.filter((stay: any) => stay.published && stay.counted);
    assert.deepEqual(
      publisher.map((stay: any) => [stay.leftAt, stay.joinedBetween, stay.tracks.length]),
      [[null, null, 1]],
    );
  });
  livekit.pauseRedis();
  livekit.resumeRedis();
  if (!withoutLongTests) await goesOn('Redis');
  await daemon!.end('SIGKILL');
  await startDaemon();
  await goesOn('Redis, then the daemon');

  // the ingest can be over already: with Redis, LiveKit forgot it
  const before = await Promise.all(all().map(async (room) => (await streamIn(room))?.streamId));
  lost.clear();
  await livekit.restartKilled();
  await t.test('LiveKit: who published is back, live HLS too, and no recording has failed', async () => {
    await Promise.all(
      all().map(async (room, n) => {
        if (room === 'live-camera') return;
        let muteFor = 0;
        await until(`who published in ${room} is back`, async () => {
          // after some tries its library gives up, or it comes back without its tracks, and an app enters again
          muteFor = (await isMute(room)) ? muteFor + 1 : 0;
          if (lost.delete(room) || muteFor === 40) await publishIn(room);
          const now = await streamIn(room);
          return now !== undefined && now.streamId !== before[n];
        }).catch(async (error: Error) => {
          const there = await livekit.rooms.listParticipants(room).catch(String);
          throw new Error(`${error.message}; LiveKit has ${inspect(there, { depth: 3 })}`);
        });
      }),
    );
    await hlsIsLive();
    await until('the ingest’s old session is over', async () => {
      const camera = before[all().indexOf('live-camera')];
      return camera === undefined || (await streamIn('live-camera'))?.streamId !== camera;
    });
    assert.ok((await vods()).every(({ status }) => status !== 'failed'));
  });
  for (const id of held) await worker.release(id);
  await until('nothing starts any more', async () => (await vods()).every(({ status }) => status !== 'starting'));
  // a recorder that is back before its publisher ends as when the publisher leaves; one without media is called off
  await ends('after these', { run: ['ready'], up: ['ready'] });
});
