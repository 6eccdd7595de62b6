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
  BAD_CALL: 'The call {channel} doesn’t match its contract: {reason}',
  UNKNOWN_CHANNEL: 'There is no channel {channel}.',
  FORBIDDEN_SENDER: 'This page may not call the main process.',
  BAD_ANSWER: 'The response of {channel} doesn’t match its contract: {reason}',
  INTERNAL: 'Something went wrong inside the desktop app: {reason}',
  NOT_AVAILABLE: '{what} is not available here: {reason}',
  // connections
  UNKNOWN_CONNECTION: 'There is no connection with the id {id}.',
  CONNECTION_EXISTS: '{url} is already connected as {name}.',
  BAD_URL: '{url} is not a valid daemon address: {reason}',
  FILE_UNWRITABLE: '{file} could not be written: {reason}',
  // on the way to a daemon
  NAME_NOT_RESOLVED: 'The host {host} was not found.',
  CONNECTION_REFUSED: '{host} refused the connection.',
  HOST_UNREACHABLE: '{host} cannot be reached from this machine: {reason}',
  TIMED_OUT: '{host} did not respond within {seconds} s.',
  CONNECTION_LOST: 'The connection to {host} was interrupted: {reason}',
  TLS_UNTRUSTED: 'The certificate of {host} is not signed by anyone this machine trusts.',
  TLS_CHANGED: 'The certificate of {host} is not the pinned one.',
  TLS_INVALID: 'The certificate of {host} is not valid: {reason}',
  TLS_FAILED: 'No encrypted connection to {host} could be made: {reason}',
  NOT_STREAMHUB: 'The server at {url} is not a StreamHub daemon: {reason}',
  DAEMON_DOWN: 'A proxy at {host} responds, but the daemon behind it doesn’t (HTTP {status}).',
  REDIRECTED: '{url} redirects to {location}, which is not followed.',
  UNSUPPORTED_VERSION: 'The daemon has version {version}, but this app needs {needed}.',
  ANSWER_TOO_LARGE: 'The response is larger than {limit} bytes.',
  CANCELLED: 'The request was cancelled.',
  PATH_NOT_ALLOWED: 'Requests to {path} are not allowed: {reason}',
  HEADER_NOT_ALLOWED: 'The header {name} is not allowed.',
  DOWNLOAD_FAILED: 'The file could not be downloaded: {reason}',
  STREAM_REFUSED: 'The daemon does not open this stream (HTTP {status}).',
  // signing in
  SIGN_IN_FAILED: 'The daemon rejected the sign-in: {reason}',
  SECOND_FACTOR_REQUIRED: 'The account requires a two-factor code.',
  SECOND_FACTOR_INVALID: 'The two-factor code is wrong or has expired.',
  ACCOUNT_CHOICE_REQUIRED: 'An account uses this address, but the address was never confirmed.',
  RATE_LIMITED: 'Too many sign-in attempts. Try again in {seconds} s.',
  NO_PASSWORD_SIGN_IN: 'This daemon accepts only API tokens.',
  NO_CREDENTIAL: 'No credential is stored for {name}. Sign in again.',
  // keychain
  KEYCHAIN_NONE: 'This machine has no keychain: {reason}',
  KEYCHAIN_LOCKED: 'The keychain is locked.',
  KEYCHAIN_FAILED: 'The keychain reported an error: {reason}',
  // terminal
  TERMINAL_UNAVAILABLE: 'A terminal cannot be opened: {reason}',
  UNKNOWN_TERMINAL: 'There is no terminal with the id {id}.',
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
