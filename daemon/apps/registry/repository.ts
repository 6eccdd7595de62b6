import type { Db } from '#daemon/platform/db/open.ts';

export interface AppRow {
  id: number;
  name: string;
  display_name: string;
  livekit_room_prefix: string;
  slug: string;
  created_at: string;
  updated_at: string;
  settings_json: string | null;
  tenant_id: string;
  deleting: 0 | 1;
}
export type NewAppRow = Omit<AppRow, 'id' | 'settings_json' | 'deleting' | 'updated_at'>;

/** A room prefix that an app gave up by a rename or by its deletion. */
export interface ReleasedPrefixRow {
  prefix: string;
  tenant_id: string;
  app: string;
  released_at: string;
  held_until: string;
}

/** SQL of the tables `apps` and `released_prefixes`. */
export function appRepository(db: Db) {
  const all = db.prepare<[], AppRow>('SELECT * FROM apps ORDER BY name');
  const insert = db.prepare<[NewAppRow]>(
    `INSERT INTO apps (name, display_name, livekit_room_prefix, slug, created_at, updated_at, tenant_id)
     VALUES (@name, @display_name, @livekit_room_prefix, @slug, @created_at, @created_at, @tenant_id)`,
  );
  const sync = db.prepare<[string, string, string, number]>(
    'UPDATE apps SET display_name = ?, livekit_room_prefix = ?, updated_at = ? WHERE id = ?',
  );
  const mark = db.prepare<[0 | 1, number]>('UPDATE apps SET deleting = ? WHERE id = ?');
  const remove = db.prepare<[number]>('DELETE FROM apps WHERE id = ?');
  const released = db.prepare<[], ReleasedPrefixRow>('SELECT * FROM released_prefixes ORDER BY prefix');
  const hold = db.prepare<[ReleasedPrefixRow]>(
    `INSERT INTO released_prefixes (prefix, tenant_id, app, released_at, held_until)
     VALUES (@prefix, @tenant_id, @app, @released_at, @held_until)
     ON CONFLICT (prefix, tenant_id) DO UPDATE SET app = excluded.app, released_at = excluded.released_at, held_until = excluded.held_until`,
  );
  const free = db.prepare<[string]>('DELETE FROM released_prefixes WHERE prefix = ?');
  const forget = db.prepare<[string]>('DELETE FROM released_prefixes WHERE held_until < ?');
  const keepNewest = db.prepare<[string, string, number]>(
    `DELETE FROM released_prefixes WHERE tenant_id = ? AND released_at < (
       SELECT released_at FROM released_prefixes WHERE tenant_id = ? ORDER BY released_at DESC LIMIT 1 OFFSET ?)`,
  );
  const transaction = <T>(work: () => T): T => db.transaction(work).immediate();
  return {
    transaction,
    released: () => released.all(),
    /** Number of prefixes kept per team: the newest. */
    hold: (row: ReleasedPrefixRow, most: number) => {
      hold.run(row);
      keepNewest.run(row.tenant_id, row.tenant_id, most - 1);
    },
    free: (prefix: string) => free.run(prefix),
    forgetReleased: (before: string) => forget.run(before),
    all: () => all.all(),
    insert: (row: NewAppRow) => Number(insert.run(row).lastInsertRowid),
    sync: (id: number, displayName: string, roomPrefix: string, at: string) =>
      sync.run(displayName, roomPrefix, at, id),
    mark: (id: number, deleting: boolean) => mark.run(deleting ? 1 : 0, id),
    remove: (id: number) => remove.run(id),
  };
}
export type AppRepository = ReturnType<typeof appRepository>;
