import { StreamParams, StreamRow } from '../schema/streams.ts';
import { operation } from './operation.ts';

const tag = 'Streams';

export const startLiveHls = operation({
  id: 'startLiveHls',
  method: 'POST',
  path: '/apps/{app}/streams/{id}/hls/start',
  tag,
  summary: 'Start live HLS of a stream',
  description:
    'Starts one LiveKit egress for each quality; each sets 2 CPUs aside. `hls.url` of the row is set when there is something to watch. Live HLS that runs is left as it is. If no egress service accepts the request, LiveKit reports that after about 10 s; the answer is then 502.',
  access: { permission: 'stream:write' },
  params: StreamParams,
  responses: { 200: StreamRow },
  errors: [
    'STREAM_NOT_FOUND',
    'LIVE_HLS_OFF',
    'LIVE_HLS_NO_VIDEO',
    'LIVE_HLS_NOT_TAKEN',
    'LIVEKIT_NOT_CONFIGURED',
    'LIVEKIT_UNREACHABLE',
    'LIVEKIT_REFUSED',
    'APP_BUSY',
  ],
  audit: 'hls.start',
});

export const stopLiveHls = operation({
  id: 'stopLiveHls',
  method: 'POST',
  path: '/apps/{app}/streams/{id}/hls/stop',
  tag,
  summary: 'Stop live HLS of a stream',
  description:
    'The stream continues, and live HLS doesn’t start automatically again for it. Its segments are deleted 10 minutes later. If none runs, nothing changes.',
  access: { permission: 'stream:write' },
  params: StreamParams,
  responses: { 200: StreamRow },
  errors: ['STREAM_NOT_FOUND'],
  audit: 'hls.stop',
});
