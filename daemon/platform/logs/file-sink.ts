import { appendFileSync, statSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder } from '#shared/files/make-folder.ts';
import type { Background } from '../background.ts';
import type { LogSink } from './logger.ts';

const CURRENT = 'streamhub.log';
const ARCHIVE = /^streamhub-\d{4}-\d{2}-\d{2}T.*\.log$/;
/** Bytes that may wait in memory while the disk is slow or refuses; later lines are counted and dropped. */
const MAX_WAITING = 8 * 1024 * 1024;
const CHUNK = 64 * 1024;
/** Wait before the next try after a refused write: the first one, and the longest. */
const RETRY_MS = { first: 1000, longest: 60_000 };

export interface FileSinkOptions {
  /** Folder of `streamhub.log` and its archives. */
  dir: string;
  /** Size at which the file is rotated. */
  maxBytes: number;
  /** Archives kept. */
  maxFiles: number;
  background: Background;
  now?(): Date;
  /** Bytes that may wait in memory; for tests. */
  maxWaiting?: number;
  /** Called once for each kind of failure until the file can be written again. */
  onTrouble?(code: string): void;
}

/**
 * `streamhub.log`, written in the background; a new file each day and whenever it grows too large. What the disk refuses is kept
 * and tried again. Lines beyond the limit are dropped; one line says how many when the file can be written again.
 */
export class FileSink implements LogSink {
  readonly #options: FileSinkOptions;
  readonly #file: string;
  readonly #now: () => Date;
  /** Lines in their order; a date marks the place where a new file begins. */
  #queue: (string | Date)[] = [];
  /** The rest of a piece that was written in part. */
  #rest: Buffer = Buffer.alloc(0);
  #waitingBytes = 0;
  /** Lines dropped since the file could last be written. */
  #lost = 0;
  #retryMs = RETRY_MS.first;
  /** Cancels the next try. */
  #retry: (() => void) | undefined;
  #fileBytes: number;
  #day: string;
  #handle: FileHandle | undefined;
  #running: Promise<void> | undefined;
  #trouble: string | undefined;
  #closed = false;

  constructor(options: FileSinkOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => new Date());
    this.#file = path.join(options.dir, CURRENT);
    this.#day = dayOf(this.#now());
    const left = statSync(this.#file, { throwIfNoEntry: false });
    this.#fileBytes = left?.size ?? 0;
    if (left?.isFile() && (dayOf(left.mtime) !== this.#day || left.size >= options.maxBytes)) this.#rotate(left.mtime);
  }

  write(line: string): void {
    if (this.#closed) return;
    const bytes = Buffer.byteLength(line);
    if (this.#lost > 0 || this.#waitingBytes + bytes > (this.#options.maxWaiting ?? MAX_WAITING)) {
      this.#lost += 1;
      if (this.#trouble === undefined) this.#report('dropped');
      return;
    }
    const now = this.#now();
    const day = dayOf(now);
    if (day !== this.#day || (this.#fileBytes > 0 && this.#fileBytes + bytes > this.#options.maxBytes)) {
      this.#day = day;
      this.#rotate(now);
    }
    this.#fileBytes += bytes;
    this.#waitingBytes += bytes;
    this.#queue.push(line);
    this.#begin();
  }

  /** For a process that is about to end: appends waiting lines to the current file immediately. */
  flushSync(): void {
    const lines = Buffer.from(this.#queue.filter((item) => typeof item === 'string').join(''));
    // don't write twice what is being written now
    const bytes = this.#running === undefined ? Buffer.concat([this.#rest, lines]) : lines;
    this.#queue = [];
    if (this.#running === undefined) this.#rest = Buffer.alloc(0);
    if (bytes.length === 0) return;
    try {
      appendFileSync(this.#file, bytes, { mode: 0o600 });
    } catch (error) {
      this.#report((error as NodeJS.ErrnoException).code ?? 'EIO');
    }
  }

  /** Removes archives beyond the number kept, and those last written before `olderThan`. */
  async tidy(olderThan?: Date): Promise<void> {
    const { dir, maxFiles } = this.#options;
    const names = (await readdir(dir)).filter((name) => ARCHIVE.test(name)).sort();
    const doomed = new Set(names.slice(0, Math.max(0, names.length - maxFiles)));
    if (olderThan !== undefined) {
      for (const name of names) if ((await stat(path.join(dir, name))).mtime < olderThan) doomed.add(name);
    }
    for (const name of doomed) await rm(path.join(dir, name), { force: true });
  }

  /** Writes all waiting lines, unless the disk still refuses, and closes the file. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    this.#cancelRetry();
    this.#begin();
    await this.#running;
    this.#cancelRetry();
    await this.#handle?.close().catch(() => {});
    this.#handle = undefined;
  }

  #rotate(at: Date): void {
    this.#queue.push(at);
    this.#fileBytes = 0;
    this.#begin();
  }

  /** Writes waiting lines, unless a write is running or waits for its next try. */
  #begin(): void {
    if (this.#retry === undefined) this.#running ??= this.#drain();
  }

  async #drain(): Promise<void> {
    await undefined; // lines of the same turn go out together
    while (this.#rest.length > 0 || this.#queue.length > 0) {
      const item = this.#queue[0];
      try {
        if (this.#rest.length > 0 || typeof item === 'string') await this.#append();
        else {
          this.#queue.shift();
          await this.#archive(item as Date);
        }
        this.#trouble = undefined;
        this.#retryMs = RETRY_MS.first;
        this.#tellLoss();
      } catch (error) {
        this.#report((error as NodeJS.ErrnoException).code ?? 'EIO');
        await this.#handle?.close().catch(() => {});
        this.#handle = undefined;
        // a file that can't be renamed is written on
        if (this.#rest.length > 0) {
          this.#tryLater();
          break;
        }
      }
    }
    this.#running = undefined;
  }

  #cancelRetry(): void {
    this.#retry?.();
    this.#retry = undefined;
  }

  #tryLater(): void {
    this.#retry = this.#options.background.after('log file', this.#retryMs, () => {
      this.#retry = undefined;
      this.#begin();
    });
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.longest);
  }

  /** After the kept lines, one line about the dropped ones. */
  #tellLoss(): void {
    if (this.#lost === 0 || this.#rest.length > 0 || this.#queue.length > 0) return;
    const msg = 'the log file could not be written; these lines are missing here';
    const facts = { level: 'warn', time: this.#now().toISOString(), source: 'logs', lines: this.#lost, msg };
    this.#lost = 0;
    this.#queue.push(`${JSON.stringify(facts)}\n`);
  }

  /** The next lines up to a rotation, as one piece. */
  #take(): Buffer {
    let piece = '';
    let count = 0;
    for (const item of this.#queue) {
      if (typeof item !== 'string' || piece.length > CHUNK) break;
      piece += item;
      count += 1;
    }
    this.#queue.splice(0, count);
    return Buffer.from(piece);
  }

  async #append(): Promise<void> {
    if (this.#rest.length === 0) this.#rest = this.#take();
    if (this.#handle === undefined) {
      await makeFolder(this.#options.dir);
      this.#handle = await open(this.#file, 'a', 0o600);
    }
    while (this.#rest.length > 0) {
      // a full disk can accept a part
      const { bytesWritten } = await this.#handle.write(this.#rest);
      this.#rest = this.#rest.subarray(bytesWritten);
      this.#waitingBytes = Math.max(0, this.#waitingBytes - bytesWritten);
    }
  }

  async #archive(at: Date): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    const stamp = at.toISOString().replaceAll(':', '-');
    let target = path.join(this.#options.dir, `streamhub-${stamp}.log`);
    for (let twin = 1; statSync(target, { throwIfNoEntry: false }) !== undefined; twin += 1) {
      target = path.join(this.#options.dir, `streamhub-${stamp}.${twin}.log`);
    }
    await rename(this.#file, target);
    await this.tidy();
  }

  #report(code: string): void {
    if (this.#trouble === code) return;
    this.#trouble = code;
    this.#options.onTrouble?.(code);
  }
}

const dayOf = (date: Date): string => date.toISOString().slice(0, 10);
