import type { CallbackMessage } from './models.ts';

export interface VerifyOptions {
  /** Seconds that a message may be old, or new; 300 by default. */
  tolerance?: number;
  /** Milliseconds since 1970; the clock of this machine by default. */
  now?: number;
}

export type CallbackRefusal = 'unsigned' | 'wrong-signature' | 'outside-window' | 'not-a-message';

/** The request is not a callback that this daemon sent just now. */
export class CallbackRefused extends Error {
  override readonly name = 'CallbackRefused';
  readonly reason: CallbackRefusal;

  constructor(reason: CallbackRefusal, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Headers as `fetch`, Node.js or a framework gives them. */
export type CallbackHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

const TOLERANCE_SECONDS = 300;
const encoder = new TextEncoder();

/**
 * Checks a callback and gives its message. Pass the body as it arrived: JSON that was parsed and written again has other bytes.
 *
 * `X-StreamHub-Signature-V2` signs the time of the attempt with the body, so a message that was delayed by retries passes
 * and a copy that is sent later doesn’t. A daemon without it signs the body alone; then the time in the body counts.
 * @param secret `callbacks.secret` of the app
 * @throws CallbackRefused with the reason
 */
export async function verifyCallback(
  headers: CallbackHeaders,
  body: string | Uint8Array,
  secret: string,
  { tolerance = TOLERANCE_SECONDS, now = Date.now() }: VerifyOptions = {},
): Promise<CallbackMessage> {
  if (secret === '') throw new TypeError('The secret is empty.');
  const bytes = typeof body === 'string' ? encoder.encode(body) : body;
  const key = await keyOf(secret);
  const timed = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(headerOf(headers, 'x-streamhub-signature-v2') ?? '');
  const plain = /^sha256=([0-9a-f]{64})$/.exec(headerOf(headers, 'x-streamhub-signature') ?? '');
  const [signed, signature] = timed ? [joined(encoder.encode(`${timed[1]}.`), bytes), timed[2]] : [bytes, plain?.[1]];
  if (signature === undefined) throw new CallbackRefused('unsigned', 'The request has no signature of StreamHub.');
  if (!(await crypto.subtle.verify('HMAC', key, fromHex(signature), signed as BufferSource)))
    throw new CallbackRefused('wrong-signature', 'The signature doesn’t fit the body and the secret.');
  const message = messageOf(bytes);
  const sentAt = timed ? Number(timed[1]) * 1000 : Date.parse(message.timestamp);
  if (!(Math.abs(now - sentAt) <= tolerance * 1000))
    throw new CallbackRefused('outside-window', `The message was not sent within ${tolerance} s of now.`);
  return message;
}

const keyOf = (secret: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);

function headerOf(headers: CallbackHeaders, name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const value = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof value === 'string' ? value : value?.[0];
}

function messageOf(bytes: Uint8Array): CallbackMessage {
  try {
    const message: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof message === 'object' && message !== null) return message as CallbackMessage;
  } catch {}
  throw new CallbackRefused('not-a-message', 'The body is not a message of StreamHub.');
}

const fromHex = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
