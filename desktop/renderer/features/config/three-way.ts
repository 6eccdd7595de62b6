import { type DiffPart, diffParts, linesOf } from '#shared/config/diff.ts';

/** A stretch of lines: the same for all, changed by one side, or changed differently by both. */
export interface Stretch {
  kind: 'same' | 'mine' | 'theirs' | 'conflict';
  base: readonly string[];
  mine: readonly string[];
  theirs: readonly string[];
}

export type Choice = 'mine' | 'theirs' | 'both';

interface Hunk {
  /** Lines of the base that are replaced. */
  from: number;
  to: number;
  lines: readonly string[];
}

/** Brings two changes of one text together, line by line. */
export function threeWay(base: string, mine: string, theirs: string): Stretch[] {
  const baseLines = linesOf(base);
  const sides = [hunksOf(baseLines, linesOf(mine)), hunksOf(baseLines, linesOf(theirs))] as const;
  const stretches: Stretch[] = [];
  const next = [0, 0];
  let at = 0;
  const same = (to: number): void => {
    if (to <= at) return;
    const lines = baseLines.slice(at, to);
    stretches.push({ kind: 'same', base: lines, mine: lines, theirs: lines });
    at = to;
  };
  for (;;) {
    const first = sides.map((hunks, side) => hunks[next[side] as number]);
    const starts = first.flatMap((hunk) => (hunk ? [hunk.from] : []));
    if (starts.length === 0) break;
    const from = Math.min(...starts);
    same(from);
    // all hunks that touch one another belong together
    let to = from;
    const taken: [Hunk[], Hunk[]] = [[], []];
    for (let grew = true; grew; ) {
      grew = false;
      for (const side of [0, 1] as const) {
        const hunk = sides[side][next[side] as number];
        if (hunk === undefined || hunk.from > to || (hunk.from === to && to > from && hunk.to > hunk.from)) continue;
        taken[side].push(hunk);
        next[side] = (next[side] as number) + 1;
        to = Math.max(to, hunk.to);
        grew = true;
      }
    }
    const original = baseLines.slice(from, to);
    const [left, right] = taken.map((hunks) => applied(baseLines, from, to, hunks)) as [string[], string[]];
    const isSame = left.join('\n') === right.join('\n');
    const kind = isSame || taken[1].length === 0 ? 'mine' : taken[0].length === 0 ? 'theirs' : 'conflict';
    stretches.push({ kind, base: original, mine: left, theirs: right });
    at = to;
  }
  same(baseLines.length);
  return stretches;
}

/** The text that the choices make; `choices` by the number of the conflict, their own version where none is made. */
export function mergedText(stretches: readonly Stretch[], choices: readonly (Choice | undefined)[]): string {
  let conflict = 0;
  return stretches
    .flatMap((stretch) => {
      if (stretch.kind !== 'conflict') return stretch.kind === 'theirs' ? stretch.theirs : stretch.mine;
      const choice = choices[conflict] ?? 'mine';
      conflict += 1;
      return choice === 'both' ? [...stretch.theirs, ...stretch.mine] : stretch[choice];
    })
    .join('\n');
}

function hunksOf(base: readonly string[], changed: readonly string[]): Hunk[] {
  const hunks: Hunk[] = [];
  let at = 0;
  let open: { from: number; to: number; lines: string[] } | undefined;
  const close = (): void => {
    if (open) hunks.push(open);
    open = undefined;
  };
  for (const part of diffParts(base, changed) as DiffPart[]) {
    if (part.kind === 'kept') {
      close();
      at += part.count;
      continue;
    }
    open ??= { from: at, to: at, lines: [] };
    if (part.kind === 'removed') {
      at += part.count;
      open.to = at;
    } else open.lines.push(...changed.slice(part.from, part.from + part.count));
  }
  close();
  return hunks;
}

function applied(base: readonly string[], from: number, to: number, hunks: readonly Hunk[]): string[] {
  const lines: string[] = [];
  let at = from;
  for (const hunk of hunks) {
    lines.push(...base.slice(at, hunk.from), ...hunk.lines);
    at = hunk.to;
  }
  return [...lines, ...base.slice(at, to)];
}
