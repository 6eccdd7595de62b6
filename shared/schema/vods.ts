import { type Static, Type } from 'typebox';
import { Instant, nullable, object, oneOf, paging, queryFlag, RowId } from './common.ts';

const VOD_STATUSES = ['recording', 'uploading', 'ready', 'failed'] as const;
export type VodStatus = (typeof VOD_STATUSES)[number];

const vodFields = {
  id: Type.Integer(),
  appId: Type.Integer(),
  streamId: nullable(Type.String(), { description: 'The recorded stream; null for a whole room.' }),
  room: Type.String(),
  name: Type.String({ examples: ['live-stage-20261123T093012Z.mp4'] }),
  fileKey: nullable(Type.String(), { description: 'Key of the object in its bucket, as it is.' }),
  s3Url: nullable(Type.String(), { description: 'The object’s own address; opens only where the bucket is public.' }),
  publicUrl: nullable(Type.String(), { description: 'Open link, when the app has a public URL and the VOD is ready.' }),
  sizeBytes: nullable(Type.Integer()),
  durationS: nullable(Type.Number({ description: 'Seconds.' })),
  width: nullable(Type.Integer()),
  height: nullable(Type.Integer()),
  format: nullable(Type.String(), { examples: ['mp4'] }),
  status: oneOf(VOD_STATUSES),
  localPath: nullable(Type.String(), {
    description: 'File below the app’s folder, where no bucket is configured; the daemon serves it.',
  }),
  startedAt: Instant,
  endedAt: nullable(Instant),
  metatagsJson: nullable(Type.String()),
  snapshotKey: nullable(Type.String(), { description: 'Key of the newest picture taken beside the recording.' }),
  egressId: nullable(Type.String(), { description: 'LiveKit’s id of the recording.' }),
  sessionId: nullable(Type.String(), { description: 'The same for all parts of one recording.' }),
  part: nullable(Type.Integer({ description: 'Number of the part, from 1.' })),
  error: nullable(Type.String(), { description: 'Why it failed, in words.' }),
  note: nullable(Type.String(), {
    description:
      'What is special about it although it is ready: LiveKit ended it at a limit, or used its backup storage.',
  }),
  storageProvider: nullable(Type.String(), {
    description:
      'Where the object is: the provider of that moment. `elsewhere`: in no storage of the app; `s3Url` is its address, and it is never signed or deleted.',
  }),
  storageBucket: nullable(Type.String()),
  url: nullable(Type.String(), { description: 'Link to play: public, else signed for 7 days; only when ready.' }),
  linkState: nullable(oneOf(['public', 'signed', 'refused', 'none']), {
    description:
      '`public`: open link. `signed`: signed link. `refused`: the storage refuses a signed link. `none`: no link can be made. Null while it is not ready.',
  }),
  urlProblem: nullable(Type.String(), { description: 'Why there is no link although it is ready, in words.' }),
};

export const VodRow = object(vodFields);
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
    description: 'Public link; null without a public URL, because segments cannot be signed one by one.',
  }),
});
export type VodVariant = Static<typeof VodVariant>;

export const VodDetail = object({
  ...vodFields,
  presignedUrl: nullable(Type.String(), { description: 'Signed for 7 days; null while it is not ready.' }),
  downloadUrl: nullable(Type.String(), { description: 'Signed for an hour; browsers save it under its name.' }),
  variants: Type.Array(VodVariant),
});
export type VodDetail = Static<typeof VodDetail>;

export const VodQuery = object({
  status: Type.Optional(oneOf(VOD_STATUSES)),
  room: Type.Optional(Type.String({ maxLength: 256, description: 'Exactly this room.' })),
  q: Type.Optional(Type.String({ maxLength: 200, description: 'Part of the name or room.' })),
  ...paging(),
});
export type VodQuery = Static<typeof VodQuery>;

export const DeleteVodQuery = object({
  leaveObjects: Type.Optional(
    queryFlag(
      'Forgets the VOD and leaves its objects in the storage without contacting it, e.g. because the bucket is gone for good. Files in the app’s folder are deleted.',
    ),
  ),
});

export const VodParams = object({
  app: Type.String({ description: 'Name of the app.', examples: ['live'] }),
  id: RowId(),
});
