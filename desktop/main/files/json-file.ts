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
  /** What was stored could neither be read nor set aside. */
  #isInTheWay = false;
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
      this.#isInTheWay = false;
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { value: empty(), problem: null };
      return { value: empty(), problem: this.#putAside(error as Error) };
    }
    this.#isInTheWay = false;
    try {
      return { value: this.#parse(text), problem: null };
    } catch (error) {
      return { value: empty(), problem: this.#putAside(error as Error) };
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

  #putAside({ message }: Error): FileProblem {
    const { file } = this.#options;
    try {
      return { keptAs: setAside(file, 'unreadable'), message: `${file} was set aside: ${message}` };
    } catch {
      this.#isInTheWay = true;
      return { keptAs: null, message: `${file} cannot be read: ${message}` };
    }
  }

  async #replace(text: string): Promise<void> {
    const { file } = this.#options;
    try {
      if (this.#isInTheWay) throw new Error('the file that is there could neither be read nor set aside');
      await makeFolder(path.dirname(file));
      await writeAtomically(file, text);
    } catch (cause) {
      throw failure('FILE_UNWRITABLE', { file, reason: (cause as Error).message }, { cause });
    }
  }
}
