/** Something in a value that is rarely meant: copied from a template, a document or a web page. */
export interface OddText {
  code: 'placeholder' | 'typographic-quotes' | 'odd-space' | 'tab';
  /** What it is and what to do about it; reads on after the name of the field. */
  message: string;
  /** Position in the text. */
  at: number;
}

const PLACEHOLDER =
  /\$\{[^{}]{0,100}\}|[#%]\{[A-Za-z_][\w.]{0,60}\}|\{\{[^{}]{0,100}\}\}|\$\([^()]{1,100}\)|^(?:\$[A-Z_][A-Z0-9_]*|%[A-Z_]{3,}%|@[A-Z_]{3,}@|__[A-Z][A-Z0-9_]*__|<%?=?[A-Za-z _-]{2,60}%?>)$/;
const QUOTES =
  /^[\u2018-\u201f\u2033\u2039\u00ab\u300c\u301d\uff02\uff07]|[\u201c-\u201f\u2033\u203a\u00bb\u300d\u301e\uff02\uff07]$/;
/** Quotes that YAML does not know as such, wherever a text begins or ends. */
const QUOTES_IN_LINE =
  /(?<=^|[\s:,[{-])[\u2018\u201a\u201c\u201e\u00ab\uff02]|[\u201c\u201d\u00bb\uff02](?=$|[\s,\]}])/;
/**
 * Spaces that look like a space or like nothing. Joiners (U+200C, U+200D) are part of scripts and emoji, but join no Latin
 * letters and digits.
 */
const SPACES =
  /[\u0085\u00a0\u00ad\u061c\u1680\u180e\u2000-\u200b\u200e\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufeff\uffa0]|(?<=[A-Za-z0-9])[\u200c\u200d]|[\u200c\u200d](?=[A-Za-z0-9])/;
const NAMES: Readonly<Record<string, string>> = {
  '\u00a0': 'a no-break space',
  '\u202f': 'a narrow no-break space',
  '\u200b': 'a zero-width space',
  '\u200c': 'a zero-width non-joiner',
  '\u200d': 'a zero-width joiner',
  '\u2060': 'a zero-width word joiner',
  '\ufeff': 'a byte order mark',
  '\u00ad': 'a soft hyphen',
};

const point = (char: string): string => `U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

/**
 * Finds a placeholder that nobody filled in, typographic quotes around the value, a space that can't be seen, or a tab.
 * The message quotes the name of a placeholder and nothing else of the text.
 */
export function findOddText(text: string): OddText | undefined {
  const placeholder = PLACEHOLDER.exec(text);
  if (placeholder !== null) {
    const found = /^[${(<%#@=]+[A-Za-z_][A-Za-z0-9_ -]{0,60}[})>%@]*$|^__\w+__$/.test(placeholder[0])
      ? ` ${placeholder[0]}`
      : '';
    const message = `contains the placeholder${found}, which StreamHub does not fill in; write the value itself`;
    return { code: 'placeholder', message, at: placeholder.index };
  }
  return quoteIn(text, QUOTES) ?? findOddSpace(text);
}

/** Why a line of YAML can be unreadable: a space that can't be seen, or quotes that YAML does not know as such. */
export const findOddInLine = (line: string): OddText | undefined => findOddSpace(line) ?? quoteIn(line, QUOTES_IN_LINE);

function quoteIn(text: string, quotes: RegExp): OddText | undefined {
  const quote = quotes.exec(text);
  if (quote === null) return undefined;
  const message = `has a typographic quote (${quote[0]}, ${point(quote[0])}), which becomes part of the value; use " or leave the quotes out`;
  return { code: 'typographic-quotes', message, at: quote.index };
}

function findOddSpace(text: string): OddText | undefined {
  const space = SPACES.exec(text);
  if (space !== null) {
    const name = NAMES[space[0]] ?? 'a space that looks like another';
    return {
      code: 'odd-space',
      message: `contains ${name} (${point(space[0])}); delete it, or type an ordinary space`,
      at: space.index,
    };
  }
  const at = text.indexOf('\t');
  return at < 0 ? undefined : { code: 'tab', message: 'contains a tab (U+0009); delete it, or type spaces', at };
}
