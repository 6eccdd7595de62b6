/** Shorter values are not looked for: they would blot out ordinary words and digits. */
const MIN_LENGTH = 6;
const MASK = 0xffff;

/**
 * Knows the secret values of this process, so that no log line contains one, from any code. Looking through a line
 * costs about a nanosecond a character, however many secrets there are: a bitmap of their first four characters
 * rules out nearly every place.
 */
export class SecretRegistry {
  readonly #counts = new Map<string, number>();
  readonly #byStart = new Map<number, string[]>();
  readonly #bitmap = new Uint8Array(MASK + 1);

  /**
   * Registers a value with the forms it takes inside a URL, inside JSON, and inside JSON that is a text of JSON.
   * @returns the function that forgets it; a value registered twice is kept until both are forgotten
   */
  add(value: string | undefined | null): () => void {
    if (value === undefined || value === null || value.trim().length < MIN_LENGTH) return () => {};
    const quoted = JSON.stringify(value).slice(1, -1);
    const forms = [...new Set([value, encodeForm(value), quoted, JSON.stringify(quoted).slice(1, -1)])];
    for (const form of forms) this.#addForm(form);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      for (const form of forms) this.#removeForm(form);
    };
  }

  /** Does the text hold a registered value? */
  found(text: string): boolean {
    return this.#next(text, 0) !== undefined;
  }

  /** The text with every registered value blotted out. */
  redact(text: string): string {
    let hit = this.#next(text, 0);
    if (hit === undefined) return text;
    let clean = '';
    let from = 0;
    while (hit !== undefined) {
      clean += `${text.slice(from, hit.at)}[redacted]`;
      from = hit.at + hit.length;
      hit = this.#next(text, from);
    }
    return clean + text.slice(from);
  }

  #next(text: string, start: number): { at: number; length: number } | undefined {
    if (this.#counts.size === 0) return undefined;
    let key = 0;
    for (let end = start; end < text.length; end += 1) {
      key = roll(key, text.charCodeAt(end));
      if (this.#bitmap[key] === 0 || end < start + 3) continue;
      const at = end - 3;
      // the longest first, so that a secret that begins with another is blotted out whole
      for (const form of this.#byStart.get(key) ?? []) {
        if (text.startsWith(form, at)) return { at, length: form.length };
      }
    }
    return undefined;
  }

  #addForm(form: string): void {
    const count = this.#counts.get(form) ?? 0;
    this.#counts.set(form, count + 1);
    if (count > 0) return;
    const key = startOf(form);
    const list = [...(this.#byStart.get(key) ?? []), form].sort((a, b) => b.length - a.length);
    this.#byStart.set(key, list);
    this.#bitmap[key] = 1;
  }

  #removeForm(form: string): void {
    const count = this.#counts.get(form) ?? 0;
    if (count > 1) {
      this.#counts.set(form, count - 1);
      return;
    }
    this.#counts.delete(form);
    const key = startOf(form);
    const list = (this.#byStart.get(key) ?? []).filter((other) => other !== form);
    if (list.length > 0) this.#byStart.set(key, list);
    else {
      this.#byStart.delete(key);
      this.#bitmap[key] = 0;
    }
  }
}

/** Sixteen bits of the last four characters. */
const roll = (key: number, code: number): number => ((key << 4) ^ code) & MASK;

function startOf(form: string): number {
  let key = 0;
  for (let i = 0; i < 4; i += 1) key = roll(key, form.charCodeAt(i));
  return key;
}

function encodeForm(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    return value; // a lone surrogate
  }
}
