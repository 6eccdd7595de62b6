import type { BodyOf, Operation, ParamsOf, QueryOf, ResultOf } from '../contract/operation.ts';
import { DaemonError, type RequestTrace, refusalOf, UnreachableError } from './errors.ts';

/** One request as it moves to a daemon; the credential is added by anyone who sends it. */
export interface WireRequest {
  method: string;
  /** Path from the server's root, with the query. */
  path: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
}

export interface WireAnswer {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

/** Takes a request to the daemon and back. Rejects only when no answer arrived. */
export type Send = (request: WireRequest, signal: AbortSignal) => Promise<WireAnswer>;

type Parts<O extends Operation> = (keyof ParamsOf<O> extends never ? object : { params: ParamsOf<O> }) &
  (keyof QueryOf<O> extends never ? object : { query?: QueryOf<O> }) &
  (BodyOf<O> extends undefined
    ? object
    : O extends { uploads: readonly string[] }
      ? { body?: BodyOf<O> | undefined; file?: Uint8Array | undefined }
      : { body: BodyOf<O> });

/** What a call of the operation needs: its path parameters, query and body, or the file instead of the body. */
export type Input<O extends Operation> = Parts<O> & { headers?: Record<string, string> };

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call is given up; 30 s by default. */
  timeout?: number;
}

export interface Answer<T> {
  status: number;
  headers: Readonly<Record<string, string>>;
  data: T;
}

export const API_BASE = '/api/v1';
const DEFAULT_TIMEOUT = 30_000;

/** Calls operations of the contract on one daemon. */
export class Client {
  readonly #send: Send;

  constructor(send: Send) {
    this.#send = send;
  }

  /** Calls the operation and gives its body. */
  async call<O extends Operation>(op: O, input?: Input<O>, options?: CallOptions): Promise<ResultOf<O>> {
    return (await this.answer(op, input, options)).data;
  }

  /** Calls the operation and gives status, headers and body. */
  async answer<O extends Operation>(op: O, input?: Input<O>, options: CallOptions = {}): Promise<Answer<ResultOf<O>>> {
    const request = requestOf(op, input);
    const trace: RequestTrace = { method: request.method, path: request.path, at: new Date().toISOString() };
    const timeout = AbortSignal.timeout(options.timeout ?? DEFAULT_TIMEOUT);
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
    let answer: WireAnswer;
    try {
      answer = await this.#send(request, signal);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (timeout.aborted) {
        const seconds = (options.timeout ?? DEFAULT_TIMEOUT) / 1000;
        throw new UnreachableError('timeout', `The daemon did not respond within ${seconds} s.`, trace, error);
      }
      if (error instanceof UnreachableError) throw error;
      throw new UnreachableError('network', `The daemon cannot be reached: ${(error as Error).message}`, trace, error);
    }
    return { status: answer.status, headers: answer.headers, data: readAnswer(op, answer, trace) };
  }
}

/** Path, query and body of a call. */
function requestOf<O extends Operation>(op: O, input: Input<O> | undefined): WireRequest {
  const { params, query, body, file, headers } = (input ?? {}) as {
    file?: Uint8Array;
    params?: Record<string, unknown>;
    query?: Record<string, unknown>;
    body?: unknown;
    headers?: Record<string, string>;
  };
  const path = op.path.replace(/\{(\w+)\}/g, (_place, name: string) =>
    encodeURIComponent(String(params?.[name] ?? '')),
  );
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === null || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
  }
  const suffix = search.size > 0 ? `?${search}` : '';
  return {
    method: op.method,
    path: (op.root ? path : API_BASE + path) + suffix,
    headers: {
      accept: op.produces ?? 'application/json',
      ...(file !== undefined
        ? { 'content-type': 'application/octet-stream' }
        : body === undefined
          ? {}
          : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(file !== undefined ? { body: file } : body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

function readAnswer<O extends Operation>(op: O, answer: WireAnswer, trace: RequestTrace): ResultOf<O> {
  if (answer.status >= 200 && answer.status < 300) {
    if (answer.body === '') return undefined as ResultOf<O>;
    if (op.produces) return answer.body as unknown as ResultOf<O>;
    try {
      return JSON.parse(answer.body) as ResultOf<O>;
    } catch (error) {
      throw foreign(answer, trace, error);
    }
  }
  const refusal = refusalOf(answer.status, answer.body);
  if (refusal === undefined) throw foreign(answer, trace);
  throw new DaemonError(refusal, trace);
}

const foreign = (answer: WireAnswer, trace: RequestTrace, cause?: unknown): UnreachableError =>
  new UnreachableError(
    'not-streamhub',
    `The response (HTTP ${answer.status}) is not from a StreamHub daemon; a proxy may be the cause.`,
    trace,
    cause,
  );
