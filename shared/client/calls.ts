import { DaemonError, UnreachableError } from './errors.ts';
import type { Call, ListCall, Result, RowOf } from './methods.ts';
import { opened } from './opened.ts';
import { type Page, rowsOf } from './pages.ts';
import type { Caller } from './request.ts';
import type { Answer, CallOptions, PlainOperation, RequestInput } from './wire.ts';

const KEY = 'idempotency-key';
/** Rows of a page where the caller doesn't say: few requests, and no long answers. */
const PAGE = 200;

/** Starts a call. */
export function callOf<T>(
  caller: Caller,
  op: PlainOperation,
  input: RequestInput = {},
  options: CallOptions = {},
): Call<T> {
  const answer = send(caller, op, input, options).then(
    (given): Answer<T> => ({ ...given, data: opened(given.data) as T }),
  );
  const data = answer.then((given) => given.data);
  return Object.assign(data, {
    withResponse: () => {
      // callers that ask for the answer get the error there
      data.catch(() => {});
      return answer;
    },
    result: () => data.then((value): Result<T> => ({ ok: true, data: value }), asValue<T>),
  });
}

/** Sends what creates something with a key, if it may be repeated. */
async function send(
  caller: Caller,
  op: PlainOperation,
  input: RequestInput,
  options: CallOptions,
): Promise<Answer<unknown>> {
  const hasKey = Object.keys(input.headers ?? {}).some((name) => name.toLowerCase() === KEY);
  if (!op.creates || hasKey || options.retries === 0) return caller.request(op, input, options);
  try {
    return await caller.request(op, { ...input, headers: { ...input.headers, [KEY]: newKey() } }, options);
  } catch (error) {
    // the daemon keeps a limited number of keys; without one the call is made, and not repeated
    if (error instanceof DaemonError && error.code === 'IDEMPOTENCY_KEYS_USED_UP')
      return caller.request(op, input, options);
    throw error;
  }
}

function asValue<T>(error: unknown): Result<T> {
  if (error instanceof DaemonError || error instanceof UnreachableError) return { ok: false, error };
  throw error;
}

/** A random key: `crypto.randomUUID` is missing on pages without TLS. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Starts a call of a list, whose rows can be iterated over as well. */
export function listCallOf<T>(
  caller: Caller,
  op: PlainOperation,
  input: RequestInput = {},
  options: CallOptions = {},
): ListCall<T> {
  const first = callOf<T>(caller, op, input, options);
  const { limit = PAGE, offset = 0 } = (input.query ?? {}) as { limit?: number; offset?: number };
  const pageAt = async (from: number): Promise<Page<RowOf<T>>> => {
    const query = { ...input.query, limit, offset: from };
    return (await callOf(caller, op, { ...input, query }, options)) as Page<RowOf<T>>;
  };
  async function* rows(): AsyncGenerator<RowOf<T>> {
    const body = await first;
    if (op.list === 'pages') yield* rowsOf(body as Page<RowOf<T>>, pageAt, offset);
    else yield* Array.isArray(body) ? body : (body as Page<RowOf<T>>).data;
  }
  return Object.assign(first, { [Symbol.asyncIterator]: rows });
}
