import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify';
import type { Access } from '#shared/contract/operation.ts';
import { ApiError } from '#shared/errors.ts';
import type { CredentialResolver, Principal } from '../principal.ts';
import { clientAddress } from './client-address.ts';
import { hookOperations } from './hook-operations.ts';

/** Accesses that need no Bearer credential. */
export const OPEN: ReadonlySet<Access> = new Set<Access>(['public', 'cluster-token', 'webhook', 'metrics']);

/** Sets `request.principal` from the Bearer credential, or refuses with 401. Memory only: no database, no await for tokens. */
export function installAuthentication(app: FastifyInstance, resolvers: readonly CredentialResolver[]): void {
  app.decorateRequest('principal', null);
  const authenticate: onRequestHookHandler = (request, _reply, done) => {
    const credential = bearer(request.headers.authorization);
    if (credential === undefined) {
      done(new ApiError('UNAUTHENTICATED'));
      return;
    }
    attempt(resolvers, 0, credential, request, done);
  };
  hookOperations(app, 'onRequest', (op) => (OPEN.has(op.access) ? undefined : authenticate));
}

function attempt(
  resolvers: readonly CredentialResolver[],
  index: number,
  credential: string,
  request: FastifyRequest,
  done: (error?: Error) => void,
): void {
  const resolver = resolvers[index];
  if (resolver === undefined) {
    done(new ApiError('UNAUTHENTICATED'));
    return;
  }
  const settle = (principal: Principal | null | undefined): void => {
    if (principal === undefined) attempt(resolvers, index + 1, credential, request, done);
    else if (principal === null) done(new ApiError('UNAUTHENTICATED'));
    else {
      request.principal = principal;
      done();
    }
  };
  try {
    const result = resolver.resolve(credential, () => clientAddress(request));
    if (result instanceof Promise) result.then(settle, done);
    else settle(result);
  } catch (error) {
    done(error as Error);
  }
}

/** The value after `Bearer`; the scheme in any case, extra spaces tolerated. */
export function bearer(header: string | undefined): string | undefined {
  if (header === undefined || header.length > 8192) return undefined;
  return /^\s*bearer\s+(\S+)\s*$/i.exec(header)?.[1];
}
