import { plainText } from './table.ts';

/** A line on standard error that is replaced while work advances. Nothing is shown unless standard error is a terminal. */
export class Progress {
  readonly #isShown = process.stderr.isTTY === true;
  #line = '';

  show(line: string): void {
    if (!this.#isShown || line === this.#line) return;
    this.#line = line;
    process.stderr.write(`\r\u001b[K${plainText(line).slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1))}`);
  }

  /** Removes the line, so that the next one begins at the left. */
  clear(): void {
    if (this.#line !== '') process.stderr.write('\r\u001b[K');
    this.#line = '';
  }
}
