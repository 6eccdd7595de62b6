import { type CST, isAlias, isMap, isPair, isSeq, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { isRecord } from './case.ts';
import { alignComments } from './comment-columns.ts';
import {
  afterColon,
  columnOf,
  endOf,
  endOfPair,
  isBlock,
  keyName,
  layoutOf,
  lineStart,
  nextLine,
  restOfLine,
  sepOf,
  startOf,
  startOfPair,
  tokenOf,
} from './layout.ts';
import type { ParsedConfig } from './parse.ts';
import { TextEdits } from './text-edits.ts';
import { sameValue } from './values.ts';
import { blockLines, flowText, isBlockable, type Layout } from './write-yaml.ts';

/** A place in the text that holds one value. */
interface Slot {
  node: unknown;
  /** Tokens before the value, where its anchor and tag stand. */
  before: readonly CST.SourceToken[] | undefined;
  /** Right after the key's colon or the list's dash; undefined for a key without a colon. */
  lead: number | undefined;
  isItem: boolean;
  /** End of the key. */
  keyEnd: number;
  /** Column of the mapping that the key belongs to. */
  indent: number;
  inFlow: boolean;
}

type Data = Record<string, unknown>;

/**
 * Edits a YAML text so that it parses to `target`. Only the text of values that differ is changed. The caller parses the
 * result again and compares.
 */
export function editYaml(parsed: ParsedConfig, target: Data): string {
  const editor = new YamlEditor(parsed.text, layoutOf(parsed));
  if (!editor.mapping(parsed.root as YAMLMap, parsed.value as Data, target))
    editor.replaceRoot(parsed.root as YAMLMap, target);
  alignComments(parsed.text, tokenOf(parsed.root), editor.edits);
  return editor.edits.apply(parsed.text);
}

class YamlEditor {
  readonly edits = new TextEdits();
  readonly #text: string;
  readonly #layout: Layout;

  constructor(text: string, layout: Layout) {
    this.#text = text;
    this.#layout = layout;
  }

  /** Changes a mapping key by key. @returns false when it must be replaced as a whole */
  mapping(map: YAMLMap, current: Data, next: Data): boolean {
    const block = isBlock(map);
    const pairs = map.items.filter(isPair);
    const kept = pairs.filter((pair) => keyName(pair) !== undefined && Object.hasOwn(next, keyName(pair) as string));
    const added = Object.keys(next).filter((key) => !Object.hasOwn(current, key));
    if (kept.length === 0 && !(pairs.length === 0 && !block)) return false;
    const removed = pairs.filter((pair) => !kept.includes(pair));
    if (block && !removed.every((pair) => this.#standsAlone(pair))) return false;

    for (const pair of kept) {
      const key = keyName(pair) as string;
      if (!sameValue(current[key], next[key])) this.#value(this.#slotOf(pair, map), current[key], next[key]);
    }
    for (const pair of removed) {
      if (block) this.#cutLines(pair, map);
      else this.#cutFromFlow(pair, pairs, kept);
    }
    if (added.length > 0) {
      const entries = added.map((key) => [key, next[key]] as const);
      if (block) this.#addToBlock(map, kept.at(-1) as Pair, entries);
      else this.#addToFlow(map, kept.at(-1), entries);
    }
    return true;
  }

  /** Writes another top level, of which no key stays. */
  replaceRoot(map: YAMLMap, next: Data): void {
    const start = startOf(map, undefined) as number;
    const end = this.#withoutEol(endOf(map) as number);
    const lines =
      isBlock(map) && isBlockable(next) ? blockLines(next, this.#layout, columnOf(map)) : [flowText(next, true)];
    this.edits.add(start, end + (isBlock(map) ? restOfLine(this.#text, end).length : 0), lines.join(this.#layout.eol));
  }

  #slotOf(pair: Pair, map: YAMLMap): Slot {
    return {
      node: pair.value,
      before: sepOf(pair),
      lead: afterColon(pair),
      isItem: false,
      keyEnd: endOf(pair.key) ?? 0,
      indent: columnOf(map),
      inFlow: !isBlock(map),
    };
  }

  #value(slot: Slot, current: unknown, next: unknown): void {
    const { node } = slot;
    if (isMap(node) && isRecord(current) && isRecord(next) && this.mapping(node, current, next)) return;
    if (isSeq(node) && Array.isArray(current) && Array.isArray(next) && this.#list(node, current, next, slot)) return;
    this.#replace(slot, next);
  }

  /** Changes a list entry by entry. @returns false when it must be replaced as a whole */
  #list(seq: YAMLSeq, current: unknown[], next: unknown[], slot: Slot): boolean {
    const tokens = (tokenOf(seq) as CST.BlockSequence | CST.FlowCollection).items;
    const block = isBlock(seq);
    if (next.length === 0 || current.length === 0 || (next.length !== current.length && !block)) return false;
    const dashOf = (index: number) => tokens[index]?.start.find((token) => token.type === 'seq-item-ind');
    for (let index = 0; index < Math.max(current.length, next.length); index += 1) {
      if (index >= current.length) break;
      const dash = dashOf(index);
      if (block && dash === undefined) return false;
      if (index >= next.length) {
        const item = seq.items[index];
        const end = endOf(item) ?? (dash as CST.SourceToken).offset + 1;
        this.edits.add(lineStart(this.#text, (dash as CST.SourceToken).offset), nextLine(this.#text, end), '');
      } else if (!sameValue(current[index], next[index])) {
        const place: Slot = {
          node: seq.items[index],
          before: tokens[index]?.start,
          lead: dash && dash.offset + 1,
          isItem: true,
          keyEnd: slot.keyEnd,
          indent: columnOf(seq),
          inFlow: !block,
        };
        this.#value(place, current[index], next[index]);
      }
    }
    if (next.length > current.length) {
      const column = columnOf(seq);
      const lines = blockLines(next.slice(current.length), this.#layout, column);
      this.#insertLines(this.#after(endOf(seq) as number, column), [' '.repeat(column) + lines[0], ...lines.slice(1)]);
    }
    return true;
  }

  /** Writes another value into a slot. */
  #replace(slot: Slot, value: unknown): void {
    const { node, inFlow } = slot;
    const start = startOf(node, slot.before);
    if (start === undefined) {
      this.#fillEmpty(slot, value);
      return;
    }
    const prop = slot.before?.findLast((token) => token.type === 'anchor' || token.type === 'tag');
    const end = this.#withoutEol(endOf(node) ?? (prop ? prop.offset + prop.source.length : start));
    if (inFlow) this.edits.add(start, end, flowText(value, true, node));
    else if (isBlock(node)) this.#replaceBlock(slot, start, end, value);
    else if (this.#canOpenBlock(slot, end, value)) this.#openBlock(slot, slot.lead as number, end, value);
    else this.edits.add(start, end, flowText(value, false, node));
  }

  #replaceBlock(slot: Slot, start: number, valueEnd: number, value: unknown): void {
    const column = columnOf(slot.node);
    const first = (tokenOf(slot.node) as { offset: number }).offset;
    // a comment behind the last entry is moved with the entry
    const end = valueEnd + restOfLine(this.#text, valueEnd).length;
    if (isBlockable(value) && start === first && (column > slot.indent || Array.isArray(value))) {
      const lines = blockLines(value, this.#layout, column);
      this.edits.add(first, end, lines.join(this.#layout.eol));
      return;
    }
    if (slot.isItem || slot.lead === undefined) {
      this.edits.add(start, end, flowText(value, true, slot.node));
      return;
    }
    // the value moves up to its key's line; a comment there stays
    const comment = /^[ \t]+#.*/.exec(restOfLine(this.#text, slot.lead))?.[0] ?? '';
    this.edits.add(slot.lead, end, ` ${flowText(value, false, slot.node)}${comment}`);
  }

  #fillEmpty(slot: Slot, value: unknown): void {
    if (slot.lead === undefined) this.edits.add(slot.keyEnd, slot.keyEnd, `: ${flowText(value, slot.inFlow)}`);
    else if (!slot.inFlow && !slot.isItem && isBlockable(value)) this.#openBlock(slot, slot.lead, slot.lead, value);
    else this.edits.add(slot.lead, slot.lead, ` ${flowText(value, slot.inFlow)}`);
  }

  /** May the value go to lines of its own below the key? Not where someone wrote a filled list or mapping on one line. */
  #canOpenBlock(slot: Slot, end: number, value: unknown): boolean {
    const { node, lead } = slot;
    if (!isBlockable(value) || slot.isItem || lead === undefined) return false;
    const filled = (isMap(node) || isSeq(node)) && node.items.length > 0;
    return !filled && !this.#text.slice(lead, end).includes('\n') && /^\s*(#.*)?$/.test(restOfLine(this.#text, end));
  }

  /** Removes what is after the key, and writes the value on lines below it. */
  #openBlock(slot: Slot, start: number, end: number, value: unknown): void {
    const deeper = Array.isArray(value) && !this.#layout.indentSeq ? 0 : this.#layout.step;
    const column = slot.indent + deeper;
    const lines = blockLines(value, this.#layout, column);
    if (end > start) this.edits.add(start, end, '');
    this.#insertLines(nextLine(this.#text, end), [' '.repeat(column) + lines[0], ...lines.slice(1)]);
  }

  #addToBlock(map: YAMLMap, last: Pair, entries: readonly (readonly [string, unknown])[]): void {
    const column = columnOf(map);
    const lines = entries.flatMap(([key, value]) => {
      const block = blockLines({ [key]: value }, this.#layout, column);
      return [' '.repeat(column) + block[0], ...block.slice(1)];
    });
    this.#insertLines(this.#after(endOfPair(last) as number, column), lines);
  }

  /** Removes a pair with its lines; comments below that stand deeper than its key go along. */
  #cutLines(pair: Pair, map: YAMLMap): void {
    const end = endOfPair(pair) as number;
    const to = isBlock(pair.value) ? this.#after(end, columnOf(map)) : nextLine(this.#text, end);
    this.edits.add(lineStart(this.#text, startOfPair(pair) as number), to, '');
  }

  /** Begin of the line after a value and the comments that stand deeper than `column`. */
  #after(end: number, column: number): number {
    let at = nextLine(this.#text, end);
    for (let look = at; look < this.#text.length; look = nextLine(this.#text, look + 1)) {
      const below = nextLine(this.#text, look + 1);
      const line = this.#text.slice(look, below);
      if (line.trim() === '') continue;
      const comment = /^( *)#/.exec(line);
      if (comment === null || (comment[1] as string).length <= column) break;
      at = below;
    }
    return at;
  }

  #insertLines(at: number, lines: readonly string[]): void {
    const { eol } = this.#layout;
    const opensLine = at === 0 || this.#text[at - 1] === '\n';
    this.edits.add(at, at, lines.map((line) => (opensLine ? line + eol : eol + line)).join(''));
  }

  #addToFlow(map: YAMLMap, last: Pair | undefined, entries: readonly (readonly [string, unknown])[]): void {
    const token = tokenOf(map) as CST.FlowCollection;
    const quoted = tokenOf(last?.key)?.type === 'double-quoted-scalar';
    const pieces = entries.map(
      ([key, value]) => `${quoted ? JSON.stringify(key) : flowText(key, true)}: ${flowText(value, true)}`,
    );
    if (last === undefined) {
      const at = token.start.offset + 1;
      this.edits.add(at, at, ` ${pieces.join(', ')} `);
      return;
    }
    const end = endOfPair(last) as number;
    const close = token.end[0]?.offset ?? end;
    const index = token.items.findIndex(
      (item) => (item.key as { offset?: number } | null | undefined)?.offset === startOfPair(last),
    );
    const comma = token.items[index + 1]?.start.find((part) => part.type === 'comma');
    const isLast = last === map.items.at(-1);
    const trailing = isLast && comma !== undefined;
    const place = trailing ? comma.offset + 1 : end;
    if (!isLast || !this.#text.slice(place, close).includes('\n')) {
      this.edits.add(place, place, trailing ? ` ${pieces.join(', ')}` : `, ${pieces.join(', ')}`);
      return;
    }
    // one entry a line: a new line after the last entry and its comment
    const column = (startOfPair(last) as number) - lineStart(this.#text, startOfPair(last) as number);
    if (!trailing) this.edits.add(end, end, ',');
    const lines = pieces.map(
      (piece, at) => ' '.repeat(column) + piece + (at < pieces.length - 1 || trailing ? ',' : ''),
    );
    this.#insertLines(nextLine(this.#text, place), lines);
  }

  #cutFromFlow(pair: Pair, pairs: readonly Pair[], kept: readonly Pair[]): void {
    const index = pairs.indexOf(pair);
    const previous = pairs[index - 1];
    const following = pairs[index + 1];
    const isLeading = !pairs.slice(0, index).some((other) => kept.includes(other));
    if (!isLeading && previous !== undefined)
      this.edits.add(endOfPair(previous) as number, endOfPair(pair) as number, '');
    else if (following !== undefined) this.edits.add(startOfPair(pair) as number, startOfPair(following) as number, '');
  }

  /** Does the pair have its lines for itself? */
  #standsAlone(pair: Pair): boolean {
    const start = startOfPair(pair);
    return start !== undefined && this.#text.slice(lineStart(this.#text, start), start).trim() === '';
  }

  #withoutEol(end: number): number {
    if (this.#text[end - 1] !== '\n') return end;
    return this.#text[end - 2] === '\r' ? end - 2 : end - 1;
  }
}

/** Replaces every alias by its value. The text still parses to the same data. */
export function expandAliases(parsed: ParsedConfig): string {
  const edits = new TextEdits();
  const walk = (node: unknown): void => {
    if (isAlias(node)) {
      const { offset } = tokenOf(node) as { offset: number };
      const value = node.toJS(parsed.document as never, { maxAliasCount: -1 });
      edits.add(offset, endOf(node) as number, flowText(value, true));
    } else if (isMap(node)) for (const pair of node.items) walk(pair.value);
    else if (isSeq(node)) for (const item of node.items) walk(item);
  };
  walk(parsed.root);
  return edits.apply(parsed.text);
}
