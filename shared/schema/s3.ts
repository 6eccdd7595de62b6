import { type Static, Type } from 'typebox';
import { nullable, object, oneOf } from './common.ts';

const options = Type.Record(
  Type.String({ maxLength: 64 }),
  Type.Union([Type.String({ maxLength: 1024 }), Type.Number(), Type.Boolean()]),
  {
    description: 'Settings of the provider beside the shared ones.',
    maxProperties: 32,
  },
);

/** The storage of an app as it may be shown: credentials masked, secrets never. */
export const S3View = object({
  provider: Type.String({ description: 'Id of the storage provider.', examples: ['wasabi'] }),
  bucket: Type.String(),
  region: Type.String(),
  endpoint: Type.String({ description: 'Empty = the provider’s own.' }),
  forcePathStyle: Type.Boolean(),
  prefix: Type.String({ description: 'Prefix of new objects.' }),
  public_url: Type.String({ description: 'Public base of the bucket; empty = signed links.' }),
  public_endpoint: Type.String({ description: 'Endpoint that signed links use; empty = `endpoint`.' }),
  options,
  accessKeyEnv: Type.String({
    description: 'Name of the stored access key, and of the environment variable that wins over it.',
  }),
  secretKeyEnv: Type.String({ description: 'The same for the secret key.' }),
  key: Type.String({ description: 'Access key, masked.' }),
  keyMasked: Type.String({ description: 'The same as key.' }),
  secret: Type.String({ description: 'Secret key, masked.' }),
  secretMasked: Type.String({ description: 'The same as secret.' }),
  hasKey: Type.Boolean(),
  hasSecret: Type.Boolean(),
  keySource: nullable(oneOf(['environment', 'file']), { description: 'Where the access key comes from.' }),
  secretSource: nullable(oneOf(['environment', 'file']), { description: 'Where the secret key comes from.' }),
  configured: Type.Boolean({ description: 'Both credentials are there, or none are needed.' }),
  keptLocally: Type.Boolean({
    description: 'New recordings stay in the app’s folder on this machine: by choice, or because no bucket is set.',
  }),
  recordingsElsewhere: Type.Integer({
    description: 'Recordings in other buckets than this one: they stay there, and their links and deletion go there.',
  }),
  elsewhere: Type.Array(
    object({
      provider: Type.String(),
      bucket: Type.String(),
      endpoint: Type.String(),
      recordings: Type.Integer(),
      credentials: oneOf(['own', 'current'], {
        description: '`own`: the credentials of that time are kept for it. `current`: those above are used.',
      }),
    }),
    { description: 'The other buckets with recordings of this app.' },
  ),
  publicVods: Type.Boolean({ description: 'Recordings are open to anyone through public_url.' }),
  publicWarning: nullable(Type.String()),
  warnings: Type.Array(Type.String(), { description: 'Remarks on these settings.' }),
});
export type S3View = Static<typeof S3View>;

const fields = {
  provider: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: 'Id of a storage provider (GET /storage/providers). `aws` without `endpoint` clears the endpoint.',
      examples: ['wasabi'],
    }),
  ),
  bucket: Type.Optional(Type.String({ maxLength: 255 })),
  region: Type.Optional(Type.String({ maxLength: 64 })),
  endpoint: Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'Full URL, http or https.',
      examples: ['https://s3.us-east-1.wasabisys.com'],
    }),
  ),
  forcePathStyle: Type.Optional(Type.Boolean({ description: 'Path-style addresses; MinIO needs them.' })),
  prefix: Type.Optional(
    Type.String({ maxLength: 255, description: 'Prefix of new objects.', examples: ['streamhub/live'] }),
  ),
  options: Type.Optional(options),
  key: Type.Optional(
    Type.String({
      maxLength: 512,
      description: 'Access key, to the secret store; absent or empty keeps the stored one.',
    }),
  ),
  secret: Type.Optional(Type.String({ maxLength: 512, description: 'Secret key; the same.' })),
};

/** Every field is optional; what is absent stays as it is. */
export const PutS3Body = object({
  ...fields,
  public_url: Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'Public base of the bucket; trailing slashes are removed; empty clears it.',
    }),
  ),
  public_endpoint: Type.Optional(
    Type.String({
      maxLength: 255,
      description:
        'Endpoint that signed links use, where viewers reach the storage at another address; empty clears it.',
    }),
  ),
  confirmPublic: Type.Optional(
    Type.Boolean({
      description: 'Must be true to set a public_url where there was none: it makes all recordings public.',
    }),
  ),
});
export type PutS3Body = Static<typeof PutS3Body>;

/** Settings to try without storing them; what is absent is taken from the stored ones. */
export const TestS3Body = object(fields);
export type TestS3Body = Static<typeof TestS3Body>;

const S3TestStep = object({
  id: oneOf(['resolve', 'connect', 'sign', 'write', 'multipart', 'read', 'link', 'list', 'delete']),
  state: oneOf(['ok', 'failed', 'skipped']),
  message: Type.String({ description: 'What was found, or what went wrong.' }),
  durationMs: Type.Number(),
  code: Type.Optional(Type.String({ description: 'Stable word for the failure.' })),
  cure: Type.Optional(Type.String({ description: 'What can be done about the failure.' })),
  native: Type.Optional(Type.String({ description: 'The storage’s own error code.' })),
  status: Type.Optional(Type.Integer({ description: 'HTTP status of the storage’s answer.' })),
  requestId: Type.Optional(Type.String({ description: 'The storage’s id of the request, for its operator.' })),
});

export const S3TestResult = object({
  ok: Type.Boolean({ description: 'No step failed.' }),
  provider: Type.String(),
  bucket: Type.String(),
  endpoint: Type.String(),
  probeKey: Type.String({ description: 'Key of the object that was written, read and deleted.' }),
  steps: Type.Array(S3TestStep),
});
export type S3TestResult = Static<typeof S3TestResult>;

/** A storage provider with everything that a form needs. */
export const StorageProvider = object({
  id: Type.String(),
  title: Type.String(),
  description: Type.String(),
  docsUrl: nullable(Type.String()),
  plugin: Type.String({ description: 'Plugin that brings it.' }),
  pluginVersion: nullable(Type.String()),
  inAppFolder: Type.Boolean({
    description:
      'Its objects are files in the app’s own folder, which the daemon serves; prefix and public_url mean nothing.',
  }),
  capabilities: object({
    bulkDelete: Type.Boolean(),
    presign: Type.Boolean(),
    versions: Type.Boolean(),
    multipart: Type.Boolean(),
  }),
  credentials: Type.Array(
    object({
      name: oneOf(['key', 'secret']),
      title: Type.String(),
      description: Type.Optional(Type.String()),
      secret: Type.Boolean(),
      required: Type.Boolean(),
    }),
  ),
  settings: Type.Object(
    {},
    {
      additionalProperties: true,
      description:
        'JSON Schema of its settings. bucket, region, endpoint and forcePathStyle are fields of PUT …/s3, any other belongs into its options.',
    },
  ),
});
export type StorageProvider = Static<typeof StorageProvider>;
