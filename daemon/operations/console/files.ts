import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

/** How a browser can take a file: as it is, or compressed when the build has left that beside it. */
export interface ConsoleFile {
  /** Path below the folder, with slashes. */
  name: string;
  brotli: boolean;
  gzip: boolean;
}

const CHECK_EVERY = 1000;

/** The built console's files by name. Read when first asked for, and again after a new build. */
export class ConsoleFiles {
  readonly dir: string;
  #files = new Map<string, ConsoleFile>();
  #builtAt = -1;
  #checkedAt = 0;
  #reading: Promise<void> | undefined;

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Is there a console to serve? */
  async isBuilt(): Promise<boolean> {
    await this.#refresh();
    return this.#files.has('index.html');
  }

  /** @returns undefined for anything that is not one of the build's own files, so no path can lead out of the folder */
  async find(name: string): Promise<ConsoleFile | undefined> {
    await this.#refresh();
    return this.#files.get(name);
  }

  /** The page for a console that is published below the path `base`. */
  async indexBelow(base: string): Promise<string> {
    const page = await readFile(path.join(this.dir, 'index.html'), 'utf8');
    return page.replace('<base href="/"', `<base href="${base}/"`);
  }

  async #refresh(): Promise<void> {
    if (performance.now() - this.#checkedAt < CHECK_EVERY && this.#builtAt > 0) return;
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const index = await stat(path.join(this.dir, 'index.html')).catch(() => undefined);
    this.#checkedAt = performance.now();
    if ((index?.mtimeMs ?? 0) === this.#builtAt) return;
    const entries = index === undefined ? [] : await readdir(this.dir, { recursive: true, withFileTypes: true });
    const names = new Set(entries.filter((entry) => entry.isFile()).map((entry) => this.#nameOf(entry)));
    this.#files = new Map(
      [...names]
        .filter((name) => !/\.(?:br|gz)$/.test(name))
        .map((name) => [name, { name, brotli: names.has(`${name}.br`), gzip: names.has(`${name}.gz`) }]),
    );
    this.#builtAt = index?.mtimeMs ?? 0;
  }

  #nameOf(entry: Dirent): string {
    return path.relative(this.dir, path.join(entry.parentPath, entry.name)).split(path.sep).join('/');
  }
}
