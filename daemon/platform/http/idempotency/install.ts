import { createHash } from 'node:crypto';
import { pipeline, type Readable, Transform, type TransformCallback } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Operation, takesIdempotencyKey } from '#shared/contract/operation.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { hookOperations } from '../hook-operations.ts';
import type { Idempotency, KeyedRequest, StoredAnswer, StoredUpload } from './service.ts';

const REPLAYED = 'idempotency-replayed';
/** Headers that belong to the answer itself; the others are of the request or of the daemon. */
const KEPT_HEADERS = ['content-type', 'location', 'etag', 'preference-applied', 'set-cookie'];

interface Running extends KeyedRequest {
  upload?: ObservedUpload;
}

const requests = new WeakMap<FastifyRequest, Running>();

/** Whether the answer is a stored one, so that nothing happened now. */
export const isReplayed = (reply: FastifyReply): boolean => reply.hasHeader(REPLAYED);

/** Answers a repeated request with its first answer, on every operation that creates something. */
export function installIdempotency(app: FastifyInstance, idempotency: Idempotency): void {
  hookOperations(app, 'preHandler', (op) => {
    if (!takesIdempotencyKey(op)) return undefined;
    return (request, reply, done) => {
      try {
        const key = keyOf(request);
        if (key === undefined) return done();
        const content = contentOf(request, op);
        const keyed: Running = { key, caller: callerOf(request, op), content, requestId: request.id };
        if (request.upload !== null) request.upload = keyed.upload = new ObservedUpload(request.upload);
        const stored = idempotency.begin(keyed);
        if (stored !== undefined) {
          if (keyed.upload === undefined || stored.upload === undefined) return replay(reply, stored);
          keyed.upload
            .is(stored.upload)
            .then((isSame) => (isSame ? replay(reply, stored) : done(new ApiError('IDEMPOTENCY_KEY_REUSED'))), done);
          return;
        }
        requests.set(request, keyed);
        done();
      } catch (error) {
        done(error as Error);
      }
    };
  });
  // not at the end of the response: a client that left early asks again
  hookOperations(app, 'onSend', (op) => {
    if (!takesIdempotencyKey(op)) return undefined;
    return (request, reply, payload, done) => {
      const keyed = requests.get(request);
      if (keyed !== undefined) {
        requests.delete(request);
        idempotency.finish(keyed, answerOf(reply, payload, keyed.upload?.seen));
      }
      done(null, payload);
    };
  });
}

/** The key: printable characters, also as the quoted string that the draft has. */
function keyOf({ headers }: FastifyRequest): string | undefined {
  const header = headers['idempotency-key'];
  if (header === undefined) return undefined;
  const key = /^(?:"(?<quoted>[!#-[\]-~]{1,255})"|(?<bare>[!#-~]{1,255}))$/.exec(String(header).trim())?.groups;
  if (key === undefined)
    throw fieldError('headers.idempotency-key', 'must have 1 to 255 letters, digits or signs, without spaces');
  return key['quoted'] ?? key['bare'];
}

const callerOf = ({ principal }: FastifyRequest, op: Operation): string =>
  principal?.userId ?? (op.access === 'cluster-token' ? 'cluster' : 'anonymous');

/** A file isn't read before it is needed, so at first it counts by its type and length. */
function contentOf({ params, query, body, headers, upload }: FastifyRequest, op: Operation): string {
  const content = upload === null ? body : { type: headers['content-type'], length: headers['content-length'] };
  return JSON.stringify([op.id, params, query, content ?? null], sorted);
}

/** A file that tells what it was, once it is read to its end. */
class ObservedUpload extends Transform {
  readonly #hash = createHash('sha256');
  #bytes = 0;
  seen: StoredUpload | undefined;

  constructor(upload: Readable) {
    super();
    // who reads it hears of an error
    pipeline(upload, this, () => {});
  }

  override _transform(chunk: Buffer, _encoding: string, next: TransformCallback): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    next(null, chunk);
  }

  override _flush(next: TransformCallback): void {
    this.seen = { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
    next();
  }

  /** Reads it, as far as it can be the same. */
  async is({ bytes, sha256 }: StoredUpload): Promise<boolean> {
    for await (const _ of this.iterator({ destroyOnReturn: false })) if (this.#bytes > bytes) break;
    return this.seen?.sha256 === sha256;
  }
}

/** Fields in the order of their names: the same request may be written in another order. */
const sorted = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

function answerOf(reply: FastifyReply, payload: unknown, upload: StoredUpload | undefined): StoredAnswer | undefined {
  if (reply.statusCode >= 400 || (payload !== undefined && payload !== null && typeof payload !== 'string')) return;
  const headers: StoredAnswer['headers'] = {};
  for (const name of KEPT_HEADERS) {
    const value = reply.getHeader(name);
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.map(String) : String(value);
  }
  return { status: reply.statusCode, headers, body: payload ?? '', ...(upload ? { upload } : {}) };
}

function replay(reply: FastifyReply, { status, headers, body }: StoredAnswer): void {
  reply.code(status).header(REPLAYED, 'true').headers(headers);
  reply.serializer((text: string) => text).send(body);
}
