import { CONSOLE_HEADER } from '../browser-session.ts';
import { chunksOf } from '../client/http.ts';
import type { WireAnswer } from '../client/wire.ts';
import { failure, IpcFailure } from '../ipc/failure.ts';
import type { StreamAnswer, Transport, TransportRequest } from './transport.ts';

const DEFAULT_TIMEOUT = 30_000;

/** The way from a page to the daemon that served it, by `fetch`; the browser adds its session cookie. */
export class FetchTransport implements Transport {
  readonly base: string;

  /** @param base origin of the daemon, without a slash at the end */
  constructor(base: string) {
    this.base = base;
  }

  async request(request: TransportRequest): Promise<WireAnswer> {
    const timeout = AbortSignal.timeout(request.timeoutMs ?? DEFAULT_TIMEOUT);
    return await this.#attempt(request, timeout, async (response) => ({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await response.text(),
    }));
  }

  async stream(request: TransportRequest): Promise<StreamAnswer> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), request.timeoutMs ?? DEFAULT_TIMEOUT);
    try {
      return await this.#attempt(request, late.signal, async ({ status, headers, body }) => ({
        status,
        headers: Object.fromEntries(headers),
        body: chunksOf(body),
        cancel: () => void body?.cancel().catch(() => {}),
      }));
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {}

  async #attempt<T>(
    { method = 'GET', path, headers = {}, body = null, signal, timeoutMs = DEFAULT_TIMEOUT }: TransportRequest,
    timeout: AbortSignal,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    try {
      const response = await fetch(this.base + path, {
        method,
        headers: { ...headers, [CONSOLE_HEADER]: '1' },
        body: body as BodyInit | null,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        redirect: 'error',
        credentials: 'same-origin',
        cache: 'no-store',
      });
      return await read(response);
    } catch (error) {
      if (signal?.aborted) throw failure('CANCELLED', {}, { cause: error });
      const { host } = new URL(this.base);
      if (timeout.aborted) throw failure('TIMED_OUT', { host, seconds: timeoutMs / 1000 }, { cause: error });
      throw new IpcFailure(
        {
          code: 'CONNECTION_LOST',
          message: 'The daemon isn’t responding.',
          hint: `${method} ${path}: ${(error as Error).message}`,
        },
        { cause: error },
      );
    }
  }
}
