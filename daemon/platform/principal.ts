import type { Role } from '#shared/permissions.ts';

/** Who makes a request. Built once per credential and held in memory; never contains the credential. */
export interface Principal {
  /** `token:<id>`, `admin` or `usr_<uuid>`. */
  readonly userId: string;
  /** The team acted for; null for a person without one. */
  readonly tenantId: string | null;
  readonly role: Role | 'service' | 'superadmin' | null;
  readonly isSuperadmin: boolean;
  readonly scope: 'global' | 'app' | 'user';
  readonly via: 'api_token' | 'admin_jwt' | 'user_jwt';
  readonly email?: string;
  /** Name of the API token, for the audit trail. */
  readonly label?: string;
  /** The one app that an app-scope token may touch. */
  readonly appId?: number;
  /** Session of a person, for sign-out. */
  readonly sessionId?: string;
}

/** Sees and changes everything: a global token or a superadmin. */
export const isGlobal = (principal: Principal): boolean => principal.scope === 'global';

/** A person behind a session rather than an API token. */
export const isHuman = (principal: Principal): boolean => principal.via !== 'api_token';

/** Turns a Bearer value into a principal. Answers undefined when the value is not of its kind. */
export interface CredentialResolver {
  /**
   * @param credential text after `Bearer `
   * @param ip address of the client, computed only when asked for
   * @returns the principal; null = refused (401); undefined = not this resolver's kind
   */
  resolve(credential: string, ip: () => string): Principal | null | undefined | Promise<Principal | null | undefined>;
}
