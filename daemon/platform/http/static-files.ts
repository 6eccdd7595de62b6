import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** How a browser can take a file: as it is, or compressed when the build has left that beside it. */
interface StaticFile {
  /** Path below the folder, with slashes. */
  name: string;
  brotli: boolean;
  gzip: boolean;
}

const CHECK_EVERY = 1000;
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

  constructor(dir: string) {
    this.dir = dir;
  }

  /** @returns undefined for anything that is not one of the build's own files, so no path can lead out of the folder */
  async find(name: string): Promise<StaticFile | undefined> {
    await this.#refresh();
    return this.#files.get(name);
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
  }

  #nameOf(entry: Dirent): string {
    return path.relative(this.dir, path.join(entry.parentPath, entry.name)).split(path.sep).join('/');
  }
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
  /** Changes the text of a file, which is then sent uncompressed. */
  rewrite?: ((text: string) => string) | undefined;
}

/**
 * Sends a file of a build: compressed by the build, with an ETag; kept for a year when its name has its hash, else checked
 * each time.
 */
export async function sendStatic(
  request: FastifyRequest,
  reply: FastifyReply,
  files: StaticFiles,
  file: StaticFile,
  { policy, status, rewrite }: Sending,
): Promise<FastifyReply> {
  // loaded when a browser first comes: most daemons' first requests are API calls
  const { default: sendFile } = await import('@fastify/send');
  const isHashed = HASHED.test(file.name);
  const type = sendFile.mime.getType(file.name) ?? 'application/octet-stream';
  const describe = (): void => {
    reply.type(file.name.endsWith('.html') ? 'text/html; charset=utf-8' : type);
    // a worker obeys the policy of its script
    if (/\.(?:html|js)$/.test(file.name)) reply.header('content-security-policy', policy);
  };
  if (rewrite !== undefined) {
    const text = await readFile(path.join(files.dir, file.name), 'utf8').catch(() => undefined);
    if (text === undefined) return notFound(reply);
    reply.header('cache-control', isHashed ? `public, max-age=${YEAR}, immutable` : 'no-cache');
    describe();
    return reply.code(status ?? 200).send(rewrite(text));
  }
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding =
    file.brotli && /\bbr\b/.test(accepted) ? 'br' : file.gzip && /\bgzip\b/.test(accepted) ? 'gzip' : undefined;
  const suffix = encoding === undefined ? '' : encoding === 'br' ? '.br' : '.gz';
  const result = await sendFile(request.raw, encodeURI(file.name + suffix), {
    root: files.dir,
    contentType: false,
    cacheControl: isHashed,
    maxAge: YEAR * 1000,
    immutable: isHashed,
    acceptRanges: encoding === undefined,
  });
  reply.code(status ?? result.statusCode).headers(result.headers as Record<string, string>);
  if (!isHashed) reply.header('cache-control', 'no-cache');
  if (result.statusCode >= 400) {
    result.stream.destroy();
    return notFound(reply);
  }
  reply.header('vary', 'accept-encoding');
  if (encoding !== undefined) reply.header('content-encoding', encoding);
  describe();
  return reply.send(result.stream);
}

/** As any other route that is not there: the API's error in JSON. */
export function notFound(reply: FastifyReply): FastifyReply {
  reply.callNotFound();
  return reply;
}
