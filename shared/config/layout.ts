import { type CST, isMap, isPair, isScalar, isSeq, type Pair, type ParsedNode, visit } from 'yaml';
import type { ParsedConfig } from './parse.ts';
import type { Layout } from './write-yaml.ts';

/** How a document is laid out: its line ends, its indentation, the place of its lists. */
export function layoutOf(parsed: ParsedConfig): Layout {
  const layout: Layout = { eol: parsed.text.includes('\r\n') ? '\r\n' : '\n', step: 2, indentSeq: true };
  let stepFound = false;
  let seqFound = false;
  visit(parsed.root, {
    Pair(_, pair, path) {
      const parent = path.findLast(isMap);
      if (parent === undefined || !isBlock(parent) || !isBlock(pair.value)) return;
      const inner = columnOf(pair.value) - columnOf(parent);
      if (isMap(pair.value) && inner > 0 && !stepFound) {
        layout.step = inner;
        stepFound = true;
      }
      if (isSeq(pair.value) && !seqFound) {
        layout.indentSeq = inner > 0;
        seqFound = true;
      }
    },
  });
  return layout;
}

/** Source token of a node. */
export function tokenOf(node: unknown): CST.Token | undefined {
  return (node as { srcToken?: CST.Token } | null | undefined)?.srcToken;
}

/** A mapping or list in block style. */
export function isBlock(node: unknown): boolean {
  const type = tokenOf(node)?.type;
  return (isMap(node) || isSeq(node)) && (type === 'block-map' || type === 'block-seq');
}

/** Column of a block collection's keys or dashes. */
export function columnOf(node: unknown): number {
  return (tokenOf(node) as CST.BlockMap | undefined)?.indent ?? 0;
}

/** Where the text of a value begins, its anchor and tag included; undefined for a value that is not written. */
export function startOf(node: unknown, before: readonly CST.SourceToken[] | undefined): number | undefined {
  const prop = before?.find((token) => token.type === 'anchor' || token.type === 'tag');
  return prop?.offset ?? (tokenOf(node) as { offset?: number } | undefined)?.offset;
}

/** Where the text of a value ends, comments after it not included. */
export function endOf(node: unknown): number | undefined {
  if (tokenOf(node) === undefined) return undefined;
  if (!isBlock(node)) return (node as ParsedNode).range?.[1];
  const last = (node as { items: unknown[] }).items.at(-1);
  const end = isPair(last) ? endOfPair(last) : endOf(last);
  return end ?? (node as ParsedNode).range?.[1];
}

/** Where a key and its value end. */
export function endOfPair(pair: Pair<unknown, unknown>): number | undefined {
  const sep = sepOf(pair);
  const prop = sep?.findLast((token) => token.type === 'anchor' || token.type === 'tag');
  return endOf(pair.value) ?? (prop && prop.offset + prop.source.length) ?? afterColon(pair) ?? endOf(pair.key);
}

export function startOfPair(pair: Pair<unknown, unknown>): number | undefined {
  return (tokenOf(pair.key) as { offset?: number } | undefined)?.offset;
}

/** The tokens between a key and its value. */
export function sepOf(pair: Pair<unknown, unknown>): readonly CST.SourceToken[] | undefined {
  return (pair as { srcToken?: { sep?: CST.SourceToken[] } }).srcToken?.sep;
}

/** The place right after a pair's colon. */
export function afterColon(pair: Pair<unknown, unknown>): number | undefined {
  const colon = sepOf(pair)?.find((token) => token.type === 'map-value-ind');
  return colon && colon.offset + 1;
}

/** Begin of the line that holds an offset. */
export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1;

/** Begin of the line after the one that ends at or holds an offset; the text's end when there is none. */
export function nextLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const at = text.indexOf('\n', offset);
  return at === -1 ? text.length : at + 1;
}

/** The rest of an offset's line. */
export function restOfLine(text: string, offset: number): string {
  return text.slice(offset, nextLine(text, offset)).replace(/\r?\n$/, '');
}

/** A pair's key as text; undefined when it is not a scalar. */
export const keyName = (pair: Pair<unknown, unknown>): string | undefined =>
  isScalar(pair.key) ? String(pair.key.value) : undefined;
