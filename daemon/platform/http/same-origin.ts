import type { FastifyRequest } from 'fastify';
import { CONSOLE_HEADER } from '#shared/browser-session.ts';

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/**
 * May this request use the browser's cookie? Only one that a page of this daemon made. Browsers add Sec-Fetch-Site on HTTPS
 * and localhost, and Origin to everything but plain reads; a page can't forge either. The console adds a header that pages
 * of another origin can't send. The cookie is SameSite=Strict too, but browsers take other ports of a host for the same site.
 * @param publicHost host of PUBLIC_BASE_URL; proxies can send another Host
 */
export function isSameOrigin(request: FastifyRequest, publicHost: string | undefined): boolean {
  const { headers, method } = request;
  const site = headers['sec-fetch-site'];
  // `none`: the person typed the address or opened a bookmark
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && isPlainRead(request));
  if (headers[CONSOLE_HEADER] !== undefined) return true;
  const { origin } = headers;
  if (origin === undefined) return SAFE.has(method) && isPlainRead(request);
  const host = URL.canParse(origin) ? new URL(origin).host : '';
  return host !== '' && (host === headers.host || host === request.host || host === publicHost);
}

/** A page or download: not an event stream, which reads on and on. */
const isPlainRead = ({ method, routeOptions }: FastifyRequest): boolean =>
  SAFE.has(method) && routeOptions.config.operation?.produces !== 'text/event-stream';
