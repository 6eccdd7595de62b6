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

/** SQL of the table `apps`. */
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
  return {
    all: () => all.all(),
    insert: (row: NewAppRow) => Number(insert.run(row).lastInsertRowid),
    sync: (id: number, displayName: string, roomPrefix: string, at: string) =>
      sync.run(displayName, roomPrefix, at, id),
    mark: (id: number, deleting: boolean) => mark.run(deleting ? 1 : 0, id),
    remove: (id: number) => remove.run(id),
  };
}
export type AppRepository = ReturnType<typeof appRepository>;
