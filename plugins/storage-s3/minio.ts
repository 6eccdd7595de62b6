import { defineStorageProvider, StorageError } from 'streamhub/plugin-sdk';
import { checkS3Settings, openS3, s3Credentials, s3EgressTarget, s3Settings } from 'streamhub/plugin-sdk/s3';
import { S3_CAPABILITIES, S3_DELETE_BATCH } from './capabilities.ts';

/** Without an endpoint the keys would go to AWS. */
function requireEndpoint({ endpoint }: { endpoint: string }): void {
  if (endpoint === '') throw new StorageError('SETTINGS_INVALID', { detail: 'The endpoint is missing.' });
}

export const minio = defineStorageProvider({
  id: 'minio',
  docsUrl: 'https://min.io/docs/',
  capabilities: S3_CAPABILITIES,
  maxDeleteBatch: S3_DELETE_BATCH,
  credentials: s3Credentials,
  settings: s3Settings({
    region: { description: 'Region of the server; MinIO’s own default is us-east-1.' },
    endpoint: { examples: ['http://127.0.0.1:9000'], description: 'Full URL of the server. Required.' },
    forcePathStyle: { default: true },
  }),
  validate(settings) {
    const findings = checkS3Settings(settings);
    if (settings.endpoint === '')
      findings.push({ path: 'endpoint', message: 'is needed: the URL of your server', severity: 'error' });
    if (!settings.forcePathStyle) {
      findings.push({
        path: 'forcePathStyle',
        message: 'is off; most servers of this kind need it',
        severity: 'warning',
      });
    }
    return findings;
  },
  endpoint: ({ endpoint }) => endpoint || undefined,
  egressTarget(settings, credentials) {
    requireEndpoint(settings);
    return s3EgressTarget(settings, credentials);
  },
  open(context) {
    requireEndpoint(context.settings);
    return openS3(context);
  },
});
