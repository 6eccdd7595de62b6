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
    this.builder = new ConsoleBuilder(root, dir, log);
  }

  stop(): void {
    this.builder.stop();
  }
}
