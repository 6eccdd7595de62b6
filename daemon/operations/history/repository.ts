import { historyMigrations } from '#daemon/platform/db/history/index.ts';
import { type Db, isRejection } from '#daemon/platform/db/open.ts';
import { RenewableDatabase } from '#daemon/platform/db/renewable.ts';
import { MEASURES, type Measure } from '#shared/schema/history.ts';

/** What was measured of a subject in one minute. */
export interface SampleRow extends Record<Measure, number | null> {
  subject: string;
  /** Whole minutes since 1970. */
  minute: number;
}

/** Means of a subject over a step of minutes. */
export interface StepRow extends Record<Measure, number | null> {
  /** Number of the step, from 0. */
  place: number;
}

/** What a node sent and received on a day. */
export interface TrafficRow {
  /** Whole days since 1970, in UTC. */
  day: number;
  subject: string;
  sent_bytes: number;
  received_bytes: number;
}

/** Minutes. */
const DAY = 1440;
const TRAFFIC_DAYS = 400;

/** The file of samples. It holds nothing that cannot be missed: a damaged one is set aside and started again. */
export class HistoryRepository {
  readonly #file: RenewableDatabase<ReturnType<typeof statements>>;

  /** @param told what happens when a file is damaged or can't be made */
  constructor(file: string, told: { onDamage(keptAs: string): void; onRefusal(error: unknown): void }) {
    this.#file = new RenewableDatabase({ file, migrations: historyMigrations, prepare: statements, ...told });
  }

  /**
   * Writes a minute, and forgets what is older than the given one. One row that the file refuses doesn't keep the others out.
   * @returns the refused rows
   */
  write(rows: readonly SampleRow[], forgetBefore: number): SampleRow[] {
    return this.#file.use((sql, db) =>
      db.transaction(() => {
        const refused = rows.filter((row) => {
          try {
            // a minute that is written again was added before
            if (sql.isWritten.get(row.subject, row.minute) === undefined && (row.tx !== null || row.rx !== null))
              sql.addTraffic.run(Math.floor(row.minute / DAY), row.subject, (row.tx ?? 0) * 60, (row.rx ?? 0) * 60);
            sql.insert.run(row);
            return false;
          } catch (error) {
            if (!isRejection(error)) throw error;
            return true;
          }
        });
        sql.forget.run(forgetBefore);
        sql.forgetTraffic.run(Math.floor(forgetBefore / DAY) - TRAFFIC_DAYS);
        return refused;
      })(),
    );
  }

  /** Means of one subject, in order of time; a step of which nothing is known has no row. */
  steps(subject: string, { first, step, count }: { first: number; step: number; count: number }): StepRow[] {
    return this.#file.use((sql) => sql.steps.all({ subject, first, step, end: first + count * step }));
  }

  /** The subject that comes after another one by name. */
  after(subject: string): string | undefined {
    return this.#file.use((sql) => sql.after.get(subject));
  }

  /** Bytes by day and node, in order of days. @param from whole days since 1970, inclusive */
  traffic(from: number, to: number): TrafficRow[] {
    return this.#file.use((sql) => sql.traffic.all(from, to));
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
    isWritten: db.prepare<[string, number], number>('SELECT 1 FROM samples WHERE subject = ? AND minute = ?').pluck(),
    addTraffic: db.prepare<[number, string, number, number]>(
      `INSERT INTO traffic_days (day, subject, sent_bytes, received_bytes) VALUES (?, ?, ?, ?)
       ON CONFLICT (day, subject) DO UPDATE SET sent_bytes = sent_bytes + excluded.sent_bytes,
         received_bytes = received_bytes + excluded.received_bytes`,
    ),
    traffic: db.prepare<[number, number], TrafficRow>(
      'SELECT * FROM traffic_days WHERE day >= ? AND day < ? ORDER BY day, subject',
    ),
    forgetTraffic: db.prepare<[number]>('DELETE FROM traffic_days WHERE day < ?'),
    forget: db.prepare<[number]>('DELETE FROM samples WHERE minute < ?'),
    steps: db.prepare<[{ subject: string; first: number; step: number; end: number }], StepRow>(
      `SELECT CAST((minute - @first) / @step AS INTEGER) AS place, ${MEASURES.map((name) => `avg(${name}) AS ${name}`).join(', ')}
       FROM samples WHERE subject = @subject AND minute >= @first AND minute < @end GROUP BY place ORDER BY place`,
    ),
    after: db.prepare<[string], string>('SELECT min(subject) FROM samples WHERE subject > ?').pluck(),
  };
}
