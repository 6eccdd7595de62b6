import type { FastifyInstance } from 'fastify';

/**
 * Headers of every answer. Written by hand rather than by a library: they are constant, and setting them is a
 * measurable part of a small answer's cost. A page overrides the policy with its own.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * The security headers of this installation.
 * @param hstsSeconds how long browsers use HTTPS only for this host; 0 = no such header
 */
export const securityHeaders = (hstsSeconds: number): Readonly<Record<string, string>> =>
  hstsSeconds > 0 ? { ...HEADERS, 'strict-transport-security': `max-age=${hstsSeconds}` } : HEADERS;

/** Sets the security headers and the request id on every answer. */
export function installSecurityHeaders(app: FastifyInstance, headers: Readonly<Record<string, string>>): void {
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers).header('x-request-id', request.id);
    done();
  });
}
