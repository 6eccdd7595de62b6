import { historyMigrations } from '#daemon/platform/db/history/index.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import { openRenewable } from '#daemon/platform/db/open-or-renew.ts';
import { MEASURES, type Measure } from '#shared/schema/history.ts';

/** What was measured of a subject in one minute. */
export interface SampleRow extends Record<Measure, number | null> {
  subject: string;
  /** Whole minutes since 1970. */
  minute: number;
}

/** The file of samples. It holds nothing that cannot be missed: a damaged one is set aside and started again. */
export class HistoryRepository {
  readonly #db: Db;
  readonly #sql: ReturnType<typeof statements>;

  /** @param onDamage told where a file that could not be used was put */
  constructor(file: string, onDamage: (keptAs: string) => void) {
    this.#db = openRenewable(file, historyMigrations, onDamage);
    this.#sql = statements(this.#db);
  }

  /** Writes a minute, and forgets what is older than the given one. */
  write(rows: readonly SampleRow[], forgetBefore: number): void {
    this.#db.transaction(() => {
      for (const row of rows) this.#sql.insert.run(row);
      this.#sql.forget.run(forgetBefore);
    })();
  }

  /** Rows of one subject in order of time. */
  of(subject: string, since: number): SampleRow[] {
    return this.#sql.of.all(subject, since);
  }

  /** Rows of all subjects since a minute, by subject and time. */
  all(since: number): SampleRow[] {
    return this.#sql.all.all(since);
  }

  close(): void {
    this.#db.close();
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
