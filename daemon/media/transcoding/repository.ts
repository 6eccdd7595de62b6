import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';

/** What happens to a finished recording. `pending`: not decided yet. */
export interface TranscodingRecord {
  vod_id: number;
  state: 'pending' | 'queued' | 'ready' | 'failed' | 'cancelled';
  /** In the registry. */
  job_id: number | null;
  /** Why there is no ladder, as a sentence. */
  problem: string | null;
}

/** SQL of `vod_transcodings` in an app's database. */
export const transcodingRepository = prepared((db: Db) => {
  const add = db.prepare<[number]>('INSERT INTO vod_transcodings (vod_id) VALUES (?) ON CONFLICT DO NOTHING');
  const get = db.prepare<[number], TranscodingRecord>('SELECT * FROM vod_transcodings WHERE vod_id = ?');
  const open = db.prepare<[], TranscodingRecord>(
    "SELECT * FROM vod_transcodings WHERE state IN ('pending', 'queued') ORDER BY vod_id",
  );
  const set = db.prepare<[Omit<TranscodingRecord, 'vod_id'> & { vod_id: number }]>(
    'UPDATE vod_transcodings SET state = @state, job_id = @job_id, problem = @problem WHERE vod_id = @vod_id',
  );
  const remove = db.prepare<[number]>('DELETE FROM vod_transcodings WHERE vod_id = ?');
  return {
    add: (vodId: number) => add.run(vodId),
    get: (vodId: number) => get.get(vodId),
    open: () => open.all(),
    set: (vodId: number, change: Partial<TranscodingRecord>) => {
      const known = get.get(vodId);
      if (known !== undefined) set.run({ ...known, ...change, vod_id: vodId });
      return known !== undefined;
    },
    remove: (vodId: number) => remove.run(vodId),
  };
});
