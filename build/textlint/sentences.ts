/** Words that a sentence of a document may have. */
export const MAX_WORDS = 25;

/** The sentences of plain text. An abbreviation, a version or a file name doesn't end one. */
export function sentencesOf(text: string): { index: number; text: string; words: number }[] {
  const ends = [...text.matchAll(/(?<!\b(?:e\.g|i\.e|etc|vs))[.!?…](?=["'”’)\]]*(?:\s|$))/g)].map((m) => m.index + 1);
  return [...ends, text.length]
    .map((end, n, all) => ({ index: all[n - 1] ?? 0, text: text.slice(all[n - 1] ?? 0, end) }))
    .map(({ index, text: sentence }) => ({
      index: index + (sentence.length - sentence.trimStart().length),
      text: sentence.trim(),
      words: sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length,
    }))
    .filter(({ words }) => words > 0);
}
