// What the config says about browsers and rooms, seen where it takes effect: in LiveKit's rooms and in a browser's layers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { browser, noChromium } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { until } from '#test/helpers/until.ts';

const run = promisify(execFile);
const LAYERS = [
  { name: 'high', height: 540 },
  { name: 'mid', height: 360 },
  { name: 'low', height: 180 },
];

test('browsers and rooms are as the config says', { skip: noChromium }, async (t) => {
  const livekit = startLivekit(t);
  if (typeof livekit === 'string') return t.skip(livekit);
  t.after(() => disposeMedia());
  const daemon = await testDaemon(t, { ...livekit.env });
  const patch = async (change: object) => {
    const { status, text } = await daemon.api.patch('/apps/live/config', change);
    assert.equal(status, 200, text);
  };
  const tokenFor = async (room: string, more: object = {}) => {
    const { status, body, text } = await daemon.api.post('/apps/live/tokens', { room, ...more });
    assert.equal(status, 201, text);
    return body.data;
  };

  await t.test('webrtc.layers and webrtc.adaptive are in the answer with the token', async () => {
    await patch({ layers: LAYERS });
    const { publishDefaults, videoCaptureDefaults, adaptive } = await tokenFor('stage');
    assert.deepEqual([adaptive, publishDefaults.simulcast], [true, true]);
    assert.deepEqual(videoCaptureDefaults.resolution, { width: 960, height: 540, frameRate: 30 });
    assert.deepEqual(
      publishDefaults.videoSimulcastLayers.map(({ width, height }: any) => [width, height]),
      [
        [320, 180],
        [640, 360],
      ],
    );
    await patch({ adaptive: false });
    const single = (await tokenFor('stage')).publishDefaults;
    assert.deepEqual([single.simulcast, single.videoSimulcastLayers], [false, []]);
    await patch({ adaptive: true });
  });

  await t.test('a browser that takes them sends the configured layers', async (t) => {
    const { publishDefaults, videoCaptureDefaults, token, wsUrl } = await tokenFor('studio', { identity: 'ana' });
    const page = await (await browser(t)).newPage();
    t.after(() => page.close());
    await page.goto(`${daemon.url}/api/v1/samples/live/publish.html`);
    await page.evaluate(
      async ({ wsUrl, token, options, size, sdk }) => {
        const { Room } = await import(sdk);
        const room = new Room(options);
        await room.connect(wsUrl, token);
        const canvas = Object.assign(document.createElement('canvas'), size);
        const draw = () => {
          const context = canvas.getContext('2d')!;
          context.fillStyle = `hsl(${performance.now() % 360}, 90%, 50%)`;
          context.fillRect(0, 0, size.width, size.height);
          setTimeout(draw, 40);
        };
        draw();
        const [track] = canvas.captureStream(30).getVideoTracks();
        await room.localParticipant.publishTrack(track, { source: 'camera' });
      },
      {
        wsUrl,
        token,
        options: { publishDefaults, videoCaptureDefaults },
        size: { width: videoCaptureDefaults.resolution.width, height: videoCaptureDefaults.resolution.height },
        sdk: `${daemon.url}/sdk/livekit-client.mjs`,
      },
    );
    const layers = await until('LiveKit lists the layers', async () => {
      const [ana] = await livekit.rooms.listParticipants('live-studio');
      const found = ana?.tracks[0]?.layers ?? [];
      return found.length === 3 ? found : undefined;
    });
    assert.deepEqual(
      layers.map(({ width, height, bitrate }) => [width, height, bitrate]).sort(([a = 0], [b = 0]) => a - b),
      [
        ...publishDefaults.videoSimulcastLayers,
        { width: 960, height: 540, encoding: publishDefaults.videoEncoding },
      ].map(({ width, height, encoding }: any) => [width, height, encoding.maxBitrate]),
    );
  });

  await t.test(
    'webrtc.playout_delay_ms is in rooms that are created for tokens and ingests, or by a token',
    async (t) => {
      /** PlayoutDelay of LiveKit's RoomInternal: field 3 of enabled, min and max. */
      const delayOf = async (room: string): Promise<string> => {
        const { stdout } = await run('redis-cli', ['-u', livekit.redisUrl, 'HGET', 'room_internal', room], {
          encoding: 'buffer',
        });
        return stdout.subarray(0, -1).toString('hex');
      };
      await tokenFor('plain');
      assert.deepEqual(
        await livekit.rooms.listRooms(['live-plain']),
        [],
        'without a delay LiveKit creates rooms itself',
      );
      const { yaml } = (await daemon.api.get('/apps/live/config/raw')).body.data;
      const withDelay = (ms: number) => yaml.replace(/\nwebrtc:\n/, `\nwebrtc:\n  playout_delay_ms: ${ms}\n`);
      assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: withDelay(0) })).status, 200);
      const { token, wsUrl } = await tokenFor('fast', { identity: 'ana' });
      assert.match(await delayOf('live-fast'), /1a0408011801/, 'none at all');
      // the room is gone when the token is used: the first participant brings the setting
      await livekit.rooms.deleteRoom('live-fast');
      await until('the room is gone', async () => (await livekit.rooms.listRooms(['live-fast'])).length === 0);
      const ana = await join(t, wsUrl, token);
      assert.match(await delayOf('live-fast'), /1a0408011801/);
      await ana.leave();
      assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: withDelay(400) })).status, 200);
      assert.equal((await daemon.api.post('/apps/live/ingress', { type: 'whip', room: 'slow' })).status, 201);
      assert.match(await delayOf('live-slow'), /1a080801109003189003/);
      const [room] = await livekit.rooms.listRooms(['live-slow']);
      assert.equal(room?.emptyTimeout, 3600, 'kept for its encoder');
    },
  );
});
