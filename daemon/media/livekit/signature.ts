import { hash } from 'node:crypto';
import type { TokenVerifier } from 'livekit-server-sdk';
import type { WebhookRejection } from '#shared/schema/webhooks.ts';

/** How far LiveKit's clock and ours may be apart, seconds. */
export const LEEWAY_S = 60;
const ANY_TIME_S = 1e10;

export type SignatureVerdict =
  | { cause: null; clockMs: number | null }
  /** `clockMs`: how far LiveKit's clock was ahead when it signed, if it is known to be LiveKit's. */
  | { cause: WebhookRejection; clockMs: number | null };

interface Claims {
  iss?: unknown;
  iat?: unknown;
  nbf?: unknown;
  exp?: unknown;
  sha256?: unknown;
}

/**
 * Is a body signed with our secret, at this time? LiveKit puts a JWT into `Authorization` that holds the SHA-256 of the body.
 * @param now milliseconds since 1970
 */
export async function checkSignature(
  verifier: TokenVerifier,
  apiKey: string,
  request: { body: string; authorization: string | undefined; now: number },
): Promise<SignatureVerdict> {
  const token = tokenIn(request.authorization ?? '');
  const refuse = (cause: WebhookRejection, clockMs: number | null = null): SignatureVerdict => ({ cause, clockMs });
  if (token === '') return refuse('unsigned');
  const told = readClaims(token);
  if (told === undefined) return refuse('malformed');
  if (told.iss !== apiKey) return refuse('key');
  let claims: Claims;
  try {
    // times are checked below, to tell which one is wrong
    claims = (await verifier.verify(token, ANY_TIME_S)) as Claims;
  } catch {
    return refuse(typeof told.exp === 'number' ? 'secret' : 'malformed');
  }
  if (typeof claims.sha256 !== 'string') return refuse('malformed');
  const seconds = request.now / 1000;
  const issued = numberOf(claims.nbf) ?? numberOf(claims.iat);
  const clockMs = issued === null ? null : Math.round((issued - seconds) * 1000);
  if (issued !== null && issued - LEEWAY_S > seconds) return refuse('clock', clockMs);
  if ((numberOf(claims.exp) ?? 0) + LEEWAY_S < seconds) return refuse('expired', clockMs);
  if (claims.sha256 !== hash('sha256', request.body, 'base64')) return refuse('body', clockMs);
  return { cause: null, clockMs };
}

const tokenIn = (authorization: string): string => authorization.replace(/^Bearer\s+/i, '').trim();

/** Whose key a token, or an `Authorization` with one, says it is signed with. */
export const issuerOf = (authorization: string): unknown => readClaims(tokenIn(authorization))?.iss;

const numberOf = (claim: unknown): number | null => (typeof claim === 'number' ? claim : null);

/** The claims of a JWT, not verified. */
function readClaims(token: string): Claims | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] as string, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? (claims as Claims) : undefined;
  } catch {
    return undefined;
  }
}
