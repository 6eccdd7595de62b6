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
  description: 'The live ones unless `status` says otherwise.',
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
    'Takes the participant out of the room; of an ingest, the ingest itself is removed. Ending an ended stream is no error.',
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
  summary: 'One app at a glance',
  description: 'Live streams and viewers, VODs by status, storage, log lines of the last 24 hours.',
  access: { permission: 'usage:read' },
  params: AppParams,
  responses: { 200: envelope(AppStats) },
});
