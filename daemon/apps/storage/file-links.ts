import { createHmac, timingSafeEqual } from 'node:crypto';
import path from 'node:path';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { ApiError } from '#shared/errors.ts';
import type { AppFileQuery } from '#shared/schema/files.ts';

export interface FileLinksDeps {
  /** 256 bits that survive a restart. */
  key: Uint8Array;
  /** Base of the addresses, without a trailing slash; known once the daemon listens. */
  base(): string;
  clock?: Clock;
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

/** A playlist and the segments beside it that a link may open. */
export interface LinkedPlaylist {
  appId: number;
  key: string;
  /** What the names of all segments begin with, before their number. */
  prefix: string;
}

/** LiveKit numbers segments from 0, with five digits or more. */
const SEGMENT = /^(.*_)(\d{5,7})\.ts$/s;
/** Longer ones do not fit into a part of a path; see the router's `maxParamLength`. */
const LONGEST_GRANT = 500;

/** What a segment's name begins with, its folder aside; undefined when it is not numbered. */
export const segmentPrefix = (key: string): string | undefined => SEGMENT.exec(path.posix.basename(key))?.[1];

/**
 * Links to files of the apps' folders: signed by the daemon, each for one file and for a while. A playlist names its
 * segments relative to itself, so a link to one carries its signature in the path, and opens these segments as well.
 */
export class FileLinks {
  readonly #deps: FileLinksDeps;
  readonly #clock: Clock;

  constructor(deps: FileLinksDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  make(app: string, file: Omit<LinkedFile, 'expires'>, expiresIn: number): string {
    const expires = Math.floor(this.#clock.now() / 1000) + expiresIn;
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
    if (!isEqual(query.signature, expected)) throw new ApiError('FILE_LINK_INVALID');
    if (query.expires * 1000 <= this.#clock.now()) throw new ApiError('FILE_LINK_EXPIRED');
    return key;
  }

  /** Null when it would be too long. */
  makePlaylist(app: string, { appId, key, prefix }: LinkedPlaylist, expiresIn: number): string | null {
    const expires = Math.floor(this.#clock.now() / 1000) + expiresIn;
    const { dir, base } = path.posix.parse(key);
    const text = JSON.stringify([dir, base, prefix, expires]);
    const grant = `${Buffer.from(text).toString('base64url')}.${this.#signPlaylist(appId, text)}`;
    if (grant.length > LONGEST_GRANT) return null;
    const file = encodeURIComponent(base);
    return `${this.#deps.base()}/api/v1/apps/${encodeURIComponent(app)}/playlists/${grant}/${file}`;
  }

  /** The key of the file that a request may have. @throws ApiError FILE_LINK_INVALID, FILE_LINK_EXPIRED */
  openPlaylist(appId: number, grant: string, file: string): string {
    const [body = '', signature = ''] = grant.split('.');
    const text = Buffer.from(body, 'base64url').toString();
    if (!isEqual(signature, this.#signPlaylist(appId, text))) throw new ApiError('FILE_LINK_INVALID');
    const [dir, base, prefix, expires] = JSON.parse(text) as [string, string, string, number];
    if (file !== base && segmentPrefix(file) !== prefix) throw new ApiError('FILE_LINK_INVALID');
    if (expires * 1000 <= this.#clock.now()) throw new ApiError('FILE_LINK_EXPIRED');
    return `${dir}/${file}`;
  }

  #signPlaylist(appId: number, text: string): string {
    const signed = JSON.stringify(['playlist', appId, text]);
    return createHmac('sha256', this.#deps.key).update(signed).digest('base64url');
  }

  #sign({ appId, key, expires, isDownload }: LinkedFile): string {
    const text = JSON.stringify([appId, key, expires, isDownload]);
    return createHmac('sha256', this.#deps.key).update(text).digest('base64url');
  }
}

function isEqual(given: string, expected: string): boolean {
  const bytes = Buffer.from(given);
  return bytes.length === expected.length && timingSafeEqual(bytes, Buffer.from(expected));
}
