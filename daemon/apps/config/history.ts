import type { AppDatabases } from '#daemon/platform/db/app-databases.ts';
import type { ConfigChange } from '#shared/schema/config.ts';

interface Row {
  ts: string;
  at: string;
  actor_id: string;
  actor_label: string | null;
  reason: ConfigChange['reason'];
  detail: string | null;
  changed_json: string;
}

/** Who changed an app's config, when and how: one row in the app's own database for each backup. */
export class ConfigHistory {
  readonly #databases: AppDatabases;
  constructor(databases: AppDatabases) {
    this.#databases = databases;
  }

  /** Notes the change for which the backup `ts` was taken, and forgets those of backups that are gone. */
  record(app: string, ts: string, change: ConfigChange, forget: readonly string[]): void {
    const db = this.#databases.get(app);
    db.transaction(() => {
      db.prepare(
        `INSERT OR REPLACE INTO config_changes (ts, at, actor_id, actor_label, reason, detail, changed_json)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ).run(
        ts,
        change.at,
        change.actor.id,
        change.actor.label,
        change.reason,
        change.detail,
        JSON.stringify(change.changed),
      );
      const remove = db.prepare('DELETE FROM config_changes WHERE ts = ?');
      for (const gone of forget) remove.run(gone);
    })();
  }

  /** Changes by the id of their backup. */
  read(app: string): Map<string, ConfigChange> {
    const rows = this.#databases.get(app).prepare<[], Row>('SELECT * FROM config_changes').all();
    return new Map(
      rows.map((row) => [
        row.ts,
        {
          at: row.at,
          actor: { id: row.actor_id, label: row.actor_label },
          reason: row.reason,
          detail: row.detail,
          changed: JSON.parse(row.changed_json) as string[],
        },
      ]),
    );
  }
}
