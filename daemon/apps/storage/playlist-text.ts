import path from 'node:path';

/** What a playlist may lead to: media and further playlists, never another file of the same folder. */
const MEDIA = /\.(?:m3u8|ts|m4s|mp4|m4a|aac|vtt)$/i;
/** Addresses in tags, e.g. of EXT-X-MAP and EXT-X-MEDIA. */
const URI_ATTRIBUTE = /(\bURI=")([^"]*)(")/g;

export interface PlaylistPlace {
  /** Key of the playlist. */
  key: string;
  /** Folder that everything it leads to must be in. */
  scope: string;
}

export const isPlaylistKey = (key: string): boolean => /\.m3u8$/i.test(key);

/** Keys that a playlist (RFC 8216) leads to, in order, each once. */
export function playlistKeys(text: string, place: PlaylistPlace): string[] {
  const keys = new Set<string>();
  rewritePlaylist(text, place, (key) => {
    keys.add(key);
    return undefined;
  });
  return [...keys];
}

/**
 * Replaces the addresses in a playlist. Full addresses, and what is outside of the scope, stay as they are.
 * @param link the new address of a key; undefined = as it is
 */
export function rewritePlaylist(text: string, place: PlaylistPlace, link: (key: string) => string | undefined): string {
  const replace = (uri: string): string => {
    const key = keyOf(uri, place);
    return (key === undefined ? undefined : link(key)) ?? uri;
  };
  return text
    .split(/\r?\n/)
    .map((line) => {
      if (!line.startsWith('#')) return line.trim() === '' ? line : replace(line.trim());
      return line.startsWith('#EXT')
        ? line.replace(URI_ATTRIBUTE, (_, before: string, uri: string, after: string) => before + replace(uri) + after)
        : line;
    })
    .join('\n');
}

function keyOf(uri: string, { key, scope }: PlaylistPlace): string | undefined {
  if (/^(?:[a-z][a-z0-9+.-]*:|\/)/i.test(uri)) return undefined;
  let name: string;
  try {
    name = decodeURIComponent(uri.replace(/[?#].*$/s, ''));
  } catch {
    return undefined;
  }
  const found = path.posix.join(path.posix.dirname(key), name);
  return MEDIA.test(found) && !name.includes('\0') && isBelow(found, scope) ? found : undefined;
}

/** An empty scope or `.` is the whole storage. */
function isBelow(key: string, scope: string): boolean {
  if (key.startsWith('../') || path.posix.isAbsolute(key)) return false;
  return scope === '' || scope === '.' || key.startsWith(`${scope}/`);
}
