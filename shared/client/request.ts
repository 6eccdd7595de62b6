import { API_BASE } from './base.ts';
import { DaemonError, refusalOf, UnreachableError } from './errors.ts';
import { isSafeToRepeat, waitBefore } from './retries.ts';
import type {
  Answer,
  CallOptions,
  OperationAddress,
  RequestInput,
  RequestTrace,
  Send,
  WireAnswer,
  WireRequest,
} from './wire.ts';

const DEFAULT_TIMEOUT = 30_000;

/** Sends the request of an operation and reads its answer; repeats it where that is safe. */
export class Caller {
  readonly #send: Send;
  readonly #retries: number;

  /** @param retries how often a call is repeated where its options don't say */
  constructor(send: Send, retries = 0) {
    this.#send = send;
    this.#retries = retries;
  }

  /** @throws DaemonError when the daemon refuses, UnreachableError when no usable answer arrives, the signal's reason when it is aborted */
  async request(op: OperationAddress, input: RequestInput = {}, options: CallOptions = {}): Promise<Answer<unknown>> {
    const request = await requestOf(op, input);
    const { retries = this.#retries } = options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(op, request, options);
      } catch (error) {
        const isRepeated =
          attempt <= retries && isSafeToRepeat(request) && (await waitBefore(attempt, error, options.signal));
        options.signal?.throwIfAborted();
        if (!isRepeated) throw error;
      }
    }
  }

  async #attempt(op: OperationAddress, request: WireRequest, options: CallOptions): Promise<Answer<unknown>> {
    const trace: RequestTrace = { method: request.method, path: request.path, at: new Date().toISOString() };
    const answer = await withinTime(trace, options, (signal) => this.#send(request, signal));
    return { status: answer.status, headers: answer.headers, data: readAnswer(op, answer, trace) };
  }
}

/** Runs an attempt with a limit of time. @throws UnreachableError when it fails, the reason of the caller's signal when that is aborted */
export async function withinTime<T>(
  trace: RequestTrace,
  { signal: stop, timeout: limit = DEFAULT_TIMEOUT }: CallOptions,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), limit);
  try {
    return await attempt(stop ? AbortSignal.any([stop, late.signal]) : late.signal);
  } catch (error) {
    if (stop?.aborted) throw stop.reason;
    if (late.signal.aborted)
      throw new UnreachableError('timeout', `The daemon did not respond within ${limit / 1000} s.`, trace, error);
    if (error instanceof UnreachableError || error instanceof DaemonError) throw error;
    throw new UnreachableError('network', `The daemon cannot be reached: ${reasonOf(error)}`, trace, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Node.js says only “fetch failed”, and why in the cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}

/** Path, query and body of a call. */
export async function requestOf(op: OperationAddress, input: RequestInput): Promise<WireRequest> {
  const { query, body, file, headers } = input;
  const params = (input.params ?? {}) as Record<string, unknown>;
  const path = op.path.replace(/\{(\w+)\}/g, (_place, name: string) => encodeURIComponent(String(params[name] ?? '')));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const suffix = search.size > 0 ? `?${search}` : '';
  const content = file === undefined ? (body === undefined ? undefined : JSON.stringify(body)) : await bytesOf(file);
  return {
    method: op.method,
    path: (op.root ? path : API_BASE + path) + suffix,
    headers: {
      accept: op.produces ?? 'application/json',
      ...(content === undefined
        ? {}
        : { 'content-type': typeof content === 'string' ? 'application/json' : 'application/octet-stream' }),
      ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
    },
    ...(content === undefined ? {} : { body: content }),
  };
}

const bytesOf = async (file: Uint8Array | Blob): Promise<Uint8Array> =>
  file instanceof Uint8Array ? file : new Uint8Array(await file.arrayBuffer());

function readAnswer(op: OperationAddress, answer: WireAnswer, trace: RequestTrace): unknown {
  if (answer.status < 200 || answer.status >= 300) throw errorOf(answer, trace);
  if (answer.body === '') return undefined;
  if (op.produces) return answer.body;
  try {
    return JSON.parse(answer.body);
  } catch (error) {
    throw foreign(answer, trace, error);
  }
}

/** The error that an answer without success stands for. */
export function errorOf(answer: WireAnswer, trace: RequestTrace): DaemonError | UnreachableError {
  const refusal = refusalOf(answer.status, answer.body);
  return refusal === undefined
    ? foreign(answer, trace)
    : new DaemonError(refusal, trace, answer.headers['retry-after']);
}

const foreign = (answer: WireAnswer, trace: RequestTrace, cause?: unknown): UnreachableError =>
  new UnreachableError(
    'not-streamhub',
    `The response (HTTP ${answer.status}) is not from a StreamHub daemon; a proxy may be the cause.`,
    trace,
    cause,
    answer,
  );
