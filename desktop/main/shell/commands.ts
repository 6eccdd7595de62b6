import type { ShellCommand } from '#shared/ipc/desktop.ts';
import type { Emit } from '#shared/ipc/index.ts';

const MAX_WAITING = 20;

/** Commands from outside the page. They wait until a page is there to hear them. */
export class Commands {
  readonly #emit: Emit;
  #waiting: ShellCommand[] = [];
  #isReady = false;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  send(command: ShellCommand): void {
    if (this.#isReady) this.#emit('desktop:command', command);
    else this.#waiting = [...this.#waiting, command].slice(-MAX_WAITING);
  }

  /** The page is drawn. @returns what waited for it */
  ready(): ShellCommand[] {
    this.#isReady = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** The page is gone, by a reload or with its window. */
  gone(): void {
    this.#isReady = false;
  }
}
