import type { Db } from '#daemon/platform/db/open.ts';
import { prepared } from '#daemon/platform/db/prepared.ts';
import { QUALITY_SAMPLES_MAX, QUALITY_STAYS_MAX } from '#shared/schema/telemetry.ts';

export interface SampleRow {
  slot: number;
  /** JSON of the figures. */
  figures: string;
}

/** SQL of what clients measured, in an app's database. */
export const telemetryRepository = prepared((db: Db) => {
  const put = db.prepare<[number, number, string]>(
    'INSERT INTO stay_samples (stay_id, slot, figures) VALUES (?, ?, ?) ON CONFLICT (stay_id, slot) DO NOTHING',
  );
  const count = db.prepare<[number], number>('SELECT count(*) FROM stay_samples WHERE stay_id = ?').pluck();
  const samples = db.prepare<[number, number, number], SampleRow>(
    `SELECT slot, figures FROM (
       SELECT slot, figures, row_number() OVER (ORDER BY slot) AS n FROM stay_samples WHERE stay_id = ?)
     WHERE n % ? = 0 LIMIT ?`,
  );
  const measured = db
    .prepare<[number], number>(
      `SELECT count(*) FROM room_stays WHERE session_id = ?
       AND EXISTS (SELECT 1 FROM stay_samples WHERE stay_id = room_stays.id)`,
    )
    .pluck();
  const stays = db.prepare<[number], { id: number; sid: string; identity: string | null }>(
    `SELECT id, sid, identity FROM room_stays WHERE session_id = ?
     AND EXISTS (SELECT 1 FROM stay_samples WHERE stay_id = room_stays.id) ORDER BY joined_at LIMIT ${QUALITY_STAYS_MAX}`,
  );
  const sizes = db.prepare<[], { most: number | null; least: number | null }>(
    'SELECT (SELECT max(id) FROM stay_samples) AS most, (SELECT min(id) FROM stay_samples) AS least',
  );
  const oldest = db.prepare<[number]>(
    'DELETE FROM stay_samples WHERE id IN (SELECT id FROM stay_samples ORDER BY id LIMIT ?)',
  );
  const ofSession = db.prepare<[number, number]>(
    `DELETE FROM stay_samples WHERE id IN (SELECT stay_samples.id FROM room_stays
     JOIN stay_samples ON stay_samples.stay_id = room_stays.id WHERE session_id = ? LIMIT ?)`,
  );
  return {
    put: (stay: number, slot: number, figures: string) => void put.run(stay, slot, figures),
    /** Oldest first; of a long connection every n-th. */
    samples: (stay: number) => {
      const step = Math.max(1, Math.ceil((count.get(stay) ?? 0) / QUALITY_SAMPLES_MAX));
      return samples.all(stay, step, QUALITY_SAMPLES_MAX);
    },
    measured: (session: number) => measured.get(session) ?? 0,
    /** Connections of a session with samples. */
    stays: (session: number) => stays.all(session),
    /** About how many samples there are: the oldest, with the smallest ids, are removed first. */
    size: () => {
      const { most = null, least = null } = sizes.get() ?? {};
      return most === null || least === null ? 0 : most - least + 1;
    },
    removeOldest: (limit: number) => oldest.run(limit).changes,
    removeOf: (session: number, limit: number) => ofSession.run(session, limit).changes,
  };
});
