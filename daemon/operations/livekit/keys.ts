import { randomBytes } from 'node:crypto';
import type { SecretFile } from '#daemon/platform/secrets/secret-file.ts';
import { ApiError } from '#shared/errors.ts';

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
type Name = (typeof ONCE)[number] | 'NEXT_KEY' | 'NEXT_SECRET' | 'OLD_KEY' | 'OLD_SECRET';

const newKey = (): string => `API${randomBytes(9).toString('hex')}`;
const newSecret = (): string => randomBytes(32).toString('base64url');

/**
 * Keys and passwords of the managed programs. LiveKit reads its keys only when it starts. So a rotation adds the next key,
 * the daemon changes to it once LiveKit was started with both, and the former one is removed when nobody uses it any more.
 */
export class ManagedKeys {
  readonly #secrets: SecretFile;

  constructor(secrets: SecretFile) {
    this.#secrets = secrets;
  }

  /** `adding`: LiveKit isn't started with the next key yet. `both`: the former key is still accepted. */
  get state(): 'one' | 'adding' | 'both' {
    return this.#get('NEXT_KEY') !== '' ? 'adding' : this.#get('OLD_KEY') !== '' ? 'both' : 'one';
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
    const pairs = (['API', 'NEXT', 'OLD'] as const).map((which) => [
      this.#get(`${which}_KEY`),
      this.#get(`${which}_SECRET`),
    ]);
    return {
      // in one order, so that the configuration stays the same when the daemon changes its key
      keys: Object.fromEntries(pairs.filter(([key]) => key !== '').toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))),
      webhookKey: this.#get('NEXT_KEY') || this.#get('API_KEY'),
      apiKey: this.#get('API_KEY'),
      apiSecret: this.#get('API_SECRET'),
      metricsPassword: this.#get('METRICS_PASSWORD'),
      redisPassword: this.#get('REDIS_PASSWORD'),
    };
  }

  /** Adds the next key. @throws ApiError LIVEKIT_KEYS_ROTATING */
  async add(): Promise<void> {
    if (this.state !== 'one') throw new ApiError('LIVEKIT_KEYS_ROTATING');
    await this.#set({ NEXT_KEY: newKey(), NEXT_SECRET: newSecret() });
  }

  /** LiveKit was started with the keys of now: the next one is used from here on. */
  async started(): Promise<void> {
    if (this.state !== 'adding') return;
    await this.#set({
      OLD_KEY: this.#get('API_KEY'),
      OLD_SECRET: this.#get('API_SECRET'),
      API_KEY: this.#get('NEXT_KEY'),
      API_SECRET: this.#get('NEXT_SECRET'),
      NEXT_KEY: null,
      NEXT_SECRET: null,
    });
  }

  /** Removes the former key. @throws ApiError LIVEKIT_KEYS_NOT_ROTATED */
  async retire(): Promise<void> {
    if (this.state !== 'both') throw new ApiError('LIVEKIT_KEYS_NOT_ROTATED');
    await this.#set({ OLD_KEY: null, OLD_SECRET: null });
  }

  #get(name: Name): string {
    return this.#secrets.get(PREFIX + name) ?? '';
  }

  #set(values: Partial<Record<Name, string | null>>): Promise<void> {
    return this.#secrets.set(Object.fromEntries(Object.entries(values).map(([name, value]) => [PREFIX + name, value])));
  }
}
