import type { Db } from '#daemon/platform/db/open.ts';

/** What is kept of a plugin beside its files. */
export interface PluginRow {
  id: string;
  enabled: 0 | 1;
  /** When and why it was quarantined; null = it is not. */
  quarantined_at: string | null;
  quarantine_reason: string | null;
  changed_at: string;
}

/** What is kept of plugins. One without a row is enabled. */
export interface PluginRepository {
  all(): PluginRow[];
  save(row: PluginRow): void;
  /** Forgets a plugin that was removed. */
  forget(id: string): void;
}

/** SQL of the table `plugin_states`. */
export function pluginRepository(db: Db): PluginRepository {
  const all = db.prepare<[], PluginRow>('SELECT * FROM plugin_states');
  const save = db.prepare<[PluginRow]>(
    `INSERT INTO plugin_states (id, enabled, quarantined_at, quarantine_reason, changed_at)
     VALUES (@id, @enabled, @quarantined_at, @quarantine_reason, @changed_at)
     ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled, quarantined_at = excluded.quarantined_at,
       quarantine_reason = excluded.quarantine_reason, changed_at = excluded.changed_at`,
  );
  const forget = db.prepare<[string]>('DELETE FROM plugin_states WHERE id = ?');
  return {
    all: () => all.all(),
    save: (row) => void save.run(row),
    forget: (id) => void forget.run(id),
  };
}
