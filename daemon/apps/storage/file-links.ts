import { createHmac, timingSafeEqual } from 'node:crypto';
import path from 'node:path';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import { ApiError } from '#shared/errors.ts';
import type { AppFileQuery } from '#shared/schema/files.ts';
import { PLACE_COLUMNS, type RecordedPlace } from './location.ts';

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

/** A playlist that a link may open, with what it leads to. */
export interface LinkedPlaylist {
  key: string;
  /** Folder that everything it leads to is in. */
  scope: string;
  /** The place of the storage. */
  place: RecordedPlace;
}

/**
 * Links that the daemon signs, each for one file of an app's folder and for a while, or for one playlist in any storage of
 * the app (see `SignedPlaylists`).
 */
export class FileLinks {
  readonly #deps: FileLinksDeps;
  readonly #clock: Clock;

  constructor(deps: FileLinksDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
  }

  make(app: string, file: Omit<LinkedFile, 'expires'>, expiresIn: number): string {
    return this.#address(app, this.file({ ...file, expires: this.#expires(expiresIn) }));
  }

  /** Relative to `/api/v1/apps/<app>/`, so that it works at any address that the daemon is reached by. */
  file(file: LinkedFile): string {
    const query = new URLSearchParams({ folder: path.posix.dirname(file.key), expires: String(file.expires) });
    if (file.isDownload) query.set('download', '1');
    query.set('signature', this.#sign(file));
    return `files/${encodeURIComponent(path.posix.basename(file.key))}?${query}`;
  }

  /** The key of the file that a request may read. @throws ApiError FILE_LINK_INVALID, FILE_LINK_EXPIRED */
  open(appId: number, file: string, query: AppFileQuery): string {
    const key = `${query.folder}/${file}`;
    const expected = this.#sign({ appId, key, expires: query.expires, isDownload: query.download === '1' });
    if (!isEqual(query.signature, expected)) throw new ApiError('FILE_LINK_INVALID');
    if (query.expires * 1000 <= this.#clock.now()) throw new ApiError('FILE_LINK_EXPIRED');
    return key;
  }

  /**
   * A playlist is read and signed once for each link. So the links of viewers who come within a while are the same one:
   * it ends up to a twenty-fourth of its time later than asked.
   */
  makePlaylist(app: string, appId: number, playlist: LinkedPlaylist, expiresIn: number): string {
    const step = Math.max(1, Math.floor(expiresIn / 24));
    const expires = Math.ceil(this.#expires(expiresIn) / step) * step;
    return this.#address(app, this.playlist(appId, playlist, expires));
  }

  /** Relative, as `file` is. @param expires seconds since 1970 */
  playlist(appId: number, { key, scope, place }: LinkedPlaylist, expires: number): string {
    const where = PLACE_COLUMNS.map((column) => place[column]);
    const text = JSON.stringify([key, scope, expires, ...where]);
    const grant = `${Buffer.from(text).toString('base64url')}.${this.#signPlaylist(appId, text)}`;
    return `playlists/${encodeURIComponent(path.posix.basename(key))}?grant=${grant}`;
  }

  /** What a request may read. @throws ApiError FILE_LINK_INVALID, FILE_LINK_EXPIRED */
  openPlaylist(appId: number, grant: string, file: string): LinkedPlaylist & { expires: number } {
    const [body = '', signature = ''] = grant.split('.');
    const text = Buffer.from(body, 'base64url').toString();
    if (!isEqual(signature, this.#signPlaylist(appId, text))) throw new ApiError('FILE_LINK_INVALID');
    const [key, scope, expires, ...where] = JSON.parse(text) as [string, string, number, ...(string | number | null)[]];
    if (file !== path.posix.basename(key)) throw new ApiError('FILE_LINK_INVALID');
    if (expires * 1000 <= this.#clock.now()) throw new ApiError('FILE_LINK_EXPIRED');
    const place = Object.fromEntries(PLACE_COLUMNS.map((column, index) => [column, where[index] ?? null]));
    return { key, scope, expires, place: place as unknown as RecordedPlace };
  }

  #expires(seconds: number): number {
    return Math.floor(this.#clock.now() / 1000) + seconds;
  }

  #address(app: string, relative: string): string {
    return `${this.#deps.base()}/api/v1/apps/${encodeURIComponent(app)}/${relative}`;
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
