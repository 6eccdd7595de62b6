import { defineStorageProvider, type SettingsFinding, type Static, StorageError, Type } from 'streamhub/plugin-sdk';
import { openS3, s3Credentials, s3EgressTarget } from 'streamhub/plugin-sdk/s3';

const settings = Type.Object({
  bucket: Type.String({
    title: 'Bucket',
    default: '',
    maxLength: 63,
    description: 'Name of the bucket. It must exist.',
  }),
  accountId: Type.String({
    title: 'Account ID',
    default: '',
    maxLength: 32,
    description: 'Of the Cloudflare account: 32 letters and digits, shown beside R2 in its dashboard.',
  }),
  jurisdiction: Type.Enum(['default', 'eu', 'us', 'fedramp'], {
    title: 'Jurisdiction',
    default: 'default',
    description: 'Where the bucket was created; each jurisdiction has its own endpoint.',
  }),
});
export type R2Settings = Static<typeof settings>;

/**
 * Each account has its own host, and each jurisdiction another one below it.
 * https://developers.cloudflare.com/r2/api/s3/api/ and https://developers.cloudflare.com/r2/reference/data-location/
 */
export function r2Endpoint({ accountId, jurisdiction }: R2Settings): string | undefined {
  if (accountId === '') return undefined;
  const part = jurisdiction === 'default' ? '' : `.${jurisdiction}`;
  return `https://${accountId}${part}.r2.cloudflarestorage.com`;
}

/** The provider; tests give it the endpoint of another server. */
export function r2Provider(endpointOf: (settings: R2Settings) => string | undefined = r2Endpoint) {
  /** Where the S3 interface of the bucket is. "The region for an R2 bucket is auto." */
  const place = (values: R2Settings) => ({ region: 'auto', endpoint: endpointOf(values) ?? '', forcePathStyle: true });
  return defineStorageProvider({
    id: 'r2',
    docsUrl: 'https://developers.cloudflare.com/r2/',
    // R2 keeps no versions of objects: the bucket-level operations for them are not implemented
    capabilities: { bulkDelete: true, presign: true, versions: false, multipart: true },
    maxDeleteBatch: 1000,
    credentials: s3Credentials,
    settings,
    // the addresses of recordings are made from the shared settings: so they must be complete
    normalise: (values) => ({ ...values, ...place(values) }),
    validate({ accountId }) {
      const findings: SettingsFinding[] = [];
      if (accountId === '') {
        findings.push({ path: 'accountId', message: 'is needed: it names your endpoint', severity: 'error' });
      } else if (!/^[0-9a-f]{32}$/.test(accountId)) {
        findings.push({ path: 'accountId', message: 'is not 32 digits and letters from a to f', severity: 'error' });
      }
      return findings;
    },
    endpoint: endpointOf,
    egressTarget: (values, credentials) => s3EgressTarget({ bucket: values.bucket, ...place(values) }, credentials),
    // openS3 sends checksums only where S3 demands them, and Content-MD5 with bulk deletions: R2 knows both
    open(context) {
      const s3 = place(context.settings);
      // without an endpoint the keys would go to AWS
      if (s3.endpoint === '') throw new StorageError('SETTINGS_INVALID', { detail: 'The account ID is missing.' });
      return openS3({ ...context, settings: { bucket: context.settings.bucket, ...s3 } });
    },
  });
}
