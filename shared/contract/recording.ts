import type { ErrorCode } from '../errors.ts';
import { AppParams } from '../schema/common.ts';
import { StartRecordingBody } from '../schema/recording.ts';
import { StreamParams } from '../schema/streams.ts';
import { VodParams, VodRow } from '../schema/vods.ts';
import { operation } from './operation.ts';

const tag = 'Recordings';
const refusals = [
  'RECORDING_DISABLED',
  'ALREADY_RECORDING',
  'RECORDING_NOT_TAKEN',
  'PLUGIN_FAILED',
  'LIVEKIT_NOT_CONFIGURED',
  'LIVEKIT_UNREACHABLE',
  'APP_BUSY',
  'QUOTA_EXCEEDED',
] as const satisfies ErrorCode[];

export const startRecording = operation({
  id: 'startRecording',
  method: 'POST',
  path: '/apps/{app}/recording/start',
  tag,
  summary: 'Start recording a room',
  description:
    'Starts a LiveKit egress that writes directly to the app’s bucket. The room’s name can be given without the app’s prefix. If the app’s storage refuses a small object, the answer is 502 and nothing is started. If no egress service accepts the request, LiveKit reports that after about 10 s; the answer is then 502 and the VOD is `failed`. Returns 429 if the team’s recording minutes or storage are used up; running recordings continue.',
  access: { permission: 'stream:write' },
  params: AppParams,
  body: StartRecordingBody,
  createdPath: '/apps/{app}/vods/{id}',
  responses: { 201: VodRow },
  errors: ['ROOM_NOT_FOUND', 'STREAM_NOT_FOUND', ...refusals],
  audit: 'recording.start',
});

export const stopRecording = operation({
  id: 'stopRecording',
  method: 'POST',
  path: '/apps/{app}/recording/{id}/stop',
  tag,
  summary: 'Stop a recording',
  description: 'Returns the recording unchanged if it was already stopped.',
  access: { permission: 'stream:write' },
  params: VodParams,
  responses: { 200: VodRow },
  errors: ['VOD_NOT_FOUND', 'LIVEKIT_NOT_CONFIGURED', 'LIVEKIT_UNREACHABLE', 'LIVEKIT_REFUSED'],
  audit: 'recording.stop',
});

export const startStreamRecording = operation({
  id: 'startStreamRecording',
  method: 'POST',
  path: '/apps/{app}/streams/{id}/record/start',
  tag,
  summary: 'Start recording one stream',
  access: { permission: 'stream:write' },
  params: StreamParams,
  createdPath: '/apps/{app}/vods/{id}',
  responses: { 201: VodRow },
  errors: ['STREAM_NOT_FOUND', ...refusals],
  audit: 'recording.start',
});

export const stopStreamRecording = operation({
  id: 'stopStreamRecording',
  method: 'POST',
  path: '/apps/{app}/streams/{id}/record/stop',
  tag,
  summary: 'Stop the recording of one stream',
  description: 'Returns the newest recording of the stream.',
  access: { permission: 'stream:write' },
  params: StreamParams,
  responses: { 200: VodRow },
  errors: ['STREAM_NOT_FOUND', 'VOD_NOT_FOUND', 'LIVEKIT_NOT_CONFIGURED', 'LIVEKIT_UNREACHABLE', 'LIVEKIT_REFUSED'],
  audit: 'recording.stop',
});
