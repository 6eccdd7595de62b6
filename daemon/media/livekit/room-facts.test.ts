import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParticipantInfo, Room, TrackInfo } from '@livekit/protocol';
import { MAX_METADATA, SHORT_METADATA } from '#shared/schema/rooms.ts';
import { readParticipant, readRoom, readRoomTrack } from './room-facts.ts';

test('what participants write is bounded, and cut texts are told as cut', () => {
  const info = new ParticipantInfo({
    identity: 'i'.repeat(10_000),
    name: 'n'.repeat(10_000),
    metadata: 'm'.repeat(1_000_000),
    attributes: Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`key-${n}`, 'v'.repeat(100)])),
    tracks: Array.from({ length: 5000 }, (_, n) => new TrackInfo({ sid: `TR_${n}` })),
  });
  for (const [isShort, most] of [
    [true, SHORT_METADATA],
    [false, MAX_METADATA],
  ] as const) {
    const one = readParticipant(info, isShort);
    assert.equal(one.metadata.length, most);
    assert.ok(Object.entries(one.attributes).flat().join('').length <= most);
    assert.deepEqual([one.identity.length, one.name.length, one.tracks.length, one.cut], [512, 512, 100, true]);
  }
  const small = readParticipant(new ParticipantInfo({ metadata: 'm', attributes: { a: 'b' } }), true);
  assert.deepEqual([small.metadata, small.attributes, small.cut], ['m', { a: 'b' }, false]);
});

test('numbers that cannot be are treated as not told', () => {
  const track = readRoomTrack(
    new TrackInfo({
      type: 1,
      source: 99 as never,
      width: 4_000_000_000,
      mimeType: 'video/<b>',
      layers: [{ width: 0, height: 5 }],
    }),
  );
  assert.deepEqual(
    [track.type, track.source, track.width, track.height, track.codec, track.bitrate, track.layers],
    ['video', 'unknown', null, null, null, null, []],
  );
  const one = readParticipant(new ParticipantInfo({ kind: 77 as never, joinedAtMs: 9_000_000_000_000_000n }), true);
  assert.deepEqual([one.kind, one.joinedAt, one.client.protocol], ['standard', null, null]);
});

test('layers, codec and kind are read', () => {
  const layers = [
    { quality: 0, width: 320, height: 180, bitrate: 150_000 },
    { quality: 2, width: 1280, height: 720, bitrate: 1_500_000 },
  ];
  const track = readRoomTrack(
    new TrackInfo({ type: 1, source: 1, mimeType: 'video/H264', width: 1280, height: 720, layers }),
  );
  assert.deepEqual([track.codec, track.source, track.bitrate, track.simulcast], ['H264', 'camera', 1_650_000, true]);
  assert.deepEqual(
    track.layers.map(({ quality, height }) => [quality, height]),
    [
      ['high', 720],
      ['low', 180],
    ],
  );
  for (const [kind, word] of [
    [1, 'ingress'],
    [2, 'egress'],
    [3, 'sip'],
    [4, 'agent'],
    [7, 'connector'],
  ] as const)
    assert.equal(readParticipant(new ParticipantInfo({ kind }), true).kind, word);
  assert.equal(readRoom(new Room({ maxParticipants: 0 })).maxParticipants, null);
});
