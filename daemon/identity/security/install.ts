import type { FastifyInstance, FastifyReply, FastifyRequest, onResponseHookHandler } from 'fastify';
import { addressKey, clientAddress } from '#daemon/platform/http/client-address.ts';
import { hookOperations } from '#daemon/platform/http/hook-operations.ts';
import type { RateLimitClass } from '#shared/contract/operation.ts';
import type { ApiError, ErrorCode } from '#shared/errors.ts';
import { type RateLimits, rateHeaders, tooMany } from './rate-limits.ts';
import type { AddressGuard } from './service.ts';

export interface GuardOptions {
  guard: AddressGuard;
  limits: RateLimits;
  /** Unknown routes count as offences. */
  count404(): boolean;
}

/** Refusals that count toward a ban: guessing, not lacking a right. */
const OFFENCES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BAD_LOGIN',
  'TOTP_INVALID',
  'BAD_LINK',
  'RATE_LIMITED',
  'CLUSTER_TOKEN_INVALID',
  'NODE_CREDENTIAL_INVALID',
  'METRICS_FORBIDDEN',
]);
/** The first step of every request: address rules and bans, then, on the routes that have one, the limit of attempts. */
export function installGuards(app: FastifyInstance, { guard, limits, count404 }: GuardOptions): void {
  app.addHook('onRequest', (request, _reply, done) => {
    // without the answer to this a page could not read why it is refused
    const isPreflight = request.method === 'OPTIONS' && request.routeOptions.config.isPreflight;
    if (guard.isIdle || isPreflight) {
      done();
      return;
    }
    try {
      guard.check(clientAddress(request));
      done();
    } catch (error) {
      done(error as ApiError);
    }
  });
  app.addHook('onError', (request, _reply, error, done) => {
    const code = (error as unknown as ApiError).code;
    // many viewers behind one address guess nothing
    if (request.routeOptions.config.operation?.limit === 'watch') return done();
    if (code === 'ROUTE_NOT_FOUND') {
      if (count404()) guard.offend(clientAddress(request), 'unknown routes');
    } else if (OFFENCES.has(code) || (code === 'UNAUTHENTICATED' && request.headers.authorization !== undefined)) {
      guard.offend(clientAddress(request), code);
    }
    done();
  });
  // by the answer, not by the route: the console answers for paths that it does not know
  app.addHook('onRoute', (route) => {
    if (route.config?.operation !== undefined) return;
    const count: onResponseHookHandler = (request, reply, done) => {
      if (reply.statusCode === 404 && count404()) guard.offend(clientAddress(request), 'unknown routes');
      done();
    };
    route.onResponse = [route.onResponse ?? [], count].flat();
  });
  // ahead of the hooks that check credentials: a guess costs an attempt, whether or not it is right
  hookOperations(app, 'onRequest', ({ limit }) =>
    limit === undefined
      ? undefined
      : (request, reply, done) => {
          countAttempt(limits, limit, request, reply).then(() => done(), done);
        },
  );
}

async function countAttempt(
  limits: RateLimits,
  limit: RateLimitClass,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const key = addressKey(clientAddress(request));
  const taken = await limits.take(limit, key);
  if (!taken.allowed) throw tooMany(limit, taken);
  reply.headers(rateHeaders(limit, taken));
}
