import path from 'node:path';
import { PLACE_COLUMNS, type RecordedPlace } from '#daemon/apps/storage/location.ts';
import { STORED_BYTES } from '#daemon/platform/db/app/sums.ts';
import { contains, filteredList, type Page } from '#daemon/platform/db/filtered-list.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import type { VodStatus } from '#shared/schema/vods.ts';

export interface VodRecord extends RecordedPlace {
  id: number;
  app_id: number;
  stream_id: string | null;
  room: string;
  name: string;
  file_key: string | null;
  s3_url: string | null;
  public_url: string | null;
  size_bytes: number | null;
  duration_s: number | null;
  width: number | null;
  height: number | null;
  format: string | null;
  status: VodStatus;
  local_path: string | null;
  started_at: string;
  ended_at: string | null;
  metatags_json: string | null;
  snapshot_key: string | null;
  egress_id: string | null;
  session_id: string | null;
  part: number | null;
  error: string | null;
  /** A remark about a recording that is ready. */
  note: string | null;
  identity: string | null;
  is_automatic: 0 | 1;
  /** Relative to the app's folder for files in it. */
  snapshot_prefix: string | null;
  snapshot_count: number;
  /** Read from the file. */
  video_codec: string | null;
  audio_codec: string | null;
  frame_rate: number | null;
  /** Someone asked to end it. */
  is_stopped: 0 | 1;
  /** Ordered without a picture. */
  is_audio_only: 0 | 1;
  /** When its length and picture were read from the file; null = what there is comes from LiveKit. */
  measured_at: string | null;
  /** Of its ladder and its WebM file. */
  ladder_bytes: number | null;
  /** Ready, and receivers are not told yet: its length is being read. */
  is_untold: 0 | 1;
}

export type NewVod = Pick<
  VodRecord,
  | 'app_id'
  | 'stream_id'
  | 'room'
  | 'name'
  | 'file_key'
  | 'format'
  | 'local_path'
  | 'started_at'
  | 'egress_id'
  | 'session_id'
  | 'part'
  | 'identity'
  | 'is_automatic'
  | 'snapshot_prefix'
  | 'is_audio_only'
  | keyof RecordedPlace
>;

export interface VodVariantRecord {
  id: number;
  vod_id: number;
  kind: 'master' | 'rendition' | 'alternate';
  format: string | null;
  height: number | null;
  bitrate_kbps: number | null;
  file_key: string | null;
  size_bytes: number | null;
  extra_json: string | null;
  created_at: string;
}

type NewVariant = Omit<VodVariantRecord, 'id' | 'height' | 'bitrate_kbps'> &
  Partial<Pick<VodVariantRecord, 'height' | 'bitrate_kbps'>>;

export interface VodFilter {
  status?: VodStatus | undefined;
  room?: string | undefined;
  q?: string | undefined;
}

const INSERTED = [
  'app_id',
  'stream_id',
  'room',
  'name',
  'file_key',
  'format',
  'local_path',
  'started_at',
  'egress_id',
  'session_id',
  'part',
  'identity',
  'is_automatic',
  'snapshot_prefix',
  'is_audio_only',
  ...PLACE_COLUMNS,
] as const satisfies (keyof NewVod)[];

/** SQL of `vods` and `vod_variants` in an app's database. */
export const vodRepository = prepared((db: Db) => {
  const insert = db.prepare<[NewVod]>(
    `INSERT INTO vods (${INSERTED.join(', ')}, status) VALUES (${INSERTED.map((name) => `@${name}`).join(', ')}, 'starting')`,
  );
  const get = db.prepare<[number], VodRecord>('SELECT * FROM vods WHERE id = ?');
  const byEgress = db.prepare<[string], VodRecord>('SELECT * FROM vods WHERE egress_id = ?');
  const unclaimed = db.prepare<[string], VodRecord>(
    'SELECT * FROM vods WHERE egress_id IS NULL AND name = ? ORDER BY id DESC LIMIT 1',
  );
  const unmeasured = db
    .prepare<[string], number>(
      `SELECT id FROM vods WHERE status = 'ready' AND started_at > ? AND measured_at IS NULL ORDER BY started_at DESC LIMIT 100`,
    )
    .pluck();
  const unrecovered = db
    .prepare<[string], number>(
      `SELECT id FROM vods WHERE status = 'failed' AND format = 'hls' AND started_at > ?
         AND coalesce(file_key, local_path) IS NOT NULL ORDER BY started_at DESC LIMIT 100`,
    )
    .pluck();
  const placesIn = db.prepare<[string | null], { key: string; name: string }>(
    `SELECT coalesce(vods.file_key, vod_variants.file_key) AS key, name FROM vods
       LEFT JOIN vod_variants ON vod_variants.vod_id = vods.id AND kind = 'master'
     WHERE status = 'ready' AND storage_bucket = ? AND coalesce(vods.file_key, vod_variants.file_key) IS NOT NULL
     ORDER BY started_at DESC LIMIT 20`,
  );
  const untold = db.prepare<[], number>('SELECT id FROM vods WHERE is_untold = 1 ORDER BY id').pluck();
  const isNamed = db.prepare<[string], number>('SELECT 1 FROM vods WHERE name = ?').pluck();
  const open = db.prepare<[], VodRecord>(
    `SELECT * FROM vods WHERE status IN ('starting', 'recording', 'uploading')
       AND id NOT IN (SELECT vod_id FROM vod_moves WHERE state <> 'ordered') ORDER BY id`,
  );
  const recordingIn = db.prepare<[string], VodRecord>(
    "SELECT * FROM vods WHERE room = ? AND status IN ('starting', 'recording') ORDER BY id",
  );
  const brokenOff = db.prepare<[], VodRecord>(
    `SELECT * FROM vods AS vod WHERE status = 'failed' AND is_automatic = 1 AND is_stopped = 0
       AND EXISTS (SELECT 1 FROM streams AS live WHERE live.room = vod.room AND live.status = 'active'
         AND vod.started_at >= (SELECT min(started_at) FROM streams WHERE room = live.room AND room_sid IS live.room_sid))
       AND NOT EXISTS (SELECT 1 FROM vods AS next
         WHERE next.room = vod.room AND next.identity IS vod.identity AND next.id > vod.id)`,
  );
  const newestOfStream = db.prepare<[string], VodRecord>(
    'SELECT * FROM vods WHERE stream_id = ? ORDER BY id DESC LIMIT 1',
  );
  const rows = filteredList<VodRecord, 'status' | 'room' | 'q'>(db, {
    table: 'vods',
    conditions: {
      status: 'status = @status',
      room: 'room = @room',
      q: `(${contains('name', '@q')} OR ${contains('room', '@q')})`,
    },
    order: 'started_at DESC, id DESC',
  });
  const byStatus = db.prepare<[], { status: VodStatus; count: number; bytes: number }>(
    `SELECT status, count(*) AS count, ${STORED_BYTES} AS bytes FROM vods GROUP BY status`,
  );
  const update = db.prepare<[VodRecord]>(
    `UPDATE vods SET app_id = @app_id, stream_id = @stream_id, room = @room, name = @name, file_key = @file_key,
       s3_url = @s3_url, public_url = @public_url, size_bytes = @size_bytes, duration_s = @duration_s,
       width = @width, height = @height, format = @format, status = @status, local_path = @local_path,
       started_at = @started_at, ended_at = @ended_at, metatags_json = @metatags_json,
       snapshot_key = @snapshot_key, egress_id = @egress_id, session_id = @session_id, part = @part,
       error = @error, note = @note, identity = @identity, is_automatic = @is_automatic, snapshot_prefix = @snapshot_prefix,
       snapshot_count = @snapshot_count, ${PLACE_COLUMNS.map((name) => `${name} = @${name}`).join(', ')},
       video_codec = @video_codec, audio_codec = @audio_codec, frame_rate = @frame_rate,
       is_stopped = @is_stopped, is_audio_only = @is_audio_only, measured_at = @measured_at,
       ladder_bytes = @ladder_bytes, is_untold = @is_untold
     WHERE id = @id`,
  );
  const remove = db.prepare<[number]>('DELETE FROM vods WHERE id = ?');
  const variants = db.prepare<[number], VodVariantRecord>('SELECT * FROM vod_variants WHERE vod_id = ? ORDER BY id');
  const addVariant = db.prepare<[Omit<VodVariantRecord, 'id'>]>(
    `INSERT INTO vod_variants (vod_id, kind, format, height, bitrate_kbps, file_key, size_bytes, extra_json, created_at)
     VALUES (@vod_id, @kind, @format, @height, @bitrate_kbps, @file_key, @size_bytes, @extra_json, @created_at)`,
  );
  const removeVariant = db.prepare<[number]>('DELETE FROM vod_variants WHERE id = ?');
  const moveVariant = db.prepare<[string | null, string, number]>(
    'UPDATE vod_variants SET file_key = ?, extra_json = ? WHERE id = ?',
  );
  const setExtra = db.prepare<[string, number]>('UPDATE vod_variants SET extra_json = ? WHERE id = ?');
  return {
    insert: (vod: NewVod) => get.get(Number(insert.run(vod).lastInsertRowid)) as VodRecord,
    get: (id: number) => get.get(id),
    byEgress: (egressId: string) => byEgress.get(egressId),
    /** A row that waits to be told its egress, by the file it asked for. */
    unclaimed: (file: string) => unclaimed.get(path.posix.basename(file)),
    isNamed: (name: string) => isNamed.get(name) !== undefined,
    /** Finished, begun after a moment, and not read yet; the newest hundred. */
    unmeasured: (since: string) => unmeasured.all(since),
    /** In segments, failed while their storage was away. */
    unrecovered: (since: string) => unrecovered.all(since),
    /** Ready, and receivers are not told yet. */
    untold: () => untold.all(),
    /** Where the newest recordings of a bucket are. */
    placesIn: (bucket: string | null) => placesIn.all(bucket),
    /** What LiveKit still works at. */
    open: () => open.all(),
    /** Starting or recording. */
    recordingIn: (room: string) => recordingIn.all(room),
    /** Automatic recordings that failed and were not begun again, of rooms in which someone publishes. */
    brokenOff: () => brokenOff.all(),
    newestOfStream: (streamId: string) => newestOfStream.get(streamId),
    update: (id: number, change: Partial<VodRecord>) => {
      update.run({ ...(get.get(id) as VodRecord), ...change, id });
      return get.get(id) as VodRecord;
    },
    page: ({ q, ...filter }: VodFilter, page: Page) => rows.page({ ...filter, q: q === '' ? undefined : q }, page),
    byStatus: () => byStatus.all(),
    remove: (id: number) => remove.run(id),
    variants: (vodId: number) => variants.all(vodId),
    moveVariant: (variantId: number, key: string | null, extraJson: string) =>
      moveVariant.run(key, extraJson, variantId),
    setExtra: (variantId: number, json: string) => setExtra.run(json, variantId),
    addVariant: (variant: NewVariant) => addVariant.run({ height: null, bitrate_kbps: null, ...variant }),
    removeVariant: (variantId: number) => removeVariant.run(variantId),
  };
});
