import type { CredentialResolver, Principal } from './principal.ts';

/** What a request shows: the text after `Bearer `, or the value of the session cookie of a browser. */
export interface Credential {
  readonly kind: 'bearer' | 'cookie';
  readonly text: string;
}

/**
 * The principal of a credential; null = refused. Tokens and known sessions are found without a wait.
 * @param ip address of the client, computed only when asked for
 */
export function principalFor(
  resolvers: readonly CredentialResolver[],
  credential: Credential,
  ip: () => string,
): Principal | null | Promise<Principal | null> {
  for (const [index, resolver] of resolvers.entries()) {
    const found =
      credential.kind === 'bearer'
        ? resolver.resolve(credential.text, ip)
        : resolver.resolveCookie?.(credential.text, ip);
    if (found instanceof Promise)
      return found.then((one) => (one === undefined ? principalFor(resolvers.slice(index + 1), credential, ip) : one));
    if (found !== undefined) return found;
  }
  return null;
}
