// Each key of config.yaml that concerns delivery has an effect behind the plan: in an order to LiveKit as it is sent, in
// arguments of ffmpeg, in a playlist, in options of a publisher; or in a test with the real parts, which is named.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import * as sdk from 'livekit-server-sdk';
import { publicUrl } from '#daemon/apps/storage/keys.ts';
import { extend, masterPlaylist, mediaPlaylist, playlistObject } from '#daemon/media/live-hls/playlists.ts';
import { ingressEncoding } from '#daemon/media/livekit/ingress-request.ts';
import { liveHlsEncoding, liveHlsOutputs } from '#daemon/media/livekit/live-hls-request.ts';
import { recordingEncoding, recordingOutputs } from '#daemon/media/livekit/recording-request.ts';
import { roomOptions } from '#daemon/media/livekit/room-options.ts';
import { planRecording } from '#daemon/media/recording/plan.ts';
import { ladderArgs, namedRungs, webmArgs } from '#daemon/media/transcoding/ffmpeg-args.ts';
import { completeConfig } from '#shared/config/defaults.ts';
import { rungsWithin } from '#shared/delivery/ladder.ts';
import { type DeliveryFacts, type DeliveryPlan, deliveryPlan } from '#shared/delivery/plan.ts';
import { publishOptions } from '#shared/delivery/publish-defaults.ts';
import type { EgressTarget } from '#shared/plugin-sdk/egress-target.ts';
import { ACTIVE, changedKeys } from '#test/helpers/config-keys.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const FACTS: DeliveryFacts = {
  storage: 'bucket',
  hasFfmpeg: true,
  hwaccel: { requested: 'auto', effective: 'cpu', type: 'none', reason: '' },
  daemonUrl: 'https://hub.example.com',
  refusesPages: false,
};
const BUCKET: Extract<EgressTarget, { kind: 's3' }> = {
  ...{ kind: 's3', bucket: 'films', region: 'eu', endpoint: '', forcePathStyle: false },
  ...{ accessKey: 'k', secret: 's', sessionToken: '' },
};
const SOURCE = { size: { width: 1920, height: 1080 }, framerate: '30', hasAudio: true, seconds: 60 };

type Outputs = Record<
  | 'recording'
  | 'live HLS'
  | 'live address'
  | 'playlists'
  | 'ladder'
  | 'ladder orders'
  | 'WebM'
  | 'ingests'
  | 'room'
  | 'publisher'
  | 'links',
  unknown
>;
type Effect = keyof Outputs | [file: string, text: string];

const RECORDINGS = 'test/integration/media/recordings.worker.test.ts';
const RECORDER = 'daemon/media/recording/service.test.ts';
const WATCH = 'test/integration/media/watch.test.ts';
const MQTT = 'test/integration/media/mqtt.test.ts';
const ALERTS = 'daemon/media/latency/alerts.test.ts';

/** What each key changes. */
const EFFECTS: Record<string, Effect> = {
  'recording.enabled': ['test/integration/media/recording.livekit.test.ts', 'recordingEnabled: false'],
  'recording.auto': [RECORDINGS, "await app('auto', { auto: true })"],
  'recording.mode': [RECORDER, 'by itself in mode participant: everyone who publishes'],
  'recording.layout': ['test/integration/media/presets-delivered.test.ts', '[recording.layout, '],
  'recording.local_dir': 'recording',
  'recording.delete_local_after_upload': [
    'test/integration/media/moved-recordings.test.ts',
    'delete_local_after_upload',
  ],
  'recording.split_minutes': [RECORDER, 'the next part begins before the last is stopped'],
  'recording.snapshot_seconds': 'recording',
  'recording.format': 'recording',
  'recording.height': 'recording',
  'recording.fps': 'recording',
  'recording.bitrate_kbps': 'recording',
  'recording.audio_kbps': 'recording',
  'recording.keyframe_seconds': 'recording',
  'webrtc.adaptive': 'publisher',
  'webrtc.layers': 'publisher',
  'webrtc.playout_delay_ms': 'room',
  'rtmp.enabled': [
    'test/integration/media/ingest.livekit.test.ts',
    'rtmp.enabled: off refuses encoders that have a key',
  ],
  'rtmp.transcode': 'ingests',
  'transcoding.enabled': 'ingests',
  'transcoding.encoding': 'WebM',
  'transcoding.vod_adaptive': 'ladder',
  'transcoding.vod_renditions': 'ladder',
  'transcoding.ladder_on': 'ladder orders',
  'mqtt.enabled': [MQTT, 'enabled: true'],
  'mqtt.url': [MQTT, 'go elsewhere as soon as the config says so'],
  'mqtt.username': [MQTT, 'username'],
  'mqtt.topic_prefix': [MQTT, 'topic_prefix'],
  'mqtt.qos': [MQTT, 'take each scheme and each quality of service'],
  'mqtt.tls': [MQTT, 'with TLS, only those asked for, with log lines'],
  'mqtt.events': [MQTT, 'with TLS, only those asked for, with log lines'],
  'mqtt.logs.enabled': [MQTT, 'with TLS, only those asked for, with log lines'],
  'mqtt.logs.level': [MQTT, 'level:'],
  'latency_alert.enabled': [ALERTS, 'a delay above the threshold is told once'],
  'latency_alert.threshold_ms': [ALERTS, 'thresholdMs'],
  'latency_alert.forward_threshold_ms': [ALERTS, 'forwardThresholdMs'],
  'latency_alert.cooldown_seconds': [ALERTS, 'again after the cooldown'],
  'latency_alert.interval_seconds': ['test/integration/media/live-hls.test.ts', 'interval_seconds: 2'],
  'features.viewer_counter': [WATCH, 'viewerCounter: false'],
  'features.chat': [WATCH, 'chat: true'],
  'features.reactions': ['test/renderer/pages.test.ts', 'reactions: true'],
  'features.hidden_qc': ['test/integration/media/rooms.test.ts', "'FEATURE_OFF'"],
  'features.adaptive_player': [WATCH, 'adaptivePlayer: false'],
  'features.public_playback': [WATCH, 'without public playback only a join token of the room opens it'],
  'player.title': [WATCH, 'the look of the pages comes from the config'],
  'player.accent': [WATCH, 'the look of the pages comes from the config'],
  'player.logo_url': [WATCH, 'the look of the pages comes from the config'],
  'distribution.mode': 'live HLS',
  'distribution.cdn.base_url': 'live address',
  'distribution.cdn.vod_base_url': 'links',
  'distribution.cdn.provider': 'playlists',
  'hls.auto': ['test/renderer/streams.test.ts', 'auto: false'],
  'hls.segment_seconds': 'live HLS',
  'hls.list_size': 'playlists',
};

function recordingOf(plan: DeliveryPlan, config: ReturnType<typeof completeConfig>) {
  if (plan.recording === null) return null;
  const subject = { room: 'live-stage', identity: null, audio: null };
  const input = { plan: plan.recording, s3: config.s3, appDir: '/apps/live', subject, at: 0, isTaken: () => false };
  return [BUCKET, null].map((target) => {
    const { request } = planRecording({ ...input, target });
    return [request.layout, recordingEncoding(sdk, request), recordingOutputs(sdk, request)];
  });
}

function liveOf({ live }: DeliveryPlan) {
  return live?.rungs.map((rung) => {
    const names = { prefix: 'p/s1', playlist: 'p/index-1.m3u8', livePlaylist: 'p/live.m3u8' };
    const { framerate, segmentSeconds } = live;
    const request = { room: 'live-stage', identity: 'ana', rung, framerate, segmentSeconds, ...names, target: BUCKET };
    return [liveHlsEncoding(sdk, request), liveHlsOutputs(sdk, request)];
  });
}

function playlistsOf({ live }: DeliveryPlan) {
  if (live === null) return null;
  const segments = Array.from({ length: 30 }, (_, index) => ({
    name: `s1_${String(index).padStart(5, '0')}.ts`,
    seconds: live.segmentSeconds,
    at: 1000 * index,
    isDiscontinuous: false,
  }));
  const none = { sequence: 0, discontinuities: 0, segments: [], isEnded: false };
  const all = { ...none, segments };
  const list = extend(none, all, { prefix: 's1', size: live.listSize, isWhole: true });
  const text = mediaPlaylist(list ?? all, live.segmentSeconds);
  return [masterPlaylist(live, new Set([0, 1])), playlistObject('live.m3u8', text, live, false)];
}

function ladderOf({ vod }: DeliveryPlan) {
  if (vod === null || !vod.hasLadder) return null;
  const rungs = namedRungs(rungsWithin(vod.rungs, SOURCE.size));
  const { segmentSeconds, encoder } = vod;
  const run = { demuxer: 'mov', input: 'film.mp4', source: SOURCE, threads: 0, from: 0, folder: 'out' };
  return ladderArgs({ ...run, rungs, segmentSeconds, encoder, playlistOf: (name) => `${name}.m3u8` });
}

/** What leaves the daemon with this config, as JSON of the real messages. */
function outputsOf(value: Record<string, unknown>): Outputs {
  const config = completeConfig({ name: 'live', room_prefix: 'live', ...value }, 'live');
  const plan = deliveryPlan(config, FACTS);
  const { vod, live, ingest, publish, room, playback } = plan;
  const webm = { demuxer: 'mov', input: 'film.mp4', source: SOURCE, threads: 0, rung: null, output: 'vp8.webm' };
  return {
    recording: recordingOf(plan, config),
    'live HLS': liveOf(plan),
    'live address': live && publicUrl(live.baseUrl, 'hls/master.m3u8'),
    playlists: playlistsOf(plan),
    ladder: ladderOf(plan),
    'ladder orders': vod?.by === 'egress' ? vod.rungs : null,
    WebM: vod?.hasVp8 ? webmArgs(webm) : null,
    ingests: [ingest.rtmp, ingest.whip, ingest.url].map((encoding) => ingressEncoding(sdk, encoding)),
    room: roomOptions(room),
    publisher: publishOptions(publish),
    links: publicUrl(playback.vodBaseUrl, 'film.mp4'),
  };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

test('each key of the config has an effect that is named here', () => {
  const keys = changedKeys().map(({ key }) => key);
  assert.ok(keys.length > 50);
  assert.deepEqual(Object.keys(EFFECTS).sort(), keys.sort());
});

test('each key changes what leaves the daemon, or is tried with the real parts', () => {
  const before = outputsOf(ACTIVE);
  assert.ok(JSON.stringify(before.recording).includes('"videoBitrate"'), 'LiveKit’s own messages are compared');
  const ineffective = changedKeys().filter(({ key, changed }) => {
    const effect = EFFECTS[key];
    if (effect === undefined) return true;
    if (typeof effect === 'string') return same(before[effect], outputsOf(changed)[effect]);
    const [file, text] = effect;
    return !readFileSync(path.join(ROOT, file), 'utf8').includes(text);
  });
  assert.deepEqual(
    ineffective.map(({ key }) => key),
    [],
  );
});
