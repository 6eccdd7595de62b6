import type { ErrorCode, ErrorDetail } from './models.ts';
import type { RequestTrace } from './wire.ts';

/** The body of a refusal as the daemon sends it. */
export interface Refusal {
  statusCode: number;
  code: string;
  message: string;
  hint?: string;
  details?: ErrorDetail[];
  requestId?: string;
  [extra: string]: unknown;
}

/** The codes of docs/errors.md. Answers of something else, or of a newer daemon, have `HTTP_<status>` or an unknown word. */
export type DaemonErrorCode = ErrorCode | `HTTP_${number}`;

/** The daemon answered, and said no. `message` is its own sentence. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  readonly status: number;
  readonly code: DaemonErrorCode;
  readonly hint: string | undefined;
  readonly details: readonly ErrorDetail[];
  readonly requestId: string | undefined;
  /** The whole body, for the extra keys of some codes. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Milliseconds until another try makes sense, if the daemon says so. */
  readonly retryAfterMs: number | undefined;
  readonly trace: RequestTrace;

  constructor(refusal: Refusal, trace: RequestTrace, retryAfter?: string) {
    super(refusal.message);
    this.status = refusal.statusCode;
    this.code = refusal.code as DaemonErrorCode;
    this.hint = refusal.hint;
    this.details = refusal.details ?? [];
    this.requestId = refusal.requestId;
    this.body = refusal;
    this.retryAfterMs = waitOf(retryAfter);
    this.trace = trace;
  }
}

export type UnreachableReason = 'network' | 'timeout' | 'not-streamhub';

/** No usable answer arrived: no network, no daemon, too slow, or something else answers at that address. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly reason: UnreachableReason;
  readonly trace: RequestTrace;
  /** HTTP status of an answer that is not from a daemon. */
  readonly status: number | undefined;
  /** Milliseconds until another try makes sense, if that answer says so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: UnreachableReason,
    message: string,
    trace: RequestTrace,
    cause?: unknown,
    answer?: { status: number; headers: Readonly<Record<string, string>> },
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.trace = trace;
    this.status = answer?.status;
    this.retryAfterMs = waitOf(answer?.headers['retry-after']);
  }
}

/** Milliseconds of a `Retry-After` header: seconds, or a date. */
function waitOf(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** Reads the error from a response body of any content. */
export function refusalOf(status: number, text: string): Refusal | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof body !== 'object' || body === null) return undefined;
  const fields = body as Record<string, unknown>;
  const message = [fields['message'], fields['error']].find((value) => typeof value === 'string');
  if (typeof message !== 'string') return undefined;
  return {
    ...fields,
    statusCode: status,
    code: typeof fields['code'] === 'string' ? fields['code'] : `HTTP_${status}`,
    message,
  };
}
