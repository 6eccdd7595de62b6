import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import type { Access } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';
import { type Credential, principalFor } from '../credentials.ts';
import type { CredentialResolver, Principal } from '../principal.ts';
import { clientAddress } from './client-address.ts';
import { hookOperations } from './hook-operations.ts';
import type { SessionCookie } from './session-cookie.ts';

/** Accesses that need no Bearer credential and no cookie. */
export const OPEN: ReadonlySet<Access> = new Set<Access>(['public', 'cluster-token', 'webhook', 'metrics']);

export interface AuthenticationOptions {
  resolvers: readonly CredentialResolver[];
  cookie: SessionCookie;
  /** Notes that a cookie's session is in use. @returns seconds for which the browser should be given the cookie again */
  renew(value: string): number | undefined;
}

/**
 * Sets `request.principal` from the Bearer credential, else from the session cookie, or refuses with 401. Memory only: no
 * database, no await for tokens.
 */
export function installAuthentication(app: FastifyInstance, { resolvers, cookie, renew }: AuthenticationOptions): void {
  app.decorateRequest('principal', null);
  app.decorateRequest('credential', null);
  const authenticate: onRequestHookHandler = (request, reply, done) => {
    const credential = credentialOf(request, cookie);
    if (credential === undefined) {
      done(new ApiError('UNAUTHENTICATED'));
      return;
    }
    const settle = (principal: Principal | null): void => {
      if (principal === null) {
        done(new ApiError('UNAUTHENTICATED'));
        return;
      }
      request.principal = principal;
      request.credential = credential;
      if (credential.kind === 'cookie') {
        const seconds = renew(credential.text);
        if (seconds !== undefined) cookie.give(request, reply, credential.text, seconds);
      }
      done();
    };
    try {
      if (credential.kind === 'cookie') cookie.requireSameOrigin(request);
      const found = principalFor(resolvers, credential, () => clientAddress(request));
      if (found instanceof Promise) found.then(settle).catch(done);
      else settle(found);
    } catch (error) {
      done(error as Error);
    }
  };
  hookOperations(app, 'onRequest', (op) => (OPEN.has(op.access) ? undefined : authenticate));
}

/** If a program sends the header, the cookie isn't read. */
function credentialOf(request: FastifyRequest, cookie: SessionCookie): Credential | undefined {
  const { authorization } = request.headers;
  const text = authorization === undefined ? cookie.read(request) : bearer(authorization);
  return text === undefined ? undefined : { kind: authorization === undefined ? 'cookie' : 'bearer', text };
}

/** The value after `Bearer`; the scheme in any case, extra spaces tolerated. */
export function bearer(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 8192) return undefined;
  return /^\s*bearer\s+(\S+)\s*$/i.exec(header)?.[1];
}
