import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { sharedDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

const daemon = sharedDaemon();
const { api } = daemon;
let names = 0;

async function newApp(yaml?: (name: string) => string): Promise<string> {
  const name = `preset-${++names}`;
  assert.equal((await api.post('/apps', { name })).status, 201);
  if (yaml) assert.equal((await api.put(`/apps/${name}/config/raw`, { yaml: yaml(name) })).status, 200);
  return name;
}
const file = (app: string) => path.join(daemon.dataDir, 'apps', app, 'config.yaml');
const textOf = (app: string) => readFile(file(app), 'utf8');
const backupsOf = async (app: string) =>
  (await readdir(path.dirname(file(app)))).filter((name) => name.includes('.bak.')).length;
const apply = (app: string, preset: string) => api.post(`/apps/${app}/presets/${preset}/apply`);

const LADDER = (...rungs: [number, number][]) => rungs.map(([height, bitrate_kbps]) => ({ height, bitrate_kbps }));
/** The patches as the contract has them. */
const PATCHES: Record<string, Record<string, unknown>> = {
  'low-latency': {
    transcoding: { enabled: false },
    webrtc: { adaptive: true, playout_delay_ms: 0 },
    rtmp: { transcode: false },
    features: { adaptive_player: true },
    distribution: { mode: 'edge' },
    hls: { segment_seconds: 2, list_size: 3 },
  },
  'high-quality-recording': {
    transcoding: {
      enabled: true,
      encoding: 'h264',
      vod_adaptive: true,
      vod_renditions: LADDER([1080, 5000], [720, 2800], [480, 1400]),
    },
    webrtc: {
      adaptive: true,
      layers: [
        { name: 'high', height: 1080 },
        { name: 'med', height: 720 },
        { name: 'low', height: 480 },
      ],
    },
    rtmp: { transcode: true },
    features: { adaptive_player: true },
    recording: { enabled: true, mode: 'room-composite' },
  },
  'mass-audience-HLS': {
    transcoding: {
      enabled: true,
      encoding: 'h264',
      vod_adaptive: true,
      vod_renditions: LADDER([720, 2800], [480, 1400], [360, 800]),
    },
    webrtc: { adaptive: true },
    features: { adaptive_player: true },
    recording: { enabled: true },
    distribution: { mode: 'cdn', cdn: { base_url: '', vod_base_url: '', provider: 'bunny' } },
    hls: { segment_seconds: 4, list_size: 10 },
  },
};

describe('presets', () => {
  test('the list has the three in order, with what each sets', async () => {
    const { status, body } = await api.get('/apps/live/presets');
    assert.equal(status, 200);
    assert.deepEqual(
      body.data.map((preset: { id: string }) => preset.id),
      Object.keys(PATCHES),
    );
    for (const preset of body.data) {
      assert.equal(preset.name, preset.id);
      for (const key of ['title', 'description', 'useCase']) assert.ok(preset[key]);
    }
    assert.ok(body.data[1].sets.includes('transcoding.vod_renditions = 1080/5000, 720/2800, 480/1400'));
    assert.ok(body.data[0].sets.includes('hls.segment_seconds = 2'));
  });

  for (const [id, patch] of Object.entries(PATCHES)) {
    test(`${id} sets exactly what it says on a file with nothing in it`, async () => {
      const app = await newApp((name) => `name: ${name}\nroom_prefix: ${name}\n`);
      const { status, body } = await apply(app, id);
      assert.equal(status, 200);
      assert.deepEqual([body.data.preset, body.data.applied, body.data.reloaded], [id, true, true]);
      assert.deepEqual(parse(await textOf(app)), { name: app, room_prefix: app, ...patch });
    });
  }

  test('changes only the lines it must, tells them in changed and diff, and takes one backup', async () => {
    const app = await newApp(
      (name) =>
        `# of ours\nname:   ${name}   # the name\nroom_prefix: ${name}\nrtmp: {enabled: true, transcode: true} # flow\nx-mine:\n  - 1\n`,
    );
    const before = await textOf(app);
    const backups = await backupsOf(app);
    const { body } = await apply(app, 'low-latency');
    assert.ok(body.data.changed.includes('rtmp.transcode'));
    assert.ok(body.data.changed.includes('hls.list_size'));
    const after = await textOf(app);
    const lines: string[] = body.data.diff.split('\n');
    assert.equal(
      lines
        .filter((line) => !line.startsWith('+ '))
        .map((line) => line.slice(2))
        .join('\n'),
      before,
    );
    assert.equal(
      lines
        .filter((line) => !line.startsWith('- '))
        .map((line) => line.slice(2))
        .join('\n'),
      after,
    );
    assert.deepEqual(
      lines.filter((line) => line.startsWith('- ')),
      ['- rtmp: {enabled: true, transcode: true} # flow'],
    );
    assert.equal(await backupsOf(app), backups + 1);
  });

  test('applied twice it writes nothing and takes no backup', async () => {
    const app = await newApp();
    await apply(app, 'high-quality-recording');
    const text = await textOf(app);
    const backups = await backupsOf(app);
    const { status, body } = await apply(app, 'high-quality-recording');
    assert.equal(status, 200);
    assert.deepEqual([body.data.changed, body.data.diff, body.data.applied], [[], '', true]);
    assert.equal(await textOf(app), text);
    assert.equal(await backupsOf(app), backups);
  });

  test('one after another accumulates', async () => {
    const app = await newApp();
    await apply(app, 'high-quality-recording');
    await apply(app, 'mass-audience-HLS');
    await apply(app, 'low-latency');
    const config = parse(await textOf(app));
    assert.equal(config.webrtc.layers[0].height, 1080);
    assert.deepEqual(config.transcoding.vod_renditions[0], { height: 720, bitrate_kbps: 2800 });
    assert.deepEqual([config.distribution.mode, config.distribution.cdn.provider], ['edge', 'bunny']);
  });

  test('an operator’s CDN address is kept, an encoding is replaced and told', async () => {
    const app = await newApp(
      (name) =>
        `name: ${name}\nroom_prefix: ${name}\ntranscoding:\n  enabled: true\n  encoding: h264+vp8\ndistribution:\n  cdn:\n    base_url: https://cdn.example.com\n`,
    );
    const { body } = await apply(app, 'mass-audience-HLS');
    const config = parse(await textOf(app));
    assert.equal(config.distribution.cdn.base_url, 'https://cdn.example.com');
    assert.equal(config.distribution.cdn.vod_base_url, '');
    assert.equal(config.transcoding.encoding, 'h264');
    assert.ok(body.data.changed.includes('transcoding.encoding'));
    assert.ok(!body.data.changed.includes('distribution.cdn.base_url'));
  });

  test('the preview is what applying then does, and writes nothing', async () => {
    const app = await newApp();
    const before = await textOf(app);
    const { status, body } = await api.get(`/apps/${app}/presets/low-latency/preview`);
    assert.equal(status, 200);
    assert.equal(body.data.error, null);
    assert.equal(await textOf(app), before);
    assert.equal(await backupsOf(app), 0);
    const applied = (await apply(app, 'low-latency')).body.data;
    assert.deepEqual([body.data.changed, body.data.diff], [applied.changed, applied.diff]);
  });

  test('refusals: unknown app or preset, other case, broken file, missing file, invalid outcome', async () => {
    assert.equal((await api.get('/apps/nowhere/presets')).status, 404);
    assert.equal((await apply('nowhere', 'low-latency')).status, 404);
    for (const id of ['nothing', 'mass-audience-hls', 'LOW-LATENCY']) {
      const { status, body } = await apply('live', id);
      assert.deepEqual([status, body.code], [404, 'PRESET_NOT_FOUND']);
      assert.equal((await api.get(`/apps/live/presets/${id}/preview`)).status, 404);
    }
    for (const broken of ['name: [', '- a\n- list\n', 'just text']) {
      const app = await newApp();
      await writeFile(file(app), broken);
      assert.equal((await apply(app, 'low-latency')).status, 400, broken);
      assert.equal(await textOf(app), broken);
    }
    const invalid = await newApp();
    await writeFile(file(invalid), `name: ${invalid}\nroom_prefix: ${invalid}\nrecording: 7\n`);
    assert.equal((await apply(invalid, 'low-latency')).status, 400);
    const missing = await newApp();
    await rm(file(missing));
    assert.equal((await apply(missing, 'low-latency')).status, 404);
  });

  test('rights: reading lists and previews, writing applies', async () => {
    assert.equal((await api.as(null).get('/apps/live/presets')).status, 401);
    const { id } = (await api.get('/apps/live')).body;
    const { token } = (await api.post('/tokens', { name: 't', scope: 'app', appId: id })).body;
    assert.equal((await api.as(token).get('/apps/live/presets')).status, 200);
    const other = await newApp();
    assert.equal((await apply(other, 'low-latency')).status, 200);
    assert.equal((await api.as(token).post(`/apps/${other}/presets/low-latency/apply`)).status, 403);
  });
});

test('a preset dropped into the plugins folder is listed and applied, its protected keys are not', async (t) => {
  const dataDir = await temporaryDir(t);
  await mkdir(path.join(dataDir, 'plugins'), { recursive: true });
  const preset = `id: evening
title: Evening
description: What we use in the evening.
useCase: Us.
patch:
  name: stolen
  room_prefix: stolen
  s3: { bucket: stolen }
  callbacks: { url: https://evil.example }
  recording: { split_minutes: 30 }
`;
  await writeFile(path.join(dataDir, 'plugins', 'evening.yaml'), preset);
  const other = await testDaemon(t, {}, { dataDir });
  const list = (await other.api.get('/apps/live/presets')).body.data;
  assert.deepEqual(list.at(-1).sets, ['recording.split_minutes = 30']);
  const { body } = await other.api.post('/apps/live/presets/evening/apply');
  assert.deepEqual(body.data.changed, ['recording.split_minutes']);
  const config = parse(await readFile(path.join(dataDir, 'apps/live/config.yaml'), 'utf8'));
  assert.deepEqual(
    [config.name, config.s3.bucket, config.callbacks.url, config.recording.split_minutes],
    ['live', '', '', 30],
  );
});
