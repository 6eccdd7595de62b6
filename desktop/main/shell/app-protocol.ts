import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { APP_ORIGIN, CONTENT_SECURITY_POLICY } from './security.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
};

export interface AssetAnswer {
  status: number;
  headers: Record<string, string>;
  /** The file to send; null = an empty answer. */
  file: string | null;
}

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/**
 * What `app://streamhub/…` answers: a file of the built renderer and nothing outside its folder. A path that is not a
 * file's is a place inside the app, for which its one page is sent.
 */
export async function assetFor(root: string, address: string, method = 'GET'): Promise<AssetAnswer> {
  const refuse = (status: number): AssetAnswer => ({
    status,
    headers: { ...HEADERS, 'content-type': TYPES['.txt'] ?? '' },
    file: null,
  });
  if (method !== 'GET' && method !== 'HEAD') return refuse(405);
  const wanted = pathOf(address);
  if (wanted === undefined) return refuse(400);
  const isFile = wanted.startsWith('/assets/') || TYPES[path.posix.extname(wanted).toLowerCase()] !== undefined;
  // no honest request names a parent folder after decoding, a stream or a drive
  if (isFile && (/[\0\\:%]/.test(wanted) || wanted.split('/').includes('..'))) return refuse(400);
  const relative = isFile ? wanted.slice(1) : 'index.html';
  const folder = await realpath(root);
  let file: string;
  try {
    // links are followed first: one that leads out of the folder does not count
    file = await realpath(path.join(folder, ...relative.split('/')));
    if (!(await stat(file)).isFile()) return refuse(404);
  } catch {
    return refuse(404);
  }
  if (!file.startsWith(folder + path.sep)) return refuse(404);
  const type = TYPES[path.extname(file).toLowerCase()];
  if (type === undefined) return refuse(404);
  const isHashed = relative.startsWith('assets/');
  return {
    status: 200,
    headers: {
      ...HEADERS,
      'content-type': type,
      'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    },
    file: method === 'HEAD' ? null : file,
  };
}

/** The path of an address of the app, decoded once; undefined for what is none. */
function pathOf(address: string): string | undefined {
  try {
    const url = new URL(address);
    if (`${url.protocol}//${url.host}` !== APP_ORIGIN) return undefined;
    return decodeURIComponent(url.pathname);
  } catch {
    return undefined;
  }
}
