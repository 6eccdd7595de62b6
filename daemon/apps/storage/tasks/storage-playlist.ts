import type { MessagePort } from 'node:worker_threads';
import pLimit from 'p-limit';
import { withPlugins } from '#daemon/plugins/broker-client.ts';
import { StorageError } from '#shared/plugin-sdk/storage-error.ts';
import { wholeBody } from '#shared/plugin-sdk/whole-body.ts';
import { openStorage, type StorageAccess } from '../open-client.ts';
import { isPlaylistKey, type PlaylistPlace, playlistKeys, rewritePlaylist } from '../playlist-text.ts';

export interface StoragePlaylistInput {
  /** How the daemon reaches the storage, and how viewers do. */
  access: StorageAccess;
  viewers: StorageAccess;
  playlist: PlaylistPlace;
  /** Seconds that the links of its segments work. */
  expiresIn: number;
  maxBytes: number;
  /** The way to the provider's plugin. */
  port: MessagePort;
}

/** The playlist with a signed link for each segment; addresses of further playlists are left as they are. */
export type StoragePlaylistOutput = { text: string } | { problem: 'missing' | 'unsigned' } | { reason: string };

/** Links made at the same time: a provider of a plugin signs in its own process. */
const AT_ONCE = 16;

/** Reads a playlist from a storage and signs a link to each segment that it names. */
export default async function storagePlaylist(input: StoragePlaylistInput): Promise<StoragePlaylistOutput> {
  const { access, viewers, playlist, expiresIn, maxBytes } = input;
  try {
    return await withPlugins(input.port, async (broker) => {
      const { client } = await openStorage(access, broker);
      const signing = await openStorage(viewers, broker);
      try {
        const { body } = await client.get(playlist.key, { range: { start: 0, end: maxBytes } });
        const bytes = await wholeBody(body, maxBytes + 1);
        if (bytes.length > maxBytes) return { problem: 'missing' };
        const text = bytes.toString();
        if (!text.startsWith('#EXTM3U')) return { problem: 'missing' };
        const segments = playlistKeys(text, playlist).filter((key) => !isPlaylistKey(key));
        const { presignGet } = signing.client;
        if (segments.length > 0 && (!signing.capabilities.presign || presignGet === undefined))
          return { problem: 'unsigned' };
        const links = new Map<string, string>();
        await pLimit(AT_ONCE).map(segments, async (key) => {
          links.set(key, (await signing.client.presignGet?.(key, { expiresIn })) as string);
        });
        return { text: rewritePlaylist(text, playlist, (key) => links.get(key)) };
      } finally {
        client.dispose();
        signing.client.dispose();
      }
    });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return error.code === 'OBJECT_MISSING' ? { problem: 'missing' } : { reason: `${error.message} ${error.cure}` };
  }
}
