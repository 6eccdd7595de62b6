import { createHmac, timingSafeEqual } from 'node:crypto';
import path from 'node:path';
import { ApiError } from '#shared/errors.ts';
import type { AppFileQuery } from '#shared/schema/files.ts';

export interface FileLinksDeps {
  /** 256 bits that survive a restart. */
  key: Uint8Array;
  /** Base of the addresses, without a trailing slash; known once the daemon listens. */
  base(): string;
  now?: () => number;
}

/** A file that a link may open. */
export interface LinkedFile {
  /** Numeric id, so that a later app of the same name does not inherit links. */
  appId: number;
  key: string;
  /** Seconds since 1970. */
  expires: number;
  /** Browsers save it instead of showing it. */
  isDownload: boolean;
}

/** Links to files of the apps' folders: signed by the daemon, each for one file and for a while. */
export class FileLinks {
  readonly #deps: FileLinksDeps;

  constructor(deps: FileLinksDeps) {
    this.#deps = deps;
  }

  make(app: string, file: Omit<LinkedFile, 'expires'>, expiresIn: number): string {
    const expires = Math.floor(this.#now() / 1000) + expiresIn;
    const query = new URLSearchParams({ folder: path.posix.dirname(file.key), expires: String(expires) });
    if (file.isDownload) query.set('download', '1');
    query.set('signature', this.#sign({ ...file, expires }));
    const name = encodeURIComponent(path.posix.basename(file.key));
    return `${this.#deps.base()}/api/v1/apps/${encodeURIComponent(app)}/files/${name}?${query}`;
  }

  /** The key of the file that a request may have. @throws ApiError FILE_LINK_INVALID, FILE_LINK_EXPIRED */
  open(appId: number, file: string, query: AppFileQuery): string {
    const key = `${query.folder}/${file}`;
    const expected = this.#sign({ appId, key, expires: query.expires, isDownload: query.download === '1' });
    const given = Buffer.from(query.signature);
    if (given.length !== expected.length || !timingSafeEqual(given, Buffer.from(expected)))
      throw new ApiError('FILE_LINK_INVALID');
    if (query.expires * 1000 <= this.#now()) throw new ApiError('FILE_LINK_EXPIRED');
    return key;
  }

  #sign({ appId, key, expires, isDownload }: LinkedFile): string {
    const text = JSON.stringify([appId, key, expires, isDownload]);
    return createHmac('sha256', this.#deps.key).update(text).digest('base64url');
  }

  #now(): number {
    return (this.#deps.now ?? Date.now)();
  }
}
