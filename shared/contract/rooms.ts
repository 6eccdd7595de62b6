import { AppParams, envelope } from '../schema/common.ts';
import { JoinToken, JoinTokenBody } from '../schema/rooms.ts';
import { operation } from './operation.ts';

export const createJoinToken = operation({
  id: 'createJoinToken',
  method: 'POST',
  path: '/apps/{app}/tokens',
  tag: 'Streams',
  summary: 'Make a token that opens a room',
  description:
    'A LiveKit access token with the address to use it at. A room that does not exist yet is placed on an active node first, when nodes report. With `canPublish` it is 429 while the team has its number of live streams (`maxConcurrentStreams`).',
  access: { permission: 'stream:write' },
  params: AppParams,
  body: JoinTokenBody,
  bodyOptional: true,
  responses: { 201: envelope(JoinToken) },
  errors: ['LIVEKIT_NOT_CONFIGURED', 'FEATURE_OFF', 'QUOTA_EXCEEDED'],
  // asked for at every join of a viewer: it would bury the changes
  audit: false,
});
