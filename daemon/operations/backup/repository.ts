import type { RecordedPlace, StorageLocation } from '#daemon/apps/storage/location.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { type Backup, OWN_STORAGE } from '#shared/schema/backups.ts';
import type { Manifest } from './manifest.ts';

/** Where the registry has the settings of the storage of backups. */
export const STORAGE_KEY = 'backup.storage';
/** Only in a registry that comes from a backup, until its list of backups is right for the machine. */
export const RESTORED_KEY = 'backup.restored';

/** Where a backup was put: the storage of an app as it was then, or that of backups. */
export type BackupPlace = RecordedPlace | StorageLocation;

/** What the registry keeps of a manifest. */
export type BackupSummary = Omit<Manifest, 'files' | 'folders'>;

interface Row {
  id: number;
  name: string;
  state: Backup['state'];
  origin: Backup['origin'];
  destination: string;
  place_json: string | null;
  object_key: string | null;
  size_bytes: number;
  files: number;
  summary_json: string | null;
  error: string | null;
  job_id: number | null;
  created_at: string;
  finished_at: string | null;
  verified_at: string | null;
  verify_error: string | null;
  /** 1 = the stored passphrase isn't known to open it. */
  own_passphrase: 0 | 1;
}

export type BackupRow = Omit<Row, 'place_json' | 'summary_json'> & {
  /** The storage, as it was recorded. */
  place: BackupPlace | null;
  summary: BackupSummary | null;
};

export type BackupFacts = Pick<
  Row,
  'id' | 'name' | 'state' | 'origin' | 'created_at' | 'error' | 'verify_error' | 'own_passphrase'
>;

export type NewBackup = Pick<
  Row,
  'name' | 'state' | 'origin' | 'destination' | 'object_key' | 'created_at' | 'own_passphrase'
> & {
  place: BackupPlace | null;
  size?: number;
};

/** SQL of the table `backups`. */
export function backupRepository(db: Db) {
  const all = db.prepare<[], Row>('SELECT * FROM backups ORDER BY id DESC LIMIT 1000');
  const facts = db.prepare<[], BackupFacts>(
    'SELECT id, name, state, origin, created_at, error, verify_error, own_passphrase FROM backups ORDER BY id DESC LIMIT 1000',
  );
  const scheduled = db.prepare<[], Pick<Row, 'id' | 'name' | 'state' | 'created_at'>>(
    "SELECT id, name, state, created_at FROM backups WHERE origin = 'schedule' AND state <> 'writing' ORDER BY id DESC",
  );
  const byId = db.prepare<[number], Row>('SELECT * FROM backups WHERE id = ?');
  const byName = db.prepare<[string], Row>('SELECT * FROM backups WHERE name = ?');
  const insert = db.prepare(
    `INSERT INTO backups (id, name, state, origin, destination, place_json, object_key, size_bytes, own_passphrase, created_at, finished_at)
     VALUES (@id, @name, @state, @origin, @destination, @place, @object_key, @size, @own_passphrase, @created_at,
       CASE @state WHEN 'ready' THEN @created_at END)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, error = NULL, finished_at = NULL`,
  );
  const noteJob = db.prepare<[number, number]>('UPDATE backups SET job_id = ? WHERE id = ?');
  const written = db.prepare(
    `UPDATE backups SET state = 'ready', size_bytes = @size, files = @files, summary_json = @summary, error = NULL,
       finished_at = @at, verified_at = @at, verify_error = NULL WHERE id = @id`,
  );
  const failed = db.prepare<[string, string, number]>(
    `UPDATE backups SET state = 'failed', error = ?, finished_at = ? WHERE id = ? AND state = 'writing'`,
  );
  const verified = db.prepare(
    `UPDATE backups SET verified_at = CASE WHEN @error IS NULL THEN @at ELSE verified_at END, verify_error = @error,
       summary_json = coalesce(@summary, summary_json), files = coalesce(@files, files) WHERE id = @id`,
  );
  const passphraseChanged = db.prepare("UPDATE backups SET own_passphrase = 1 WHERE state IN ('writing', 'ready')");
  const opened = db.prepare<[number]>('UPDATE backups SET own_passphrase = 0 WHERE id = ?');
  const remove = db.prepare<[number]>('DELETE FROM backups WHERE id = ?');
  const local = db.prepare<[], Pick<Row, 'id' | 'name'>>(
    `SELECT id, name FROM backups WHERE destination = '' AND state = 'ready'
       AND EXISTS (SELECT 1 FROM streamhub_meta WHERE key = '${RESTORED_KEY}')`,
  );
  const settled = db.prepare<[string]>('DELETE FROM streamhub_meta WHERE key = ?');
  const ownPlaces = db
    .prepare<[string], string>('SELECT DISTINCT place_json FROM backups WHERE destination = ?')
    .pluck();
  const toRow = ({ place_json, summary_json, ...row }: Row): BackupRow => ({
    ...row,
    place: place_json === null ? null : (JSON.parse(place_json) as BackupPlace),
    summary: summary_json === null ? null : (JSON.parse(summary_json) as BackupSummary),
  });
  const found = (row: Row | undefined): BackupRow | undefined => row && toRow(row);
  return {
    all: () => all.all().map(toRow),
    /** The same without what the manifests say, for what looks often. */
    facts: () => facts.all(),
    /** All that the schedule made, newest first; a short interval makes more than lists show. */
    scheduled: () => scheduled.all(),
    get: (id: number) => found(byId.get(id)),
    named: (name: string) => found(byName.get(name)),
    /** @param id of a backup that is begun again, whether or not it is still there */
    insert: ({ place, size = 0, ...row }: NewBackup, id: number | null = null): number =>
      Number(insert.run({ ...row, id, size, place: place && JSON.stringify(place) }).lastInsertRowid),
    /** All places of backups in a storage of backups. */
    ownPlaces: () => ownPlaces.all(OWN_STORAGE).map((text) => JSON.parse(text) as StorageLocation),
    noteJob: (id: number, job: number) => noteJob.run(job, id),
    written: (id: number, summary: BackupSummary, files: number, size: number, at: string) =>
      written.run({ id, summary: JSON.stringify(summary), files, size, at }),
    failed: (id: number, error: string, at: string) => failed.run(error, at, id),
    verified: (id: number, at: string, error: string | null, found?: { summary: BackupSummary; files: number }) =>
      verified.run({
        id,
        at,
        error,
        summary: found ? JSON.stringify(found.summary) : null,
        files: found?.files ?? null,
      }),
    /** No backup is known to open with the stored passphrase any more. */
    passphraseChanged: () => passphraseChanged.run(),
    /** The stored passphrase opened it. */
    opened: (id: number) => opened.run(id),
    remove: (id: number) => remove.run(id),
    /** Forgets what a restored registry lists in the folder, and isn't there: backups of another machine. */
    settleRestored: db.transaction((there: readonly string[]) => {
      for (const { id, name } of local.all()) if (!there.includes(name)) remove.run(id);
      settled.run(RESTORED_KEY);
    }),
  };
}
export type BackupRepository = ReturnType<typeof backupRepository>;
