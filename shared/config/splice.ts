/** The edits cannot be made in place. */
export class EditError extends Error {}

/** One replacement in a text. */
export interface Splice {
  start: number;
  end: number;
  text: string;
}

/** Collects replacements of stretches of one text and applies them together; everything between them stays as it is. */
export class Splices {
  readonly #list: Splice[] = [];

  add(start: number, end: number, text: string): void {
    this.#list.push({ start, end, text });
  }

  /** @throws EditError when two replacements overlap */
  apply(text: string): string {
    const ordered = this.#list
      .map((splice, index) => ({ ...splice, index }))
      .sort((a, b) => a.start - b.start || a.index - b.index);
    let result = '';
    let at = 0;
    for (const { start, end, text: piece } of ordered) {
      if (start < at && start !== end) throw new EditError('two changes of a text overlap');
      result += text.slice(at, Math.max(at, start)) + piece;
      at = Math.max(at, end);
    }
    return result + text.slice(at);
  }
}
