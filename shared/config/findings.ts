import type { Node } from 'yaml';
import { type Diagnostic, dotted, type TextRange } from './diagnostic.ts';
import { CONFIG_LIMITS } from './limits.ts';
import type { ParsedConfig } from './parse.ts';

export type Path = readonly (string | number)[];

/** Collects findings about one parsed text, with their places. */
export class Findings {
  readonly list: Diagnostic[] = [];
  readonly #parsed: ParsedConfig;
  readonly #places = new Map<string, Node>();

  constructor(parsed: ParsedConfig) {
    this.#parsed = parsed;
    this.list.push(...parsed.errors);
  }

  /** Remembers where a value stands, for findings that are made later by path. */
  place(path: Path, node: Node | null | undefined): void {
    if (node?.range) this.#places.set(dotted(path), node);
  }

  /** Where the value of a dotted path stands, or the block that lacks it. */
  rangeOf(path: string): TextRange {
    const at = (this.#places.get(path) ?? this.#nearest(path.split('.')))?.range ?? [0, 0, 0];
    return this.#parsed.rangeOf(at[0], at[1]);
  }

  error(code: string, message: string, path: Path, node?: Node | null): void {
    this.#add('error', code, message, path, node);
  }

  warn(code: string, message: string, path: Path, node?: Node | null): void {
    this.#add('warning', code, message, path, node);
  }

  note(code: string, message: string, path: Path, node?: Node | null): void {
    this.#add('info', code, message, path, node);
  }

  #add(severity: Diagnostic['severity'], code: string, message: string, path: Path, node?: Node | null): void {
    if (this.list.length >= CONFIG_LIMITS.diagnostics) return;
    const at = (node ?? this.#places.get(dotted(path)) ?? this.#nearest(path))?.range ?? [0, 0, 0];
    this.list.push({ severity, code, message, path: dotted(path), ...this.#parsed.rangeOf(at[0], at[1]) });
  }

  #nearest(path: Path): Node | undefined {
    for (let length = path.length - 1; length > 0; length -= 1) {
      const node = this.#places.get(dotted(path.slice(0, length)));
      if (node !== undefined) return node;
    }
    return undefined;
  }
}
