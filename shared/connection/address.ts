import { failure } from '../ipc/failure.ts';

const DEFAULT_PORT = 3020;

/**
 * The base address of a daemon from anything that a person types or pastes: `studio.example.com`, `10.0.0.4:3020`,
 * `https://host/streamhub/api/v1/docs`. Without a scheme a name means https; an address of one's own network or a port
 * of the daemon's own kind means http.
 * @returns origin and path prefix, without a slash at the end
 */
export function baseUrl(typed: string): string {
  const text = typed.trim();
  const refuse = (reason: string) => failure('BAD_URL', { url: text, reason });
  if (text === '' || /\s/.test(text)) throw refuse('it is empty or contains a space');
  let url: URL;
  try {
    url = new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`);
  } catch {
    throw refuse('it is not a valid address');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw refuse('only http and https addresses are supported');
  if (url.username !== '' || url.password !== '') throw refuse('remove the user name and password from the address');
  if (url.hostname === '') throw refuse('it contains no host');
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && speaksPlainly(url)) {
    const port = url.port === '' ? DEFAULT_PORT : url.port;
    url = new URL(`http://${url.hostname}:${port}${url.pathname}`);
  }
  const prefix = url.pathname.replace(/\/(api\/v1)(\/.*)?$/, '').replace(/\/+$/, '');
  return url.origin + prefix;
}

/** Loopback and private addresses have no certificate from an authority. */
function speaksPlainly({ hostname }: URL): boolean {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  if (hostname.startsWith('[')) return /^(?:::1$|fe[89ab]|f[cd])/i.test(host);
  // a URL writes every form of an IPv4 address with dots
  return /^(?:127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.)\d+\.\d+(?:\.\d+)?$/.test(host);
}

/** A name for a connection that was given none. */
export function nameOf(base: string): string {
  const { host, pathname } = new URL(base);
  return host + pathname.replace(/\/$/, '');
}
