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
  BucketAlreadyExists: 'BUCKET_TAKEN',
  NoSuchKey: 'OBJECT_MISSING',
  RequestTimeTooSkewed: 'CLOCK_SKEW',
  RequestTimeout: 'TIMEOUT',
  SlowDown: 'THROTTLED',
  Throttling: 'THROTTLED',
  ThrottlingException: 'THROTTLED',
  TooManyRequests: 'THROTTLED',
  RequestLimitExceeded: 'THROTTLED',
  InternalError: 'UNAVAILABLE',
  ServiceUnavailable: 'UNAVAILABLE',
  BadDigest: 'INTEGRITY',
  InvalidDigest: 'INTEGRITY',
  KeyTooLongError: 'KEY_INVALID',
  StorageFull: 'FULL',
  QuotaExceeded: 'FULL',
  NotImplemented: 'UNSUPPORTED',
};

interface SdkError {
  name?: string;
  Code?: string;
  RequestId?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
}

/** Meaning of a status without a known error code; a gateway sends nothing else. */
function codeOfStatus(status: number): StorageErrorCode | undefined {
  if (status === 301 || status === 307 || status === 308) return 'REGION_WRONG';
  if (status === 408) return 'TIMEOUT';
  if (status === 429) return 'THROTTLED';
  if (status === 501) return 'UNSUPPORTED';
  if (status === 507) return 'FULL';
  return status >= 500 ? 'UNAVAILABLE' : undefined;
}

/**
 * Translates what the AWS SDK throws. Checked by name and status, never by message: some servers send none, and a
 * message can hold what must not be shown.
 */
export function translateS3Error(error: unknown): StorageError {
  const network = networkError(error);
  if (network) return network;
  const { name, Code, RequestId, $metadata } = (error ?? {}) as SdkError;
  const native = Code ?? name;
  const status = $metadata?.httpStatusCode;
  const answer = { native, status, requestId: $metadata?.requestId ?? RequestId };
  const known = (native && NAMES[native]) || (name && NAMES[name]) || (status && codeOfStatus(status));
  if (known) return new StorageError(known, answer);
  if (name === 'TimeoutError') return new StorageError('TIMEOUT');
  // The answer is not XML, or a success in a form that S3 does not have: a web server of some other kind.
  if (name === 'SyntaxError' || (error instanceof Error && '$responseBodyText' in error))
    return new StorageError('NOT_A_STORAGE', { status });
  if (status === 401) return new StorageError('CREDENTIALS_REFUSED', answer);
  if (status === 403) return new StorageError('ACCESS_DENIED', answer);
  if (status === 404) return new StorageError('BUCKET_MISSING', answer);
  return new StorageError('FAILED', answer);
}
