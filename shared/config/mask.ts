import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type ParsedNode } from 'yaml';
import { annotationsOf, MASK } from './annotations.ts';
import { schemaAt } from './defaults.ts';
import type { ParsedConfig } from './parse.ts';

/** Keys whose text is masked wherever they stand, in blocks of the operator's own too. Names of stored secrets are not secret. */
const SECRET_NAME =
  /(^|[_-])(secret|password|passwd|passphrase|token|credentials?|api_?key|private_?key|secret_?key|access_?key)$/i;
/** User name and password in an address. */
const USER_INFO = /(?<=:\/\/)[^/@\s"']*:[^/@\s"']+(?=@)/;
/** The same for a text without a tree; also the bare `key`. */
const SECRET_LINE =
  /^(.*?["']?\b(?:[\w-]*[_-])?(?:secret|password|passwd|passphrase|token|credentials?|(?:\w+[_-])?key)["']?\s*:)(\s*)(.*)$/i;

/** The mask as a separate value: bare, it would be an alias. */
const QUOTED = `"${MASK}"`;

/** A stretch of a text that holds a secret. */
interface SecretSpan {
  path: string[];
  span: readonly [start: number, end: number];
  /** Only a part of the value is secret. */
  isPart: boolean;
}

function isSecretKey(path: readonly string[]): boolean {
  const schema = schemaAt(path);
  if (schema !== undefined) return annotationsOf(schema)['x-secret'] === true;
  return SECRET_NAME.test(path.at(-1) ?? '');
}

/** Stretches of a parsed text that hold the values of secret keys; empty values, booleans and null are not secret. */
export function secretSpans(parsed: ParsedConfig): SecretSpan[] {
  const found: SecretSpan[] = [];
  const take = (node: unknown, path: string[]) => {
    const target = isAlias(node) ? node.resolve(parsed.document as Document) : node;
    if (isScalar(target)) {
      const { value } = target;
      const range = (target as ParsedNode).range;
      if (value !== '' && value !== null && typeof value !== 'boolean' && range)
        found.push({ path, span: [range[0], range[1]], isPart: false });
    } else if (isSeq(target)) for (const item of target.items) take(item, path);
    else if (isMap(target)) for (const pair of target.items) take(pair.value, path);
  };
  const walk = (node: unknown, path: string[]) => {
    if (isSeq(node)) for (const item of node.items) walk(item, path);
    if (isScalar(node) && typeof node.value === 'string' && node.range) {
      const [start, end] = node.range;
      const match = USER_INFO.exec(parsed.text.slice(start, end));
      if (match !== null)
        found.push({ path, span: [start + match.index, start + match.index + match[0].length], isPart: true });
    }
    if (!isMap(node)) return;
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const here = [...path, String(pair.key.value)];
      if (isSecretKey(here)) take(pair.value, here);
      else walk(pair.value, here);
    }
  };
  walk(parsed.root, []);
  // one value may be reached by several aliases
  return [...new Map(found.map((item) => [item.span[0], item])).values()];
}

/**
 * The lines of a text as they may be shown to someone who must not see secrets: as many lines as the text has. A text that is
 * not valid YAML is masked by the look of its lines, rather too much than too little.
 */
export function maskedLines(parsed: ParsedConfig): string[] {
  if (parsed.root === null) return maskByLook(parsed.text.split('\n'));
  let text = parsed.text;
  for (const { span, isPart } of secretSpans(parsed).sort((a, b) => b.span[0] - a.span[0])) {
    const [start, end] = span;
    const breaks = text.slice(start, end).split('\n').length - 1;
    text = text.slice(0, start) + (isPart ? MASK : QUOTED) + '\n'.repeat(breaks) + text.slice(end);
  }
  return text.split('\n');
}

function maskByLook(lines: readonly string[]): string[] {
  let hiddenBelow = -1;
  return lines.map((line) => {
    const indent = line.length - line.trimStart().length;
    if (hiddenBelow >= 0 && (line.trim() === '' || indent > hiddenBelow))
      return line.trim() === '' ? line : `${' '.repeat(indent)}${QUOTED}`;
    hiddenBelow = -1;
    const match = SECRET_LINE.exec(line);
    if (match === null) return line;
    hiddenBelow = indent;
    const [, head = '', gap = '', value = ''] = match;
    return value.trim() === '' || value.startsWith('#') ? line : `${head}${gap || ' '}${QUOTED}`;
  });
}
