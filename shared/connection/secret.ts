/** What the secret store keeps for a connection. */
export type Secret =
  | { kind: 'token'; token: string }
  /** `token` is the session that the password opened last. */
  | { kind: 'password'; user: string; password: string; token: string }
  | { kind: 'session'; token: string };

export const packSecret = (secret: Secret): string => JSON.stringify(secret);

/** @returns undefined for what is not a secret of ours */
export function unpackSecret(text: string): Secret | undefined {
  try {
    const secret = JSON.parse(text) as Partial<Record<string, unknown>> | null;
    const isText = (name: string) => typeof secret?.[name] === 'string';
    if (!isText('token')) return undefined;
    if (secret?.['kind'] === 'token' || secret?.['kind'] === 'session') return secret as Secret;
    if (secret?.['kind'] === 'password' && isText('user') && isText('password')) return secret as Secret;
  } catch {}
  return undefined;
}
