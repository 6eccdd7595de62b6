import assert from 'node:assert/strict';
import type { Client } from './daemon.ts';
import type { S3Server } from './s3-server.ts';

/** Where a bucket of the server is, as apps and recordings name it. */
export const bucketPlace = ({ endpoint, region }: S3Server, bucket: string) => ({
  provider: 'minio',
  ...{ endpoint, region, bucket },
  forcePathStyle: true,
});

/** What `PUT /apps/{name}/s3` takes for a bucket of the server. */
export const bucketSettings = (s3: S3Server, bucket: string) => ({
  ...bucketPlace(s3, bucket),
  key: s3.key,
  secret: s3.secret,
});

/** Gives an app a fresh bucket of the server. */
export async function giveBucket(api: Client, app: string, s3: S3Server, more: object = {}): Promise<string> {
  const bucket = await s3.bucket();
  const answer = await api.put(`/apps/${app}/s3`, { ...bucketSettings(s3, bucket), ...more });
  assert.equal(answer.status, 200, answer.text);
  return bucket;
}
