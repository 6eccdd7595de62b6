import { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { VERSION } from '#daemon/platform/version.ts';
import { streamOf } from '#shared/client/http.ts';

/** Statuses that lead elsewhere. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Answers with these statuses have no body. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);
/** How long a connection may be silent, as in Node's `fetch`. */
const SILENT_MS = 300_000;

interface Sent {
  method: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
  signal: AbortSignal;
}

/**
 * What the commands use of `fetch`. Node's takes as long to load as everything else that a command does.
 * @param ca authorities to trust beside those of the system, as PEM @throws where they can't be read
 */
export function lightFetch(ca?: string): typeof fetch {
  if (ca !== undefined) new X509Certificate(ca);
  const send = async (url: string, sent: Sent): Promise<Answer> => {
    try {
      return await request(url, sent, ca);
    } catch (error) {
      if (ca === undefined || !isUntrusted(error)) throw error;
      // to read those of the system takes longer than the request, so they are read only where they are needed
      const { getCACertificates } = await import('node:tls');
      return await request(url, sent, [...getCACertificates('default'), ca]);
    }
  };
  return send as unknown as typeof fetch;
}

/** The authorities don't lead to the one that signed the certificate; OpenSSL has many codes for it. */
const isUntrusted = (error: unknown): boolean =>
  /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED)/.test((error as NodeJS.ErrnoException).code ?? '');

async function request(url: string, { body, headers, ...sent }: Sent, ca?: string | string[]): Promise<Answer> {
  const node = await (url.startsWith('https:') ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const asked = node.request(url, {
      ...sent,
      headers: {
        'user-agent': `streamhub/${VERSION}`,
        // Node leaves it out where a method seldom has a body
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
      timeout: SILENT_MS,
      ...(ca === undefined ? {} : { ca }),
    });
    asked.on('timeout', () => asked.destroy(new Error(`nothing was received for ${SILENT_MS / 1000} s`)));
    asked.on('error', reject);
    asked.on('response', (message) => {
      if (REDIRECTS.has(message.statusCode ?? 0)) asked.destroy(new Error('unexpected redirect'));
      else resolve(new Answer(message));
    });
    asked.end(body);
  });
}

/** What the commands use of a `Response`. */
class Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly #message: IncomingMessage;

  constructor(message: IncomingMessage) {
    const { statusCode = 0, statusMessage = '', headers } = message;
    this.status = statusCode;
    this.statusText = statusMessage;
    this.headers = new Map(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    this.#message = message;
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return EMPTY.has(this.status) ? null : streamOf(this.#message);
  }

  async text(): Promise<string> {
    let text = '';
    for await (const part of this.#message.setEncoding('utf8')) text += part;
    return text;
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}
