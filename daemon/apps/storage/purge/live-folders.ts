import type { Db } from '#daemon/platform/db/open.ts';
import { StorageError, type StorageErrorCode, withAnswer } from '#shared/plugin-sdk/storage-error.ts';
import {
  LOCAL_PROVIDER,
  PLACE_COLUMNS,
  type RecordedPlace,
  recordedLocation,
  type StorageLocation,
} from '../location.ts';
import { asStorageError, type Deleter } from './deleter.ts';
import type { PurgeCheckpoint } from './types.ts';

/** Folders of qualities that egress workers have written, and that no ladder of a recording names. */
const UNFINISHED_LADDERS = `
  UNION ALL SELECT substr(playlist, 1, length(playlist) - length('/index.m3u8')), ${PLACE_COLUMNS.join(', ')}
  FROM vod_encoders JOIN vods ON vods.id = vod_encoders.vod_id
  WHERE NOT EXISTS (SELECT 1 FROM vod_variants WHERE vod_id = vods.id AND kind = 'rendition')`;
const FIRST_ANSWER_MS = 20_000;

/**
 * Removes what live HLS has left, folder by folder: it has no row for each segment. It would be removed anyway some minutes
 * after its stream, so nothing here fails a purge: what could not be removed is a warning.
 */
export async function removeLiveFolders(
  db: Db,
  unrecorded: StorageLocation,
  state: PurgeCheckpoint,
  { deleterFor, isFolderKept }: { deleterFor: (location: StorageLocation) => Deleter; isFolderKept: boolean },
): Promise<void> {
  const runs = db
    .prepare<[], RecordedPlace & { folder: string }>(
      `SELECT folder, ${PLACE_COLUMNS.join(', ')} FROM live_hls WHERE is_removed = 0
       ${isFolderKept ? '' : UNFINISHED_LADDERS}`,
    )
    .all();
  for (const { folder, ...place } of runs) {
    const location = recordedLocation(place, unrecorded);
    // files in the app's folder go with it, unless it is kept in the archive
    if (location.provider === LOCAL_PROVIDER && !isFolderKept) continue;
    const deleter = deleterFor(location);
    const warn = (error: StorageError) =>
      state.warnings.push(`Live HLS below ${folder}/ was left. ${withAnswer(error.message, error.answer)}`);
    if (deleter.broken !== undefined) {
      warn(deleter.broken);
      continue;
    }
    try {
      const { client } = await deleter.storage();
      const prefix = `${folder}/`;
      // only the first answer has a time limit
      for await (const _page of client.list({ prefix, pageSize: 1, signal: AbortSignal.timeout(FIRST_ANSWER_MS) }))
        break;
      for await (const page of client.list({ prefix })) {
        const keys = page.map(({ key }) => key).filter((key) => key.startsWith(prefix));
        const { deleted, failed, versionsKept } = await deleter.delete(keys);
        state.deleted += deleted;
        state.versionsKept += versionsKept;
        const [first] = failed;
        if (first !== undefined) warn(new StorageError(first.code as StorageErrorCode, first));
      }
    } catch (error) {
      warn(asStorageError(error));
    }
  }
}
