import { appendFileSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { LogSink } from './logger.ts';

const CURRENT = 'streamhub.log';
const ARCHIVE = /^streamhub-\d{4}-\d{2}-\d{2}T.*\.log$/;
/** What may wait in memory while the disk is slow; more is dropped. */
const MAX_WAITING = 8 * 1024 * 1024;
const CHUNK = 64 * 1024;

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
  /** Lines in their order; a date marks the place where a new file begins. */
  #queue: (string | Date)[] = [];
  #waitingBytes = 0;
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
    if (this.#waitingBytes + bytes > MAX_WAITING) {
      this.#report('dropped');
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
    this.#running ??= this.#drain();
  }

  /** For a process that is about to die: what waits is appended to the present file immediately. */
  flushSync(): void {
    const lines = this.#queue.filter((item) => typeof item === 'string').join('');
    this.#queue = [];
    if (lines === '') return;
    try {
      appendFileSync(this.#file, lines, { mode: 0o600 });
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

  /** Writes all that waits and closes the file. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#handle?.close().catch(() => {});
    this.#handle = undefined;
  }

  #rotate(at: Date): void {
    this.#queue.push(at);
    this.#fileBytes = 0;
    this.#running ??= this.#drain();
  }

  async #drain(): Promise<void> {
    await undefined; // lines of the same turn go out together
    while (this.#queue.length > 0) {
      const item = this.#queue[0] as string | Date;
      try {
        if (typeof item === 'string') await this.#append(this.#take());
        else {
          this.#queue.shift();
          await this.#archive(item);
        }
        this.#trouble = undefined;
      } catch (error) {
        // these lines are lost here; the console and the table have them
        this.#report((error as NodeJS.ErrnoException).code ?? 'EIO');
        await this.#handle?.close().catch(() => {});
        this.#handle = undefined;
      }
    }
    this.#running = undefined;
  }

  /** The next lines up to a rotation, as one piece. */
  #take(): string {
    let piece = '';
    let count = 0;
    for (const item of this.#queue) {
      if (typeof item !== 'string' || piece.length > CHUNK) break;
      piece += item;
      count += 1;
    }
    this.#queue.splice(0, count);
    this.#waitingBytes = Math.max(0, this.#waitingBytes - Buffer.byteLength(piece));
    return piece;
  }

  async #append(piece: string): Promise<void> {
    if (this.#handle === undefined) {
      await mkdir(this.#options.dir, { recursive: true, mode: 0o700 });
      this.#handle = await open(this.#file, 'a', 0o600);
    }
    await this.#handle.appendFile(piece);
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
