import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completeConfig } from '#shared/config/defaults.ts';
import { deliveryPlan, type RecordingPlan } from '#shared/delivery/plan.ts';
import { planRecording } from './plan.ts';

const AT = Date.parse('2026-11-23T09:30:12.345Z');
const FACTS = {
  hasFfmpeg: true,
  hwaccel: { requested: 'auto', effective: 'cpu', type: 'none', reason: '' },
  daemonUrl: 'https://hub.example.com',
  refusesPages: false,
} as const;
const TARGET = {
  kind: 's3',
  bucket: 'films',
  region: '',
  endpoint: '',
  forcePathStyle: false,
  accessKey: 'k',
  secret: 's',
  sessionToken: '',
} as const;
const plan = (
  value: Record<string, unknown>,
  more: { room?: string; taken?: string[]; audio?: { trackSid: string } } = {},
) => {
  const config = completeConfig(value, 'live');
  const storage = config.s3.bucket === '' ? 'folder' : 'bucket';
  return planRecording({
    plan: deliveryPlan(config, { ...FACTS, storage }).recording as RecordingPlan,
    s3: config.s3,
    target: storage === 'folder' ? null : TARGET,
    appDir: '/data/apps/live',
    subject: { room: more.room ?? 'live-stage', identity: null, audio: more.audio ?? null },
    at: AT,
    isTaken: (name) => more.taken?.includes(name) ?? false,
  });
};

test('into the bucket, below the prefix', () => {
  const { name, file_key, local_path, request, place } = plan({ s3: { bucket: 'films', prefix: '/a/b/' } });
  assert.equal(name, 'live-stage-20261123T093012Z.mp4');
  assert.equal(file_key, 'a/b/live-stage-20261123T093012Z.mp4');
  assert.equal(request.filepath, file_key);
  assert.equal(local_path, null);
  assert.deepEqual([request.target, place.storage_bucket], [TARGET, 'films']);
  assert.equal(request.images, null);
  assert.equal(plan({ s3: { bucket: 'films', prefix: '' } }).file_key, name);
});

test('without a bucket below the app’s folder', () => {
  const { file_key, local_path, request, snapshot_prefix } = plan({
    recording: { local_dir: 'takes/raw', snapshot_seconds: 30 },
  });
  assert.equal(file_key, null);
  assert.equal(local_path, 'takes/raw/live-stage-20261123T093012Z.mp4');
  assert.equal(request.filepath, `/data/apps/live/${local_path}`);
  assert.equal(request.target, null);
  assert.equal(snapshot_prefix, 'snapshots/live-stage-20261123T093012Z');
  assert.equal(request.images?.prefix, `/data/apps/live/${snapshot_prefix}`);
});

test('pictures lie below snapshots/', () => {
  const s3 = { bucket: 'films', prefix: 'p' };
  const { request, snapshot_prefix } = plan({ s3, recording: { snapshot_seconds: 60 } });
  assert.equal(snapshot_prefix, 'p/snapshots/live-stage-20261123T093012Z');
  assert.deepEqual(request.images, { prefix: snapshot_prefix, seconds: 60 });
});

test('a name is never used twice and never leaves its folder', () => {
  const taken = ['live-stage-20261123T093012Z.mp4', 'live-stage-20261123T093012Z-1.mp4'];
  assert.equal(plan({}, { taken }).name, 'live-stage-20261123T093012Z-2.mp4');
  assert.equal(plan({}, { room: 'live-../../etc/x y' }).name, 'live-.._.._etc_x_y-20261123T093012Z.mp4');
});

test('in segments it has a folder, whose name is its own', () => {
  const s3 = { bucket: 'films', prefix: 'p' };
  const recording = { format: 'segments' };
  const { name, format, file_key, request } = plan({ s3, recording, hls: { segment_seconds: 3 } });
  assert.deepEqual([name, format], ['live-stage-20261123T093012Z.m3u8', 'hls']);
  assert.equal(file_key, 'p/live-stage-20261123T093012Z/live-stage-20261123T093012Z.m3u8');
  assert.deepEqual([request.filepath, request.segments], [file_key, { seconds: 3 }]);
  assert.equal(plan({ s3, recording }, { taken: [name] }).name, 'live-stage-20261123T093012Z-2.m3u8');
});

test('sound alone has no pictures', () => {
  const recording = { snapshot_seconds: 30 };
  const { request, snapshot_prefix } = plan({ recording }, { audio: { trackSid: 'TR_1' } });
  assert.deepEqual([request.audio, request.images, snapshot_prefix], [{ trackSid: 'TR_1' }, null, null]);
});
