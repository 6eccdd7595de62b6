import { type Static, Type } from 'typebox';
import { object } from './common.ts';

export const StartRecordingBody = object({
  room: Type.String({ minLength: 1, maxLength: 256, examples: ['live-stage'] }),
  streamId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 128,
      description:
        'Record this stream’s participant. Required with recording.mode `participant` if several participants publish.',
    }),
  ),
});
export type StartRecordingBody = Static<typeof StartRecordingBody>;
