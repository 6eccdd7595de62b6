import type { Caller } from '#shared/access.ts';

/** The team of the operators. */
export const PLATFORM = 'platform';

/** Who makes a request. Built once per credential and held in memory; never contains the credential. */
export interface Principal extends Caller {
  /** `token:<id>`, `admin` or `usr_<uuid>`. */
  readonly userId: string;
  readonly email?: string;
  /** Name of the API token, for the audit trail. */
  readonly label?: string;
  /** Session of a person, for sign-out. */
  readonly sessionId?: string;
}

/** Turns a credential into a principal. Answers undefined when the value is not of its kind. */
export interface CredentialResolver {
  /**
   * @param credential text after `Bearer `
   * @param ip address of the client, computed only when asked for
   * @returns the principal; null = refused (401); undefined = not this resolver's kind
   */
  resolve(credential: string, ip: () => string): Principal | null | undefined | Promise<Principal | null | undefined>;
  /** The same for the value of a session cookie. Looking it up doesn't count as use of the session. */
  resolveCookie?(value: string, ip: () => string): Principal | null | undefined;
}
