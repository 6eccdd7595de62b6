import { COMMENT } from './comments.ts';
import { flaggedWords } from './flagged-words.ts';

/** Texts in single quotes or backticks on one line. */
const STRING = /'(?:[^'\\\n]|\\.)*'|`(?:[^`\\\n]|\\.)*`/g;

/** A sentence or a phrase, as opposed to a key, a class name or SQL. */
const isProse = (text: string): boolean =>
  / .* |^[A-Z].* /.test(text) && !/\b(?:SELECT|INSERT|UPDATE|DELETE|WHERE|CREATE|FROM)\b/.test(text);

/** Flagged words in the texts of a source file: messages, log lines, descriptions. Code in backticks is left alone. */
export function flaggedInStrings(source: string): { line: number; word: string; instead: string }[] {
  const code = source.replace(COMMENT, (comment) => comment.replace(/[^\n]/g, ' '));
  return [...code.matchAll(STRING)].flatMap((string) => {
    const text = string[0].slice(1, -1).replace(/`[^`]*`|\$\{[^}]*\}/g, (part) => 'x'.repeat(part.length));
    if (!isProse(text)) return [];
    return flaggedWords(text).map(({ word, instead }) => ({
      line: source.slice(0, string.index).split('\n').length,
      word,
      instead,
    }));
  });
}
