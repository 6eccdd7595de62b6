import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import type { Egress } from '../livekit/egress.ts';
import { type EncoderState, encoderAfter } from '../livekit/encoder-state.ts';

/** One order to LiveKit's egress service: one quality of a ladder, made while the recording runs. */
export interface LadderEncoder extends EncoderState {
  vod_id: number;
  /** Position in the ladder, best first. */
  rung: number;
  /** Folder of its segments, e.g. `720p`. */
  name: string;
  width: number;
  height: number;
  bitrate_kbps: number;
  audio_kbps: number;
  framerate: number;
  /** Key in the bucket, or path below the app's folder. */
  playlist: string;
}

export type NewEncoder = Omit<LadderEncoder, keyof EncoderState>;

/** Name of each quality's playlist in its folder. */
export const PLAYLIST = 'index.m3u8';

/** SQL of `vod_encoders` in an app's database. */
export const encoderRepository = prepared((db: Db) => {
  const of = db.prepare<[number], LadderEncoder>('SELECT * FROM vod_encoders WHERE vod_id = ? ORDER BY rung');
  const one = db.prepare<[number, number], LadderEncoder>('SELECT * FROM vod_encoders WHERE vod_id = ? AND rung = ?');
  const atWork = db.prepare<[], LadderEncoder>(
    "SELECT * FROM vod_encoders WHERE state NOT IN ('ended', 'failed') ORDER BY vod_id, rung",
  );
  const byEgress = db.prepare<[string], LadderEncoder>('SELECT * FROM vod_encoders WHERE egress_id = ?');
  const byPlaylist = db.prepare<[string], LadderEncoder>(
    'SELECT * FROM vod_encoders WHERE playlist = ? AND egress_id IS NULL ORDER BY vod_id DESC LIMIT 1',
  );
  const byPath = db.prepare<[string], LadderEncoder>(
    `SELECT * FROM vod_encoders WHERE egress_id IS NULL AND state = 'asked' AND ? LIKE '%/' || playlist ORDER BY vod_id DESC LIMIT 1`,
  );
  const add = db.prepare<[NewEncoder]>(
    `INSERT INTO vod_encoders (vod_id, rung, name, width, height, bitrate_kbps, audio_kbps, framerate, playlist)
     VALUES (@vod_id, @rung, @name, @width, @height, @bitrate_kbps, @audio_kbps, @framerate, @playlist)`,
  );
  const update = db.prepare<[LadderEncoder]>(
    'UPDATE vod_encoders SET egress_id = @egress_id, state = @state, error = @error WHERE vod_id = @vod_id AND rung = @rung',
  );
  return {
    of: (vodId: number) => of.all(vodId),
    get: (vodId: number, rung: number) => one.get(vodId, rung),
    atWork: () => atWork.all(),
    byEgress: (egressId: string) => byEgress.get(egressId),
    /** The one that waits to be told its egress; a path of the egress service's machine ends with the playlist. */
    waitingFor: (asked: string) => byPlaylist.get(asked) ?? byPath.get(asked),
    add: (encoder: NewEncoder) => add.run(encoder),
    update: (encoder: LadderEncoder, change: Partial<LadderEncoder>) => update.run({ ...encoder, ...change }),
  };
});

/** Takes in the state of an encoder of a ladder. @returns whether the egress is one */
export function applyLadderEncoder(db: Db, egress: Egress): boolean {
  const encoders = encoderRepository(db);
  const encoder = encoders.byEgress(egress.id) ?? claim(db, egress);
  if (encoder !== undefined) encoders.update(encoder, encoderAfter(encoder, egress));
  return encoder !== undefined;
}

/** Its event may come before LiveKit's answer. */
function claim(db: Db, { askedPlaylists }: Egress): LadderEncoder | undefined {
  for (const asked of askedPlaylists) {
    const found = asked.endsWith(`/${PLAYLIST}`) ? encoderRepository(db).waitingFor(asked) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}
