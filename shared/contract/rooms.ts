import { AppParams, envelope } from '../schema/common.ts';
import { JoinToken, JoinTokenBody } from '../schema/rooms.ts';
import { operation } from './operation.ts';

export const createJoinToken = operation({
  id: 'createJoinToken',
  method: 'POST',
  path: '/apps/{app}/tokens',
  tag: 'Streams',
  summary: 'Create a token for joining a room',
  description:
    'Returns a LiveKit access token and the address to connect to. If nodes report and the room doesn’t exist yet, it is first placed on an active node. With `webrtc.playout_delay_ms` it is created with that delay. With `canPublish`, returns 429 while the team is at its limit of live streams (`maxConcurrentStreams`).',
  access: { permission: 'stream:write' },
  params: AppParams,
  body: JoinTokenBody,
  bodyOptional: true,
  responses: { 201: envelope(JoinToken) },
  errors: ['LIVEKIT_NOT_CONFIGURED', 'FEATURE_OFF', 'QUOTA_EXCEEDED'],
  // asked for at every join of a viewer: it would bury the changes
  audit: false,
});
