import path from 'node:path';
import type { Logger } from 'pino';
import { StaticFiles } from '#daemon/platform/http/static-files.ts';
import { CloneBuilder, CONSOLE, type Part } from './clone-builder.ts';

/** What the daemon serves from a build, the web console or the documentation: its files, and in a clone its build. */
export class BuiltPages {
  readonly files: StaticFiles;
  readonly builder: CloneBuilder;

  constructor(root: string, log: Logger, part: Part = CONSOLE) {
    const dir = path.join(root, 'out', part.folder);
    this.files = new StaticFiles(dir);
    // a service manager's daemon doesn't install anything into its folder
    const mayInstall = process.env['npm_lifecycle_event'] === 'start';
    this.builder = new CloneBuilder(root, dir, log, { part, mayInstall });
  }

  stop(): void {
    this.builder.stop();
  }
}
