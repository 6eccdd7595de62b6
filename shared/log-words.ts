// How the log is searched for words. The daemon's index and what shows lines live, the console and the CLI, must agree on it.

/** A run of letters and digits: what SQLite's tokenizer `unicode61` takes for a word. */
const WORD = /[\p{L}\p{N}\p{Co}]+/gu;
/** The last word of a text may be incomplete from this length on. Shorter beginnings match too many words to be fast. */
const ENDS_IN_BEGINNING = /[\p{L}\p{N}\p{Co}]{2}$/u;

/** Whether the last word of a search also finds longer words that begin with it. */
export const isLastWordOpen = (q: string): boolean => ENDS_IN_BEGINNING.test(q);

/** Names and values of a line's fields as one text. @param metaJson the fields, as a JSON object */
export function fieldsText(metaJson: string | null): string {
  if (metaJson === null) return '';
  const parts: string[] = [];
  const collect = (value: unknown): void => {
    if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        if (!Array.isArray(value)) parts.push(name);
        collect(inner);
      }
    } else if (value !== null) parts.push(String(value));
  };
  try {
    collect(JSON.parse(metaJson));
  } catch {
    return metaJson;
  }
  return parts.join(' ');
}

/** Whether a line has the words of `q`, one after the other, in its message or in its fields. */
export function hasWords(line: { message: string; metaJson: string | null }, q: string): boolean {
  const sought = words(q);
  if (sought.length === 0) return false;
  const phrase = ` ${sought.join(' ')}${isLastWordOpen(q) ? '' : ' '}`;
  return [line.message, fieldsText(line.metaJson)].some((text) => ` ${words(text).join(' ')} `.includes(phrase));
}

/** Words without case and accents. */
const words = (text: string): string[] => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().match(WORD) ?? [];
