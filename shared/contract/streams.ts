import { AppParams, envelope, page } from '../schema/common.ts';
import { AppStats, StreamParams, StreamQuery, StreamRow } from '../schema/streams.ts';
import { operation } from './operation.ts';

const tag = 'Streams';

export const listStreams = operation({
  id: 'listStreams',
  method: 'GET',
  path: '/apps/{app}/streams',
  tag,
  summary: 'List an app’s streams, newest first',
  description: 'Lists live streams unless `status` is set.',
  access: { permission: 'stream:read' },
  params: AppParams,
  query: StreamQuery,
  responses: { 200: page(StreamRow) },
});

export const getStream = operation({
  id: 'getStream',
  method: 'GET',
  path: '/apps/{app}/streams/{id}',
  tag,
  summary: 'Get one stream',
  access: { permission: 'stream:read' },
  params: StreamParams,
  responses: { 200: StreamRow },
  errors: ['STREAM_NOT_FOUND'],
});

export const endStream = operation({
  id: 'endStream',
  method: 'DELETE',
  path: '/apps/{app}/streams/{id}',
  tag,
  summary: 'End a stream',
  description:
    'Removes the participant from the room. For an ingest, deletes the ingest itself. Ending an ended stream is not an error.',
  access: { permission: 'stream:stop' },
  params: StreamParams,
  responses: { 204: null },
  errors: ['STREAM_NOT_FOUND', 'LIVEKIT_NOT_CONFIGURED', 'LIVEKIT_UNREACHABLE', 'LIVEKIT_REFUSED'],
  audit: 'stream.end',
});

export const getAppStats = operation({
  id: 'getAppStats',
  method: 'GET',
  path: '/apps/{app}/stats',
  tag,
  summary: 'Get the dashboard of an app',
  description: 'Live streams and viewers, VODs by status, storage, and the log lines of the last 24 hours.',
  access: { permission: 'usage:read' },
  params: AppParams,
  responses: { 200: envelope(AppStats) },
});
