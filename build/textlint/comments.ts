import { flaggedWords } from './flagged-words.ts';

/** A comment: the rest of a line after `//`, or a block. Strings and addresses such as `https://…` are left alone. */
export const COMMENT = /(?<=^|[\s{(;,])\/\/(?!\/)[^\n]*|(?<=^|[\s{(;,])\/\*[\s\S]*?\*\//g;

/** Flagged words in the comments of a source file, each with its line. Code in backticks is left alone. */
export function flaggedInComments(source: string): { line: number; word: string; instead: string }[] {
  return [...source.matchAll(COMMENT)].flatMap((comment) => {
    const text = comment[0].replace(/`[^`\n]*`/g, (code) => 'x'.repeat(code.length)).replace(/\n\s*\*/g, blank);
    return flaggedWords(text).map(({ index, word, instead }) => ({
      line: source.slice(0, comment.index + index).split('\n').length,
      word,
      instead,
    }));
  });
}

const blank = (text: string): string => text.replace(/[^\n]/g, ' ');
