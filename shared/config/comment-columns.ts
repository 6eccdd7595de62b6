import type { CST } from 'yaml';
import { lineStart, nextLine } from './layout.ts';
import type { TextEdit, TextEdits } from './text-edits.ts';

/** A comment behind something on its line. */
interface Trailing {
  /** Begin of its line. */
  line: number;
  /** Where the blanks before it begin. */
  blanks: number;
  at: number;
}

/**
 * Keeps comments below each other in one column, where values before them become shorter or longer. A comment alone, one
 * blank behind its value, stays there.
 */
export function alignComments(text: string, root: CST.Token | undefined, edits: TextEdits): void {
  const trailing = new Map(trailingComments(text, root).map((comment) => [comment.line, comment]));
  const { grown, cut } = growthByLine(text, trailing, edits.list);
  const done = new Set<number>();
  for (const line of grown.keys()) {
    const comment = trailing.get(line);
    if (comment === undefined || done.has(line)) continue;
    const run = runOf(text, comment, trailing);
    for (const one of run) done.add(one.line);
    const kept = run.filter((one) => !cut.has(one.line));
    if (run.length === 1 && comment.at - comment.blanks === 1) continue;
    const grows = ({ line: of }: Trailing): number => grown.get(of) ?? 0;
    // one blank at least before each comment
    const shift = Math.max(0, ...kept.map((one) => grows(one) - (one.at - one.blanks - 1)));
    for (const one of kept) {
      const change = shift - grows(one);
      if (change > 0) edits.add(one.at, one.at, ' '.repeat(change));
      else if (change < 0) edits.add(one.at + change, one.at, '');
    }
  }
}

/** Comments on the lines above and below, as far as they stand in the same column. */
function runOf(text: string, comment: Trailing, trailing: ReadonlyMap<number, Trailing>): Trailing[] {
  const column = comment.at - comment.line;
  const isSame = (other: Trailing | undefined): other is Trailing =>
    other !== undefined && other.at - other.line === column;
  const run = [comment];
  for (let line = nextLine(text, comment.at); line < text.length; line = nextLine(text, line + 1)) {
    const other = trailing.get(line);
    if (!isSame(other)) break;
    run.push(other);
  }
  for (let line = comment.line; line > 1; ) {
    line = lineStart(text, line - 1);
    const other = trailing.get(line);
    if (!isSame(other)) break;
    run.unshift(other);
  }
  return run;
}

/** By how many columns the text before the comment of a line grows. `cut`: lines whose comments are not where they were. */
function growthByLine(
  text: string,
  trailing: ReadonlyMap<number, Trailing>,
  list: readonly TextEdit[],
): { grown: Map<number, number>; cut: Set<number> } {
  const grown = new Map<number, number>();
  const cut = new Set<number>();
  for (const { start, end, text: piece } of list) {
    const first = lineStart(text, start);
    const comment = trailing.get(first);
    if (text.slice(start, end).includes('\n')) {
      for (const line of [...trailing.keys()]) if (line >= first && line < end) cut.add(line);
    } else if (comment === undefined) continue;
    else if (piece.includes('\n') || end > comment.blanks) {
      if (end > comment.blanks || start < comment.blanks) cut.add(first);
    } else grown.set(first, (grown.get(first) ?? 0) + piece.length - (end - start));
  }
  return { grown, cut };
}

function trailingComments(text: string, root: CST.Token | undefined): Trailing[] {
  const found: Trailing[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) walk(item);
    else if (typeof value === 'object' && value !== null) {
      const token = value as { type?: string; offset?: number };
      if (token.type === 'comment' && token.offset !== undefined) {
        const line = lineStart(text, token.offset);
        const before = text.slice(line, token.offset);
        const blanks = line + before.trimEnd().length;
        if (blanks > line) found.push({ line, blanks, at: token.offset });
      } else for (const part of Object.values(value)) walk(part);
    }
  };
  walk(root);
  return found;
}
