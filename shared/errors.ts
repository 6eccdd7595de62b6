/**
 * The error table: every code that an answer of the API can carry, declared once.
 * `docs/errors.md` and the OpenAPI document derive from it.
 *
 * `message` may hold `{name}` places, filled from the parameters given when the error is thrown.
 */
export interface ErrorDefinition {
  /** HTTP status of the answer. */
  status: number;
  /** What happened and why, in one sentence; `{param}` places are filled in. */
  message: string;
  /** What the caller can do about it. */
  hint?: string;
  /** True when the same request may succeed later without a change. */
  retryable?: boolean;
}

const define = <T extends Record<string, ErrorDefinition>>(table: T): Readonly<T> => table;

export const ERRORS = define({
  // requests
  VALIDATION_FAILED: { status: 400, message: '{reason}', hint: 'Correct the fields named in details.' },
  BAD_JSON: { status: 400, message: 'The body is not valid JSON: {reason}' },
  BAD_REQUEST: { status: 400, message: '{reason}' },
  BODY_TOO_LARGE: { status: 413, message: 'The body is larger than the limit of {limit} bytes.' },
  ROUTE_NOT_FOUND: { status: 404, message: 'No route answers {method} {path}.' },
  METHOD_NOT_ALLOWED: { status: 405, message: '{path} does not answer {method}.' },
  REQUEST_TIMEOUT: { status: 408, message: 'The request took too long to arrive.', retryable: true },
  PRECONDITION_FAILED: {
    status: 412,
    message: '{what} was changed by someone else since it was read.',
    hint: 'Read it again, merge, and send the new ETag in If-Match.',
  },
  RATE_LIMITED: { status: 429, message: 'Too many attempts; try again in {seconds} s.', retryable: true },
  INTERNAL: {
    status: 500,
    message: 'Something went wrong inside the daemon.',
    hint: 'The log has the cause under this request id.',
  },
  OVERLOADED: { status: 503, message: 'The daemon is too busy for this request right now.', retryable: true },
  SHUTTING_DOWN: { status: 503, message: 'The daemon is stopping.', retryable: true },
  STORAGE_FULL: { status: 507, message: 'The disk of the daemon is full; nothing was changed.' },
  // credentials and rights
  UNAUTHENTICATED: {
    status: 401,
    message: 'A valid credential is required.',
    hint: 'Send Authorization: Bearer <API token or session token>.',
  },
  FORBIDDEN: { status: 403, message: 'This needs the right {permission}, which the credential does not have.' },
  GLOBAL_SCOPE_REQUIRED: { status: 403, message: 'This needs a credential of global scope.' },
  HUMAN_REQUIRED: { status: 403, message: 'This needs a person’s session, not an API token.' },
  APP_NOT_YOURS: { status: 403, message: 'The credential gives no access to this app.' },
  NO_TENANT: { status: 403, message: 'The user belongs to no team, so there is no app to act on.' },
  // apps
  APP_NOT_FOUND: { status: 404, message: 'No app is named {name}.' },
  APP_EXISTS: { status: 409, message: 'An app named {name} exists already.' },
  APP_SLUG_TAKEN: {
    status: 409,
    message: 'The name {name} would share its credential names with the app {other}.',
    hint: 'Choose a name that differs in more than dashes.',
  },
  APP_DIRECTORY_EXISTS: {
    status: 409,
    message: 'A folder apps/{name} exists on the disk without an app of that name.',
    hint: 'Move the folder away, then create the app.',
  },
  ROOM_PREFIX_TAKEN: { status: 409, message: 'The room prefix {prefix} belongs to another app.' },
  APP_BUSY: { status: 409, message: 'The app {name} is being deleted.' },
  QUOTA_EXCEEDED: { status: 429, message: 'The quota {metric} of {limit} is used up.' },
  // tokens
  TOKEN_NOT_FOUND: { status: 404, message: 'No API token has the id {id}.' },
  // jobs
  JOB_NOT_FOUND: { status: 404, message: 'No job has the id {id}.' },
  JOB_NOT_CANCELLABLE: { status: 409, message: 'The job {id} is past the point where it can be cancelled.' },
  JOB_NOT_RETRYABLE: { status: 409, message: 'The job {id} has not failed, or another one does its work by now.' },
  JOB_KEEPS_STOPPING: {
    status: 500,
    message: 'The daemon stopped {count} times during this job, without progress in between; it was given up.',
    hint: 'Look into the log for the reason, then retry the job.',
  },
  // storage
  STORAGE_PROVIDER_UNKNOWN: {
    status: 400,
    message: 'There is no storage provider named {provider}; there are {known}.',
  },
  STORAGE_PUBLIC_UNCONFIRMED: {
    status: 400,
    message: 'A public_url makes every recording of the app readable for anyone who knows or guesses its address.',
    hint: 'Send confirmPublic: true to do that.',
  },
  STORAGE_PURGE_FAILED: {
    status: 502,
    message: '{reason} Nothing else of the app was touched.',
    hint: 'Remove the cause, then delete the app again; objects that are gone already count as deleted.',
    retryable: true,
  },
  STORAGE_FAILED: { status: 502, message: '{reason}', retryable: true },
  // presets and plugins
  PRESET_NOT_FOUND: { status: 404, message: 'No preset has the id {preset}; upper and lower case count.' },
  // system
  NOT_READY: { status: 503, message: 'The daemon is not ready: {reason}', retryable: true },
  TASK_TIMEOUT: { status: 400, message: '{what} took longer than {seconds} s and was stopped.' },
  TASK_FAILED: { status: 400, message: '{what} needed more memory than allowed and was stopped.' },
});

export type ErrorCode = keyof typeof ERRORS;

/** One field that is wrong: `path` as in `body.name`, `query.limit`. */
export interface ErrorDetail {
  path: string;
  message: string;
}

/** An error with a code of the table; what a service throws to refuse a request. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: ErrorDetail[] | undefined;
  /** Further keys of the answer, e.g. `retryAfterSeconds`. */
  readonly extra: Record<string, unknown> | undefined;
  /** Response headers that belong to the refusal, e.g. `retry-after`. */
  readonly headers: Record<string, string> | undefined;

  constructor(
    code: ErrorCode,
    params: Record<string, string | number> = {},
    more: {
      details?: ErrorDetail[];
      extra?: Record<string, unknown>;
      headers?: Record<string, string>;
      cause?: unknown;
      message?: string;
    } = {},
  ) {
    const definition: ErrorDefinition = ERRORS[code];
    super(
      more.message ?? fill(definition.message, params),
      more.cause === undefined ? undefined : { cause: more.cause },
    );
    this.name = 'ApiError';
    this.code = code;
    this.status = definition.status;
    this.details = more.details;
    this.extra = more.extra;
    this.headers = more.headers;
  }
}

function fill(template: string, params: Record<string, string | number>): string {
  return template.replace(/\{(\w+)\}/g, (place, key: string) => (key in params ? String(params[key]) : place));
}

/** A refusal of one field, as a 400 with `details`. */
export function fieldError(path: string, message: string): ApiError {
  return new ApiError('VALIDATION_FAILED', { reason: `${path} ${message}` }, { details: [{ path, message }] });
}
