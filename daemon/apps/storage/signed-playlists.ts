import path from 'node:path';
import { LRUCache } from 'lru-cache';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { WorkerPool } from '#daemon/platform/workers/pool.ts';
import type { PluginService } from '#daemon/plugins/service.ts';
import { ApiError } from '#shared/errors.ts';
import type { AppEntry } from '../registry/registry.ts';
import type { AppFiles } from './app-files.ts';
import type { FileLinks, LinkedPlaylist } from './file-links.ts';
import { linkLifetime } from './keys.ts';
import { LOCAL_PROVIDER, type RecordedPlace } from './location.ts';
import type { StorageAccess } from './open-client.ts';
import { isPlaylistKey, rewritePlaylist } from './playlist-text.ts';
import type { StoragePlaylistInput, StoragePlaylistOutput } from './tasks/storage-playlist.ts';
import { STORAGE_PLAYLIST } from './tasks.ts';

/** A day of segments of 2 s with long names. */
const MAX_BYTES = 8_000_000;
/** How long a playlist is served from memory: a complete one, and a growing one. */
const COMPLETE_MS = 60_000;
const GROWING_MS = 1000;
const CACHE_BYTES = 32_000_000;

export interface SignedPlaylistsDeps {
  links: FileLinks;
  files: AppFiles;
  apps: { require(name: string): AppEntry };
  /** How to open the storage of a place. @throws ApiError */
  access(app: string, place: RecordedPlace): Promise<{ access: StorageAccess; viewers: StorageAccess }>;
  pool: WorkerPool;
  plugins: PluginService;
  clock?: Clock;
}

/** An answer with a playlist. */
export interface PlaylistAnswer {
  headers: Record<string, string>;
  text: string;
}

/**
 * HLS from a storage that is not public. A signed link opens one playlist. The daemon reads it from the storage or the app's
 * folder and answers with another text: each segment has its own signed link to the storage, each further playlist a link
 * like this one. Media never passes through the daemon, except from the app's folder.
 */
export class SignedPlaylists {
  readonly #deps: SignedPlaylistsDeps;
  readonly #clock: Clock;
  readonly #texts: LRUCache<string, { text: string; at: number }>;
  readonly #reading = new Map<string, Promise<string>>();

  constructor(deps: SignedPlaylistsDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
    this.#texts = new LRUCache({ maxSize: CACHE_BYTES, sizeCalculation: ({ text }) => text.length + 1000 });
  }

  /**
   * A link to a playlist and to everything below its folder that it leads to.
   * @param expiresIn seconds, at most 7 days
   */
  link(app: string, playlist: { key: string; place: RecordedPlace }, expiresIn: number): string {
    const scope = path.posix.dirname(playlist.key);
    const { id } = this.#deps.apps.require(app);
    return this.#deps.links.makePlaylist(app, id, { ...playlist, scope }, linkLifetime(expiresIn));
  }

  /**
   * Answers a request that has such a link.
   * @throws ApiError FILE_LINK_INVALID, FILE_LINK_EXPIRED, FILE_MISSING, PLAYLIST_UNREADABLE
   */
  async open(app: string, file: string, grant: string): Promise<PlaylistAnswer> {
    const { id } = this.#deps.apps.require(app);
    const playlist = this.#deps.links.openPlaylist(id, grant, file);
    const text = await this.#text(app, id, playlist);
    const maxAge = isComplete(text) ? COMPLETE_MS / 1000 : 1;
    return {
      text,
      headers: {
        'content-type': 'application/vnd.apple.mpegurl',
        'cache-control': `private, max-age=${maxAge}`,
        'content-security-policy': "default-src 'none'; sandbox",
      },
    };
  }

  /** Many viewers ask for the same playlist: it is read once for all of them. */
  async #text(app: string, appId: number, playlist: LinkedPlaylist & { expires: number }): Promise<string> {
    const id = JSON.stringify([appId, playlist]);
    const known = this.#texts.get(id);
    if (known !== undefined) {
      const age = this.#clock.monotonic() - known.at;
      if (age < (isComplete(known.text) ? COMPLETE_MS : GROWING_MS)) return known.text;
    }
    let reading = this.#reading.get(id);
    if (reading === undefined) {
      reading = this.#read(app, appId, playlist).finally(() => this.#reading.delete(id));
      this.#reading.set(id, reading);
    }
    const text = await reading;
    this.#texts.set(id, { text, at: this.#clock.monotonic() });
    return text;
  }

  async #read(app: string, appId: number, playlist: LinkedPlaylist & { expires: number }): Promise<string> {
    const { links, files } = this.#deps;
    const { scope, place, expires } = playlist;
    const isLocal = place.storage_provider === LOCAL_PROVIDER;
    const text = isLocal ? await files.text(app, playlist.key, MAX_BYTES) : await this.#readStorage(app, playlist);
    // a relative address works wherever the daemon is reached from
    return rewritePlaylist(text, playlist, (key) => {
      if (isPlaylistKey(key)) return `../${links.playlist(appId, { key, scope, place }, expires)}`;
      return isLocal ? `../${links.file({ appId, key, expires, isDownload: false })}` : undefined;
    });
  }

  async #readStorage(app: string, { key, scope, place, expires }: LinkedPlaylist & { expires: number }) {
    const { pool, plugins } = this.#deps;
    const reached = await this.#deps.access(app, place);
    const expiresIn = linkLifetime(expires - Math.floor(this.#clock.now() / 1000));
    const input = { ...reached, playlist: { key, scope }, expiresIn, maxBytes: MAX_BYTES };
    const output = await plugins.withBroker(app, (port) =>
      pool.run<StoragePlaylistInput, StoragePlaylistOutput>(
        STORAGE_PLAYLIST,
        { ...input, port },
        { app, transfer: [port] },
      ),
    );
    if ('text' in output) return output.text;
    if ('reason' in output) throw new ApiError('PLAYLIST_UNREADABLE', { reason: output.reason });
    if (output.problem === 'missing') throw new ApiError('FILE_MISSING');
    const reason = `The storage provider ${reached.access.location.provider} makes no signed links.`;
    throw new ApiError('PLAYLIST_UNREADABLE', { reason });
  }
}

/** A master playlist, or one to which nothing is added any more. */
const isComplete = (text: string): boolean => /^#EXT-X-(?:ENDLIST|STREAM-INF)/m.test(text);
