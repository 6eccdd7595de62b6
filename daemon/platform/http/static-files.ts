import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { etagOf, matchesEtag } from './etag.ts';

/** How a browser can take a file: as it is, or compressed when the build has left that beside it. */
interface StaticFile {
  /** Path below the folder, with slashes. */
  name: string;
  brotli: boolean;
  gzip: boolean;
}

type Encoding = 'br' | 'gzip' | undefined;

/** A file whose text names another base than the build's, as it is sent. */
interface Rewritten {
  body: Buffer;
  etag: string;
}

const CHECK_EVERY = 1000;
/** Of rewritten files. The whole documentation, compressed, is about 1 MB. */
const REWRITTEN_BYTES = 4_000_000;
/** Files that Vite and VitePress name by their content. */
const HASHED = /^assets\/.+[-.][\w-]{8}(?:\.lean)?\.\w+$/;
const YEAR = 31_536_000;

/** A built folder of pages and scripts by name. Read when first asked for, and again after a new build. */
export class StaticFiles {
  readonly dir: string;
  /** For `script-src`: hashes of the scripts inside `index.html`, each with a space before it. */
  scriptHashes = '';
  #files = new Map<string, StaticFile>();
  #builtAt = -1;
  #checkedAt = 0;
  #reading: Promise<void> | undefined;
  #rewritten: LRUCache<string, Rewritten, () => Promise<Rewritten>> | undefined;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** @returns undefined for anything that is not one of the build's own files, so no path can lead out of the folder */
  async find(name: string): Promise<StaticFile | undefined> {
    await this.#refresh();
    return this.#files.get(name);
  }

  /** A file with a changed text, compressed for the next visitor too. @param base what the change depends on */
  rewritten(
    { name }: StaticFile,
    base: string,
    encoding: Encoding,
    change: (text: string) => string,
  ): Promise<Rewritten | undefined> {
    this.#rewritten ??= new LRUCache({
      maxSize: REWRITTEN_BYTES,
      sizeCalculation: ({ body }) => body.length + 1,
      fetchMethod: (_key, _old, { context }) => context(),
    });
    const make = async (): Promise<Rewritten> => {
      const text = change(await readFile(path.join(this.dir, name), 'utf8'));
      // one tag for each form, as the files beside each other have
      return { body: await compressed(text, encoding), etag: etagOf(`${encoding} ${text}`) };
    };
    return this.#rewritten.fetch(`${encoding} ${base} ${name}`, { context: make });
  }

  async #refresh(): Promise<void> {
    if (performance.now() - this.#checkedAt < CHECK_EVERY && this.#builtAt > 0) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const index = path.join(this.dir, 'index.html');
    const builtAt = (await stat(index).catch(() => undefined))?.mtimeMs ?? 0;
    this.#checkedAt = performance.now();
    if (builtAt === this.#builtAt) return;
    const entries = builtAt === 0 ? [] : await readdir(this.dir, { recursive: true, withFileTypes: true });
    const names = new Set(entries.filter((entry) => entry.isFile()).map((entry) => this.#nameOf(entry)));
    this.#files = new Map(
      [...names]
        .filter((name) => !/\.(?:br|gz)$/.test(name))
        .map((name) => [name, { name, brotli: names.has(`${name}.br`), gzip: names.has(`${name}.gz`) }]),
    );
    this.scriptHashes = builtAt === 0 ? '' : hashesOf(await readFile(index, 'utf8'));
    this.#builtAt = builtAt;
    this.#rewritten = undefined;
  }

  #nameOf(entry: Dirent): string {
    return path.relative(this.dir, path.join(entry.parentPath, entry.name)).split(path.sep).join('/');
  }
}

/** The first visitor waits for it, so it takes less time than the build takes. */
async function compressed(text: string, encoding: Encoding): Promise<Buffer> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
  if (encoding === 'br') return promisify(brotliCompress)(text, { params });
  return encoding === 'gzip' ? promisify(gzip)(text) : Buffer.from(text);
}

function hashesOf(page: string): string {
  return [...page.matchAll(/<script(?![^>]*\ssrc=)[^>]*>(.*?)<\/script>/gs)]
    .map(
      ([, script]) =>
        ` 'sha256-${createHash('sha256')
          .update(script as string)
          .digest('base64')}'`,
    )
    .join('');
}

interface Sending {
  /** Content-Security-Policy of pages and scripts. */
  policy: string;
  /** For the page of an error: its status. 200 by default. */
  status?: number;
  /** Path below which clients see the daemon; where it isn't empty, `rewrite` puts it into the file's text. */
  base: string;
  rewrite: (text: string) => string;
}

/**
 * Sends a file of a build: compressed, with an ETag; kept for a year when its name has its hash, else checked each time.
 */
export async function sendStatic(
  request: FastifyRequest,
  reply: FastifyReply,
  files: StaticFiles,
  file: StaticFile,
  { policy, status, base, rewrite }: Sending,
): Promise<FastifyReply> {
  // loaded when a browser first comes: most daemons' first requests are API calls
  const { default: sendFile } = await import('@fastify/send');
  const isHashed = HASHED.test(file.name);
  const type = sendFile.mime.getType(file.name) ?? 'application/octet-stream';
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding: Encoding =
    file.brotli && /\bbr\b/.test(accepted) ? 'br' : file.gzip && /\bgzip\b/.test(accepted) ? 'gzip' : undefined;
  const describe = (): void => {
    reply.type(file.name.endsWith('.html') ? 'text/html; charset=utf-8' : type);
    // a worker obeys the policy of its script
    if (/\.(?:html|js)$/.test(file.name)) reply.header('content-security-policy', policy);
    reply.header('cache-control', isHashed ? `public, max-age=${YEAR}, immutable` : 'no-cache');
    reply.header('vary', 'accept-encoding');
    if (encoding !== undefined) reply.header('content-encoding', encoding);
  };
  if (base !== '') {
    const found = await files.rewritten(file, base, encoding, rewrite).catch(() => undefined);
    if (found === undefined) return notFound(reply);
    describe();
    reply.header('etag', found.etag);
    const known = request.headers['if-none-match'];
    if (status === undefined && known !== undefined && matchesEtag(known, found.etag))
      return reply.code(304).removeHeader('content-type').send();
    return reply.code(status ?? 200).send(found.body);
  }
  const suffix = encoding === undefined ? '' : encoding === 'br' ? '.br' : '.gz';
  const result = await sendFile(request.raw, encodeURI(file.name + suffix), {
    root: files.dir,
    contentType: false,
    cacheControl: false,
    acceptRanges: encoding === undefined,
  });
  if (result.statusCode >= 400) {
    result.stream.destroy();
    return notFound(reply);
  }
  reply.code(status ?? result.statusCode).headers(result.headers as Record<string, string>);
  describe();
  return reply.send(result.stream);
}

/** As any other route that is not there: the API's error in JSON. */
export function notFound(reply: FastifyReply): FastifyReply {
  reply.callNotFound();
  return reply;
}
