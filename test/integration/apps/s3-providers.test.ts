import { after } from 'node:test';
import { testStorageProvider } from 'streamhub/plugin-sdk/conformance';
import storageS3 from '../../../plugins/storage-s3/index.ts';
import { startS3Server } from '../../helpers/s3-server.ts';

const server = startS3Server();
const skip = typeof server === 'string' ? server : false;
const bucket = typeof server === 'string' ? '' : await server.bucket();
if (typeof server !== 'string') after(() => server.stop());

for (const provider of storageS3.storageProviders ?? []) {
  const reach = typeof server === 'string' ? { endpoint: '', region: '', key: '', secret: '' } : server;
  testStorageProvider(provider, {
    settings: { bucket, region: reach.region, endpoint: reach.endpoint, forcePathStyle: true },
    credentials: { key: reach.key, secret: reach.secret },
    skip,
  });
}
