import { type Document, isAlias, isMap, isPair, isScalar, isSeq, type Node, type ParsedNode } from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { CONFIG_LIMITS } from './limits.ts';

type Report = (code: string, message: string, start: number, end: number) => Diagnostic;

const CORE_TAGS = /^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq)$/;

/**
 * Checks a parsed document for what the parser accepts but config.yaml does not: duplicate keys, keys that are not text, custom
 * tags, unknown aliases, nesting and size beyond the limits (an alias counts as the value it refers to).
 */
export function checkDocument(document: Document.Parsed<ParsedNode>, report: Report): Diagnostic[] {
  const findings: Diagnostic[] = [];
  /** Expanded size of each anchored value that is complete; a value's own anchor is not yet known inside it. */
  const sizes = new Map<string, number>();
  let aliases = 0;
  const complain = (code: string, message: string, node: Node | null | undefined) => {
    const range = node?.range ?? [0, 0, 0];
    if (findings.length < CONFIG_LIMITS.diagnostics) findings.push(report(code, message, range[0], range[1]));
  };

  function sizeOf(node: unknown, depth: number): number {
    if (isPair(node)) return checkKey(node.key) + sizeOf(node.value, depth);
    if (isAlias(node)) {
      aliases += 1;
      const size = sizes.get(node.source);
      if (size === undefined) complain('unknown-alias', 'this alias has no matching anchor above it', node);
      return size ?? 1;
    }
    let size = 1;
    if (isMap(node) || isSeq(node)) {
      if (depth > CONFIG_LIMITS.depth) {
        complain('too-deep', `the text is nested deeper than ${CONFIG_LIMITS.depth} levels`, node);
        return 1;
      }
      const seen = isMap(node) ? new Set<string>() : undefined;
      for (const item of node.items) {
        if (seen !== undefined && isPair(item)) noteKey(item.key, seen);
        size += sizeOf(item, depth + 1);
        if (size > CONFIG_LIMITS.nodes) break;
      }
    }
    const { tag, anchor } = (node ?? {}) as { tag?: string; anchor?: string };
    if (tag !== undefined && !CORE_TAGS.test(tag)) complain('custom-tag', 'custom tags are not allowed', node as Node);
    if (anchor !== undefined) sizes.set(anchor, size);
    return size;
  }

  function checkKey(key: unknown): number {
    if (!isScalar(key)) complain('bad-key', 'a key must be plain text', key as Node | null);
    return 1;
  }

  function noteKey(key: unknown, seen: Set<string>): void {
    if (!isScalar(key)) return;
    const name = String(key.value);
    if (seen.has(name)) complain('duplicate-key', `duplicate key ${JSON.stringify(name.slice(0, 60))}`, key as Node);
    seen.add(name);
  }

  const total = sizeOf(document.contents, 1);
  if (aliases > CONFIG_LIMITS.aliases)
    complain('too-many-aliases', `the text has more than ${CONFIG_LIMITS.aliases} aliases`, document.contents);
  if (total > CONFIG_LIMITS.nodes)
    complain('too-large', `the text expands to more than ${CONFIG_LIMITS.nodes} values`, document.contents);
  return findings;
}
