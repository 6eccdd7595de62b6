import assert from 'node:assert/strict';
import type { Client } from './daemon.ts';
import type { S3Server } from './s3-server.ts';

/** Gives an app a fresh bucket of the server. */
export async function giveBucket(api: Client, app: string, s3: S3Server, more: object = {}): Promise<string> {
  const bucket = await s3.bucket();
  const answer = await api.put(`/apps/${app}/s3`, {
    provider: 'minio',
    endpoint: s3.endpoint,
    region: s3.region,
    bucket,
    forcePathStyle: true,
    key: s3.key,
    secret: s3.secret,
    ...more,
  });
  assert.equal(answer.status, 200, answer.text);
  return bucket;
}
