import { defineStorageProvider } from 'streamhub/plugin-sdk';
import { checkS3Settings, openS3, s3Credentials, s3EgressTarget, s3Settings } from 'streamhub/plugin-sdk/s3';
import { S3_CAPABILITIES, S3_DELETE_BATCH } from './capabilities.ts';

export const aws = defineStorageProvider({
  id: 'aws',
  docsUrl: 'https://docs.aws.amazon.com/AmazonS3/latest/userguide/',
  capabilities: S3_CAPABILITIES,
  maxDeleteBatch: S3_DELETE_BATCH,
  credentials: s3Credentials,
  settings: s3Settings({
    region: { examples: ['eu-central-1'] },
    endpoint: { description: 'Leave empty; only for a private or accelerated endpoint of AWS.' },
  }),
  // The endpoint left over from another provider would get the keys of AWS.
  normalise: (settings, { given }) =>
    given.includes('provider') && !given.includes('endpoint') ? { ...settings, endpoint: '' } : settings,
  validate(settings) {
    const findings = checkS3Settings(settings);
    if (settings.region === '') findings.push({ path: 'region', message: 'is needed by Amazon S3', severity: 'error' });
    return findings;
  },
  endpoint: ({ endpoint, region }) => endpoint || `https://s3.${region}.amazonaws.com`,
  egressTarget: s3EgressTarget,
  open: openS3,
});
