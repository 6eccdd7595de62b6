import { diff3MergeRegions } from 'node-diff3';
import { linesOf } from '#shared/config/diff.ts';

/** A run of lines: unchanged, changed by one side, or changed differently by both. */
export type Stretch =
  | { kind: 'same' | 'mine' | 'theirs'; lines: readonly string[] }
  | { kind: 'conflict'; base: readonly string[]; mine: readonly string[]; theirs: readonly string[] };
export type ConflictStretch = Extract<Stretch, { kind: 'conflict' }>;

export type Choice = 'mine' | 'theirs' | 'both';

const SOURCES = { a: 'mine', o: 'same', b: 'theirs' } as const;

/** Merges two changes of one text, line by line. */
export function threeWay(base: string, mine: string, theirs: string): Stretch[] {
  return diff3MergeRegions(linesOf(mine), linesOf(base), linesOf(theirs)).map((region): Stretch => {
    if (region.stable) return { kind: SOURCES[region.buffer], lines: region.bufferContent };
    const { aContent, oContent, bContent } = region;
    // the same change on both sides
    if (aContent.join('\n') === bContent.join('\n')) return { kind: 'mine', lines: aContent };
    return { kind: 'conflict', base: oContent, mine: aContent, theirs: bContent };
  });
}

/** The text that the choices make; `choices` by the number of the conflict, `mine` where none is made. */
export function mergedText(stretches: readonly Stretch[], choices: readonly (Choice | undefined)[]): string {
  let conflict = 0;
  return stretches
    .flatMap((stretch) => {
      if (stretch.kind !== 'conflict') return stretch.lines;
      const choice = choices[conflict] ?? 'mine';
      conflict += 1;
      return choice === 'both' ? [...stretch.theirs, ...stretch.mine] : stretch[choice];
    })
    .join('\n');
}
