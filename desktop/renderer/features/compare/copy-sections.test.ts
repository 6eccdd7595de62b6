import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareSections, copySections } from './copy-sections.ts';

const LEFT = `name: stage
room_prefix: stage
recording:
  enabled: true
  split_minutes: 15
s3:
  bucket: stage-media
  access_key_env: APP_STAGE_S3_KEY
hls:
  list_size: 5
`;
const RIGHT = `name: live
# the rooms
room_prefix: live
recording:
  enabled: true # always
  split_minutes: 60
s3:
  bucket: live-media
  access_key_env: APP_LIVE_S3_KEY
mqtt:
  enabled: true
`;

test('sections are told apart', () => {
  assert.deepEqual(
    compareSections(LEFT, RIGHT)?.map(({ name, state }) => `${name} ${state}`),
    ['name differs', 'room_prefix differs', 'recording differs', 's3 differs', 'hls only-left', 'mqtt only-right'],
  );
  assert.equal(compareSections('a: [', RIGHT), null);
});

test('only the chosen sections are copied, in place', () => {
  const copied = copySections(LEFT, RIGHT, ['recording']);
  assert.equal(copied, RIGHT.replace('split_minutes: 60', 'split_minutes: 15'));
});

test('what is the app’s own stays: its name, its rooms, its references to secrets', () => {
  const copied = copySections(LEFT, RIGHT, ['name', 'room_prefix', 's3']);
  assert.equal(copied, RIGHT.replace('bucket: live-media', 'bucket: stage-media'));
});

test('a section that the source lacks goes, one that the target lacks comes', () => {
  const copied = copySections(LEFT, RIGHT, ['mqtt', 'hls']);
  assert.ok(!copied.includes('mqtt'));
  assert.match(copied, /hls:\n {2}list_size: 5/);
});
