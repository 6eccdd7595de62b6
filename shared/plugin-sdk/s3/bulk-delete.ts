import type { DeleteObjectsCommandOutput, ObjectIdentifier, S3Client } from '@aws-sdk/client-s3';
import { StorageError, type StorageErrorCode } from '../storage-error.ts';
import { translateS3Error } from './errors.ts';

/** A bucket and the client that reaches it. */
export interface Bucket {
  sdk: typeof import('@aws-sdk/client-s3');
  client: S3Client;
  bucket: string;
}

/** After these, a request for a single object would fail in the same way. */
const NOT_ABOUT_BULK: ReadonlySet<string> = new Set<StorageErrorCode>([
  'CREDENTIALS_REFUSED',
  'CLOCK_SKEW',
  'HOST_UNKNOWN',
  'UNREACHABLE',
  'TLS_FAILED',
  'CERTIFICATE_REFUSED',
  'PROXY_FAILED',
  'ENDPOINT_REFUSED',
  'TIMEOUT',
  'THROTTLED',
  'ABORTED',
]);

/** Can the storage refuse this bulk request and still delete single objects? */
export const isAboutBulk = ({ code, status }: StorageError): boolean =>
  !NOT_ABOUT_BULK.has(code) && (code !== 'UNAVAILABLE' || status === 500);

/** One bulk request for at most 1000 objects; the client must send Content-MD5 (`sendContentMd5`). @throws StorageError */
export async function deleteInBulk(
  { sdk, client, bucket }: Bucket,
  objects: readonly ObjectIdentifier[],
  abortSignal: AbortSignal | undefined,
): Promise<DeleteObjectsCommandOutput> {
  const command = new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [...objects], Quiet: false } });
  try {
    const answer = await client.send(command, { abortSignal });
    if (answer.Deleted === undefined && answer.Errors === undefined) throw new StorageError('NOT_A_STORAGE');
    return answer;
  } catch (error) {
    throw translateS3Error(error);
  }
}
