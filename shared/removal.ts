/** What a removal takes away and what it leaves. */
export interface Removal {
  removed: readonly string[];
  kept: readonly string[];
}

/** Tells it before anything happens, in the same words for a daemon and for an edge node. */
export const removalLines = ({ removed, kept }: Removal): string[] => [
  'This is removed:',
  ...removed.map((line) => `  ${line}`),
  'This is kept:',
  ...kept.map((line) => `  ${line}`),
];
