import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { glob, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Logger } from 'pino';

/** `absent`: this package has neither a built console nor its sources. `installing`: the packages that build it. */
export type BuildState = 'idle' | 'installing' | 'building' | 'failed' | 'absent';

const SOURCES = ['desktop/renderer/**/*', 'shared/**/*.ts', 'package-lock.json'];
const OUTPUT_KEPT = 4000;
/** A line of `build/ensure-install.mjs`. */
const PROGRESS = /\d+ of \d+ packages/;

/** Builds the console of a clone beside the running daemon, when there is none or its sources are newer. */
export class ConsoleBuilder {
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
   * @param dir where the built console belongs
   * @param options.isAwaited somebody waits for it; else the daemon's own work has priority
   * @param options.mayInstall missing packages are installed first: this is a clone that was started with npm
   */
  constructor(root: string, dir: string, log: Logger, { isAwaited = false, mayInstall = false } = {}) {
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

  /** Builds if that is needed; resolves when the console is as new as its sources, or cannot be. */
  async run(): Promise<void> {
    const isBuilt = existsSync(path.join(this.#dir, 'index.html'));
    const config = path.join(this.#root, 'desktop', 'renderer', 'vite.config.ts');
    const vite = path.join(this.#root, 'node_modules', 'vite', 'bin', 'vite.js');
    const installer = path.join(this.#root, 'build', 'ensure-install.mjs');
    const mustInstall = !existsSync(vite);
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
        this.#log.info('installing the packages that build the web console; the API works already');
        await this.#run([installer]);
      }
      this.#state = 'building';
      await this.#run([vite, 'build', '--config', config, '--outDir', next, '--emptyOutDir', '--logLevel', 'warn']);
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
      this.#log.info({ ms: Math.round(performance.now() - started) }, 'the web console was built');
    } catch (error) {
      await rm(next, { recursive: true, force: true });
      if (this.#stopped) return;
      this.#state = 'failed';
      this.#log.error({ err: error }, 'the web console could not be built; run npm run build:console for details');
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#child?.kill();
  }

  async #isStale(): Promise<boolean> {
    const built = (await stat(path.join(this.#dir, 'index.html'))).mtimeMs;
    for await (const entry of glob(SOURCES, { cwd: this.#root, withFileTypes: true })) {
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
        this.#log.info(`for the web console, ${progress} are there`);
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
