import { objectKey } from '#daemon/apps/storage/keys.ts';
import { localKey } from '#daemon/apps/storage/local-key.ts';
import type { RecordedPlace } from '#daemon/apps/storage/location.ts';
import { isPlaylistKey } from '#daemon/apps/storage/playlist-text.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { type VodRecord, vodRepository } from '../vods/repository.ts';
import { FINISHED } from '../vods/vod-lifecycle.ts';
import type { MoveRecord } from './repository.ts';

/** A file of a recording, and its key in the storage. */
export interface MovedFile {
  /** Below the app's folder. */
  from: string;
  /** Key in the storage. */
  to: string;
  contentType: string;
  /** Without it there is no recording. */
  isNeeded: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  mp4: 'video/mp4',
  webm: 'video/webm',
  ogg: 'audio/ogg',
  m3u8: 'application/vnd.apple.mpegurl',
  ts: 'video/mp2t',
  jpeg: 'image/jpeg',
  json: 'application/json',
};

/** The key of a file in the storage: as LiveKit would have named it there. */
export function movedKey(key: string, localDir: string, prefix: string): string {
  const folder = `${localDir.replace(/^\/+|\/+$/g, '')}/`;
  return objectKey(prefix, key.startsWith(folder) ? key.slice(folder.length) : key);
}

/** All files of a recording in the app's folder; playlists after what they lead to. */
export function movedFiles(db: Db, vod: VodRecord, appFolder: string, rename: (key: string) => string): MovedFile[] {
  const keys = new Map<string, boolean>();
  const add = (named: string | null, isNeeded: boolean) => {
    const key = named === null ? null : localKey(appFolder, named);
    if (key !== null) keys.set(key, isNeeded || keys.get(key) === true);
  };
  add(vod.local_path, true);
  for (const { file_key, extra_json } of vodRepository(db).variants(vod.id)) {
    add(file_key, true);
    for (const key of segmentKeys(extra_json)) add(key, false);
  }
  add(vod.snapshot_key, false);
  return [...keys]
    .map(([from, isNeeded]) => {
      const type = TYPES[from.slice(from.lastIndexOf('.') + 1).toLowerCase()] ?? 'application/octet-stream';
      return { from, to: rename(from), contentType: type, isNeeded };
    })
    .sort((a, b) => Number(isPlaylistKey(a.from)) - Number(isPlaylistKey(b.from)));
}

function segmentKeys(json: string | null): string[] {
  const { segmentKeys: keys = [] } = JSON.parse(json ?? '{}') as { segmentKeys?: string[] };
  return keys;
}

/** The storage has everything: the rows name it there. */
export function commitMove(
  db: Db,
  vod: VodRecord,
  { move, place, appFolder }: { move: MoveRecord; place: RecordedPlace; appFolder: string },
  rename: (key: string) => string,
): VodRecord {
  const vods = vodRepository(db);
  const to = (named: string | null): string | null => {
    const key = named === null ? null : localKey(appFolder, named);
    return key === null ? null : rename(key);
  };
  for (const { id, file_key, extra_json } of vods.variants(vod.id)) {
    const extra = JSON.parse(extra_json ?? '{}') as { segmentKeys?: string[] };
    const moved = {
      ...extra,
      ...(extra.segmentKeys ? { segmentKeys: extra.segmentKeys.map((key) => to(key) ?? key) } : {}),
    };
    vods.moveVariant(id, to(file_key), JSON.stringify(moved));
  }
  return vods.update(vod.id, {
    ...place,
    ...FINISHED,
    error: null,
    file_key: vod.format === 'hls' ? null : to(vod.local_path),
    local_path: move.removes_local === 1 ? null : vod.local_path,
    snapshot_key: to(vod.snapshot_key),
    snapshot_prefix: to(vod.snapshot_prefix),
  });
}
