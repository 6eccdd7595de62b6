/** Where the app's own pages live. */
export const APP_SCHEME = 'app';
export const APP_ORIGIN = 'app://streamhub';

/** What a page of the app may load and run. Images and media come from the buckets of the person's own servers, anywhere. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self' data: blob: https: http:",
  "media-src 'self' blob: https: http:",
  // hls.js reads playlists and segments of recordings
  "connect-src 'self' https: http: ws: wss:",
  "worker-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Permissions that a page may use without harm; everything else is denied. */
const PERMISSIONS: ReadonlySet<string> = new Set(['fullscreen']);

/** Does this address belong to the app's own pages? `development` is the address of the development server, where there is one. */
export function isOwnPage(address: string, development?: string): boolean {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return false;
  }
  if (url.protocol === `${APP_SCHEME}:`) return url.host === 'streamhub' && url.username === '' && url.password === '';
  return development !== undefined && url.origin === new URL(development).origin;
}

/** May a page use this? Asked for each request and each check. */
export function allowsPermission(permission: string, origin: string, development?: string): boolean {
  return PERMISSIONS.has(permission) && isOwnPage(origin, development);
}

/**
 * An address that may be handed to the system's browser or mail program.
 * @returns it in its canonical form, or undefined: no file, no program, no login in it
 */
export function externalAddress(address: string): string | undefined {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return undefined;
  }
  if (url.username !== '' || url.password !== '') return undefined;
  if (url.protocol === 'https:' || url.protocol === 'http:') return url.host === '' ? undefined : url.href;
  return url.protocol === 'mailto:' ? url.href : undefined;
}
