import { styleText } from 'node:util';
import { plainText } from './table.ts';

/** Unchanged lines around a change. */
const CONTEXT = 3;

/** Writes the changes of the daemon's merged view to standard error, with a few lines around each. @param stream where to */
export function showDiff(diff: string, stream: NodeJS.WriteStream = process.stderr): void {
  const lines = diff.split('\n');
  const isNear = lines.map((_line, at) =>
    lines.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some((near) => /^[-+] /.test(near)),
  );
  let isCut = false;
  for (const [at, line] of lines.entries()) {
    if (!isNear[at]) {
      isCut = true;
      continue;
    }
    if (isCut) stream.write(`${styleText('dim', '…', { stream })}\n`);
    isCut = false;
    const text = plainText(line);
    const color = line.startsWith('+') ? 'green' : line.startsWith('-') ? 'red' : undefined;
    stream.write(`${color === undefined ? text : styleText(color, text, { stream })}\n`);
  }
}
