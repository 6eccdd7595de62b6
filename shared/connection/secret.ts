/** What the secret store keeps for a connection. */
export type KeptSecret =
  | { kind: 'token'; token: string }
  /** `token` is the session that the password opened last. */
  | { kind: 'password'; user: string; password: string; token: string }
  | { kind: 'session'; token: string };

/** A browser keeps its session in a cookie, which no page can read. */
export type Secret = KeptSecret | { kind: 'cookie'; token: '' };

/** The header that shows a token; a cookie needs none. */
export const authorization = (token: string): Record<string, string> =>
  token === '' ? {} : { authorization: `Bearer ${token}` };

export const packSecret = (secret: Secret): string => JSON.stringify(secret);

/** @returns undefined for what is not a secret of ours */
export function unpackSecret(text: string): Secret | undefined {
  try {
    const secret = JSON.parse(text) as Partial<Record<string, unknown>> | null;
    const isText = (name: string) => typeof secret?.[name] === 'string';
    if (!isText('token')) return undefined;
    if (secret?.['kind'] === 'cookie' || secret?.['kind'] === 'token' || secret?.['kind'] === 'session')
      return secret as Secret;
    if (secret?.['kind'] === 'password' && isText('user') && isText('password')) return secret as Secret;
  } catch {}
  return undefined;
}
