import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, paging, RowId } from './common.ts';

export const VOD_STATUSES = ['starting', 'recording', 'uploading', 'ready', 'failed', 'cancelled'] as const;
export type VodStatus = (typeof VOD_STATUSES)[number];

const vodFields = {
  id: Type.Integer(),
  appId: Type.Integer(),
  streamId: nullable(Type.String(), { description: 'The recorded stream; null for a whole room.' }),
  room: Type.String(),
  name: Type.String({ examples: ['live-stage-20261123T093012Z.mp4'] }),
  fileKey: nullable(Type.String(), { description: 'Exact key of the object in its bucket.' }),
  s3Url: nullable(Type.String(), { description: 'The object’s direct address; works only if the bucket is public.' }),
  publicUrl: nullable(Type.String(), { description: 'Public link, if the app has a public URL and the VOD is ready.' }),
  sizeBytes: nullable(Type.Integer({ description: 'Of the recording itself.' })),
  ladderBytes: nullable(Type.Integer({ description: 'Of the HLS ladder and the WebM file that were made of it.' })),
  durationS: nullable(
    Type.Number({ description: 'Seconds. Read from the file; LiveKit’s own figure until `measuredAt` is set.' }),
  ),
  width: nullable(Type.Integer({ description: 'Pixels, read from the file.' })),
  height: nullable(Type.Integer({ description: 'Pixels, read from the file.' })),
  videoCodec: nullable(Type.String(), {
    description: 'Read from the file; null without a picture.',
    examples: ['h264'],
  }),
  audioCodec: nullable(Type.String(), { description: 'Read from the file.', examples: ['aac'] }),
  frameRate: nullable(Type.Number({ description: 'Frames per second, read from the file.' })),
  measuredAt: nullable(Instant, { description: 'When length, size and codecs were read from the file.' }),
  format: nullable(Type.String(), { examples: ['mp4'] }),
  status: oneOf(VOD_STATUSES, {
    title: 'VodStatus',
    description:
      '`starting`: LiveKit has the order, nothing is recorded yet. `cancelled`: somebody stopped it before anything was recorded.',
  }),
  localPath: nullable(Type.String(), {
    description: 'File in the app’s folder if no bucket is configured; served by the daemon.',
  }),
  startedAt: { ...Instant, description: 'When the media begins; while `starting`, when the recording was requested.' },
  endedAt: nullable(Instant),
  metatagsJson: nullable(Type.String()),
  snapshotKey: nullable(Type.String(), { description: 'Key of the newest snapshot taken during the recording.' }),
  egressId: nullable(Type.String(), { description: 'LiveKit’s id of the recording.' }),
  sessionId: nullable(Type.String(), { description: 'The same for all parts of one recording.' }),
  part: nullable(Type.Integer({ description: 'Number of the part, starting at 1.' })),
  error: nullable(Type.String(), { description: 'Why it failed, as a sentence.' }),
  note: nullable(Type.String(), {
    description: 'A note on a ready VOD: LiveKit ended it at a limit, or used its backup storage.',
  }),
  storageProvider: nullable(Type.String(), {
    description:
      'Storage provider at the time of the recording. `elsewhere`: not in a storage of the app; `s3Url` is its address, and it is never signed or deleted.',
  }),
  storageBucket: nullable(Type.String()),
  url: nullable(Type.String(), {
    description: 'Playback link: public, or else signed for 7 days (less with an AWS role). Only when ready.',
  }),
  linkState: nullable(oneOf(['public', 'signed', 'refused', 'none'], { title: 'LinkState' }), {
    description:
      '`public`: public link. `signed`: signed link. `refused`: the storage rejects signed links. `none`: no link is possible. Null until the VOD is ready.',
  }),
  urlProblem: nullable(Type.String(), { description: 'Why a ready VOD has no link, as a sentence.' }),
  transcoding: nullable(
    object(
      {
        state: oneOf(['queued', 'running', 'waiting', 'ready', 'failed', 'cancelled'], {
          title: 'TranscodingState',
          description: '`waiting`: an attempt failed and will be repeated.',
        }),
        jobId: nullable(Type.Integer({ description: 'Its job: `GET /jobs/{id}` has the progress.' })),
        problem: nullable(Type.String(), { description: 'Why there is no ladder, as a sentence.' }),
      },
      { title: 'VodTranscoding' },
    ),
    { description: 'The job that makes an HLS ladder of the recording; null if there is none.' },
  ),
};

export const VodRow = object(vodFields, { title: 'Vod' });
export type VodRow = Static<typeof VodRow>;

export const VodVariant = object({
  id: Type.Integer(),
  kind: oneOf(['master', 'rendition', 'alternate']),
  format: nullable(Type.String()),
  height: nullable(Type.Integer()),
  bitrateKbps: nullable(Type.Integer()),
  fileKey: nullable(Type.String()),
  sizeBytes: nullable(Type.Integer()),
  url: nullable(Type.String(), {
    description: 'Link to it: public, or else signed for 7 days. A signed playlist leads to signed segments.',
  }),
});
export type VodVariant = Static<typeof VodVariant>;

export const VodDetail = object({
  ...vodFields,
  hlsUrl: nullable(Type.String(), {
    description: 'HLS with all qualities, or of a recording in segments: public link, or else signed for 7 days.',
  }),
  presignedUrl: nullable(Type.String(), {
    description: 'Signed for 7 days (less with an AWS role); null until the VOD is ready.',
  }),
  downloadUrl: nullable(Type.String(), { description: 'Signed for one hour; browsers save the file under its name.' }),
  variants: Type.Array(VodVariant),
});
export type VodDetail = Static<typeof VodDetail>;

export const VodQuery = object({
  status: Type.Optional(oneOf(VOD_STATUSES)),
  room: Type.Optional(Type.String({ maxLength: 256, description: 'Exact room name.' })),
  q: Type.Optional(Type.String({ maxLength: 200, description: 'Part of the name or room.' })),
  ...paging(),
});
export type VodQuery = Static<typeof VodQuery>;

export const DeleteVodQuery = object({
  leaveObjects: Type.Optional(
    Type.Boolean({
      description:
        'Deletes the VOD but leaves its objects in the storage without contacting it, for example because the bucket no longer exists. Files in the app’s folder are deleted.',
    }),
  ),
});

export const VodParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  id: RowId(),
});
