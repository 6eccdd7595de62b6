import type { Background } from '../background.ts';
import type { LogSink } from './logger.ts';
import { type StoredLog, toRow } from './rows.ts';

const FLUSH_MS = 200;
const BATCH = 500;
/** Lines that may wait while the table is slow; more are counted and dropped. */
const MAX_WAITING = 20_000;
/** Longest wait between two tries while the table refuses lines. */
const MAX_WAIT_MS = 30_000;
const REPORT_EVERY_MS = 60_000;

export interface TableSinkOptions {
  background: Background;
  insert(batch: StoredLog[]): Promise<unknown>;
  appIdOf(name: string): number | undefined;
  /** Called for lines that couldn't be stored, at most once a minute. */
  onLoss?(lines: number, code: string): void;
  /** Called for each loss. */
  countLost?(lines: number): void;
}

/** Lines for the table `server_logs`: gathered, and written one batch after another away from the caller. */
export class TableSink implements LogSink {
  readonly #options: TableSinkOptions;
  readonly #waiting: string[] = [];
  #timer: (() => void) | undefined;
  #writing: Promise<void> | undefined;
  #lost = 0;
  /** Milliseconds until the next try while the table refuses; 0 = it takes lines. */
  #wait = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(options: TableSinkOptions) {
    this.#options = options;
  }

  write(line: string): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lose(1, 'too many lines at a time');
      return;
    }
    this.#waiting.push(line);
    const { background } = this.#options;
    if (this.#waiting.length >= BATCH && this.#wait === 0) background.run('log table', () => this.flush());
    else this.#timer ??= background.after('log table', this.#wait || FLUSH_MS, () => this.flush());
  }

  /** Writes all that is waiting. One batch at a time: calls in the meantime share the running one. */
  flush(): Promise<void> {
    this.#timer?.();
    this.#timer = undefined;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.splice(0, BATCH);
      const batch = lines.flatMap((line) => this.#row(line));
      if (batch.length === 0) continue;
      try {
        await this.#options.insert(batch);
        this.#wait = 0;
        this.#options.background.succeeded('log table');
      } catch (error) {
        // the lines wait for the next try
        this.#waiting.unshift(...lines);
        this.#wait = Math.min((this.#wait || FLUSH_MS) * 2, MAX_WAIT_MS);
        this.#timer ??= this.#options.background.after('log table', this.#wait, () => this.flush());
        this.#options.background.failed('log table', error);
        return;
      }
    }
  }

  #row(line: string): StoredLog[] {
    try {
      return [toRow(line, this.#options.appIdOf)];
    } catch {
      this.#lose(1, 'unreadable');
      return [];
    }
  }

  #lose(lines: number, code: string): void {
    this.#lost += lines;
    this.#options.countLost?.(lines);
    const now = performance.now();
    if (now - this.#reportedAt < REPORT_EVERY_MS) return;
    this.#reportedAt = now;
    this.#options.onLoss?.(this.#lost, code);
    this.#lost = 0;
  }
}
