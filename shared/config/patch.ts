import { Type } from 'typebox';
import { type PatchTable, patchBody } from './wire-schema.ts';

/** The feature flags that the API sets. */
const FEATURES = {
  viewerCounter: 'features.viewer_counter',
  chat: 'features.chat',
  reactions: 'features.reactions',
  hiddenQc: 'features.hidden_qc',
  adaptivePlayer: 'features.adaptive_player',
  publicPlayback: 'features.public_playback',
} as const satisfies PatchTable;

/** Fields of `PATCH /apps/{name}`. */
export const APP_PATCH = {
  displayName: 'display_name',
  roomPrefix: 'room_prefix',
  recordingEnabled: 'recording.enabled',
  splitMinutes: 'recording.split_minutes',
  snapshotSeconds: 'recording.snapshot_seconds',
  callbackUrl: 'callbacks.url',
  features: FEATURES,
} as const satisfies PatchTable;

/** Fields of `PATCH /apps/{app}/config`. */
export const STREAMING_PATCH = {
  adaptive: 'webrtc.adaptive',
  layers: 'webrtc.layers',
  rtmpTranscode: 'rtmp.transcode',
  transcodingEnabled: 'transcoding.enabled',
  encoding: 'transcoding.encoding',
  vodAdaptive: 'transcoding.vod_adaptive',
  vodRenditions: 'transcoding.vod_renditions',
  ladderOn: 'transcoding.ladder_on',
  hwaccel: 'transcoding.hwaccel',
  features: FEATURES,
} as const satisfies PatchTable;

const callbackSecret = Type.String({
  maxLength: 256,
  writeOnly: true,
  'x-secret': true,
  description: 'Secret for signing callbacks; kept in the secret store, never in the file. Empty: remove it.',
});

const mqttPassword = Type.String({
  maxLength: 256,
  writeOnly: true,
  'x-secret': true,
  description: 'Password at the MQTT broker; kept in the secret store, never in the file. Empty: remove it.',
});

/** Secrets that `PATCH /apps/{name}` sets, with the keys that name them. */
export const SECRET_KEYS = { callbackSecret: 'callbacks.secret_env', mqttPassword: 'mqtt.password_env' } as const;
export const PATCHED_SECRETS = ['callbackSecret', 'mqttPassword'] as const;

export const PatchAppBody = patchBody<typeof APP_PATCH, { callbackSecret?: string; mqttPassword?: string }>(
  'PatchAppBody',
  APP_PATCH,
  {},
  { callbackSecret, mqttPassword },
);
export const PatchStreamingBody = patchBody('PatchStreamingBody', STREAMING_PATCH, { layers: { minItems: 1 } });
