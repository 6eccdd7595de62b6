import { type Static, Type } from 'typebox';

const word = (pattern: string, maxLength: number, description: string) =>
  Type.String({ pattern, maxLength, description });
const secret = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description });

/** A storage as LiveKit's egress service is told of it, with the fields that LiveKit has. */
export const EgressTarget = Type.Union([
  Type.Object({
    kind: Type.Literal('s3', { description: 'A service that speaks S3.' }),
    bucket: word('^[A-Za-z0-9][A-Za-z0-9._-]*$', 255, 'Name of the bucket.'),
    region: word('^[A-Za-z0-9-]*$', 64, 'Region; empty: none.'),
    endpoint: word('^(?:https?://.+)?$', 255, 'Full URL; empty: AWS.'),
    forcePathStyle: Type.Boolean({ description: 'The bucket is in the path, not in the host name.' }),
    accessKey: secret('Access key.'),
    secret: secret('Secret key.'),
    sessionToken: Type.String({ maxLength: 8192, description: 'Of credentials that expire; else empty.' }),
  }),
  Type.Object({
    kind: Type.Literal('azure', { description: 'Azure Blob Storage.' }),
    accountName: word('^[a-z0-9]{3,24}$', 24, 'Name of the storage account.'),
    accountKey: secret('Key of the account.'),
    containerName: word('^[a-z0-9$](?:[a-z0-9-]*[a-z0-9])?$', 63, 'Name of the container.'),
  }),
  Type.Object({
    kind: Type.Literal('gcp', { description: 'Google Cloud Storage.' }),
    bucket: word('^[a-z0-9][a-z0-9._-]*[a-z0-9]$', 222, 'Name of the bucket.'),
    credentials: Type.String({ minLength: 2, maxLength: 16_384, description: 'Key file of a service account, JSON.' }),
  }),
  Type.Object({
    kind: Type.Literal('alioss', { description: 'Alibaba Cloud OSS.' }),
    bucket: word('^[a-z0-9][a-z0-9-]*[a-z0-9]$', 63, 'Name of the bucket.'),
    region: word('^[a-z0-9-]*$', 64, 'Region; empty: that of the endpoint.'),
    endpoint: word('^https?://.+$', 255, 'Full URL.'),
    accessKey: secret('AccessKey ID.'),
    secret: secret('AccessKey secret.'),
  }),
]);
export type EgressTarget = Static<typeof EgressTarget>;
