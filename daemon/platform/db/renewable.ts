import { rmSync, statSync } from 'node:fs';
import { setAside } from '#shared/files/set-aside.ts';
import { type Migration, migrate } from './migrate.ts';
import { type Db, isDamage, type OpenOptions, openDatabase } from './open.ts';

/** Largest file that is checked as a whole when it is opened; damage of a larger one shows when it is used. */
const CHECKED_BYTES = 64 * 1024 * 1024;

export interface RenewableOptions<S> {
  file: string;
  migrations: readonly Migration[];
  open?: OpenOptions;
  /** Prepares what `use` gets. */
  prepare(db: Db): S;
  /** Called with the place of a damaged file. A new and empty one is in its place. */
  onDamage(keptAs: string): void;
  /** Told why there is no file; what is written is kept in memory until the next start. */
  onRefusal(error: unknown): void;
  at?: () => number;
}

/**
 * A database that the daemon can lose: logs, events, statistics. When SQLite finds damage, at the start or
 * later, the file is set aside beside itself and a new one is begun. Where no file can be made, memory takes its place.
 */
export class RenewableDatabase<S> {
  readonly #options: RenewableOptions<S>;
  #db: Db;
  #prepared: S;

  constructor(options: RenewableOptions<S>) {
    this.#options = options;
    [this.#db, this.#prepared] = this.#open();
  }

  /** Runs the work; once more on a new file when this one turns out to be damaged. */
  use<T>(work: (prepared: S, db: Db) => T): T {
    try {
      return work(this.#prepared, this.#db);
    } catch (error) {
      if (!isDamage(error)) throw error;
      try {
        this.#db.close();
      } catch {
        // the file is given up
      }
      this.#giveUp();
      [this.#db, this.#prepared] = this.#open();
      return work(this.#prepared, this.#db);
    }
  }

  close(): void {
    this.#db.close();
  }

  #open(): [Db, S] {
    const { file, onRefusal } = this.#options;
    try {
      return this.#openFile(file);
    } catch (error) {
      try {
        if (!isDamage(error)) throw error;
        this.#giveUp();
        return this.#openFile(file);
      } catch (reason) {
        onRefusal(reason);
        return this.#openFile(':memory:');
      }
    }
  }

  #openFile(file: string): [Db, S] {
    const { migrations, open, prepare } = this.#options;
    const db = openDatabase(file, { durability: 'normal', ...open });
    try {
      migrate(db, migrations);
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) <= CHECKED_BYTES) check(db);
      return [db, prepare(db)];
    } catch (error) {
      db.close();
      throw error;
    }
  }

  #giveUp(): void {
    const { file, onDamage, at = Date.now } = this.#options;
    const keptAs = setAside(file, 'damaged', new Date(at()));
    for (const suffix of ['-wal', '-shm']) rmSync(file + suffix, { force: true });
    onDamage(keptAs);
  }
}

/** @throws SQLITE_CORRUPT when pages contradict each other, which their headers do not show */
function check(db: Db): void {
  const verdict = db.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw Object.assign(new Error(`${db.name}: ${String(verdict)}`), { code: 'SQLITE_CORRUPT' });
}
