import { diffArrays } from 'diff';

/** Edits beyond which a stretch of lines is no longer compared line by line. Bounds time and memory, regardless of the texts. */
const MAX_EDITS = 400;

/** One stretch of the merged view: lines of the old text that were kept or removed, or lines of the new one that were added. */
export interface DiffPart {
  kind: 'kept' | 'removed' | 'added';
  /** Position of the first line in its text: the old one for kept and removed lines, the new one for added lines. */
  from: number;
  count: number;
}

/** Lines of a text; a final newline shows as one last empty line. */
export const linesOf = (text: string): string[] => text.split('\n');

/**
 * The parts of the merged view of two texts, removals before additions. The common beginning and end are set aside, then
 * lines that occur once in both texts cut the rest into small stretches, and each is compared within fixed bounds.
 */
export function diffParts(before: readonly string[], after: readonly string[]): DiffPart[] {
  const parts: DiffPart[] = [];
  const push = (kind: DiffPart['kind'], from: number, count: number) => {
    const last = parts.at(-1);
    if (count === 0) return;
    if (last?.kind === kind && last.from + last.count === from) last.count += count;
    else parts.push({ kind, from, count });
  };
  compare(before, after, { from: 0, to: before.length }, { from: 0, to: after.length }, push, true);
  return parts;
}

interface Span {
  from: number;
  to: number;
}
type Push = (kind: DiffPart['kind'], from: number, count: number) => void;

function compare(
  before: readonly string[],
  after: readonly string[],
  a: Span,
  b: Span,
  push: Push,
  anchored: boolean,
): void {
  let head = 0;
  while (a.from + head < a.to && b.from + head < b.to && before[a.from + head] === after[b.from + head]) head += 1;
  let tail = 0;
  while (
    a.to - tail > a.from + head &&
    b.to - tail > b.from + head &&
    before[a.to - tail - 1] === after[b.to - tail - 1]
  )
    tail += 1;
  push('kept', a.from, head);
  const innerA = { from: a.from + head, to: a.to - tail };
  const innerB = { from: b.from + head, to: b.to - tail };
  compareInner(before, after, innerA, innerB, push, anchored);
  push('kept', a.to - tail, tail);
}

function compareInner(
  before: readonly string[],
  after: readonly string[],
  a: Span,
  b: Span,
  push: Push,
  anchored: boolean,
): void {
  const replaceAll = () => {
    push('removed', a.from, a.to - a.from);
    push('added', b.from, b.to - b.from);
  };
  if (a.from === a.to || b.from === b.to) {
    replaceAll();
    return;
  }
  const changes = diffArrays(before.slice(a.from, a.to), after.slice(b.from, b.to), { maxEditLength: MAX_EDITS });
  if (changes !== undefined) {
    pushChanges(changes, a.from, b.from, push);
    return;
  }
  const anchors = anchored ? uniqueCommonLines(before, after, a, b) : [];
  if (anchors.length === 0) {
    replaceAll();
    return;
  }
  let fromA = a.from;
  let fromB = b.from;
  for (const [atA, atB] of [...anchors, [a.to, b.to] as const]) {
    compare(before, after, { from: fromA, to: atA }, { from: fromB, to: atB }, push, false);
    if (atA < a.to) push('kept', atA, 1);
    fromA = atA + 1;
    fromB = atB + 1;
  }
}

function pushChanges(changes: ReturnType<typeof diffArrays<string>>, fromA: number, fromB: number, push: Push): void {
  let a = fromA;
  let b = fromB;
  let added: [number, number] | undefined;
  const flush = () => {
    if (added !== undefined) push('added', ...added);
    added = undefined;
  };
  for (const change of changes) {
    const count = change.value.length;
    if (change.added) {
      added = added === undefined ? [b, count] : [added[0], added[1] + count];
      b += count;
    } else if (change.removed) {
      push('removed', a, count);
      a += count;
    } else {
      flush();
      push('kept', a, count);
      a += count;
      b += count;
    }
  }
  flush();
}

/** Lines that occur exactly once in both stretches, as the longest run that rises in both. */
function uniqueCommonLines(
  before: readonly string[],
  after: readonly string[],
  a: Span,
  b: Span,
): (readonly [number, number])[] {
  const inA = positionsOfUnique(before, a);
  const inB = positionsOfUnique(after, b);
  const pairs: [number, number][] = [];
  for (const [line, at] of inA) {
    const other = inB.get(line);
    if (at >= 0 && other !== undefined && other >= 0) pairs.push([at, other]);
  }
  return longestRising(pairs);
}

function positionsOfUnique(lines: readonly string[], span: Span): Map<string, number> {
  const positions = new Map<string, number>();
  for (let i = span.from; i < span.to; i += 1) {
    const line = lines[i] as string;
    positions.set(line, positions.has(line) ? -1 : i);
  }
  return positions;
}

/** Longest increasing subsequence by the second number; the first already rises. */
function longestRising(pairs: readonly [number, number][]): (readonly [number, number])[] {
  const ends: number[] = [];
  const previous = new Array<number>(pairs.length).fill(-1);
  pairs.forEach(([, value], index) => {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] as number] as [number, number])[1] < value) low = middle + 1;
      else high = middle;
    }
    if (low > 0) previous[index] = ends[low - 1] as number;
    ends[low] = index;
  });
  const run: (readonly [number, number])[] = [];
  for (let index = ends.at(-1) ?? -1; index >= 0; index = previous[index] as number)
    run.push(pairs[index] as [number, number]);
  return run.reverse();
}

/** Lines that are shown in place of a text's own, where those hold a secret. Line by line the same number. */
export interface Shown {
  text: string;
  shown?: readonly string[];
}

/** The merged view: every line with a mark of two characters (kept `  `, removed `- `, added `+ `); `''` when the texts are equal. */
export function diffTexts(before: Shown, after: Shown): string {
  if (before.text === after.text) return '';
  const old = linesOf(before.text);
  const fresh = linesOf(after.text);
  const oldShown = before.shown ?? old;
  const freshShown = after.shown ?? fresh;
  const view: string[] = [];
  for (const { kind, from, count } of diffParts(old, fresh)) {
    const [mark, source] = kind === 'added' ? ['+ ', freshShown] : [kind === 'removed' ? '- ' : '  ', oldShown];
    for (let i = from; i < from + count; i += 1) view.push(mark + source[i]);
  }
  return view.join('\n');
}
