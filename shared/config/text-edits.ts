/** The edits cannot be made in place. */
export class EditError extends Error {}

/** One replacement in a text. */
export interface TextEdit {
  start: number;
  end: number;
  text: string;
}

/** Collects replacements in one text and applies them together. All other text stays byte for byte. */
export class TextEdits {
  readonly #list: TextEdit[] = [];

  /** What was added so far. */
  get list(): readonly TextEdit[] {
    return [...this.#list];
  }

  add(start: number, end: number, text: string): void {
    this.#list.push({ start, end, text });
  }

  /** @throws EditError when two replacements overlap */
  apply(text: string): string {
    const ordered = this.#list
      .map((edit, index) => ({ ...edit, index }))
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
