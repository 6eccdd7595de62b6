import type { loadTextlintrc } from 'textlint';
import { flaggedWords } from './flagged-words.ts';
import { MAX_WORDS, sentencesOf } from './sentences.ts';

type Descriptor = Awaited<ReturnType<typeof loadTextlintrc>>;
type RuleModule = Parameters<Descriptor['shallowMerge']>[0] extends { rules?: { rule: infer R }[] } ? R : never;

/** Flags the words of `flagged-words.ts` everywhere but in code. */
const words: RuleModule = ({ Syntax, RuleError, report, getSource, locator }) => ({
  [Syntax.Str](node) {
    for (const { index, word, instead } of flaggedWords(getSource(node)))
      report(
        node,
        new RuleError(`“${word}” reads like a translation. Instead: ${instead}.`, { padding: locator.at(index) }),
      );
  },
});

/** Refuses sentences that are too long. Code counts as one word; tables are skipped. */
const sentences: RuleModule = ({ Syntax, RuleError, report, getSource, locator }) => ({
  [Syntax.Paragraph](node) {
    const text = plain(node, getSource);
    for (const { index, words: count, text: sentence } of sentencesOf(text))
      if (count > MAX_WORDS)
        report(
          node,
          new RuleError(`${count} words in a sentence, ${MAX_WORDS} are allowed: “${sentence.slice(0, 60)}…”`, {
            padding: locator.at(index),
          }),
        );
  },
});

interface TextNode {
  type: string;
  range: readonly [number, number];
  children?: TextNode[];
}

/** The text of a paragraph, as long as its source: code and addresses become one word, marks become blanks. */
function plain(paragraph: unknown, getSource: (node: any) => string): string {
  const root = paragraph as TextNode;
  const source = getSource(root);
  const characters: string[] = [...Array(source.length)].map((_, at) => (source[at] === '\n' ? '\n' : ' '));
  const visit = (node: TextNode): void => {
    const from = node.range[0] - root.range[0];
    const to = node.range[1] - root.range[0];
    if (node.type === 'Str') for (let at = from; at < to; at++) characters[at] = source[at] as string;
    else if (node.type === 'Code') characters.fill('x', from, to);
    else for (const child of node.children ?? []) visit(child);
  };
  visit(root);
  return characters.join('');
}

export const RULES = { 'flagged-words': words, 'sentence-words': sentences };
