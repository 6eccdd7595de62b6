import { hash } from 'node:crypto';
import { boundedCache } from '#daemon/platform/bounded-cache.ts';

/** Claims of a session token; all are required. */
export interface Claims {
  sub: string;
  sid: string;
  /** Seconds since 1970. */
  exp: number;
}

const ALGORITHM = 'HS256';
const MAX_LENGTH = 4096;
const KEPT = 20_000;
const SHAPE = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Signs and checks session tokens. A token that was checked once is remembered by its digest, so that later checks are a look-up. */
export class SessionTokens {
  readonly #key: Uint8Array;
  readonly #checked = boundedCache<string, Claims>(KEPT);

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  async sign({ sub, sid, exp }: Claims, issuedAt: number): Promise<string> {
    const { SignJWT } = await import('jose');
    return new SignJWT({ sid })
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setSubject(sub)
      .setIssuedAt(issuedAt)
      .setExpirationTime(exp)
      .sign(this.#key);
  }

  /** Claims of a token that was found good before; undefined = not known, so it has to be verified. */
  known(token: string): Claims | undefined {
    return this.#checked.get(hash('sha256', token, 'base64'));
  }

  /** Could it be a token at all? */
  looksLike(credential: string): boolean {
    return credential.length <= MAX_LENGTH && SHAPE.test(credential);
  }

  /** Signature, algorithm and the presence of every claim; null when any is wrong. */
  async verify(token: string): Promise<Claims | null> {
    const { jwtVerify } = await import('jose');
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        // when a session ends is decided by the sessions in memory, which no jump of the clock misleads
        currentDate: new Date(0),
        requiredClaims: ['sub', 'sid', 'exp', 'iat'],
      });
      const { sub, sid, exp } = payload;
      if (typeof sub !== 'string' || typeof sid !== 'string' || typeof exp !== 'number') return null;
      const claims = { sub, sid, exp };
      this.#checked.set(hash('sha256', token, 'base64'), claims);
      return claims;
    } catch {
      return null;
    }
  }
}
