import { styleText } from 'node:util';
import widthOf from 'fast-string-truncated-width';

/** Columns are at least this wide before one is cut. */
const MIN_WIDTH = 12;
const GAP = '  ';

/** One cell of text: what a terminal would obey or break the line at is replaced. */
export const plainText = (text: string): string =>
  text
    .replaceAll(/\s*[\r\n]+\s*/g, ' ')
    .replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, '\ufffd');

/**
 * Rows under a header, in columns. The widest columns are cut where a terminal is too narrow.
 * @param width columns of the terminal; undefined: nothing is cut
 */
export function table(header: readonly string[], rows: readonly (readonly string[])[], width?: number): string {
  const cells = rows.map((row) => row.map(plainText));
  const widths = header.map((name, at) => Math.max(name.length, ...cells.map((row) => widthOf(row[at] ?? '').width)));
  if (width !== undefined) shrink(widths, width - GAP.length * (widths.length - 1));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => (at === row.length - 1 ? cut(cell, widths[at]!) : padded(cut(cell, widths[at]!), widths[at]!)))
      .join(GAP)
      .trimEnd();
  return [styleText('bold', line(header)), ...cells.map(line)].join('\n');
}

/** Names and values, one a line. */
export function list(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  const text = (value: string): string =>
    value
      .split('\n')
      .map(plainText)
      .join(`\n${' '.repeat(width + GAP.length)}`);
  return entries.map(([name, value]) => `${styleText('bold', name.padEnd(width))}${GAP}${text(value)}`).join('\n');
}

function shrink(widths: number[], room: number): void {
  const total = (): number => widths.reduce((sum, width) => sum + width, 0);
  while (total() > room) {
    const widest = Math.max(...widths);
    if (widest <= MIN_WIDTH) return;
    widths[widths.lastIndexOf(widest)] = widest - 1;
  }
}

function cut(text: string, limit: number): string {
  const { truncated, ellipsed, index } = widthOf(text, { limit, ellipsis: '…', ellipsisWidth: 1 });
  return truncated || ellipsed ? `${text.slice(0, index)}…` : text;
}

const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text).width));
