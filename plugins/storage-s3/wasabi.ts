import { defineStorageProvider } from 'streamhub/plugin-sdk';
import { checkS3Settings, openS3, s3Credentials, s3EgressTarget, s3Settings } from 'streamhub/plugin-sdk/s3';
import { S3_CAPABILITIES, S3_DELETE_BATCH } from './capabilities.ts';

const regional = (region: string) => `https://s3.${region || 'us-east-1'}.wasabisys.com`;

export const wasabi = defineStorageProvider({
  id: 'wasabi',
  docsUrl: 'https://docs.wasabi.com/',
  capabilities: S3_CAPABILITIES,
  maxDeleteBatch: S3_DELETE_BATCH,
  credentials: s3Credentials,
  settings: s3Settings({
    region: { examples: ['eu-central-1'] },
    endpoint: {
      examples: ['https://s3.eu-central-1.wasabisys.com'],
      description: 'Empty = the endpoint of the region.',
    },
  }),
  normalise: (settings) => (settings.endpoint === '' ? { ...settings, endpoint: regional(settings.region) } : settings),
  validate(settings) {
    const findings = checkS3Settings(settings);
    const named = /^https?:\/\/s3\.([a-z0-9-]+)\.wasabisys\.com/.exec(settings.endpoint)?.[1];
    if (named !== undefined && named !== settings.region) {
      findings.push({
        path: 'endpoint',
        message: `is that of region ${named}, but the region is ${settings.region}`,
        severity: 'warning',
      });
    }
    return findings;
  },
  endpoint: ({ endpoint, region }) => endpoint || regional(region),
  egressTarget: (settings, credentials) =>
    s3EgressTarget({ ...settings, endpoint: settings.endpoint || regional(settings.region) }, credentials),
  open: (context) => openS3(context, { endpoint: regional(context.settings.region) }),
});
