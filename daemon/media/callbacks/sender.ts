import { createHmac, type Hmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { AddressRefused, type EndpointPolicy, endpointProblem } from '#daemon/platform/net/endpoint-policy.ts';
import { guardedAgents } from '#daemon/platform/net/guarded-agents.ts';
import { networkFailure } from '#daemon/platform/net/network-failures.ts';

const LIMIT_MS = 10_000;
const ANSWER_BYTES = 2048;
const REFUSALS: ReadonlySet<number> = new Set([401, 403, 404]);

/** The outcome of one try. */
export interface SendResult {
  isDelivered: boolean;
  /** Null without an answer. */
  status: number | null;
  /** Why it failed, in words without secrets. */
  error: string | null;
  /** A later try can succeed. */
  isRetryable: boolean;
  /** The receiver refuses, as during a deployment or while a secret is changed: worth a few tries. */
  isRefusal: boolean;
  /** What the receiver asked for with Retry-After. */
  retryAfterMs: number | null;
  /** There was no connection to send it over, so that it doesn't count as a try of this message. */
  isUnsent?: boolean;
  /** Beginning of the body of the answer, where it was asked for. */
  answer?: string;
}

export interface CallbackRequest {
  url: string;
  /** The raw body; the same on every try. */
  body: string;
  /** Empty = unsigned. */
  secret: string;
  event: string;
  delivery: string;
  timestamp: string;
  /** Beside those of callbacks. */
  headers?: Readonly<Record<string, string>>;
  /** Reads the beginning of the answer. */
  readsAnswer?: boolean;
}

/** Posts callbacks and alerts. Never follows a redirect, and never contacts an address that the installation forbids. */
export class CallbackSender {
  readonly #policy: EndpointPolicy;
  readonly #userAgent: string;
  readonly #limitMs: number;
  readonly #agents: { http: http.Agent; https: https.Agent };

  constructor(policy: EndpointPolicy, userAgent: string, limitMs = LIMIT_MS) {
    this.#policy = policy;
    this.#userAgent = userAgent;
    this.#limitMs = limitMs;
    // no limit of sockets per host: the receivers of many teams can be behind one, and the delivery has its own limits
    this.#agents = guardedAgents(policy, { keepAlive: true, maxFreeSockets: 4, scheduling: 'lifo' });
  }

  /** Throws only if `signal` is aborted. */
  async send(request: CallbackRequest, signal: AbortSignal): Promise<SendResult> {
    const problem = endpointProblem(request.url, this.#policy);
    if (problem !== undefined) return lost(`The address ${problem}.`);
    const limit = AbortSignal.timeout(this.#limitMs);
    try {
      const response = await this.#post(request, AbortSignal.any([signal, limit]));
      if (request.readsAnswer !== true) return resultOf(response);
      return { ...resultOf(response), answer: await beginningOf(response) };
    } catch (error) {
      signal.throwIfAborted();
      if (limit.aborted) return again(`No response within ${this.#limitMs / 1000} s.`);
      if (error instanceof AddressRefused) return lost(error.message);
      const code = (error as NodeJS.ErrnoException).code ?? '';
      return again(`The receiver cannot be reached: ${networkFailure(code) ?? (code || 'the connection failed')}.`);
    }
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #post(request: CallbackRequest, signal: AbortSignal): Promise<http.IncomingMessage> {
    const url = new URL(request.url);
    const isTls = url.protocol === 'https:';
    const body = Buffer.from(request.body);
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const outgoing = (isTls ? https : http).request(url, {
      method: 'POST',
      agent: isTls ? this.#agents.https : this.#agents.http,
      signal,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'content-length': body.length,
        'user-agent': this.#userAgent,
        'x-streamhub-event': request.event,
        'x-streamhub-delivery': request.delivery,
        'x-streamhub-timestamp': request.timestamp,
        ...request.headers,
        ...(request.secret === '' ? {} : signatures(request.secret, body)),
      },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      // the body doesn't matter to callbacks, so a long one isn't read to its end
      response.on('error', () => {});
      if (request.readsAnswer !== true) response.resume();
      resolve(response);
    });
    outgoing.end(body);
    return promise;
  }
}

/** At most `ANSWER_BYTES` of the body; what was read until it broke off. */
async function beginningOf(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= ANSWER_BYTES) break;
    }
  } catch {
    // the status is known; the text only helps
  }
  return Buffer.concat(chunks).toString('utf8').slice(0, ANSWER_BYTES);
}

/** The signature of the body, the same on every try; and one with the time of this try, so that a copy is of no use later. */
function signatures(secret: string, body: Buffer): Record<string, string> {
  const hmac = (...parts: (Buffer | string)[]): string =>
    parts.reduce<Hmac>((made, part) => made.update(part), createHmac('sha256', secret)).digest('hex');
  const now = Math.floor(Date.now() / 1000);
  return {
    'x-streamhub-signature': `sha256=${hmac(body)}`,
    'x-streamhub-signature-v2': `t=${now},v1=${hmac(`${now}.`, body)}`,
  };
}

function resultOf(response: http.IncomingMessage): SendResult {
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) {
    return { isDelivered: true, status, error: null, isRetryable: false, isRefusal: false, retryAfterMs: null };
  }
  const isRetryable = status === 408 || status === 429 || status >= 500;
  const error =
    status >= 300 && status < 400
      ? `The receiver responded with ${status}; redirects are not followed.`
      : `The receiver responded with ${status}.`;
  const isRefusal = REFUSALS.has(status);
  const retryAfterMs = isRetryable || isRefusal ? retryAfter(response.headers, Date.now()) : null;
  return { isDelivered: false, status, error, isRetryable, isRefusal, retryAfterMs };
}

/**
 * What Retry-After asks for: seconds, or a date. A date is compared with the receiver's own clock, if it sends one.
 * https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function retryAfter(headers: Record<string, string | string[] | undefined>, now: number): number | null {
  const value = String(headers['retry-after'] ?? '').trim();
  if (/^\d+$/.test(value)) return Number(value) > 0 ? Number(value) * 1000 : null;
  // only dates as HTTP writes them: a bare number or word is not one
  const until = /^[A-Z][a-z]+,? /.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(until)) return null;
  const theirs = Date.parse(String(headers['date'] ?? ''));
  const wait = until - (Number.isNaN(theirs) ? now : theirs);
  return wait > 0 ? wait : null;
}

const lost = (error: string): SendResult => ({
  isDelivered: false,
  status: null,
  error,
  isRetryable: false,
  isRefusal: false,
  retryAfterMs: null,
});
export const again = (error: string): SendResult => ({ ...lost(error), isRetryable: true });
