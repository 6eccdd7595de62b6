import path from 'node:path';
import type { Logger } from 'pino';
import { ConsoleBuilder } from './builder.ts';
import { ConsoleFiles } from './files.ts';

/** The web console: its files, and in a clone its build. */
export class ConsoleService {
  readonly files: ConsoleFiles;
  readonly builder: ConsoleBuilder;

  constructor(root: string, log: Logger) {
    const dir = path.join(root, 'out', 'console');
    this.files = new ConsoleFiles(dir);
    // a service manager's daemon doesn't install anything into its folder
    this.builder = new ConsoleBuilder(root, dir, log, { mayInstall: process.env['npm_lifecycle_event'] === 'start' });
  }

  stop(): void {
    this.builder.stop();
  }
}
