import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { TSchema } from 'typebox';
import { recoverFile, writeAtomically } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { setAside } from '#shared/files/set-aside.ts';
import { schemaError } from '#shared/ipc/check.ts';
import { failure } from '#shared/ipc/outcome.ts';

export interface JsonFileOptions<T> {
  file: string;
  /** Version written now; `upgrades` convert a file of an older one. */
  version: number;
  /** From version n to n + 1, by n. */
  upgrades?: Readonly<Record<number, (data: any) => unknown>>;
  schema: TSchema;
  /** The value for a file that is missing or can't be read. */
  empty: () => T;
}

export interface FileProblem {
  message: string;
  /** Where the unreadable file was put; null when even that failed. */
  keptAs: string | null;
}

/**
 * A small versioned JSON file of one owner. Written whole: temporary file, fsync, rename. A file that cannot be read is set
 * aside under another name and reported, never overwritten.
 */
export class JsonFile<T> {
  readonly #options: JsonFileOptions<T>;
  #writing: Promise<void> = Promise.resolve();
  #waiting: { text: string; done: Promise<void> } | undefined;

  constructor(options: JsonFileOptions<T>) {
    this.#options = options;
  }

  async read(): Promise<{ value: T; problem: FileProblem | null }> {
    const { file, empty } = this.#options;
    let text: string;
    await this.#writing;
    await recoverFile(file);
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { value: empty(), problem: null };
      return {
        value: empty(),
        problem: { message: `${file} cannot be read: ${(error as Error).message}`, keptAs: null },
      };
    }
    try {
      return { value: this.#parse(text), problem: null };
    } catch (error) {
      const keptAs = this.#putAside();
      return { value: empty(), problem: { message: `${file} was set aside: ${(error as Error).message}`, keptAs } };
    }
  }

  /** Writes the value; of several waiting writes only the newest is carried out. */
  write(value: T): Promise<void> {
    const text = `${JSON.stringify({ version: this.#options.version, data: value }, undefined, 2)}\n`;
    if (this.#waiting !== undefined) {
      this.#waiting.text = text;
      return this.#waiting.done;
    }
    const waiting = { text, done: Promise.resolve() };
    this.#waiting = waiting;
    waiting.done = this.#writing.then(async () => {
      this.#waiting = undefined;
      await this.#replace(waiting.text);
    });
    this.#writing = waiting.done.catch(() => {});
    return waiting.done;
  }

  #parse(text: string): T {
    const { version, upgrades = {}, schema } = this.#options;
    const stored = JSON.parse(text) as { version?: unknown; data?: unknown } | null;
    const from = stored?.version;
    if (typeof from !== 'number' || !Number.isInteger(from)) throw new Error('it has no version');
    if (from > version) throw new Error(`it was written by a newer version of the app (format ${from})`);
    let data = stored?.data;
    for (let step = from; step < version; step += 1) {
      const upgrade = upgrades[step];
      if (upgrade === undefined) throw new Error(`format ${from} is too old`);
      data = upgrade(data);
    }
    const wrong = schemaError(schema, data);
    if (wrong !== undefined) throw new Error(wrong);
    return data as T;
  }

  #putAside(): string | null {
    try {
      return setAside(this.#options.file, 'unreadable');
    } catch {
      return null;
    }
  }

  async #replace(text: string): Promise<void> {
    const { file } = this.#options;
    try {
      await makeFolder(path.dirname(file));
      await writeAtomically(file, text);
    } catch (cause) {
      throw failure('FILE_UNWRITABLE', { file, reason: (cause as Error).message }, { cause });
    }
  }
}
