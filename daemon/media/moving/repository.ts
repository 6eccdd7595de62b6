import { PLACE_COLUMNS, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';

/**
 * A recording in the app’s folder that is wanted in a storage. `ordered`: it is recorded. `moving`: a job brings it there.
 * `moved`: it is there, and the files in the folder are removed. `kept`: nothing more happens.
 */
export interface MoveRecord extends RecordedPlace {
  vod_id: number;
  state: 'ordered' | 'moving' | 'moved' | 'kept';
  /** Folder of recordings below the app's folder. */
  local_dir: string;
  removes_local: 0 | 1;
  /** Objects beside those that the VOD's rows name; they are at the row's place. */
  keys_json: string;
}

/** SQL of `vod_moves` in an app's database. */
export const moveRepository = prepared((db: Db) => {
  const put = db.prepare<[MoveRecord]>(
    `INSERT OR REPLACE INTO vod_moves (vod_id, state, local_dir, removes_local, keys_json, ${PLACE_COLUMNS.join(', ')})
     VALUES (@vod_id, @state, @local_dir, @removes_local, @keys_json, ${PLACE_COLUMNS.map((name) => `@${name}`).join(', ')})`,
  );
  const get = db.prepare<[number], MoveRecord>('SELECT * FROM vod_moves WHERE vod_id = ?');
  const open = db.prepare<[], MoveRecord>("SELECT * FROM vod_moves WHERE state IN ('moving', 'moved') ORDER BY vod_id");
  const remove = db.prepare<[number]>('DELETE FROM vod_moves WHERE vod_id = ?');
  return {
    put: (move: MoveRecord) => put.run(move),
    get: (vodId: number) => get.get(vodId),
    /** Those with work left. */
    open: () => open.all(),
    set: (vodId: number, change: Partial<MoveRecord>) => {
      const known = get.get(vodId);
      if (known !== undefined) put.run({ ...known, ...change, vod_id: vodId });
    },
    remove: (vodId: number) => remove.run(vodId),
  };
});

/** Is a job at work with the VOD's files, so that LiveKit's word about them no longer counts? */
export const isUnderWay = (move: MoveRecord | undefined): boolean => move !== undefined && move.state !== 'ordered';
