import type { StreamAnswer, TransportRequest } from '../connection/transport.ts';
import type { WireAnswer, WireRequest } from './wire.ts';

/** A credential, or what gives it before each request; without one only public operations answer. */
export type Credential = string | (() => string | undefined | Promise<string | undefined>);

export interface HttpOptions {
  /** Address of the daemon without `/api/v1`, e.g. `https://streams.example.com`. */
  url: string | URL;
  /** API token (`sk_…`) or session token. Pages of the daemon's own address can leave it out: the browser sends its cookie. */
  token?: Credential | undefined;
  /** Sent with every request. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Another `fetch`, for example one that trusts a private certificate authority. */
  fetch?: typeof fetch | undefined;
}

/** Requests to one daemon by `fetch`. */
export class Http {
  /** Origin and prefix of the daemon, without a slash at the end. */
  readonly base: string;
  readonly #options: HttpOptions;
  readonly #fetch: typeof fetch;

  constructor(options: HttpOptions) {
    this.base = String(new URL(options.url)).replace(/\/+$/, '');
    this.#options = options;
    // a function of the window must not be called as a method of something else
    this.#fetch = options.fetch ?? ((...args) => fetch(...args));
  }

  async authorization(): Promise<Record<string, string>> {
    const { token } = this.#options;
    const given = typeof token === 'function' ? await token() : token;
    return given ? { authorization: `Bearer ${given}` } : {};
  }

  /** Sends a request with the credential and reads the whole answer. */
  async send(request: WireRequest, signal: AbortSignal): Promise<WireAnswer> {
    return wireOf(await this.open(request, signal));
  }

  /** Sends a request with the credential; the body of the answer is not read. */
  async open({ path, headers, ...request }: WireRequest, signal: AbortSignal): Promise<Response> {
    return this.openAt(
      this.base + path,
      { ...request, headers: { ...(await this.authorization()), ...headers } },
      signal,
    );
  }

  /** Sends a request without the credential to any address. */
  openAt(
    url: string,
    { method, headers, body }: Pick<WireRequest, 'method' | 'headers' | 'body'>,
    signal: AbortSignal,
  ): Promise<Response> {
    return this.#fetch(url, {
      method,
      headers: { ...this.#options.headers, ...headers },
      signal,
      cache: 'no-store',
      ...(body === undefined ? {} : { body: body as BodyInit }),
    });
  }

  /** For `followEvents`. */
  async stream({ path, headers = {}, signal, timeoutMs = 30_000 }: TransportRequest): Promise<StreamAnswer> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    try {
      const both = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
      const response = await this.openAt(this.base + path, { method: 'GET', headers }, both);
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        body: chunksOf(response.body),
        cancel: () => void response.body?.cancel().catch(() => {}),
      };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Where the path of a request alone counts. */
const ANY_ORIGIN = 'http://daemon.invalid';
/** Answers with these statuses have no body. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * Options for a client whose requests are carried by something else than `fetch`, which knows the daemon and its credential.
 * @param carry the body is the whole text, or its parts as they come
 */
export function fetchBy(
  carry: (
    request: WireRequest,
    signal: AbortSignal,
  ) => Promise<{ status: number; headers: Record<string, string>; body: string | AsyncIterable<Uint8Array> }>,
): Pick<HttpOptions, 'url' | 'fetch'> {
  return {
    url: ANY_ORIGIN,
    fetch: async (input, init = {}) => {
      const { signal, method, headers, body: sent } = init as RequestInit & WireRequest;
      const path = String(input).slice(ANY_ORIGIN.length);
      const request = { method, path, headers, ...(sent === undefined ? {} : { body: sent }) };
      const { status, headers: received, body } = await carry(request, signal as AbortSignal);
      const content = typeof body === 'string' ? body : streamOf(body);
      return new Response(EMPTY.has(status) ? null : content, { status, headers: received });
    },
  };
}

/** The parts of a body as a stream. */
export function streamOf(parts: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]();
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await iterator.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    // nothing is taken from the parts before it is asked for
    { highWaterMark: 0 },
  );
}

export const wireOf = async (response: Response): Promise<WireAnswer> => ({
  status: response.status,
  headers: Object.fromEntries(response.headers),
  body: await response.text(),
});

/** The parts of a body as they come. A `ReadableStream` can't be iterated in every browser. */
export async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
