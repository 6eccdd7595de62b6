import type { FastifyInstance } from 'fastify';
import type { InstallationWarnings } from '../warnings.ts';

/**
 * Warns when a proxy that isn't trusted forwards requests: everybody behind it then counts as one address, for sign-in
 * limits and bans alike.
 */
export function installProxyWarning(
  app: FastifyInstance,
  isTrusted: (address: string) => boolean,
  warnings: InstallationWarnings,
): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['x-forwarded-for'] !== undefined || request.headers['forwarded'] !== undefined) {
      const address = request.raw.socket.remoteAddress?.replace(/^::ffff:/, '') ?? '';
      if (!isTrusted(address))
        warnings.add(
          'PROXY_NOT_TRUSTED',
          address,
          `Requests from ${address} have an X-Forwarded-For header, but ${address} is not in STREAMHUB_TRUSTED_PROXIES. If it is your proxy, add it there. Until then all its clients share one address and one sign-in limit.`,
        );
    }
    done();
  });
}
