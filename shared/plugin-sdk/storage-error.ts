/** What can go wrong with a storage, in words that every provider shares. Each has a cure that the operator can act on. */
export const STORAGE_ERRORS = {
  CREDENTIALS_MISSING: {
    message: 'No access key and secret are stored for this app.',
    cure: 'Enter the access key and the secret key.',
  },
  CREDENTIALS_REFUSED: {
    message: 'The storage does not accept these credentials.',
    cure: 'Check the access key and enter the secret key again; make sure that they belong to this provider and region.',
  },
  ACCESS_DENIED: {
    message: 'The storage knows the credentials but refuses this operation.',
    cure: 'Give the key the rights to list, read, write and delete in this bucket, and look for a bucket policy or object lock that forbids it.',
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
  KEY_INVALID: {
    message: 'The storage cannot hold an object of this name.',
    cure: 'Use a relative path of usual length; no part may be empty, a dot or two dots.',
  },
  FULL: { message: 'There is no space left in the storage.', cure: 'Delete what is not needed, or add space.' },
  OBJECT_MISSING: { message: 'The object does not exist.', cure: 'It may have been deleted already.' },
  REGION_WRONG: { message: 'The bucket lies in another region.', cure: 'Set the region of the bucket.' },
  HOST_UNKNOWN: {
    message: 'The host name of the endpoint is not known.',
    cure: 'Check the endpoint for a typing error, and the DNS of this machine.',
  },
  UNREACHABLE: {
    message: 'The endpoint does not answer.',
    cure: 'Check that the storage runs, the port is right, and no firewall is in between.',
  },
  TLS_FAILED: {
    message: 'No secure connection could be made.',
    cure: 'Check that the endpoint begins with the right one of http:// and https://, and that its certificate is valid.',
  },
  ENDPOINT_REFUSED: {
    message: 'The endpoint’s address is one that StreamHub must not contact.',
    cure: 'Use the address of the storage itself; link-local and cloud-metadata addresses are never allowed.',
  },
  NOT_A_STORAGE: {
    message: 'Something answers at the endpoint, but it is not this kind of storage.',
    cure: 'Check the endpoint; it may be a web console or a proxy.',
  },
  CLOCK_SKEW: {
    message: 'The clocks of this machine and of the storage differ too much.',
    cure: 'Set the clock of this machine, best with NTP.',
  },
  TIMEOUT: {
    message: 'The storage took too long to answer.',
    cure: 'Try again; if it stays, check the network and the load of the storage.',
  },
  THROTTLED: { message: 'The storage asks to slow down.', cure: 'Try again later.' },
  SETTINGS_INVALID: { message: 'The settings are not valid.', cure: 'Correct the fields named.' },
  INTEGRITY: {
    message: 'What was read differs from what was written.',
    cure: 'Check for a proxy or cache between StreamHub and the storage.',
  },
  NOT_CONFIRMED: {
    message: 'The storage did not confirm the deletion.',
    cure: 'Try again; objects that are gone already count as deleted.',
  },
  PLUGIN_FAILED: {
    message: 'The plugin of this storage failed.',
    cure: 'Try again; if it stays, look at the plugin for the reason and ask its author for a newer version.',
  },
  PLUGIN_OFF: {
    message: 'The plugin of this storage is off.',
    cure: 'Enable the plugin; reload the plugins once the fault that it names is mended.',
  },
  UNSUPPORTED: { message: 'The provider cannot do this.', cure: 'Use another provider for it.' },
  ABORTED: { message: 'The operation was stopped.', cure: 'Start it again.' },
  FAILED: {
    message: 'The storage answered with an error.',
    cure: 'Try again; the code says what the storage itself calls it.',
  },
} as const;

export type StorageErrorCode = keyof typeof STORAGE_ERRORS;

/** Codes after which the same call may succeed later without a change. */
const RETRYABLE: ReadonlySet<StorageErrorCode> = new Set([
  'UNREACHABLE',
  'TIMEOUT',
  'THROTTLED',
  'NOT_CONFIRMED',
  'HOST_UNKNOWN',
  'PLUGIN_FAILED',
]);

/** Marks the error whichever copy of the SDK made it: the host may run a bundled one, a plugin the package's. */
const BRAND = Symbol.for('streamhub.StorageError');

/**
 * The error that a storage client throws. Its text is shown to people and written to logs, so it must not hold a
 * credential, a signed URL or a request's headers: `native` is the storage's own short word for it, nothing more.
 */
export class StorageError extends Error {
  readonly code: StorageErrorCode;
  readonly cure: string;
  /** The storage's own error word, e.g. `SlowDown`; letters and digits only. */
  readonly native: string | undefined;
  readonly retryable: boolean;
  readonly [BRAND] = true;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && (value as { [BRAND]?: unknown })[BRAND] === true;
  }

  constructor(code: StorageErrorCode, more: { native?: string; detail?: string } = {}) {
    super(more.detail ? `${STORAGE_ERRORS[code].message} ${more.detail}` : STORAGE_ERRORS[code].message);
    this.name = 'StorageError';
    this.code = code;
    this.cure = STORAGE_ERRORS[code].cure;
    this.native = more.native?.replace(/[^A-Za-z0-9_.-]/g, '').slice(0, 64);
    this.retryable = RETRYABLE.has(code);
  }
}
