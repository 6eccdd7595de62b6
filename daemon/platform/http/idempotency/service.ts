import { createHmac } from 'node:crypto';
import { ApiError } from '#shared/errors.ts';
import { IDEMPOTENCY_KEPT_HOURS, IDEMPOTENCY_KEYS, IDEMPOTENCY_KEYS_OF_CALLER } from '#shared/limits.ts';
import type { Background, Repeated } from '../../background.ts';
import type { Log } from '../../log.ts';
import { openText, type SealKey, sealText } from '../../secrets/sealed-text.ts';
import type { IdempotencyRepository } from './repository.ts';

const KEPT_MS = IDEMPOTENCY_KEPT_HOURS * 3_600_000;
const PRUNE_MS = 600_000;
const RETRY_SECONDS = 1;

/** What a caller gets. */
export interface StoredAnswer {
  status: number;
  headers: Record<string, string | string[]>;
  body: string;
  /** The file that the first request sent; a repeated request sends the same. */
  upload?: StoredUpload;
}

/** A file, by what tells it apart. */
export interface StoredUpload {
  bytes: number;
  sha256: string;
}

/** A request that was given a key. */
export interface KeyedRequest {
  key: string;
  /** Who makes it: a key is theirs alone. */
  caller: string;
  /** Operation and input, as a text that is the same for the same request. */
  content: string;
  requestId: string;
}

export interface IdempotencyDeps {
  repository: IdempotencyRepository;
  /** A secret of the installation that is not in the database. */
  secret: Buffer;
  background: Background;
  log: Log<'warn'>;
  /** The time by which what is old is deleted. */
  retentionNow(): number;
}

/**
 * Remembers the answers to requests with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), so that a
 * repeated request changes nothing again. Only answers of success are kept: a request that failed can be repeated with
 * its key. Neither key nor request is stored, only keyed hashes; the answer, which can hold a new secret, is encrypted
 * with a key that derives from the Idempotency-Key and from the installation's secret.
 */
export class Idempotency {
  readonly #deps: IdempotencyDeps;
  /** Requests of this process that have no answer yet. */
  readonly #running = new Set<string>();
  #count: number;
  #pruning: Repeated | undefined;

  constructor(deps: IdempotencyDeps) {
    this.#deps = deps;
    this.#count = deps.repository.count();
  }

  start(): void {
    this.#pruning = this.#deps.background.every('old idempotency keys', PRUNE_MS, () => this.#prune());
  }

  async stop(): Promise<void> {
    await this.#pruning?.stop();
  }

  /**
   * @returns the stored answer; undefined = this is the first request, which must end with `finish`
   * @throws ApiError IDEMPOTENCY_KEY_REUSED, IDEMPOTENT_REQUEST_RUNNING, IDEMPOTENT_REQUEST_UNKNOWN, IDEMPOTENCY_KEYS_USED_UP
   */
  begin(request: KeyedRequest): StoredAnswer | undefined {
    const { repository, retentionNow } = this.#deps;
    const id = this.#idOf(request);
    const hash = this.#hash('request', request.key, request.content);
    const row = repository.find(id);
    if (row !== undefined && row.created_at >= retentionNow() - KEPT_MS) {
      if (!row.request.equals(hash)) throw new ApiError('IDEMPOTENCY_KEY_REUSED');
      if (this.#running.has(id.toString('base64')))
        throw new ApiError(
          'IDEMPOTENT_REQUEST_RUNNING',
          {},
          { headers: { 'retry-after': String(RETRY_SECONDS) }, extra: { retryAfterSeconds: RETRY_SECONDS } },
        );
      const answer = row.answer === null ? undefined : this.#decrypt(request.key, row.answer);
      if (answer === undefined)
        throw new ApiError(
          'IDEMPOTENT_REQUEST_UNKNOWN',
          { request: row.request_id },
          { extra: { firstRequestId: row.request_id } },
        );
      return answer;
    }
    if (row !== undefined) this.#count -= repository.remove(id);
    this.#requireRoom(request.caller);
    repository.insert(id, request.caller, hash, request.requestId, Math.floor(retentionNow()));
    this.#count += 1;
    this.#running.add(id.toString('base64'));
    return undefined;
  }

  /** Ends a first request. @param answer undefined = it failed, so it can be repeated */
  finish(request: KeyedRequest, answer: StoredAnswer | undefined): void {
    const { repository, log } = this.#deps;
    const id = this.#idOf(request);
    try {
      if (answer === undefined) this.#count -= repository.remove(id);
      else repository.answer(id, this.#encrypt(request.key, answer));
    } catch (err) {
      // what the request did is done, so its answer is sent anyway
      log.warn(
        { err, requestId: request.requestId },
        'could not store the answer to a request with an Idempotency-Key',
      );
    }
    this.#running.delete(id.toString('base64'));
  }

  #requireRoom(caller: string): void {
    const { repository, retentionNow } = this.#deps;
    const refuse = (limit: number, oldest: number): ApiError => {
      const seconds = Math.max(1, Math.ceil((oldest + KEPT_MS - retentionNow()) / 1000));
      return new ApiError(
        'IDEMPOTENCY_KEYS_USED_UP',
        { limit, hours: IDEMPOTENCY_KEPT_HOURS },
        { headers: { 'retry-after': String(seconds) }, extra: { retryAfterSeconds: seconds } },
      );
    };
    if (this.#count >= IDEMPOTENCY_KEYS) this.#prune();
    if (this.#count >= IDEMPOTENCY_KEYS) throw refuse(IDEMPOTENCY_KEYS, repository.oldest() ?? retentionNow());
    const theirs = repository.ofCaller(caller);
    if (theirs.count >= IDEMPOTENCY_KEYS_OF_CALLER) throw refuse(IDEMPOTENCY_KEYS_OF_CALLER, theirs.oldest);
  }

  #prune(): void {
    this.#count -= this.#deps.repository.prune(this.#deps.retentionNow() - KEPT_MS);
  }

  #idOf({ caller, key }: KeyedRequest): Buffer {
    return this.#hash('key', caller, key);
  }

  /** The parts are JSON, so that none can reach into the next one. */
  #hash(...parts: string[]): Buffer {
    return createHmac('sha256', this.#deps.secret).update(JSON.stringify(parts)).digest();
  }

  #sealKey(key: string): SealKey {
    return { material: Buffer.concat([this.#deps.secret, Buffer.from(key)]), use: 'streamhub idempotent answer' };
  }

  #encrypt(key: string, answer: StoredAnswer): Buffer {
    return sealText(this.#sealKey(key), JSON.stringify(answer));
  }

  /** @returns undefined if the installation's secret has changed */
  #decrypt(key: string, stored: Buffer): StoredAnswer | undefined {
    const text = openText(this.#sealKey(key), stored);
    return text === undefined ? undefined : JSON.parse(text);
  }
}
