import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { VERSION } from '#daemon/platform/version.ts';
import { chunksOf, streamOf } from '#shared/client/http.ts';

/** Statuses that lead elsewhere. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Answers with these statuses have no body. */
const EMPTY: ReadonlySet<number> = new Set([204, 205, 304]);
/** How long a connection may be silent, as in Node's `fetch`. */
const SILENT_MS = 300_000;
const silence = (): Error => new Error(`nothing was received for ${SILENT_MS / 1000} s`);

interface Sent {
  method: string;
  headers: Record<string, string>;
  body?: string | Uint8Array;
  signal: AbortSignal;
}

/** How the daemon's certificate is known. */
export interface Trust {
  /** Authorities to trust beside those of the system, as PEM. */
  ca?: string | undefined;
  /** SHA-256 of the certificate, as Node writes it. The name that the certificate is for doesn’t matter then. */
  fingerprint?: string | undefined;
}

/**
 * What the commands use of `fetch`. Node's takes as long to load as everything else that a command does.
 * @throws where the authorities can't be read
 */
export function lightFetch({ ca, fingerprint }: Trust = {}): typeof fetch {
  if (ca !== undefined) new X509Certificate(ca);
  const send = async (url: string, sent: Sent): Promise<Answer> => {
    if (fingerprint !== undefined)
      return request(url, sent, { socket: await knownSocket(url, fingerprint, sent.signal) });
    try {
      return await request(url, sent, { ca });
    } catch (error) {
      if (ca === undefined || !isUntrusted(error)) throw error;
      // to read those of the system takes longer than the request, so they are read only where they are needed
      const { getCACertificates } = await import('node:tls');
      return await request(url, sent, { ca: [...getCACertificates('default'), ca] });
    }
  };
  return send as unknown as typeof fetch;
}

/** The authorities don't lead to the one that signed the certificate; OpenSSL has many codes for it. */
const isUntrusted = (error: unknown): boolean =>
  /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_UNTRUSTED)/.test((error as NodeJS.ErrnoException).code ?? '');

/** A connection to the daemon with this certificate: nothing is sent before it is checked. */
async function knownSocket(url: string, fingerprint: string, signal: AbortSignal): Promise<TLSSocket> {
  const { connect } = await import('node:tls');
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const socket = connect({ host, port: Number(port || 443), rejectUnauthorized: false, timeout: SILENT_MS });
  socket.once('timeout', () => socket.destroy(silence()));
  try {
    await once(socket, 'secureConnect', { signal });
    if (socket.getPeerCertificate().fingerprint256 === fingerprint) return socket;
    throw new Error('the daemon’s certificate is not the one in data/daemon.json');
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

interface Connection {
  ca?: string | string[] | undefined;
  /** Open, and checked. */
  socket?: TLSSocket;
}

async function request(url: string, { body, headers, ...sent }: Sent, { ca, socket }: Connection): Promise<Answer> {
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
      ...(socket === undefined ? {} : { createConnection: () => socket }),
    });
    asked.on('timeout', () => asked.destroy(silence()));
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
  #body: ReadableStream<Uint8Array> | undefined;

  constructor(message: IncomingMessage) {
    const { statusCode = 0, statusMessage = '', headers } = message;
    this.status = statusCode;
    this.statusText = statusMessage;
    this.headers = new Map(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    this.#message = message;
    // nobody reads it, and the open connection would keep the command from ending
    if (EMPTY.has(statusCode)) message.resume();
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (EMPTY.has(this.status)) return null;
    // one for all that ask: two would each take a part of the answer
    this.#body ??= streamOf(this.#message);
    return this.#body;
  }

  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const part of chunksOf(this.body)) text += decoder.decode(part, { stream: true });
    return text + decoder.decode();
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}
