import { type Static, Type } from 'typebox';
import { LONGEST_CREDENTIAL } from '../plugin-sdk/credential-length.ts';
import { Instant, nullable, object, oneOf } from './common.ts';

/** Characters of an option's value. */
const LONGEST_OPTION = 1024;

const options = Type.Record(
  Type.String({ maxLength: 64 }),
  Type.Union([Type.String({ maxLength: LONGEST_OPTION }), Type.Number(), Type.Boolean()]),
  {
    description: 'Additional settings of the provider.',
    maxProperties: 32,
  },
);

/** What `isOptionValue` takes, in words. */
export const OPTION_VALUES = 'a text, a number or a boolean';
/** Can a setting of a provider have this value? Configs and plugins may have others. */
export const isOptionValue = (value: unknown): value is string | number | boolean =>
  typeof value === 'string'
    ? value.length <= LONGEST_OPTION
    : typeof value === 'number'
      ? Number.isFinite(value)
      : typeof value === 'boolean';

/** The storage of an app as it may be shown: credentials masked, secrets never. */
export const S3View = object(
  {
    provider: Type.String({ description: 'Id of the storage provider.', examples: ['wasabi'] }),
    bucket: Type.String(),
    region: Type.String(),
    endpoint: Type.String({ description: 'Empty: the provider’s default.' }),
    forcePathStyle: Type.Boolean(),
    prefix: Type.String({ description: 'Prefix for new objects.' }),
    public_url: Type.String({ description: 'Public base URL of the bucket; empty: signed links.' }),
    public_endpoint: Type.String({ description: 'Endpoint for signed links; empty: `endpoint`.' }),
    options,
    credentials: oneOf(['keys', 'role'], {
      title: 'S3Credentials',
      description: '`keys`: access key and secret key. `role`: those of the daemon machine’s AWS role.',
    }),
    accessKeyEnv: Type.String({
      description: 'Name of the stored access key. An environment variable with this name takes precedence.',
    }),
    secretKeyEnv: Type.String({ description: 'The same for the secret key.' }),
    key: Type.String({ description: 'Access key, masked.' }),
    keyMasked: Type.String({ description: 'Same as key.' }),
    secret: Type.String({ description: 'Secret key, masked.' }),
    secretMasked: Type.String({ description: 'Same as secret.' }),
    hasKey: Type.Boolean(),
    hasSecret: Type.Boolean(),
    keySource: nullable(oneOf(['environment', 'file'], { title: 'S3KeySource' }), {
      description: 'Source of the access key.',
    }),
    secretSource: nullable(oneOf(['environment', 'file']), { description: 'Source of the secret key.' }),
    configured: Type.Boolean({
      description: 'Both credentials are set, the machine’s role is chosen, or none are needed.',
    }),
    lastUse: nullable(
      object({
        ok: Type.Boolean(),
        at: Instant,
        what: oneOf(['test', 'recording']),
        reason: nullable(Type.String({ description: 'Why it failed.' })),
      }),
      { description: 'How the storage was when it was last used. `null`: not used since the daemon started.' },
    ),
    keptLocally: Type.Boolean({
      description:
        'New recordings are stored in the app’s folder on this machine: by choice, or because no bucket is set.',
    }),
    recordingPath: oneOf(['direct', 'folder', 'moved'], {
      description:
        '`direct`: LiveKit writes new recordings to the storage. `folder`: to the app’s folder, where they stay. `moved`: to the app’s folder, and a job moves them to the storage.',
    }),
    recordingPathNote: Type.String({ description: 'The same in a sentence.' }),
    recordingsElsewhere: Type.Integer({
      description: 'Recordings in other buckets. They stay there; their links and deletion use those buckets.',
    }),
    elsewhere: Type.Array(
      object({
        provider: Type.String(),
        bucket: Type.String(),
        endpoint: Type.String(),
        options,
        recordings: Type.Integer(),
        credentials: oneOf(['own', 'current'], {
          description: '`own`: uses the credentials stored at that time. `current`: uses the credentials above.',
        }),
      }),
      { description: 'The other buckets with recordings of this app.' },
    ),
    publicVods: Type.Boolean({ description: 'Anyone can open recordings through public_url.' }),
    publicWarning: nullable(Type.String()),
    warnings: Type.Array(Type.String(), { description: 'Notes on these settings.' }),
  },
  { title: 'S3Settings' },
);
export type S3View = Static<typeof S3View>;

const fields = {
  provider: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description:
        'Id of a storage provider (GET /storage/providers). `aws` without `endpoint` clears the endpoint, and so does a provider that has none.',
      examples: ['wasabi'],
    }),
  ),
  bucket: Type.Optional(Type.String({ maxLength: 255 })),
  region: Type.Optional(Type.String({ maxLength: 64 })),
  endpoint: Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'Full http or https URL.',
      examples: ['https://s3.us-east-1.wasabisys.com'],
    }),
  ),
  forcePathStyle: Type.Optional(Type.Boolean({ description: 'Path-style addresses, as MinIO needs them.' })),
  prefix: Type.Optional(
    Type.String({ maxLength: 255, description: 'Prefix for new objects.', examples: ['streamhub/live'] }),
  ),
  options: Type.Optional(options),
  credentials: Type.Optional(
    oneOf(['keys', 'role'], {
      description:
        'With the provider `aws`: `role` uses the AWS role of the daemon’s machine instead of access keys. Only a credential with global scope may choose it, for each bucket again.',
    }),
  ),
  key: Type.Optional(
    Type.String({
      maxLength: LONGEST_CREDENTIAL,
      description:
        'Access key for the secret store, at most 512 characters if the provider allows no more. If absent or empty, the stored key is kept.',
    }),
  ),
  secret: Type.Optional(
    Type.String({
      maxLength: LONGEST_CREDENTIAL,
      description:
        'Secret key for the secret store, at most 512 characters if the provider allows no more. A JSON text is stored in one line. If absent or empty, the stored key is kept.',
    }),
  ),
};

/** Every field is optional; what is absent stays as it is. */
export const PutS3Body = object({
  ...fields,
  public_url: Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'Public base URL of the bucket. Trailing slashes are removed; an empty text clears it.',
    }),
  ),
  public_endpoint: Type.Optional(
    Type.String({
      maxLength: 255,
      description:
        'Endpoint for signed links, if viewers reach the storage at another address. An empty text clears it.',
    }),
  ),
  confirmPublic: Type.Optional(
    Type.Boolean({
      description: 'Must be true to set the first public_url, because it makes all recordings public.',
    }),
  ),
});
export type PutS3Body = Static<typeof PutS3Body>;

/** Settings to try without storing them; what is absent is taken from the stored ones. */
export const TestS3Body = object(fields);
export type TestS3Body = Static<typeof TestS3Body>;

const S3TestStep = object({
  id: oneOf(['resolve', 'connect', 'sign', 'write', 'multipart', 'read', 'link', 'pages', 'list', 'delete']),
  state: oneOf(['ok', 'warning', 'failed', 'skipped'], {
    title: 'CheckState',
    description: '`warning`: recordings work, but browsers can’t play HLS from the bucket.',
  }),
  message: Type.String({ description: 'The result, or what went wrong.' }),
  durationMs: Type.Number(),
  code: Type.Optional(Type.String({ description: 'Stable code of the failure.' })),
  cure: Type.Optional(Type.String({ description: 'What you can do about the failure.' })),
  native: Type.Optional(Type.String({ description: 'Error code from the storage.' })),
  status: Type.Optional(Type.Integer({ description: 'HTTP status from the storage.' })),
  requestId: Type.Optional(Type.String({ description: 'The storage’s request id, for its operator.' })),
});

export const S3TestResult = object({
  ok: Type.Boolean({ description: 'No step failed.' }),
  provider: Type.String(),
  bucket: Type.String(),
  endpoint: Type.String(),
  probeKey: Type.String({ description: 'Key of the test object.' }),
  steps: Type.Array(S3TestStep),
});
export type S3TestResult = Static<typeof S3TestResult>;

export const S3BucketResult = object({
  bucket: Type.String(),
  isNew: Type.Boolean({ description: 'False: it existed already and belongs to the account.' }),
});
export type S3BucketResult = Static<typeof S3BucketResult>;

export const S3CorsResult = object({
  bucket: Type.String(),
  isNew: Type.Boolean({ description: 'False: a rule of the bucket allowed it already.' }),
});
export type S3CorsResult = Static<typeof S3CorsResult>;

/** A storage provider with everything that a form needs. */
export const StorageProvider = object({
  id: Type.String(),
  title: Type.String(),
  description: Type.String(),
  docsUrl: nullable(Type.String()),
  plugin: Type.String({ description: 'Plugin that provides it.' }),
  pluginVersion: nullable(Type.String()),
  egressTarget: Type.Boolean({
    description: 'LiveKit writes recordings to it; else the daemon moves them there from the app’s folder.',
  }),
  inAppFolder: Type.Boolean({
    description:
      'Its objects are files in the app’s folder, served by the daemon; prefix and public_url have no effect.',
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
      maxLength: Type.Optional(Type.Integer({ description: 'Characters at most; 512 if absent.' })),
    }),
  ),
  settings: Type.Object(
    {},
    {
      additionalProperties: true,
      description:
        'JSON Schema of its settings. Send bucket, region, endpoint and forcePathStyle as fields of PUT …/s3, all others in its options.',
    },
  ),
});
export type StorageProvider = Static<typeof StorageProvider>;
