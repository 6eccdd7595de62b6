import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Logger } from 'pino';

/** `absent`: this package has neither the built files nor their sources. `installing`: the packages that build them. */
export type BuildState = 'idle' | 'installing' | 'building' | 'failed' | 'absent';

/** What is built in a clone. Paths are below the clone's root. */
export interface Part {
  /** Below `out/`. */
  folder: string;
  /** As the log names it. */
  name: string;
  /** For people who want to see why a build failed. */
  command: string;
  /** What people can use where it can't be built, as HTML. */
  otherwise: string;
  /** File of the package that builds it; it may have to be installed first. */
  tool: string;
  /** File of the repository that says how; without it this is not a clone. */
  config: string;
  /** What Node runs, to build into a folder. */
  commandFor(dir: string): string[];
  /** Patterns of the files it is made of. */
  sources: string[];
}

/** The pages at `/`. */
export const CONSOLE: Part = {
  folder: 'console',
  name: 'web console',
  command: 'npm run build:console',
  otherwise: 'The daemon itself works: use the desktop app, the API or the CLI.',
  tool: 'node_modules/vite/bin/vite.js',
  config: 'desktop/renderer/vite.config.ts',
  commandFor: (dir) => [
    'node_modules/vite/bin/vite.js',
    'build',
    '--config',
    'desktop/renderer/vite.config.ts',
    '--outDir',
    dir,
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ],
  sources: ['desktop/renderer/**/*', 'shared/**/*.ts', 'package-lock.json'],
};

/** The documentation that the daemon serves at `/docs`. */
export const SITE: Part = {
  folder: 'site',
  name: 'documentation',
  command: 'npm run build:site',
  otherwise:
    'In a clone, <code>npm install</code> and <code>npm run build:site</code> build it. The pages are in <code>docs/</code>.',
  tool: 'node_modules/vitepress/bin/vitepress.js',
  config: 'build/build-site.ts',
  commandFor: (dir) => ['build/build-site.ts', dir],
  sources: [
    'docs/**/*',
    '*.md',
    'daemon/**/README.md',
    '{plugins,desktop}/**/README.md',
    'build/build-site.ts',
    'build/site/**/*',
    'build/site/.vitepress/**/*',
    'desktop/renderer/theme/tokens.css',
    'package-lock.json',
  ],
};

const OUTPUT_KEPT = 4000;
/** A line of `build/ensure-install.mjs`. */
const PROGRESS = /\d+ of \d+ packages/;

/** Builds a part of a clone beside the running daemon, when it isn't there or its sources are newer. */
export class CloneBuilder {
  readonly #part: Part;
  readonly #isAwaited: boolean;
  readonly #root: string;
  readonly #dir: string;
  readonly #log: Logger;
  readonly #mayInstall: boolean;
  #state: BuildState = 'idle';
  #progress: string | undefined;
  #child: ChildProcess | undefined;
  #stopped = false;

  /**
   * @param root folder of the package
   * @param dir where the built files belong
   * @param options.part the console, unless you say otherwise
   * @param options.isAwaited somebody waits for it; else the daemon's own work has priority
   * @param options.mayInstall missing packages are installed first: this is a clone that was started with npm
   */
  constructor(
    root: string,
    dir: string,
    log: Logger,
    {
      part = CONSOLE,
      isAwaited = false,
      mayInstall = false,
    }: { part?: Part; isAwaited?: boolean; mayInstall?: boolean } = {},
  ) {
    this.#part = part;
    this.#isAwaited = isAwaited;
    this.#mayInstall = mayInstall;
    this.#root = root;
    this.#dir = dir;
    this.#log = log;
  }

  get state(): BuildState {
    return this.#state;
  }

  /** How far the installation is, such as "120 of 900 packages are there". */
  get progress(): string | undefined {
    return this.#progress;
  }

  /** Builds if that is needed; resolves when the files are as new as their sources, or cannot be. */
  async run(): Promise<void> {
    const isBuilt = existsSync(path.join(this.#dir, 'index.html'));
    const { name, command, commandFor } = this.#part;
    const config = path.join(this.#root, this.#part.config);
    const tool = path.join(this.#root, this.#part.tool);
    const installer = path.join(this.#root, 'build', 'ensure-install.mjs');
    const mustInstall = !existsSync(tool);
    if (!existsSync(config) || (mustInstall && !(this.#mayInstall && existsSync(installer)))) {
      this.#state = isBuilt ? 'idle' : 'absent';
      return;
    }
    if (isBuilt && !(await this.#isStale())) return;
    const next = `${this.#dir}.${process.pid}`;
    const started = performance.now();
    try {
      if (mustInstall) {
        this.#state = 'installing';
        this.#log.info(`installing the packages that build the ${name}; the API works already`);
        await this.#run([installer]);
      }
      this.#state = 'building';
      await this.#run(commandFor(next));
      // the old files go in one step, so that a page being loaded meets either build and never half of one
      const old = `${next}.old`;
      await rename(this.#dir, old).catch(() => {});
      await rename(next, this.#dir).catch((error: NodeJS.ErrnoException) => {
        // another daemon of this clone has put its own, just as new, in place
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
      await rm(old, { recursive: true, force: true });
      await rm(next, { recursive: true, force: true });
      this.#state = 'idle';
      this.#log.info({ ms: Math.round(performance.now() - started) }, `the ${name} was built`);
    } catch (error) {
      await rm(next, { recursive: true, force: true });
      if (this.#stopped) return;
      this.#state = 'failed';
      this.#log.error({ err: error }, `the ${name} could not be built; run ${command} for details`);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#child?.kill();
  }

  async #isStale(): Promise<boolean> {
    const built = (await stat(path.join(this.#dir, 'index.html'))).mtimeMs;
    for await (const entry of glob(this.#part.sources, { cwd: this.#root, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      if ((await stat(path.join(entry.parentPath, entry.name))).mtimeMs > built) return true;
    }
    return false;
  }

  #run(args: string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, args, { cwd: this.#root, stdio: ['ignore', 'pipe', 'pipe'] });
      this.#child = child;
      if (child.pid !== undefined && !this.#isAwaited) os.setPriority(child.pid, os.constants.priority.PRIORITY_LOW);
      let output = '';
      const keep = (chunk: Buffer): void => {
        output = (output + chunk).slice(-OUTPUT_KEPT);
        const progress = PROGRESS.exec(String(chunk))?.[0];
        if (progress === undefined || progress === this.#progress) return;
        this.#progress = progress;
        this.#log.info(`for the ${this.#part.name}, ${progress} are there`);
      };
      child.stdout?.on('data', keep);
      child.stderr?.on('data', keep);
      child.on('error', reject);
      child.on('close', (code) => {
        this.#child = undefined;
        if (code === 0) resolve();
        else reject(new Error(`${path.basename(args[0] ?? '')} ended with ${code}: ${output.trim()}`));
      });
    });
  }
}
