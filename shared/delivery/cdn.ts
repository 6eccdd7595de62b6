import type { LiveHlsPlan } from './plan.ts';

/** What a CDN must be told, so that it serves live HLS. */
interface CdnRules {
  name: string;
  /** Do its edges have a separate lifetime (`s-maxage`), beside that of browsers? */
  hasEdgeLifetime: boolean;
  /** Settings that are made at the CDN, in order. The documents and the console show them. */
  settings: readonly string[];
}

type CdnProvider = LiveHlsPlan['provider'];

const ORIGIN = 'Origin: the bucket’s address, so that the path of an object is its key. Let it read the bucket.';

/**
 * Rules by CDN. Segments never change; playlists change with every segment. LiveKit writes segments and its own playlists
 * without a Cache-Control header, so the CDN has to know them by their names.
 */
export const CDN_RULES: Readonly<Record<CdnProvider, CdnRules>> = {
  generic: {
    name: 'your CDN',
    hasEdgeLifetime: false,
    settings: [
      ORIGIN,
      'Cache `*.m3u8` for 1 second, `*.ts` for 1 hour or more.',
      'Cache answers with status 404 for 1 second at most.',
      'Answer with `Access-Control-Allow-Origin: *` for both, and allow `GET` and `HEAD`.',
    ],
  },
  bunny: {
    name: 'bunny.net',
    hasEdgeLifetime: false,
    settings: [
      ORIGIN,
      'Pull zone, Caching: set the cache expiration to “Respect origin Cache-Control”, and turn “Cache error responses” off.',
      'Edge rule “Override cache time” for `*.m3u8`: 1 second, for the edge and for browsers.',
      'Edge rule “Override cache time” for `*.ts`: 1 hour.',
      'Pull zone, Headers: turn “Add CORS headers” on, and add `m3u8` and `ts` to its extensions.',
      'Turn on the Origin Shield, so that the bucket is asked once and not by each location.',
    ],
  },
  cloudfront: {
    name: 'Amazon CloudFront',
    hasEdgeLifetime: true,
    settings: [
      `${ORIGIN} With AWS S3, use Origin Access Control; the bucket can stay private.`,
      'Behavior for `*.m3u8`: a cache policy with minimum TTL 0, default TTL 1 and maximum TTL 2 seconds.',
      'Behavior for `*.ts`: the managed cache policy `CachingOptimized`.',
      'Both behaviors: the managed response headers policy `SimpleCORS`, and no origin request policy.',
      'Error pages: set the error caching minimum TTL of 403 and 404 to 1 second. The default is 10 seconds.',
    ],
  },
  cloudflare: {
    name: 'Cloudflare',
    hasEdgeLifetime: true,
    settings: [
      `${ORIGIN} A bucket of R2 is connected as a custom domain.`,
      'Cloudflare caches neither `m3u8` nor `ts` by default. Cache rule for paths that end with `.m3u8`: eligible for cache, edge TTL “Use cache-control header if present”, otherwise 1 second.',
      'Cache rule for paths that end with `.ts`: eligible for cache, edge TTL 1 hour.',
      'In both rules, set the TTL of status 404 to 1 second (“no cache” on plans without it).',
      'Transform rule, response headers: set `Access-Control-Allow-Origin` to `*` for both paths.',
    ],
  },
  fastly: {
    name: 'Fastly',
    hasEdgeLifetime: true,
    settings: [
      `${ORIGIN} Choose a shield location near it.`,
      'In `vcl_fetch`: `if (req.url.ext == "m3u8") { set beresp.ttl = 1s; return(deliver); }`',
      'In `vcl_fetch`: `if (req.url.ext == "ts") { set beresp.ttl = 3600s; return(deliver); }`',
      'In `vcl_fetch`: `if (beresp.status == 404) { set beresp.ttl = 1s; }`. The default is 2 minutes.',
      'In `vcl_deliver`: `set resp.http.Access-Control-Allow-Origin = "*";`',
    ],
  },
};

/**
 * `Cache-Control` of a playlist that the daemon writes. A list is replaced after each segment, and half of that time is
 * what AWS and Fastly advise.
 * @param isFinal nothing is added to it any more
 */
export function playlistCacheControl(
  { provider, segmentSeconds }: Pick<LiveHlsPlan, 'provider' | 'segmentSeconds'>,
  isFinal: boolean,
): string {
  const seconds = isFinal ? 60 : Math.max(1, Math.floor(segmentSeconds / 2));
  // browsers ask again sooner than the edge: only the edge's copy is shared
  return CDN_RULES[provider].hasEdgeLifetime ? `public, max-age=1, s-maxage=${seconds}` : `public, max-age=${seconds}`;
}
