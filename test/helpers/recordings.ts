import path from 'node:path';
import Database from 'better-sqlite3';

/** A VOD as a test describes it; the keys are the objects that it names. */
export interface SampleVod {
  key?: string | null;
  name?: string;
  room?: string;
  bytes?: number;
  snapshot?: string;
  /** Keys of variants; each may bring segments. */
  variants?: { key?: string; segments?: string[]; extra?: string }[];
  /** Where it was put; nothing = the app's storage of today. */
  place?: {
    provider?: string;
    bucket: string;
    region?: string;
    endpoint?: string;
    forcePathStyle?: boolean;
    options?: object;
  };
}

/** Writes VOD rows into an app's database, as LiveKit's webhooks would. @returns their ids */
export function addVods(dataDir: string, app: string, vods: readonly SampleVod[]): number[] {
  const db = new Database(path.join(dataDir, 'apps', app, 'app.db'), { timeout: 5000 });
  try {
    const vod = db.prepare(
      `INSERT INTO vods (app_id, room, name, status, started_at, size_bytes, file_key, snapshot_key,
         storage_provider, storage_bucket, storage_region, storage_endpoint, storage_force_path_style,
         storage_options)
       VALUES (1, @room, @name, 'ready', '2026-01-01T00:00:00.000Z', @bytes, @key, @snapshot,
         @provider, @bucket, @region, @endpoint, @forcePathStyle, @options)`,
    );
    const variant = db.prepare(
      "INSERT INTO vod_variants (vod_id, kind, file_key, extra_json, created_at) VALUES (?, 'rendition', ?, ?, '2026-01-01T00:00:00.000Z')",
    );
    return db.transaction(() =>
      vods.map(({ key = null, name = 'recording', room = app, bytes = 1, snapshot = null, variants = [], place }) => {
        const { provider = null, bucket = null, region = null, endpoint = null, forcePathStyle } = place ?? {};
        const style = forcePathStyle === undefined ? null : Number(forcePathStyle);
        const options = place?.options === undefined ? null : JSON.stringify(place.options);
        const row = {
          room,
          name,
          bytes,
          key,
          snapshot,
          provider,
          bucket,
          region,
          endpoint,
          forcePathStyle: style,
          options,
        };
        const id = Number(vod.run(row).lastInsertRowid);
        for (const { key: file = null, segments, extra } of variants) {
          variant.run(id, file, extra ?? (segments ? JSON.stringify({ segmentKeys: segments }) : null));
        }
        return id;
      }),
    )();
  } finally {
    db.close();
  }
}

/**
 * Of many keys, those whose objects a test stores: some of each request of a purge, its first and last among them. Deleting
 * what is not there counts as deleted, so the counts stay, and filling a bucket takes a fraction of the time.
 */
export const spread = (keys: readonly string[]): string[] =>
  keys.filter((_, index) => index % 50 === 0 || index % 1000 === 999 || index === keys.length - 1);

/** Every key that the samples name. */
export function keysOf(vods: readonly SampleVod[]): string[] {
  return vods
    .flatMap(({ key, snapshot, variants = [] }) => [
      key,
      snapshot,
      ...variants.flatMap((v) => [v.key, ...(v.segments ?? [])]),
    ])
    .filter((key): key is string => typeof key === 'string');
}
