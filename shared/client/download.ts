import { UnreachableError } from './errors.ts';
import { chunksOf, type Http, streamOf, wireOf } from './http.ts';
import { errorOf, requestOf, withinTime } from './request.ts';
import { waitBefore } from './retries.ts';
import type { CallOptions, OperationAddress, RequestInput, WireRequest } from './wire.ts';

export interface DownloadOptions extends CallOptions {
  /** Number of bytes that you have already; the download continues after them. */
  from?: number;
  /** `etag` of the download that you have a part of. With `from`, a file that has changed since is refused. */
  etag?: string | undefined;
  /** Called as bytes arrive. `total` is null where the daemon doesn't know it. */
  onProgress?(progress: Progress): void;
}

export interface Progress {
  /** Bytes so far, with those of `from`. */
  received: number;
  /** Bytes of the whole file. */
  total: number | null;
}

/**
 * A file on its way. Iterate over it, or read it as a stream, bytes, a blob or text; once. If the connection breaks and the
 * server can send a part of a file, the rest is fetched.
 */
export interface Download extends AsyncIterable<Uint8Array> {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the whole file; null where the server doesn't know it. */
  readonly size: number | null;
  /** Media type. */
  readonly type: string;
  /** The name that the server suggests. */
  readonly fileName: string | null;
  readonly etag: string | null;
  stream(): ReadableStream<Uint8Array>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  blob(): Promise<Blob>;
  text(): Promise<string>;
  /** Ends the download. */
  cancel(): void;
}

/** Where a file is asked for. */
type Source = Pick<WireRequest, 'method' | 'path' | 'headers'> & {
  open(headers: Record<string, string>, signal: AbortSignal): Promise<Response>;
};

/** Downloads what an operation answers with. */
export async function downloadOf(
  http: Http,
  op: OperationAddress,
  input: RequestInput = {},
  options: DownloadOptions = {},
): Promise<Download> {
  const request = await requestOf(op, input);
  return begin(
    {
      ...request,
      open: (headers, signal) => http.open({ ...request, headers: { ...request.headers, ...headers } }, signal),
    },
    options,
  );
}

/** Downloads from a link that the daemon gave, its own or its storage’s. The credential is not sent: such links are signed. */
export async function downloadLink(http: Http, link: string, options: DownloadOptions = {}): Promise<Download> {
  const url = new URL(link, `${http.base}/`).href;
  return begin(
    {
      method: 'GET',
      path: link.replace(/\?.*$/s, ''),
      headers: {},
      open: (headers, signal) => http.openAt(url, { method: 'GET', headers }, signal),
    },
    options,
  );
}

async function begin(source: Source, options: DownloadOptions): Promise<Download> {
  const { from = 0, etag, onProgress, retries = 2 } = options;
  const over = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, over.signal]) : over.signal;
  const trace = { method: source.method, path: source.path, at: new Date().toISOString() };

  /** @param validator what the part before it belongs to */
  const openAt = async (position: number, validator: string | null): Promise<Response> => {
    const headers: Record<string, string> = position === 0 ? {} : { range: `bytes=${position}-` };
    if (position > 0 && validator !== null) headers['if-range'] = validator;
    for (let attempt = 1; ; attempt += 1) {
      try {
        // the limit is for the beginning of the answer; the body takes its time
        return await withinTime(trace, { ...options, signal }, async (both) => {
          const response = await source.open(headers, both);
          if (response.ok) return response;
          const range = response.headers.get('content-range') ?? '';
          if (response.status === 416 && range === `bytes */${position}`) {
            // all of it came before, so the rest is empty
            void response.body?.cancel();
            return new Response(null, { status: 206, headers: { 'content-range': range } });
          }
          throw errorOf(await wireOf(response), trace);
        });
      } catch (error) {
        const isRepeated = attempt <= retries && (await waitBefore(attempt, error, signal));
        signal.throwIfAborted();
        if (!isRepeated) throw error;
      }
    }
  };
  const changed = (): UnreachableError =>
    new UnreachableError('network', 'The file has changed since its first part was downloaded.', trace);

  const first = await openAt(from, etag ?? null);
  if (from > 0 && !isRest(first, etag ?? null)) {
    void first.body?.cancel();
    throw changed();
  }
  const headers = Object.fromEntries(first.headers);
  const size = sizeOf(headers, first.status);
  const validator = strongValidator(headers);
  const isResumable = validator !== null && (first.status === 206 || headers['accept-ranges'] === 'bytes');

  async function* parts(): AsyncGenerator<Uint8Array> {
    let received = from;
    let response = first;
    try {
      for (let failures = 0; ; ) {
        try {
          for await (const part of chunksOf(response.body)) {
            failures = 0;
            received += part.length;
            onProgress?.({ received, total: size });
            yield part;
          }
          if (size === null || received >= size) return;
          throw new TypeError(`the connection ended after ${received} of ${size} bytes`);
        } catch (error) {
          if (options.signal?.aborted) throw options.signal.reason;
          const broken = new UnreachableError(
            'network',
            `The download broke off: ${(error as Error).message}`,
            trace,
            error,
          );
          failures += 1;
          if (!isResumable || failures > retries || !(await waitBefore(failures, broken, signal))) throw broken;
          signal.throwIfAborted();
          response = await openAt(received, validator);
          if (!isRest(response, validator)) {
            void response.body?.cancel();
            throw changed();
          }
        }
      }
    } finally {
      over.abort();
    }
  }

  const iterate = (): AsyncGenerator<Uint8Array> => parts();
  const blob = async (): Promise<Blob> => {
    const all: BlobPart[] = [];
    for await (const part of iterate()) all.push(part as Uint8Array<ArrayBuffer>);
    return new Blob(all, { type: headers['content-type'] ?? '' });
  };
  return {
    status: first.status,
    headers,
    size,
    type: headers['content-type'] ?? '',
    fileName: fileNameOf(headers['content-disposition']),
    etag: headers['etag'] ?? null,
    [Symbol.asyncIterator]: iterate,
    stream: () => streamOf(iterate()),
    blob,
    bytes: async () => new Uint8Array(await (await blob()).arrayBuffer()),
    text: async () => (await blob()).text(),
    cancel: () => over.abort(),
  };
}

/** What says that two parts belong to one file (RFC 9110, section 13.1.5). */
const strongValidator = ({ etag, 'last-modified': date }: Record<string, string>): string | null =>
  etag !== undefined && !etag.startsWith('W/') ? etag : (date ?? null);

/** Whether the answer is the rest of the same file. Some storages ignore If-Range, and send the rest of another one. */
function isRest({ status, headers }: Response, validator: string | null): boolean {
  const own = validator === null ? null : headers.get(validator.includes('"') ? 'etag' : 'last-modified');
  return status === 206 && (own === null || own === validator);
}

function sizeOf(headers: Record<string, string>, status: number): number | null {
  const text =
    status === 206
      ? /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1]
      : // the length of compressed bytes is not the length of what is read
        headers['content-encoding'] === undefined
        ? headers['content-length']
        : undefined;
  return text === undefined ? null : Number(text);
}

/** `filename*` and `filename` of RFC 6266. */
function fileNameOf(disposition: string | undefined): string | null {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition ?? '')?.[1];
  if (encoded !== undefined) return decodeURIComponent(encoded);
  return /filename="?([^";]+)"?/i.exec(disposition ?? '')?.[1] ?? null;
}
