import { randomBytes } from 'node:crypto';
import type { SecretFile } from '#daemon/platform/secrets/secret-file.ts';
import { ApiError } from '#shared/errors.ts';

/** `data/secrets.json`. */
export type Secrets = Pick<SecretFile, 'get' | 'set'>;

/** A key of LiveKit and its secret. */
export type KeyPair = readonly [key: string, secret: string];

/** What the programs are given; generated once and kept in the file of secrets. */
export interface LivekitSecrets {
  /** What LiveKit accepts: the key in use, and during a rotation the next or the former one. */
  keys: Record<string, string>;
  /** LiveKit signs its webhooks with it. */
  webhookKey: string;
  apiKey: string;
  apiSecret: string;
  metricsPassword: string;
  redisPassword: string;
}

const PREFIX = 'LIVEKIT_MANAGED_';
const ONCE = ['API_KEY', 'API_SECRET', 'METRICS_PASSWORD', 'REDIS_PASSWORD'] as const;

const newKey = (): string => `API${randomBytes(9).toString('hex')}`;
const newSecret = (): string => randomBytes(32).toString('base64url');

/** Where the pair that the daemon uses is kept. */
interface PresentPair {
  get(): KeyPair;
  set(pair: KeyPair): Promise<void>;
}

/**
 * LiveKit reads its keys only when it starts. So a rotation adds the next key, the daemon changes to it once every LiveKit was
 * started with both, and the former one is removed when nobody uses it any more.
 */
export class KeyRotation {
  readonly #secrets: Secrets;
  readonly #prefix: string;
  readonly #present: PresentPair;

  constructor(secrets: Secrets, prefix: string, present: PresentPair) {
    this.#secrets = secrets;
    this.#prefix = prefix;
    this.#present = present;
  }

  /** `adding`: not every LiveKit is started with the next key yet. `both`: the former key is still accepted. */
  get state(): 'one' | 'adding' | 'both' {
    return this.next !== undefined ? 'adding' : this.#pair('OLD') === undefined ? 'one' : 'both';
  }

  get present(): KeyPair {
    return this.#present.get();
  }

  get next(): KeyPair | undefined {
    return this.#pair('NEXT');
  }

  /** What LiveKit is to accept, in one order, so that its configuration stays the same when the daemon changes its key. */
  get accepted(): KeyPair[] {
    const pairs = [this.present, this.next, this.#pair('OLD')].filter((pair) => pair !== undefined);
    return [...new Map(pairs).entries()].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  /** The pair that stays. */
  get lasting(): KeyPair {
    return this.next ?? this.present;
  }

  /** Adds the next key. @throws ApiError LIVEKIT_KEYS_ROTATING */
  async add(): Promise<void> {
    if (this.state !== 'one') throw new ApiError('LIVEKIT_KEYS_ROTATING');
    await this.#set('NEXT', [newKey(), newSecret()]);
  }

  /** Every LiveKit accepts the next key: it is used from here on. An end in between is continued by the next call. */
  async move(): Promise<void> {
    const { next, present } = this;
    if (next === undefined) return;
    if (present[0] !== next[0]) {
      await this.#set('OLD', present);
      await this.#present.set(next);
    }
    await this.#set('NEXT', undefined);
  }

  /** Removes the former key. @returns it. @throws ApiError LIVEKIT_KEYS_NOT_ROTATED */
  async retire(): Promise<KeyPair> {
    const old = this.#pair('OLD');
    if (this.state !== 'both' || old === undefined) throw new ApiError('LIVEKIT_KEYS_NOT_ROTATED');
    await this.#set('OLD', undefined);
    return old;
  }

  #pair(which: 'NEXT' | 'OLD'): KeyPair | undefined {
    const key = this.#secrets.get(`${this.#prefix}${which}_KEY`) ?? '';
    return key === '' ? undefined : [key, this.#secrets.get(`${this.#prefix}${which}_SECRET`) ?? ''];
  }

  #set(which: 'NEXT' | 'OLD', pair: KeyPair | undefined): Promise<void> {
    const [key, secret] = pair ?? [null, null];
    return this.#secrets.set({ [`${this.#prefix}${which}_KEY`]: key, [`${this.#prefix}${which}_SECRET`]: secret });
  }
}

/** Keys and passwords of the programs that the daemon runs. */
export class ManagedKeys {
  readonly #secrets: Secrets;
  readonly rotation: KeyRotation;

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
    this.rotation = new KeyRotation(secrets, PREFIX, {
      get: () => [this.#get('API_KEY'), this.#get('API_SECRET')],
      set: ([key, secret]) => secrets.set({ [`${PREFIX}API_KEY`]: key, [`${PREFIX}API_SECRET`]: secret }),
    });
  }

  async ensure(): Promise<void> {
    await this.#secrets.set(() =>
      Object.fromEntries(
        ONCE.filter((name) => this.#get(name) === '').map((name) => [
          PREFIX + name,
          name === 'API_KEY' ? newKey() : newSecret(),
        ]),
      ),
    );
  }

  all(): LivekitSecrets {
    return {
      keys: Object.fromEntries(this.rotation.accepted),
      webhookKey: this.rotation.lasting[0],
      apiKey: this.#get('API_KEY'),
      apiSecret: this.#get('API_SECRET'),
      metricsPassword: this.#get('METRICS_PASSWORD'),
      redisPassword: this.#get('REDIS_PASSWORD'),
    };
  }

  #get(name: (typeof ONCE)[number]): string {
    return this.#secrets.get(PREFIX + name) ?? '';
  }
}
