import { networkError } from '../network-error.ts';
import { StorageError, type StorageErrorCode } from '../storage-error.ts';

/** S3's error names, as the SDK throws them, in the words that all providers share. */
const NAMES: Readonly<Record<string, StorageErrorCode>> = {
  SignatureDoesNotMatch: 'CREDENTIALS_REFUSED',
  InvalidAccessKeyId: 'CREDENTIALS_REFUSED',
  InvalidToken: 'CREDENTIALS_REFUSED',
  ExpiredToken: 'CREDENTIALS_REFUSED',
  AuthorizationHeaderMalformed: 'REGION_WRONG',
  PermanentRedirect: 'REGION_WRONG',
  TemporaryRedirect: 'REGION_WRONG',
  IllegalLocationConstraintException: 'REGION_WRONG',
  AccessDenied: 'ACCESS_DENIED',
  AllAccessDisabled: 'ACCESS_DENIED',
  AccountProblem: 'ACCESS_DENIED',
  NoSuchBucket: 'BUCKET_MISSING',
  InvalidBucketName: 'BUCKET_INVALID',
  NoSuchKey: 'OBJECT_MISSING',
  RequestTimeTooSkewed: 'CLOCK_SKEW',
  RequestTimeout: 'TIMEOUT',
  SlowDown: 'THROTTLED',
  Throttling: 'THROTTLED',
  ThrottlingException: 'THROTTLED',
  TooManyRequests: 'THROTTLED',
  RequestLimitExceeded: 'THROTTLED',
  ServiceUnavailable: 'THROTTLED',
  BadDigest: 'INTEGRITY',
};

interface SdkError {
  name?: string;
  Code?: string;
  $metadata?: { httpStatusCode?: number };
}

/**
 * Translates what the AWS SDK throws. Checked by name and status, never by message: some servers send none, and a
 * message can hold what must not be shown.
 */
export function translateS3Error(error: unknown): StorageError {
  const network = networkError(error);
  if (network) return network;
  const { name, Code, $metadata } = (error ?? {}) as SdkError;
  const native = Code ?? name;
  const status = $metadata?.httpStatusCode;
  const known = (native && NAMES[native]) || (name && NAMES[name]);
  if (known) return new StorageError(known, { native });
  if (name === 'TimeoutError') return new StorageError('TIMEOUT');
  // An XML parser that fails, or a success in a form that S3 does not have, is a web server of some other kind.
  if (name === 'SyntaxError' || (error instanceof Error && '$responseBodyText' in error))
    return new StorageError('NOT_A_STORAGE');
  if (status === 301 || status === 307 || status === 308) return new StorageError('REGION_WRONG', { native });
  if (status === 401) return new StorageError('CREDENTIALS_REFUSED', { native });
  if (status === 403) return new StorageError('ACCESS_DENIED', { native });
  if (status === 404) return new StorageError('BUCKET_MISSING', { native });
  if (status === 408) return new StorageError('TIMEOUT', { native });
  if (status === 429 || status === 503) return new StorageError('THROTTLED', { native });
  return new StorageError('FAILED', { native });
}
