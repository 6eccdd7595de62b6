import path from 'node:path';
import { localKey } from '#daemon/apps/storage/local-key.ts';
import { ELSEWHERE_PROVIDER, LOCAL_PLACE, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import { isPlaylistKey } from '#daemon/apps/storage/playlist-text.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { type VodRecord, type VodVariantRecord, vodRepository } from '../vods/repository.ts';
import { fileOf, isLadder, isLocal } from '../vods/vod-file.ts';
import type { Made, TranscodingSource } from './work.ts';

/** Format of the variant that names what is being uploaded: not for players, only for a deletion. */
export const UPLOADING_FORMAT = 'uploading';

/** Where a recording is, and where its ladder is put: beside it. */
export interface LadderPlace {
  place: RecordedPlace;
  source: TranscodingSource;
  /** What the keys of all results begin with, without a slash at the end. */
  base: string;
}

/** Null if the recording isn't in a storage of the app, or is elsewhere on the machine. */
export function ladderPlace(
  vod: VodRecord,
  variants: readonly VodVariantRecord[],
  appFolder: string,
): LadderPlace | null {
  if (vod.storage_provider === ELSEWHERE_PROVIDER) return null;
  const isHere = isLocal(vod);
  const named = fileOf(vod, () => variants);
  const key = named === null || !isHere ? named : localKey(appFolder, named);
  if (key === null || key === '') return null;
  const place = isHere ? LOCAL_PLACE : vod;
  const base = baseOf(key);
  if (isPlaylistKey(key)) {
    return { place, base, source: { kind: 'playlist', key, folder: isHere ? appFolder : null } };
  }
  if (!isHere) return { place, base, source: { kind: 'object', key } };
  return { place, base, source: { kind: 'file', path: path.join(appFolder, ...key.split('/')), name: key } };
}

/** A file's name without its ending; a playlist with a common name gives its folder. */
function baseOf(key: string): string {
  const { dir, name } = path.posix.parse(key);
  if (isPlaylistKey(key) && /^(?:index|playlist|master)$/.test(name) && dir !== '') return dir;
  return dir === '' ? name : `${dir}/${name}`;
}

/** Keys of everything that was made. */
export const keysOf = ({ files }: Made, base: string): string[] => files.map(({ name }) => `${base}/${name}`);

/** Names keys before they are uploaded, so that they are deleted with their VOD in any case. */
export function noteUpload(db: Db, vodId: number, keys: readonly string[], at: number): void {
  removeVariants(db, vodId, ({ format }) => format === UPLOADING_FORMAT);
  vodRepository(db).addVariant({
    vod_id: vodId,
    kind: 'alternate',
    format: UPLOADING_FORMAT,
    file_key: null,
    size_bytes: null,
    extra_json: JSON.stringify({ segmentKeys: keys }),
    created_at: new Date(at).toISOString(),
  });
}

/** Replaces what was noted by the ladder's own rows. @returns key of its master playlist, if it has one */
export function commitLadder(db: Db, vodId: number, { variants }: Made, base: string, at: number): string | null {
  removeVariants(db, vodId, (variant) => variant.format === UPLOADING_FORMAT || isLadder(variant));
  const keyOf = (name: string) => `${base}/${name}`;
  for (const { kind, format, height, bitrateKbps, name, bytes, segments } of variants) {
    vodRepository(db).addVariant({
      vod_id: vodId,
      kind,
      format,
      height,
      bitrate_kbps: bitrateKbps,
      file_key: keyOf(name),
      size_bytes: bytes,
      extra_json: JSON.stringify({ ladder: true, segmentKeys: segments.map(keyOf) }),
      created_at: new Date(at).toISOString(),
    });
  }
  const ladder_bytes = variants.reduce((sum, { bytes }) => sum + bytes, 0);
  vodRepository(db).update(vodId, { ladder_bytes });
  const master = variants.find(({ kind }) => kind === 'master');
  return master === undefined ? null : keyOf(master.name);
}

function removeVariants(db: Db, vodId: number, isOld: (variant: VodVariantRecord) => boolean): void {
  const vods = vodRepository(db);
  for (const variant of vods.variants(vodId)) if (isOld(variant)) vods.removeVariant(variant.id);
}
