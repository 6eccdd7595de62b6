import { envelope } from '../schema/common.ts';
import { ManagedLiveKit, StopLiveKitBody } from '../schema/livekit.ts';
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
