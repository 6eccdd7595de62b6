import type { ReactNode } from 'react';

/** A text in which `names` stand between backticks, as the schemas' descriptions have them. */
export const ticked = (text: string): ReactNode[] =>
  text.split(/`([^`]+)`/).map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text never move
    index % 2 === 1 ? <code key={index}>{part}</code> : part,
  );

/** The same where only plain text can stand, as in hover help. */
export const unticked = (text: string): string => text.replace(/`([^`]+)`/g, '$1');
