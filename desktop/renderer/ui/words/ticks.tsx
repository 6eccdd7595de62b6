import type { ReactNode } from 'react';

/** The parts of a text in which `names` stand between backticks, as the schemas' descriptions have them. */
export const tickParts = (text: string): { part: string; isName: boolean }[] =>
  text.split(/`([^`]+)`/).map((part, index) => ({ part, isName: index % 2 === 1 }));

/** Such a text with its names as code. */
export const ticked = (text: string): ReactNode[] =>
  tickParts(text).map(({ part, isName }, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move
    isName ? <code key={index}>{part}</code> : part,
  );

/** The same where only plain text can stand, as in hover help. */
export const unticked = (text: string): string =>
  tickParts(text)
    .map(({ part }) => part)
    .join('');
