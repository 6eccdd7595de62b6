/** A failure as it crosses the process border. */
export interface IpcError {
  code: IpcErrorCode;
  /** What happened, in a sentence. */
  message: string;
  /** What can be done about it. */
  hint?: string;
  /** Plain data for the page, for example the certificate or the fields that the daemon refused. */
  details?: Record<string, unknown>;
}

/** Every way in which a call to the main process fails, declared once. A daemon's refusal is not a failure of this kind: it is an answer with a status. */
export const IPC_ERRORS = {
  // the call itself
  BAD_CALL: 'The call {channel} does not fit its contract: {reason}',
  UNKNOWN_CHANNEL: 'No channel is named {channel}.',
  FORBIDDEN_SENDER: 'This page may not call the main process.',
  BAD_ANSWER: 'The answer of {channel} does not fit its contract: {reason}',
  INTERNAL: 'Something went wrong inside the desktop app: {reason}',
  NOT_AVAILABLE: '{what} is not available here: {reason}',
  // connections
  UNKNOWN_CONNECTION: 'No connection has the id {id}.',
  CONNECTION_EXISTS: '{url} is connected already, as {name}.',
  BAD_URL: '{url} is no address of a daemon: {reason}',
  FILE_UNWRITABLE: '{file} could not be written: {reason}',
  // on the way to a daemon
  NAME_NOT_RESOLVED: 'The name {host} is not known.',
  CONNECTION_REFUSED: 'Nothing listens on {host}.',
  HOST_UNREACHABLE: '{host} cannot be reached from this machine: {reason}',
  TIMED_OUT: '{host} did not answer within {seconds} s.',
  CONNECTION_LOST: 'The connection to {host} broke off: {reason}',
  TLS_UNTRUSTED: 'The certificate of {host} is not signed by anyone this machine trusts.',
  TLS_CHANGED: 'The certificate of {host} is not the one that was pinned.',
  TLS_INVALID: 'The certificate of {host} cannot be used: {reason}',
  TLS_FAILED: 'No encrypted connection to {host} came about: {reason}',
  NOT_STREAMHUB: 'What answers at {url} is not a StreamHub daemon: {reason}',
  DAEMON_DOWN: 'Something in front of the daemon at {host} answers, but the daemon does not (HTTP {status}).',
  REDIRECTED: '{url} sends on to {location}, which is not followed.',
  UNSUPPORTED_VERSION: 'The daemon speaks version {version}, this app needs {needed}.',
  ANSWER_TOO_LARGE: 'The answer is larger than {limit} bytes.',
  CANCELLED: 'The request was cancelled.',
  PATH_NOT_ALLOWED: 'Requests to {path} are not passed on: {reason}',
  HEADER_NOT_ALLOWED: 'The header {name} is not passed on.',
  DOWNLOAD_FAILED: 'The file could not be fetched: {reason}',
  STREAM_REFUSED: 'The daemon does not open this stream (HTTP {status}).',
  // signing in
  SIGN_IN_FAILED: 'The daemon refused the sign-in: {reason}',
  SECOND_FACTOR_REQUIRED: 'The account needs its second factor.',
  SECOND_FACTOR_INVALID: 'The code of the second factor is wrong or too old.',
  RATE_LIMITED: 'Too many attempts to sign in; try again in {seconds} s.',
  NO_PASSWORD_SIGN_IN: 'This daemon takes API tokens only.',
  NO_CREDENTIAL: 'No credential is kept for {name}; sign in again.',
  // keychain
  KEYCHAIN_NONE: 'This machine offers no keychain: {reason}',
  KEYCHAIN_LOCKED: 'The keychain is locked.',
  KEYCHAIN_FAILED: 'The keychain refused: {reason}',
  // terminal
  TERMINAL_UNAVAILABLE: 'A terminal cannot be opened: {reason}',
  UNKNOWN_TERMINAL: 'No terminal has the id {id}.',
  // local daemon
  LOCAL_FAILED: 'The daemon on this machine did not start: {reason}',
} as const;

export type IpcErrorCode = keyof typeof IPC_ERRORS;

/** A failure as an exception, on both sides of the border. */
export class IpcFailure extends Error {
  readonly code: IpcErrorCode;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(error: IpcError, options?: ErrorOptions) {
    super(error.message, options);
    this.name = 'IpcFailure';
    this.code = error.code;
    this.hint = error.hint;
    this.details = error.details;
  }

  toJSON(): IpcError {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** A failure of the table, its places filled in. */
export function failure(
  code: IpcErrorCode,
  params: Record<string, string | number> = {},
  more: { hint?: string; details?: Record<string, unknown>; cause?: unknown } = {},
): IpcFailure {
  const message = IPC_ERRORS[code].replace(/\{(\w+)\}/g, (place, key: string) =>
    key in params ? String(params[key]) : place,
  );
  const { cause, ...rest } = more;
  return new IpcFailure({ code, message, ...rest }, cause === undefined ? undefined : { cause });
}
