import type { ErrorDetail } from '../errors.ts';

/** Where and when a request was made: what a person copies into a report. */
export interface RequestTrace {
  method: string;
  path: string;
  at: string;
}

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

/** The daemon answered, and said no. `message` is its own sentence. */
export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: readonly ErrorDetail[];
  readonly requestId: string | undefined;
  /** The whole body, for the extra keys of some codes. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly trace: RequestTrace;

  constructor(refusal: Refusal, trace: RequestTrace) {
    super(refusal.message);
    this.status = refusal.statusCode;
    this.code = refusal.code;
    this.hint = refusal.hint;
    this.details = refusal.details ?? [];
    this.requestId = refusal.requestId;
    this.body = refusal;
    this.trace = trace;
  }
}

export type UnreachableReason = 'network' | 'timeout' | 'not-streamhub';

/** No usable answer arrived: no network, no daemon, too slow, or something else answers at that address. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly reason: UnreachableReason;
  readonly trace: RequestTrace;

  constructor(reason: UnreachableReason, message: string, trace: RequestTrace, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.trace = trace;
  }
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
