import type { EgressTarget } from '../egress-target.ts';
import { StorageError } from '../storage-error.ts';
import type { S3Settings } from './settings.ts';

/** How LiveKit writes to an S3-compatible service: `egressTarget` of its provider. @throws StorageError */
export function s3EgressTarget(settings: S3Settings, credentials: Readonly<Record<string, string>>): EgressTarget {
  const { key: accessKey = '', secret = '', sessionToken = '' } = credentials;
  if (accessKey === '' || secret === '') throw new StorageError('CREDENTIALS_MISSING');
  const { bucket, region, endpoint, forcePathStyle } = settings;
  return { kind: 's3', bucket, region, endpoint, forcePathStyle, accessKey, secret, sessionToken };
}
