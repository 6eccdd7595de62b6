/** Words and phrases that read like a translation, each with what to write instead. */
const FLAGGED: readonly { pattern: RegExp; instead: string }[] = [
  { pattern: /\banew\b/i, instead: 'again' },
  { pattern: /\bwh(?:oever|omever|osever)\b/i, instead: 'anyone who' },
  { pattern: /\bwhatever\b/i, instead: 'any, or all' },
  { pattern: /\bmeanwhile\b/i, instead: 'in the meantime, or leave it out' },
  { pattern: /\b(?:an?|no|one|any) [\w-]+ of (?:its|their|his|our) own\b/i, instead: 'a separate …, or its own …' },
  { pattern: /\bat once\b/i, instead: 'immediately, or at the same time' },
  { pattern: /\blies\b/i, instead: 'is' },
  { pattern: /\bgoes\b/i, instead: 'is, uses, continues, is sent …' },
  { pattern: /\bstands (?!for\b)/i, instead: 'is' },
  { pattern: /\bbooks?\b/i, instead: 'the name from the field: repository, log' },
  { pattern: /\bledgers?\b/i, instead: 'the name from the field: repository, log' },
  { pattern: /\bdoors?\b/i, instead: 'the name from the field: loader, entry point' },
  { pattern: /\bjudge[sd]?\b/i, instead: 'validate, decide' },
  { pattern: /\bguests?\b/i, instead: 'plugin process' },
  { pattern: /\bsurgery\b/i, instead: 'edit' },
  { pattern: /\bcures?\b/i, instead: 'fix, or what to do' },
  { pattern: /\bis dear\b|\bdear (?:parts?|values?|work)\b/i, instead: 'is expensive' },
  { pattern: /\bheard of\b/i, instead: 'last heartbeat, last seen' },
  { pattern: /\bunless told\b/i, instead: 'default: …' },
  { pattern: /(?<!\bthere )\bis no (?!longer\b|more\b|one\b)/i, instead: 'is not a …' },
  { pattern: /\bbelongs? into\b/i, instead: 'include it in' },
  { pattern: /\ba repetition is\b/i, instead: 'a repeated … is' },
  { pattern: /\b(?:is|are|was|were) to be (?:had|found|looked)\b/i, instead: 'is available' },
  { pattern: /\bof your own\b/i, instead: 'your own …' },
  { pattern: /\bfor ever\b/i, instead: 'forever' },
  { pattern: /\bworth nothing\b/i, instead: 'not valid any more' },
  { pattern: /\b(?:comes?|came) about\b/i, instead: 'happens' },
  { pattern: /\bof late\b/i, instead: 'recently' },
  { pattern: /\bput aside\b/i, instead: 'set aside' },
  { pattern: /\ball the same\b/i, instead: 'anyway, or still' },
];

export interface Flagged {
  /** Offset of the phrase in the text. */
  index: number;
  word: string;
  instead: string;
}

/** The flagged words of a text, in order. */
export function flaggedWords(text: string): Flagged[] {
  return FLAGGED.flatMap(({ pattern, instead }) => {
    const anyWhitespace = pattern.source.replaceAll(' ', '\\s+');
    return [...text.matchAll(new RegExp(anyWhitespace, 'gi'))].map((match) => ({
      index: match.index,
      word: match[0].replace(/\s+/g, ' ').trim(),
      instead,
    }));
  }).sort((a, b) => a.index - b.index);
}
