import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  type ParsedNode,
  type Scalar,
} from 'yaml';
import { findSecrets, isSecretName, NAMING, namesNext, type Span } from '../secrets.ts';
import { annotationsOf, MASK } from './annotations.ts';
import { schemaAt } from './defaults.ts';
import type { ParsedConfig } from './parse.ts';

/** The mask as a separate value: bare, it would be an alias. */
const QUOTED = `"${MASK}"`;

/** A stretch of a text that holds a secret. */
interface SecretSpan {
  path: string[];
  span: readonly [start: number, end: number];
  /** The secret as it reads, without quotes and escapes. */
  value: string;
  /** Only a part of the value is secret, or it isn't a value. */
  isPart: boolean;
}

function isSecretKey(path: readonly string[]): boolean {
  const schema = schemaAt(path);
  if (schema !== undefined) return annotationsOf(schema)['x-secret'] === true;
  return isSecretName(path.at(-1) ?? '', true);
}

/** Whether a value, a key or a comment is secret as a whole. The path is that of a value, without places in lists. */
export type IsSecret = (text: string, path?: readonly string[]) => boolean;
const byLooks: IsSecret = () => false;

/**
 * Stretches of a parsed text that hold secrets: values of secret keys, and anything that looks like a secret in other values, in
 * keys and in comments. Empty values, booleans and null are not secret.
 */
export function secretSpans(parsed: ParsedConfig, isSecret = byLooks): SecretSpan[] {
  const found: SecretSpan[] = [];
  const targets = new Map<Alias, unknown>();
  const resolve = (node: unknown) => {
    if (!isAlias(node)) return node;
    // each look-up walks the document
    if (!targets.has(node)) targets.set(node, node.resolve(parsed.document as Document));
    return targets.get(node);
  };
  const add = (path: string[], [start, end]: readonly number[], value: unknown) =>
    found.push({ path, span: [start as number, end as number], value: String(value), isPart: false });
  const addPart = (path: string[], start: number, end: number) =>
    found.push({ path, span: [start, end], value: parsed.text.slice(start, end), isPart: true });
  const take = (node: unknown, path: string[]) => {
    const target = resolve(node);
    if (isScalar(target)) {
      const { value } = target;
      const range = (target as ParsedNode).range;
      if (value !== '' && value !== null && typeof value !== 'boolean' && range) add(path, range, value);
    } else if (isSeq(target)) for (const item of target.items) take(item, path);
    else if (isMap(target))
      for (const pair of target.items) {
        // a mapping of secrets may have them as keys
        if (isScalar(pair.key) && !/^[A-Za-z_-]*$/.test(String(pair.key.value))) take(pair.key, path);
        take(pair.value, path);
      }
  };
  const look = (scalar: Scalar, path: string[]) => {
    if (typeof scalar.value !== 'string' || !scalar.range) return;
    const [start, end] = scalar.range;
    const inside = findSecrets(scalar.value, true);
    if (inside.length === 0) return;
    const source = parsed.text.slice(start, end);
    const at = source.indexOf(scalar.value);
    // written with escapes or over several lines: its parts can't be told
    if (at < 0) add(path, scalar.range, scalar.value);
    else for (const part of inside) addPart(path, start + at + part.start, start + at + part.end);
  };
  const walk = (node: unknown, path: string[]) => {
    const target = resolve(node);
    if (isSeq(target))
      for (const [at, item] of target.items.entries()) {
        const before = resolve(target.items[at - 1]);
        if (isScalar(before) && namesNext(before.value)) take(item, path);
        else walk(item, path);
      }
    if (isScalar(target)) (isSecret(String(target.value), path) ? take : look)(target, path);
    if (!isMap(target)) return;
    const isNamed = target.items.some(
      ({ key, value }) =>
        isScalar(key) && NAMING.test(String(key.value)) && isScalar(value) && isSecretName(String(value.value)),
    );
    for (const pair of target.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const name = String(pair.key.value);
      const here = [...path, name];
      (isSecret(name) ? take : look)(pair.key, here);
      // `{ name: API_TOKEN, value: … }`
      if (isSecretKey(here) || (isNamed && !NAMING.test(name))) take(pair.value, here);
      else walk(pair.value, here);
    }
  };
  walk(parsed.root, []);
  for (const { start, end } of commentSecrets(parsed.text, isSecret)) addPart([], start, end);
  return apart(found);
}

/** In order, and without those inside of others: one value may be reached by several aliases. */
function apart(found: SecretSpan[]): SecretSpan[] {
  const kept: SecretSpan[] = [];
  for (const item of found.sort((a, b) => a.span[0] - b.span[0] || b.span[1] - a.span[1]))
    if (item.span[0] >= (kept.at(-1)?.span[1] ?? 0)) kept.push(item);
  return kept;
}

/** Where the value of a secret begins in a comment such as `token: …` or `the password was …`. */
function valueIn(comment: string): number | undefined {
  const separator = /["'`]?\s*(?::|=|is\b|was\b)/y;
  for (const { 0: name, index } of comment.matchAll(/[\p{L}\p{N}_.$-]+/gu)) {
    separator.lastIndex = index + name.length;
    if (separator.test(comment) && isSecretName(name, true)) return separator.lastIndex;
  }
  return undefined;
}

/** Secrets in comments: a value that was commented out, and the lines of the same comment below it. */
function commentSecrets(text: string, isSecret: IsSecret): Span[] {
  const found: Span[] = [];
  let offset = 0;
  let isScalarNext = false;
  let isHidden = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === '\u001f') isScalarNext = true;
    if (lexeme === '\u0002' || lexeme === '\u0018' || lexeme === '\u001f') continue;
    if (lexeme.startsWith('#') && !isScalarNext) {
      const value = isSecret(lexeme) ? 1 : valueIn(lexeme);
      if (isHidden) found.push({ start: offset + 1, end: offset + lexeme.length });
      else if (value !== undefined) found.push({ start: offset + value, end: offset + lexeme.length });
      else
        for (const { start, end } of findSecrets(lexeme, true))
          found.push({ start: offset + start, end: offset + end });
      isHidden ||= value !== undefined;
    } else if (/\S/.test(lexeme)) isHidden = false;
    isScalarNext = false;
    offset += lexeme.length;
  }
  return found.filter(({ start, end }) => text.slice(start, end).trim() !== '');
}

/**
 * The lines of a text as they may be shown to someone who must not see secrets: as many lines as the text has. Of a text that
 * is not valid YAML no line is shown, because nobody can tell where its secrets are.
 */
export function maskedLines(parsed: ParsedConfig, isSecret = byLooks): string[] {
  if (parsed.root === null) return parsed.text.split('\n').map((line) => (line.trim() === '' ? '' : MASK));
  let text = '';
  let from = 0;
  for (const { span, isPart } of secretSpans(parsed, isSecret)) {
    const [start, end] = span;
    const breaks = parsed.text.slice(start, end).split('\n').length - 1;
    text += parsed.text.slice(from, start) + (isPart ? MASK : QUOTED) + '\n'.repeat(breaks);
    from = end;
  }
  return (text + parsed.text.slice(from)).split('\n');
}
