import { historyMigrations } from '#daemon/platform/db/history/index.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { RenewableDatabase } from '#daemon/platform/db/renewable.ts';
import { MEASURES, type Measure } from '#shared/schema/history.ts';

/** What was measured of a subject in one minute. */
export interface SampleRow extends Record<Measure, number | null> {
  subject: string;
  /** Whole minutes since 1970. */
  minute: number;
}

/** The file of samples. It holds nothing that cannot be missed: a damaged one is set aside and started again. */
export class HistoryRepository {
  readonly #file: RenewableDatabase<ReturnType<typeof statements>>;

  /** @param told what happens when a file is damaged or can't be made */
  constructor(file: string, told: { onDamage(keptAs: string): void; onRefusal(error: unknown): void }) {
    this.#file = new RenewableDatabase({ file, migrations: historyMigrations, prepare: statements, ...told });
  }

  /** Writes a minute, and forgets what is older than the given one. */
  write(rows: readonly SampleRow[], forgetBefore: number): void {
    this.#file.use((sql, db) =>
      db.transaction(() => {
        for (const row of rows) sql.insert.run(row);
        sql.forget.run(forgetBefore);
      })(),
    );
  }

  /** Rows of one subject in order of time. */
  of(subject: string, since: number): SampleRow[] {
    return this.#file.use((sql) => sql.of.all(subject, since));
  }

  /** Rows of all subjects since a minute, by subject and time. */
  all(since: number): SampleRow[] {
    return this.#file.use((sql) => sql.all.all(since));
  }

  close(): void {
    this.#file.close();
  }
}

function statements(db: Db) {
  return {
    insert: db.prepare<[SampleRow]>(
      `INSERT OR REPLACE INTO samples (subject, minute, ${MEASURES.join(', ')})
       VALUES (@subject, @minute, ${MEASURES.map((name) => `@${name}`).join(', ')})`,
    ),
    forget: db.prepare<[number]>('DELETE FROM samples WHERE minute < ?'),
    of: db.prepare<[string, number], SampleRow>(
      'SELECT * FROM samples WHERE subject = ? AND minute >= ? ORDER BY minute',
    ),
    all: db.prepare<[number], SampleRow>('SELECT * FROM samples WHERE minute >= ? ORDER BY minute'),
  };
}
