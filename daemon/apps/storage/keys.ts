/** Where an object is and how it is addressed. Pure text; nothing here contacts a storage. */

/** Key of a new object: the prefix without edge slashes, then the file; not doubled when the file has the prefix already. */
export function objectKey(prefix: string, file: string): string {
  const base = trimSlashes(prefix);
  const name = file.replace(/^\/+/, '');
  if (base === '' || name === base || name.startsWith(`${base}/`)) return name;
  return `${base}/${name}`;
}

export function trimSlashes(text: string): string {
  return text.replace(/^\/+|\/+$/g, '');
}

/** Address of an object below a public base. */
export function publicUrl(base: string, key: string): string {
  return `${base.replace(/\/+$/, '')}/${encodeKey(key)}`;
}

/** A key for a URL's path: every segment percent-encoded, the slashes kept. */
function encodeKey(key: string): string {
  return key
    .split('/')
    .map((segment) =>
      encodeURIComponent(segment).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`),
    )
    .join('/');
}

export interface Place {
  bucket: string;
  region: string;
  /** Empty = AWS. */
  endpoint: string;
  forcePathStyle: boolean;
}

/** The object's own address, which needs a credential unless the bucket is public. */
export function canonicalUrl(place: Place, key: string): string {
  const path = encodeKey(key);
  if (place.endpoint === '') return `https://${place.bucket}.s3.${place.region}.amazonaws.com/${path}`;
  const url = new URL(place.endpoint);
  const base = url.pathname.replace(/\/+$/, '');
  if (place.forcePathStyle) return `${url.origin}${base}/${place.bucket}/${path}`;
  return `${url.protocol}//${place.bucket}.${url.host}${base}/${path}`;
}

/** Seconds that a presigned link lives: the wish, at most 7 days; nothing sensible = 1 hour. */
export function linkLifetime(seconds: number): number {
  return Number.isFinite(seconds) && seconds >= 1 ? Math.min(Math.floor(seconds), 604_800) : 3600;
}
export const PLAYBACK_LINK_SECONDS = 604_800;
export const DOWNLOAD_LINK_SECONDS = 3600;
