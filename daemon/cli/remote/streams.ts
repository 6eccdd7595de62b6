import type { Command } from 'commander';
import * as hls from '#shared/contract/live-hls.ts';
import * as recording from '#shared/contract/recording.ts';
import * as ops from '#shared/contract/streams.ts';
import { group } from '../usage.ts';
import { operationCommand } from './command.ts';

/** `streamhub streams …` */
export const command = (): Command =>
  group('streams', 'List, record and end the streams of an app', [
    operationCommand('ls', ops.listStreams, {
      columns: ['id', 'type', 'room', 'participant', 'status', 'viewers', 'startedAt', 'endedAt'],
    }),
    operationCommand('get', ops.getStream),
    operationCommand('end', ops.endStream, {
      confirm: ({ id }) => `End the stream ${id}?`,
      done: ({ id }) => `Ended the stream ${id}.`,
    }),
    operationCommand('record', recording.startStreamRecording),
    operationCommand('stop-recording', recording.stopStreamRecording),
    operationCommand('hls', hls.startLiveHls, { summary: 'Start live HLS of a stream' }),
    operationCommand('stop-hls', hls.stopLiveHls, { summary: 'Stop live HLS of a stream' }),
  ]);
