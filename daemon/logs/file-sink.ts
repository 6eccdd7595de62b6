import { renameSync, statSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import pino from 'pino';
import type { LogSink } from './logger.ts';

type Destination = ReturnType<typeof pino.destination>;

const CURRENT = 'streamhub.log';
const ARCHIVE = /^streamhub-\d{4}-\d{2}-\d{2}T.*\.log$/;
/** What may wait in memory while the disk is full or slow; more is dropped. */
const MAX_PENDING = 8 * 1024 * 1024;

export interface FileSinkOptions {
  /** Folder of `streamhub.log` and its archives. */
  dir: string;
  /** Size at which the file is rotated. */
  maxBytes: number;
  /** Archives kept. */
  maxFiles: number;
  now?(): Date;
  /** Told once for each kind of trouble until the file can be written again. */
  onTrouble?(code: string): void;
}

/** `streamhub.log`, written in the background; a new file each day and whenever it grows too large. */
export class FileSink implements LogSink {
  readonly #options: FileSinkOptions;
  readonly #file: string;
  readonly #now: () => Date;
  readonly #out: Destination;
  #bytes = 0;
  #day: string;
  #trouble: string | undefined;
  #tidying: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#file = path.join(options.dir, CURRENT);
    this.#day = dayOf(this.#now());
    const left = lastRun(this.#file);
    if (left !== undefined && (dayOf(left.mtime) !== this.#day || left.size >= options.maxBytes)) {
      this.#archive(left.mtime);
    } else this.#bytes = left?.size ?? 0;
    this.#out = pino.destination({ dest: this.#file, sync: false, mkdir: true, mode: 0o600, maxLength: MAX_PENDING });
    this.#out.on('error', (error: NodeJS.ErrnoException) => this.#report(error.code ?? 'EIO'));
    this.#out.on('drop', () => this.#report('dropped'));
    this.#out.on('drain', () => {
      this.#trouble = undefined;
    });
  }

  write(line: string): void {
    if (this.#closed) return;
    const now = this.#now();
    const day = dayOf(now);
    if (day !== this.#day || (this.#bytes > 0 && this.#bytes + line.length > this.#options.maxBytes)) {
      this.#day = day;
      this.#rotate(now);
    }
    this.#bytes += Buffer.byteLength(line);
    this.#out.write(line);
  }

  flushSync(): void {
    try {
      this.#out.flushSync();
    } catch {
      // nothing more can be done for these lines
    }
  }

  /** Removes archives beyond the number kept, and those last written before `olderThan`. */
  tidy(olderThan?: Date): Promise<void> {
    this.#tidying = this.#tidying.then(() => this.#removeArchives(olderThan)).catch(() => {});
    return this.#tidying;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => {
      // a file that could never be opened is never closed either
      const patience = setTimeout(resolve, 2000);
      const done = (): void => {
        clearTimeout(patience);
        resolve();
      };
      this.#out.once('close', done);
      this.#out.once('error', done);
      this.#out.end();
    });
    await this.#tidying;
  }

  #rotate(at: Date): void {
    this.#archive(at);
    this.#bytes = 0;
    this.#out.reopen();
    void this.tidy();
  }

  #archive(at: Date): void {
    const stamp = at.toISOString().replaceAll(':', '-');
    try {
      for (let twin = 0; ; twin += 1) {
        const target = path.join(this.#options.dir, `streamhub-${stamp}${twin === 0 ? '' : `.${twin}`}.log`);
        if (lastRun(target) !== undefined) continue;
        renameSync(this.#file, target);
        return;
      }
    } catch (error) {
      this.#report((error as NodeJS.ErrnoException).code ?? 'EIO');
    }
  }

  async #removeArchives(olderThan?: Date): Promise<void> {
    const names = (await readdir(this.#options.dir)).filter((name) => ARCHIVE.test(name)).sort();
    const doomed = new Set(names.slice(0, Math.max(0, names.length - this.#options.maxFiles)));
    if (olderThan !== undefined) {
      for (const name of names) {
        if ((await stat(path.join(this.#options.dir, name))).mtime < olderThan) doomed.add(name);
      }
    }
    for (const name of doomed) await rm(path.join(this.#options.dir, name), { force: true });
  }

  #report(code: string): void {
    if (this.#trouble === code) return;
    this.#trouble = code;
    this.#options.onTrouble?.(code);
  }
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);

function lastRun(file: string): { size: number; mtime: Date } | undefined {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}
