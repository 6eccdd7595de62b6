import type { LogSink } from './logger.ts';
import { type StoredLog, toRow } from './rows.ts';

const FLUSH_MS = 200;
const BATCH = 500;
/** Lines that may wait while the table is slow; more are counted and dropped. */
const MAX_WAITING = 20_000;
const REPORT_EVERY_MS = 60_000;

export interface TableSinkOptions {
  insert(batch: StoredLog[]): Promise<unknown>;
  appIdOf(name: string): number | undefined;
  /** Told of lines that could not be stored, at most once a minute. */
  onLoss?(lines: number, code: string): void;
  /** Told of each loss. */
  countLost?(lines: number): void;
}

/** Lines for the table `server_logs`: gathered, and written one batch after another away from the caller. */
export class TableSink implements LogSink {
  readonly #options: TableSinkOptions;
  readonly #waiting: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #lost = 0;
  #reportedAt = Number.NEGATIVE_INFINITY;

  constructor(options: TableSinkOptions) {
    this.#options = options;
  }

  write(line: string): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lose(1, 'too many at once');
      return;
    }
    this.#waiting.push(line);
    if (this.#waiting.length >= BATCH) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }

  /** Writes all that is waiting. One batch at a time: calls in the meantime share the running one. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH).flatMap((line) => this.#row(line));
      if (batch.length === 0) continue;
      try {
        await this.#options.insert(batch);
      } catch (error) {
        this.#lose(batch.length, (error as { code?: string }).code ?? 'failed');
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
