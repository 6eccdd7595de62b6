import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Mutex } from 'async-mutex';
import { ensureMode, finishOverwrites, type StagedFile, stageFile } from '#shared/files/atomic-file.ts';
import { makeFolder } from '#shared/files/make-folder.ts';
import { setAside } from '#shared/files/set-aside.ts';
import type { Log } from '../log.ts';

/** New values by name; null or empty removes. */
export type NamedSecrets = Readonly<Record<string, string | null | undefined>>;

/** A change that is on the disk but not active yet. Other writers wait until it is released. */
export interface StagedSecrets {
  /** The new secrets.json; undefined if nothing changes. */
  file: StagedFile | undefined;
  /** Activates the values after the file is in place. */
  adopt(): void;
  /** Lets the next writer continue. */
  release(): void;
}

export interface SecretFileDeps {
  /** `data/secrets.json`. */
  file: string;
  log: Log<'warn'>;
  /** Called with every value, so that no log line contains it. @returns forgets it */
  conceal?(value: string): () => void;
}

/** The one file of secrets: a flat JSON object, name → value, of mode 600. */
export class SecretFile {
  readonly #deps: SecretFileDeps;
  #values: ReadonlyMap<string, string> = new Map();
  readonly #concealed = new Map<string, () => void>();
  readonly #writing = new Mutex();

  constructor(deps: SecretFileDeps) {
    this.#deps = deps;
  }

  /** Reads the file once; afterwards the copy in memory is used. */
  async load(): Promise<void> {
    const { file, log } = this.#deps;
    const folder = path.dirname(file);
    await makeFolder(folder);
    await ensureMode(folder, 0o700);
    // a temporary file may belong to an interrupted change, which the start has tried to finish
    await finishOverwrites(file);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
      await ensureMode(file, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return;
    }
    const values = parseSecrets(text);
    if (values === undefined) {
      const kept = setAside(file, 'unreadable');
      log.warn(
        { kept: path.basename(kept) },
        'secrets.json could not be read; it was set aside, and no secrets are stored now',
      );
      return;
    }
    this.#adopt(values);
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  names(): string[] {
    return [...this.#values.keys()];
  }

  /** Stores and removes values, all or none. A function decides when no other change is under way. */
  async set(changes: NamedSecrets | (() => NamedSecrets)): Promise<void> {
    const staged = await this.stage(changes);
    try {
      await staged.file?.commit();
      staged.adopt();
    } finally {
      staged.release();
    }
  }

  /** Prepares a change, so that a second file can be written before both become active. Must be released. */
  async stage(wanted: NamedSecrets | (() => NamedSecrets)): Promise<StagedSecrets> {
    const release = await this.#writing.acquire();
    try {
      const changes = typeof wanted === 'function' ? wanted() : wanted;
      const values = new Map(this.#values);
      for (const [name, value] of Object.entries(changes)) {
        if (value === undefined) continue;
        if (value) values.set(name, value);
        else values.delete(name);
      }
      if (sameEntries(values, this.#values)) return { file: undefined, adopt: () => {}, release };
      const text = `${JSON.stringify(Object.fromEntries([...values].sort()), null, 2)}\n`;
      return { file: await stageFile(this.#deps.file, text), adopt: () => this.#adopt(values), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #adopt(values: ReadonlyMap<string, string>): void {
    this.#values = values;
    const { conceal } = this.#deps;
    if (conceal === undefined) return;
    const held = new Set(values.values());
    for (const value of held) if (!this.#concealed.has(value)) this.#concealed.set(value, conceal(value));
    for (const [value, forget] of this.#concealed) {
      if (held.has(value)) continue;
      forget();
      this.#concealed.delete(value);
    }
  }
}

function parseSecrets(text: string): Map<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return undefined;
  }
}

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
