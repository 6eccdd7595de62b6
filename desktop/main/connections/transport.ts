import { pipeline, type Readable } from 'node:stream';
import tls, { type SecureContext, type TLSSocket } from 'node:tls';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import type { WireAnswer } from '#shared/client/wire.ts';
import { networkFailure } from '#shared/connection/network-failure.ts';
import type { Transport as DaemonTransport, StreamAnswer, TransportRequest } from '#shared/connection/transport.ts';
import type { Certificate } from '#shared/ipc/connections.ts';
import { failure, type IpcFailure } from '#shared/ipc/outcome.ts';
import { describeCertificate, isUnknownIssuer, reasonOf } from './certificate.ts';

export interface Route {
  /** Origin and prefix of the daemon, without a slash at the end. */
  base: string;
  /** Fingerprint of the one certificate that is accepted without an authority's signature. */
  pinned: string | null;
}

const DEFAULT_TIMEOUT = 30_000;
const CONNECT_TIMEOUT = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** The encodings that a request accepts. undici's own interceptor for them is experimental and prints a warning at every start. */
const DECODERS = { br: createBrotliDecompress, gzip: createGunzip };

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Readable;
}

/**
 * The way to one daemon. It follows no redirect, keeps no cookie, and sends nothing, no credential either, before the
 * certificate was accepted: signed by an authority of this machine for this name, or the one that was pinned.
 */
export class Transport implements DaemonTransport {
  readonly route: Route;
  readonly #origin: string;
  readonly #prefix: string;
  readonly #host: string;
  readonly #requests: Dispatcher;
  readonly #streams: Dispatcher;
  #certificate: Certificate | null = null;

  constructor(route: Route) {
    this.route = route;
    const url = new URL(route.base);
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/$/, '');
    this.#host = url.host;
    const agent = (connections: number | null) =>
      new Agent({
        connect: this.#connector(),
        connections,
        pipelining: 1,
        allowH2: false,
        keepAliveTimeout: 20_000,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
    this.#requests = agent(16);
    this.#streams = agent(null);
  }

  get base(): string {
    return this.route.base;
  }

  /** The certificate that was met last; null before the first connection and without TLS. */
  get certificate(): Certificate | null {
    return this.#certificate;
  }

  /** Sends a request and reads its answer whole. Every status is an answer, but for a redirect. */
  async request(request: TransportRequest): Promise<WireAnswer> {
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT;
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([request.signal, timeout]);
    try {
      const { status, headers, body } = await this.#send(this.#requests, request, signal);
      return { status, headers, body: await readAll(body, request.maxBytes ?? MAX_BYTES, signal) };
    } catch (error) {
      throw this.#failure(error, request.signal, timeout, timeoutMs);
    }
  }

  /** Sends a request and hands on its answer as it comes. `timeoutMs` is for the answer to begin. */
  async stream(request: TransportRequest): Promise<StreamAnswer> {
    const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    const signal = request.signal === undefined ? late.signal : AbortSignal.any([request.signal, late.signal]);
    try {
      const { status, headers, body } = await this.#send(this.#streams, request, signal);
      return { status, headers, body, cancel: () => void body.on('error', () => {}).destroy() };
    } catch (error) {
      throw this.#failure(error, request.signal, late.signal, timeoutMs);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#requests.destroy(), this.#streams.destroy()]);
  }

  async #send(agent: Dispatcher, request: TransportRequest, signal: AbortSignal): Promise<Answer> {
    const { method = 'GET', headers = {}, body = null } = request;
    const options: Dispatcher.RequestOptions = {
      origin: this.#origin,
      path: this.#prefix + request.path,
      method,
      headers: { 'accept-encoding': Object.keys(DECODERS).join(', '), 'user-agent': 'StreamHub-Desktop', ...headers },
      body,
      signal,
    };
    let answer: Dispatcher.ResponseData;
    try {
      answer = await agent.request(options);
    } catch (error) {
      // a kept connection may have been closed by the other side just then; asking again is safe for a GET only
      if (method !== 'GET' || signal.aborted || !brokeOff(error)) throw error;
      answer = await agent.request(options);
    }
    const { statusCode, headers: received } = answer;
    if (statusCode >= 300 && statusCode < 400 && statusCode !== 304) {
      answer.body.on('error', () => {}).destroy();
      throw failure(
        'REDIRECTED',
        { url: this.#origin + this.#prefix, location: String(received['location'] ?? 'nowhere') },
        { hint: 'Use the address that it redirects to.', details: { location: received['location'] ?? null } },
      );
    }
    return { status: statusCode, headers: flat(received), body: decoded(answer) };
  }

  #failure(error: unknown, given: AbortSignal | undefined, timeout: AbortSignal, timeoutMs: number): IpcFailure {
    if (given?.aborted) return failure('CANCELLED', {}, { cause: error });
    const seconds = Math.round(timeoutMs / 100) / 10;
    if (timeout.aborted)
      return networkFailure(Object.assign(new Error('too slow'), { code: 'ETIMEDOUT' }), this.#host, seconds);
    return networkFailure(error, this.#host, CONNECT_TIMEOUT / 1000);
  }

  #connector(): buildConnector.connector {
    const plain = this.#origin.startsWith('http:');
    const connect = buildConnector({
      timeout: CONNECT_TIMEOUT,
      allowH2: false,
      // checked below, before anything is sent; a resumed session would not show its certificate
      ...(plain ? {} : { rejectUnauthorized: false, maxCachedSessions: 0, secureContext: authorities() }),
    });
    if (plain) return connect;
    return (options, callback) =>
      connect(options, (...[error, socket]) => {
        if (error !== null) {
          callback(error, null);
          return;
        }
        const refusal = this.#certificateProblem(socket as TLSSocket);
        if (refusal === undefined) callback(null, socket);
        else {
          socket.destroy();
          callback(refusal, null);
        }
      });
  }

  #certificateProblem(socket: TLSSocket): IpcFailure | undefined {
    const peer = socket.getPeerCertificate();
    if (peer?.fingerprint256 === undefined)
      return failure('TLS_FAILED', { host: this.#host, reason: 'it sent no certificate' });
    const certificate = describeCertificate(peer);
    this.#certificate = certificate;
    if (socket.authorized || certificate.fingerprint === this.route.pinned) return undefined;
    const details = { certificate };
    if (this.route.pinned !== null)
      return failure(
        'TLS_CHANGED',
        { host: this.#host },
        {
          details: { ...details, pinned: this.route.pinned },
          hint: 'It may have been renewed, or someone may be intercepting the connection. Compare the fingerprint with the one on the server before you trust it.',
        },
      );
    const reason = (socket.authorizationError as (Error & { code?: string }) | string | null) ?? '';
    const code = typeof reason === 'string' ? reason : (reason.code ?? reason.message);
    if (isUnknownIssuer(code))
      return failure(
        'TLS_UNTRUSTED',
        { host: this.#host },
        { details, hint: 'Compare the fingerprint with the one on the server, then trust it.' },
      );
    return failure(
      'TLS_INVALID',
      { host: this.#host, reason: reasonOf(code) },
      { details, hint: 'Use a name that the certificate is valid for, or renew the certificate.' },
    );
  }
}

let context: SecureContext | undefined;

/** Authorities that Node brings, and those of the system: a company's own authority is usually only there. */
function authorities(): SecureContext {
  if (context === undefined) {
    const ca = new Set(tls.getCACertificates('default'));
    try {
      for (const pem of tls.getCACertificates('system')) ca.add(pem);
    } catch {}
    context = tls.createSecureContext({ ca: [...ca] });
  }
  return context;
}

const brokeOff = (error: unknown): boolean => {
  const { code } = error as { code?: string };
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
};

/** The body without the encoding that it was sent in. A fault on either side ends both. */
function decoded({ statusCode, body, headers }: Dispatcher.ResponseData): Readable {
  const decoder = DECODERS[String(headers['content-encoding']).trim().toLowerCase() as keyof typeof DECODERS];
  // 204 and 304 have no body, but may name the encoding of the one that they stand for
  return decoder === undefined || statusCode === 204 || statusCode === 304 ? body : pipeline(body, decoder(), () => {});
}

function flat(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === 'set-cookie' || name === 'content-encoding') continue;
    result[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return result;
}

async function readAll(body: Readable, maxBytes: number, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      body.on('error', () => {}).destroy();
      throw failure('ANSWER_TOO_LARGE', { limit: maxBytes });
    }
    chunks.push(chunk);
  }
  signal.throwIfAborted();
  return Buffer.concat(chunks).toString('utf8');
}
