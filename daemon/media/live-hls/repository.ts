import { PLACE_COLUMNS, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import type { LiveHlsPlan } from '#shared/delivery/plan.ts';
import type { EncoderState } from '../livekit/encoder-state.ts';

/** One run of live HLS of a stream. */
export interface HlsRecord extends RecordedPlace {
  id: number;
  stream_id: string;
  room: string;
  identity: string;
  /** Key in the bucket, or path below the app's folder. */
  folder: string;
  /** `starting`: nothing to watch yet. */
  state: 'starting' | 'live' | 'ended' | 'failed';
  is_automatic: 0 | 1;
  /** Someone asked to end it. */
  is_stopped: 0 | 1;
  plan_json: string;
  started_at: string;
  live_at: string | null;
  ended_at: string | null;
  error: string | null;
  /** Its playlists are marked as ended. */
  is_closed: 0 | 1;
  /** Its objects have been removed. */
  is_removed: 0 | 1;
}

/** One order to LiveKit's egress service, for one quality. */
export interface EncoderRecord extends EncoderState {
  id: number;
  hls_id: number;
  /** Position in the plan's ladder. */
  rung: number;
  attempt: number;
  /** Milliseconds since 1970. */
  asked_at: number;
  /** When its storage credentials expire; null = never. */
  expires_at: number | null;
  /** Segments before this number are removed. */
  removed_to: number;
}

export type NewHls = Pick<
  HlsRecord,
  'stream_id' | 'room' | 'identity' | 'folder' | 'is_automatic' | 'plan_json' | 'started_at' | keyof RecordedPlace
>;

const INSERTED = [
  'stream_id',
  'room',
  'identity',
  'folder',
  'is_automatic',
  'plan_json',
  'started_at',
  ...PLACE_COLUMNS,
] as const satisfies (keyof NewHls)[];

export const planOf = ({ plan_json }: Pick<HlsRecord, 'plan_json'>): LiveHlsPlan => JSON.parse(plan_json);

/** What players open first. */
export const masterKey = ({ folder }: Pick<HlsRecord, 'folder'>): string => `${folder}/master.m3u8`;

/** Is it still being made? */
export const isOpen = ({ state }: Pick<HlsRecord, 'state'>): boolean => state === 'starting' || state === 'live';

/** SQL of `live_hls` and `live_hls_encoders` in an app's database. */
export const hlsRepository = prepared((db: Db) => {
  const insert = db.prepare<[NewHls]>(
    `INSERT INTO live_hls (${INSERTED.join(', ')}) VALUES (${INSERTED.map((name) => `@${name}`).join(', ')})`,
  );
  const get = db.prepare<[number], HlsRecord>('SELECT * FROM live_hls WHERE id = ?');
  const newest = db.prepare<[string], HlsRecord>('SELECT * FROM live_hls WHERE stream_id = ? ORDER BY id DESC LIMIT 1');
  const left = db.prepare<[], HlsRecord>('SELECT * FROM live_hls WHERE is_removed = 0 ORDER BY id');
  const hasFolder = db.prepare<[string], number>('SELECT 1 FROM live_hls WHERE folder = ?').pluck();
  const byFolder = db.prepare<[string], HlsRecord>('SELECT * FROM live_hls WHERE folder = ?');
  const update = db.prepare<[HlsRecord]>(
    `UPDATE live_hls SET state = @state, is_stopped = @is_stopped, live_at = @live_at, ended_at = @ended_at,
       error = @error, is_closed = @is_closed, is_removed = @is_removed WHERE id = @id`,
  );
  const encoders = db.prepare<[number], EncoderRecord>(
    'SELECT * FROM live_hls_encoders WHERE hls_id = ? ORDER BY rung, attempt',
  );
  const addEncoder = db.prepare<[Pick<EncoderRecord, 'hls_id' | 'rung' | 'attempt' | 'asked_at' | 'expires_at'>]>(
    `INSERT INTO live_hls_encoders (hls_id, rung, attempt, asked_at, expires_at)
     VALUES (@hls_id, @rung, @attempt, @asked_at, @expires_at)`,
  );
  const getEncoder = db.prepare<[number], EncoderRecord>('SELECT * FROM live_hls_encoders WHERE id = ?');
  const byEgress = db.prepare<[string], EncoderRecord>('SELECT * FROM live_hls_encoders WHERE egress_id = ?');
  const byName = db.prepare<[number, number, number], EncoderRecord>(
    'SELECT * FROM live_hls_encoders WHERE hls_id = ? AND rung = ? AND attempt = ?',
  );
  const updateEncoder = db.prepare<[EncoderRecord]>(
    `UPDATE live_hls_encoders SET egress_id = @egress_id, state = @state, error = @error, removed_to = @removed_to
     WHERE id = @id`,
  );
  return {
    insert: (row: NewHls) => get.get(Number(insert.run(row).lastInsertRowid)) as HlsRecord,
    get: (id: number) => get.get(id),
    /** The newest run of a stream. */
    newestOf: (streamId: string) => newest.get(streamId),
    /** Runs under way, and those whose objects are still there. */
    left: () => left.all(),
    hasFolder: (folder: string) => hasFolder.get(folder) !== undefined,
    byFolder: (folder: string) => byFolder.get(folder),
    update: (id: number, change: Partial<HlsRecord>) => {
      update.run({ ...(get.get(id) as HlsRecord), ...change, id });
      return get.get(id) as HlsRecord;
    },
    encoders: (hlsId: number) => encoders.all(hlsId),
    addEncoder: (row: Pick<EncoderRecord, 'hls_id' | 'rung' | 'attempt' | 'asked_at' | 'expires_at'>) =>
      getEncoder.get(Number(addEncoder.run(row).lastInsertRowid)) as EncoderRecord,
    encoder: (id: number) => getEncoder.get(id),
    encoderByEgress: (egressId: string) => byEgress.get(egressId),
    encoderByName: (hlsId: number, rung: number, attempt: number) => byName.get(hlsId, rung, attempt),
    updateEncoder: (id: number, change: Partial<EncoderRecord>) => {
      updateEncoder.run({ ...(getEncoder.get(id) as EncoderRecord), ...change, id });
      return getEncoder.get(id) as EncoderRecord;
    },
  };
});
