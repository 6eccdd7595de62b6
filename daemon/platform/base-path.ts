import type { FastifyInstance, onSendHookHandler } from 'fastify';
import { publicBase, type Settings } from './settings.ts';

/**
 * Path below which a proxy publishes the daemon: the path of PUBLIC_BASE_URL without a slash at its end, e.g. `/streamhub`;
 * empty when it is published at the root.
 */
export function basePath(settings: Pick<Settings, 'publicBaseUrl' | 'streamhubPublicUrl'>): string {
  const base = publicBase(settings as Settings);
  return base === null ? '' : new URL(base).pathname.replace(/\/+$/, '');
}

/** A request's URL as the routes know it. */
export function withoutBase(url: string, base: string): string {
  if (base === '' || !url.startsWith(base)) return url;
  const rest = url.slice(base.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : url;
}

/** Makes `Location` headers name the path that clients see. An operation that reads has none. */
export function installPublicLocations(app: FastifyInstance, base: () => string): void {
  const complete: onSendHookHandler = (_request, reply, payload, done) => {
    const location = reply.getHeader('location');
    if (typeof location === 'string' && location.startsWith('/')) reply.header('location', base() + location);
    done(null, payload);
  };
  app.addHook('onRoute', (route) => {
    if (route.config?.operation?.method === 'GET') return;
    route.onSend = [route.onSend ?? [], complete].flat();
  });
}
