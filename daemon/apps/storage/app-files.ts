import { readFile, realpath, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { rangeNotSatisfiable } from '#daemon/platform/http/byte-range.ts';
import { ApiError } from '#shared/errors.ts';
import type { AppFileQuery } from '#shared/schema/files.ts';
import type { AppEntry } from '../registry/registry.ts';
import type { FileLinks } from './file-links.ts';
import { linkLifetime } from './keys.ts';
import { localKey } from './local-key.ts';

/** What browsers may show; anything else is saved, so that no file becomes a page of the daemon's origin. */
const SHOWN = /^(?:(?:video|audio)\/[\w.+-]+|image\/(?:jpeg|png|webp|gif)|application\/vnd\.apple\.mpegurl)$/;

export const NOT_THERE = { problem: 'The file is not in the app’s folder.' };

export interface AppFilesDeps {
  links: FileLinks;
  apps: { require(name: string): AppEntry; dir(name: string): string };
}

/** An answer with a file or a part of it. */
export interface FileAnswer {
  status: number;
  headers: Record<string, string>;
  body: Readable;
}

/** Files of the apps' own folders, which hold recordings if no bucket is configured: signs links and serves them. */
export class AppFiles {
  readonly #deps: AppFilesDeps;

  constructor(deps: AppFilesDeps) {
    this.#deps = deps;
  }

  /** A link to a file, or why there is none: the file is missing or not public. */
  async link(
    app: string,
    file: string,
    { expiresIn, downloadName }: { expiresIn: number; downloadName?: string },
  ): Promise<string | { problem: string }> {
    const key = await this.keyOf(app, file);
    if (key === null) return NOT_THERE;
    const appId = this.#deps.apps.require(app).id;
    const linked = { appId, key, isDownload: downloadName !== undefined };
    return this.#deps.links.make(app, linked, linkLifetime(expiresIn));
  }

  /** Key of an existing file that may be served; else null. */
  async keyOf(app: string, file: string): Promise<string | null> {
    const key = localKey(this.#deps.apps.dir(app), file);
    return key !== null && (await this.#find(app, key)) !== null ? key : null;
  }

  /** The whole text of a small file. @throws ApiError FILE_MISSING, also for one that is larger than the limit */
  async text(app: string, key: string, maxBytes: number): Promise<string> {
    const root = await this.#find(app, key);
    const file = root === null ? null : path.join(root, ...key.split('/'));
    if (file === null || (await stat(file)).size > maxBytes) throw new ApiError('FILE_MISSING');
    return readFile(file, 'utf8');
  }

  /**
   * Opens what a link leads to; honours HEAD, Range and conditions.
   * @throws ApiError FILE_LINK_INVALID, FILE_LINK_EXPIRED, FILE_MISSING, RANGE_NOT_SATISFIABLE, PRECONDITION_FAILED
   */
  async open(app: string, name: string, query: AppFileQuery, request: IncomingMessage): Promise<FileAnswer> {
    const { id } = this.#deps.apps.require(app);
    const key = this.#deps.links.open(id, name, query);
    return this.#serve(app, key, query.download === '1', request);
  }

  async #serve(app: string, key: string, isDownload: boolean, request: IncomingMessage): Promise<FileAnswer> {
    const name = path.posix.basename(key);
    const root = await this.#find(app, key);
    if (root === null) throw new ApiError('FILE_MISSING');
    // loaded when someone first watches
    const { default: send } = await import('@fastify/send');
    const encoded = key.split('/').map(encodeURIComponent).join('/');
    const { size } = await stat(path.join(root, ...key.split('/')));
    const { method, headers } = request;
    // more last bytes than there are: the whole file (RFC 9110, 14.1.2), which the library refuses
    const range = headers.range?.replace(/^bytes=-(\d+)$/, (_, last) => `bytes=-${Math.min(last, size)}`);
    const asked = { method, headers: { ...headers, range } } as IncomingMessage;
    const result = await send(asked, encoded, { root, dotfiles: 'allow', cacheControl: false, contentType: false });
    if (result.statusCode >= 400) {
      result.stream.destroy();
      if (result.statusCode === 416) throw rangeNotSatisfiable(size);
      throw result.statusCode === 412
        ? new ApiError('PRECONDITION_FAILED', { what: 'The file' })
        : new ApiError('FILE_MISSING');
    }
    const type = send.mime.getType(name) ?? 'application/octet-stream';
    const isShown = SHOWN.test(type) && !isDownload;
    return {
      status: result.statusCode,
      headers: {
        ...(result.headers as Record<string, string>),
        'content-type': SHOWN.test(type) ? type : 'application/octet-stream',
        'content-disposition': `${isShown ? 'inline' : 'attachment'}; filename*=UTF-8''${encodeURIComponent(name)}`,
        'cache-control': 'private, max-age=3600',
        'content-security-policy': "default-src 'none'; sandbox",
      },
      body: result.stream,
    };
  }

  /** The app's real folder when the file is in it, with no link on the way; else null. */
  async #find(app: string, key: string): Promise<string | null> {
    const dir = this.#deps.apps.dir(app);
    if (localKey(dir, key) !== key) return null;
    try {
      const root = await realpath(dir);
      const file = path.join(root, ...key.split('/'));
      if ((await realpath(file)) !== file) return null;
      return (await stat(file)).isFile() ? root : null;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(code)) return null;
      throw error;
    }
  }
}
