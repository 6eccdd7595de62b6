import { envelope } from '../schema/common.ts';
import {
  LiveKitOwnSettings,
  ManagedLiveKit,
  PutLiveKitSettingsBody,
  RestoreLiveKitSettingsBody,
  RotateLiveKitKeysBody,
  StopLiveKitBody,
} from '../schema/livekit.ts';
import { SettingsIfMatch } from '../schema/settings.ts';
import { operation } from './operation.ts';

const tag = 'LiveKit';
const answer = { access: 'global', responses: { 200: envelope(ManagedLiveKit) } } as const;
const body = { body: StopLiveKitBody, bodyOptional: true, errors: ['LIVEKIT_NOT_MANAGED'] } as const;

export const getManagedLiveKit = operation({
  id: 'getManagedLiveKit',
  method: 'GET',
  path: '/livekit',
  tag,
  summary: 'Get the LiveKit that the daemon runs on its own machine',
  description:
    'LiveKit, Redis, egress and ingress: state, process, version and ports of each, what is missing, and the command that brings it. Set LIVEKIT_MODE to `managed` to run them.',
  ...answer,
});

export const startManagedLiveKit = operation({
  id: 'startManagedLiveKit',
  method: 'POST',
  path: '/livekit/start',
  tag,
  summary: 'Start LiveKit on the daemon’s machine after it was stopped',
  ...answer,
  errors: ['LIVEKIT_NOT_MANAGED'],
  audit: 'livekit.start',
});

export const stopManagedLiveKit = operation({
  id: 'stopManagedLiveKit',
  method: 'POST',
  path: '/livekit/stop',
  tag,
  summary: 'Stop LiveKit on the daemon’s machine',
  description:
    'Open rooms and recordings finish first, unless `now` is true. It stays stopped, after a restart of the daemon too, until it is started again.',
  ...answer,
  ...body,
  audit: 'livekit.stop',
});

export const restartManagedLiveKit = operation({
  id: 'restartManagedLiveKit',
  method: 'POST',
  path: '/livekit/restart',
  tag,
  summary: 'Restart LiveKit on the daemon’s machine',
  description: 'Open rooms finish first, unless `now` is true.',
  ...answer,
  ...body,
  audit: 'livekit.restart',
});

const settings = { access: 'global', hasEtag: true, responses: { 200: envelope(LiveKitOwnSettings) } } as const;

export const getLiveKitSettings = operation({
  id: 'getLiveKitSettings',
  method: 'GET',
  path: '/livekit/settings',
  tag,
  summary: 'Get LiveKit’s own settings: ports, TURN, limits, codecs, log level',
  description:
    'The text, its revisions, which servers run with it, and the text to paste for a LiveKit that others run.',
  ...settings,
});

export const putLiveKitSettings = operation({
  id: 'putLiveKitSettings',
  method: 'PUT',
  path: '/livekit/settings',
  tag,
  summary: 'Set LiveKit’s own settings',
  description:
    'The text is checked and stored as a new revision. Keys, webhooks, Redis and metrics are made by the daemon and can’t be set here.',
  ...settings,
  headers: SettingsIfMatch,
  body: PutLiveKitSettingsBody,
  errors: ['PRECONDITION_FAILED'],
  audit: 'livekit.settings',
});

export const restoreLiveKitSettings = operation({
  id: 'restoreLiveKitSettings',
  method: 'POST',
  path: '/livekit/settings/restore',
  tag,
  summary: 'Bring back a revision of LiveKit’s settings',
  description: 'It becomes the newest revision.',
  ...settings,
  body: RestoreLiveKitSettingsBody,
  errors: ['LIVEKIT_REVISION_UNKNOWN'],
  audit: 'livekit.restore',
});

export const rotateLiveKitKeys = operation({
  id: 'rotateLiveKitKeys',
  method: 'POST',
  path: '/livekit/keys/rotate',
  tag,
  summary: 'Make a new LiveKit key, without ending rooms',
  description:
    'LiveKit accepts the new key and the old one after its next start. When the LiveKit that the daemon runs and those of all nodes do, the daemon uses the new one. Tokens with the old one stay valid until `POST /livekit/keys/retire`.',
  ...settings,
  body: RotateLiveKitKeysBody,
  bodyOptional: true,
  errors: ['LIVEKIT_NOT_MANAGED', 'LIVEKIT_KEYS_ROTATING', 'LIVEKIT_KEYS_NODES', 'SETTING_LOCKED'],
  audit: 'livekit.rotate-keys',
});

export const retireLiveKitKey = operation({
  id: 'retireLiveKitKey',
  method: 'POST',
  path: '/livekit/keys/retire',
  tag,
  summary: 'Remove the old LiveKit key',
  description: 'After the next start of LiveKit, tokens with the old key are rejected.',
  ...settings,
  body: RotateLiveKitKeysBody,
  bodyOptional: true,
  errors: ['LIVEKIT_NOT_MANAGED', 'LIVEKIT_KEYS_NOT_ROTATED', 'SETTING_LOCKED'],
  audit: 'livekit.retire-key',
});
