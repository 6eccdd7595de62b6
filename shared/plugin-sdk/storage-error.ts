/** What can go wrong with a storage, in words that every provider shares. `cure` says what the operator can do. */
export const STORAGE_ERRORS = {
  CREDENTIALS_MISSING: {
    message: 'No access key and secret are stored for this app.',
    cure: 'Enter the access key and the secret key.',
  },
  ROLE_UNAVAILABLE: {
    message: 'This machine gives StreamHub no credentials of an AWS role.',
    cure: 'Give the instance, task or service account an IAM role. In a container on EC2, set the hop limit of the metadata service to 2. Or enter an access key.',
  },
  CREDENTIALS_REFUSED: {
    message: 'The storage does not accept these credentials.',
    cure: 'Check the access key and enter the secret key again. Make sure that they belong to this provider and region.',
  },
  ACCESS_DENIED: {
    message: 'The storage knows the credentials but refuses this operation.',
    cure: 'Allow the key to list, read, write and delete in this bucket. Check for a bucket policy or object lock that forbids it.',
  },
  BUCKET_MISSING: {
    message: 'The bucket does not exist.',
    cure: 'Create the bucket, or correct its name, region or endpoint.',
  },
  BUCKET_NOT_SET: { message: 'No bucket is configured.', cure: 'Enter the name of the bucket.' },
  BUCKET_INVALID: {
    message: 'The name of the bucket is not valid.',
    cure: 'Use 3 to 63 lowercase letters, digits, dots and dashes.',
  },
  BUCKET_TAKEN: {
    message: 'Another account has a bucket with this name.',
    cure: 'Choose another name.',
  },
  KEY_INVALID: {
    message: 'The storage cannot store an object with this name.',
    cure: 'Use a shorter relative path; no part may be empty, a dot or two dots.',
  },
  LINK_REFUSED: {
    message: 'The storage refuses a signed link.',
    cure: 'Allow the key to read objects. Check for a proxy or a bucket policy that forbids signed links.',
  },
  FULL: { message: 'There is no space left in the storage.', cure: 'Delete what you don’t need, or add space.' },
  OBJECT_MISSING: { message: 'The object does not exist.', cure: 'It may have been deleted already.' },
  REGION_WRONG: { message: 'The bucket is in another region.', cure: 'Set the region of the bucket.' },
  HOST_UNKNOWN: {
    message: 'The endpoint’s host name was not found.',
    cure: 'Check the endpoint for typos, and this machine’s DNS.',
  },
  UNREACHABLE: {
    message: 'The endpoint is not responding.',
    cure: 'Check that the storage runs, that the port is correct, and that no firewall blocks it.',
  },
  TLS_FAILED: {
    message: 'No secure connection could be made.',
    cure: 'Check whether the endpoint needs http:// or https://, and that its certificate is valid.',
  },
  CERTIFICATE_REFUSED: {
    message: 'The endpoint’s certificate is not trusted here, or is not valid.',
    cure: 'Add its certificate authority to this machine and restart the daemon. If it expired or names another host, correct it there.',
  },
  PROXY_FAILED: {
    message: 'The proxy does not connect to the endpoint.',
    cure: 'Check HTTPS_PROXY, or name the endpoint’s host in NO_PROXY, and restart the daemon.',
  },
  ENDPOINT_REFUSED: {
    message: 'StreamHub is not allowed to contact the endpoint’s address.',
    cure: 'Use the address of the storage itself; link-local and cloud-metadata addresses are never allowed.',
  },
  NOT_A_STORAGE: {
    message: 'The endpoint responds, but it is not this kind of storage.',
    cure: 'Check the endpoint; it may be a web console or a proxy.',
  },
  LISTING_ENDLESS: {
    message: 'The storage’s listing does not end.',
    cure: 'Check for a proxy or cache between StreamHub and the storage. Otherwise ask the storage’s operator.',
  },
  CLOCK_SKEW: {
    message: 'The clocks of this machine and the storage differ too much.',
    cure: 'Set this machine’s clock, preferably with NTP.',
  },
  TIMEOUT: {
    message: 'The storage took too long to respond.',
    cure: 'Try again. If it happens again, check the network and the load of the storage.',
  },
  UNAVAILABLE: {
    message: 'The storage is temporarily unavailable.',
    cure: 'Try again later. The storage, or a gateway before it, reports an outage.',
  },
  THROTTLED: { message: 'The storage asks to slow down.', cure: 'Try again later.' },
  SETTINGS_INVALID: { message: 'The settings are not valid.', cure: 'Correct the listed fields.' },
  INTEGRITY: {
    message: 'The data that was read differs from what was written.',
    cure: 'Check for a proxy or cache between StreamHub and the storage.',
  },
  NOT_CONFIRMED: {
    message: 'The storage did not confirm the deletion.',
    cure: 'Try again. Objects that are already gone count as deleted.',
  },
  PLUGIN_FAILED: {
    message: 'The storage’s plugin failed.',
    cure: 'Try again. If it happens again, the plugin’s page shows the reason; ask its author for a newer version.',
  },
  PLUGIN_OFF: {
    message: 'The storage’s plugin is off.',
    cure: 'Enable the plugin. If it shows a problem, fix that first and reload the plugins.',
  },
  UNSUPPORTED: { message: 'The provider cannot do this.', cure: 'Use another provider.' },
  ABORTED: { message: 'The operation was stopped.', cure: 'Start it again.' },
  FAILED: {
    message: 'The storage returned an error.',
    cure: 'Try again. If it happens again, ask the storage’s operator; give them its error code and request id.',
  },
} as const;

export type StorageErrorCode = keyof typeof STORAGE_ERRORS;

/** Codes after which the same call may succeed later without a change. */
const RETRYABLE: ReadonlySet<string> = new Set<StorageErrorCode>([
  'UNREACHABLE',
  'TIMEOUT',
  'UNAVAILABLE',
  'THROTTLED',
  'NOT_CONFIRMED',
  'HOST_UNKNOWN',
  'PROXY_FAILED',
  'PLUGIN_FAILED',
]);

/** Can the same call succeed later without a change? */
export const isRetryable = (code: string): boolean => RETRYABLE.has(code);

/** Marks the error whichever copy of the SDK made it: the host may run a bundled one, a plugin the package's. */
const BRAND = Symbol.for('streamhub.StorageError');

/** What a storage itself says about an error; each part is optional. */
export interface StorageAnswer {
  /** The storage's own error code, e.g. `SlowDown`; letters, digits, `_`, `.` and `-`, at most 64. */
  native?: string | undefined;
  /** HTTP status of the answer. */
  status?: number | undefined;
  /** The storage's id of the request, which its operator can look up; at most 128 characters. */
  requestId?: string | undefined;
}

/** Names that the AWS SDK makes up when an answer has no code. */
const NO_CODE = /^(?:\d{3}|Unknown|UnknownError|Error)$/;

/**
 * The error that a storage client throws. Its text is shown to people and written to logs, so it must not hold a
 * credential, a signed URL or a request's headers: `native` is the storage's own short word for it, nothing more.
 */
export class StorageError extends Error {
  readonly code: StorageErrorCode;
  readonly cure: string;
  /** The storage's own error word, e.g. `SlowDown`; letters and digits only. */
  readonly native: string | undefined;
  /** HTTP status of the answer, where there was one. */
  readonly status: number | undefined;
  /** The storage's id of the request. */
  readonly requestId: string | undefined;
  readonly retryable: boolean;
  readonly [BRAND] = true;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
  }

  constructor(code: StorageErrorCode, more: StorageAnswer & { detail?: string } = {}) {
    super(more.detail ? `${STORAGE_ERRORS[code].message} ${more.detail}` : STORAGE_ERRORS[code].message);
    this.name = 'StorageError';
    this.code = code;
    this.cure = STORAGE_ERRORS[code].cure;
    const native = more.native?.replace(/[^A-Za-z0-9_.-]/g, '').slice(0, 64);
    this.native = native === undefined || NO_CODE.test(native) ? undefined : native;
    this.status = Number.isInteger(more.status) ? more.status : undefined;
    this.requestId = more.requestId?.replace(/[^A-Za-z0-9+/=_.:-]/g, '').slice(0, 128) || undefined;
    this.retryable = isRetryable(code);
  }

  /** What the storage itself said, without absent parts. */
  get answer(): StorageAnswer {
    const { native, status, requestId } = this;
    return {
      ...(native === undefined ? {} : { native }),
      ...(status === undefined ? {} : { status }),
      ...(requestId === undefined ? {} : { requestId }),
    };
  }
}

/** The storage's own words for people, e.g. `InvalidArgument, HTTP 400, request 4f2`; empty when it said nothing. */
export function answerWords({ native, status, requestId }: StorageAnswer): string {
  return [native, status && `HTTP ${status}`, requestId && `request ${requestId}`].filter(Boolean).join(', ');
}

/** A message with what the storage itself said in brackets. */
export function withAnswer(message: string, answer: StorageAnswer): string {
  const said = answerWords(answer);
  return said === '' ? message : `${message.replace(/\.$/, '')} (${said}).`;
}
