import type { Place } from '#daemon/apps/storage/keys.ts';

/** An object's address as LiveKit's egress service reports it, taken apart. */
export interface ObjectAddress {
  /** Without user, query and fragment: these can hold a signature. */
  address: string;
  storage: 's3' | 'gcs' | 'azure' | 'alioss' | 'unknown';
  /** Null where the address doesn't tell. */
  bucket: string | null;
  key: string | null;
}

/** A bucket that an address is compared with. */
export type Bucket = Place;

const LONGEST = 2048;
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html and .../dual-stack-endpoints.html
const AWS_HOST =
  /^(?:(?<bucket>.+)\.)?s3(?:-(?:fips|accelerate|website))?(?:[.-]dualstack)?(?:[.-](?<region>[a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com(?:\.cn)?$/;
const isAws = (host: string): boolean => /(?:^|\.)amazonaws\.com(?:\.cn)?$/.test(host);

/** The egress service puts `https://<bucket>.` before an endpoint of Alibaba, and keeps the endpoint's own scheme. */
const DOUBLE_SCHEME = /^(https?:\/\/[^/:]+\.)https?:\/\//i;

/** Undefined for what is not a URL: then it is a path on the machine of the egress service. */
function parse(location: string): URL | undefined {
  // one letter and a colon is a drive of Windows
  if (!/^[a-z][a-z0-9+.-]+:\/\//i.test(location) || location.length > LONGEST) return undefined;
  const url = URL.parse(location.replace(DOUBLE_SCHEME, '$1'));
  if (url === null) return undefined;
  url.username = '';
  url.password = '';
  url.search = '';
  url.hash = '';
  return url;
}

/** A path's segments decoded; text that is not percent-encoded stays as it is. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The first segment and the rest. */
function split(path: string): [bucket: string | null, key: string | null] {
  const [bucket = '', ...rest] = path.replace(/^\//, '').split('/');
  const key = rest.join('/');
  return bucket === '' || key === '' ? [null, null] : [bucket, key];
}

/** Takes an address apart; undefined when it is not a URL. */
export function readAddress(location: string): ObjectAddress | undefined {
  const url = parse(location);
  if (url === undefined) return undefined;
  const path = decode(url.pathname);
  const of = (storage: ObjectAddress['storage'], bucket: string | null, key: string | null): ObjectAddress => ({
    address: url.href,
    storage,
    bucket,
    key: key === '' ? null : key,
  });
  const host = url.hostname.toLowerCase();
  switch (url.protocol) {
    case 's3:':
      return of('s3', host, path.slice(1));
    case 'gs:':
      return of('gcs', host, path.slice(1));
    case 'http:':
    case 'https:':
      break;
    default:
      return of('unknown', null, null);
  }
  if (isAws(host)) {
    const bucket = AWS_HOST.exec(host)?.groups?.['bucket'];
    return bucket === undefined ? of('s3', ...split(path)) : of('s3', bucket, path.slice(1));
  }
  if (host === 'storage.googleapis.com' || host === 'storage.cloud.google.com') return of('gcs', ...split(path));
  if (host.endsWith('.storage.googleapis.com')) return of('gcs', host.slice(0, -23), path.slice(1));
  if (/\.blob\.core\.[a-z.]+$/.test(host)) return of('azure', ...split(path));
  const oss = /^(.+)\.oss-[a-z0-9-]+\.aliyuncs\.com$/.exec(host);
  if (oss !== null) return of('alioss', oss[1] as string, path.slice(1));
  return of('unknown', ...split(path));
}

/**
 * The key that an address has in a bucket; null when it is elsewhere. The scheme is not compared: the egress service
 * writes https for every endpoint.
 * @param asked the key that was asked for: the service doesn't encode it, so a `?` or `%` in it is part of the key
 */
export function keyIn(location: string, place: Bucket, asked?: string): string | null {
  if (asked && location.endsWith(`/${asked}`) && /[?#%]/.test(asked)) {
    const folder = keyIn(`${location.slice(0, -asked.length)}x`, place);
    return folder === null ? null : folder.slice(0, -1) + asked;
  }
  const url = parse(location);
  if (url === undefined || place.bucket === '' || !/^https?:$/.test(url.protocol)) return null;
  const endpoint = place.endpoint === '' ? null : URL.parse(place.endpoint);
  if (endpoint === null ? place.endpoint === '' : isAws(endpoint.hostname)) {
    const found = readAddress(location);
    const host = url.hostname.toLowerCase();
    return isAws(host) && found?.bucket === place.bucket ? found.key : null;
  }
  if (endpoint === null) return null;
  const base = endpoint.pathname.replace(/\/+$/, '');
  const path = decode(url.pathname);
  const within = (root: string): string | null => (path.startsWith(root) ? path.slice(root.length) || null : null);
  // both ways of writing: which one the service used depends on its own settings
  if (url.host === endpoint.host) return within(`${base}/${place.bucket}/`);
  if (url.host === `${place.bucket}.${endpoint.host}`.toLowerCase()) return within(`${base}/`);
  return null;
}
