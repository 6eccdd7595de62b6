import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { Interrupted, UsageError } from '../exit-codes.ts';

/** Can a person be asked? Output may be a file; the question is on standard error. */
export const isInteractive = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/**
 * Asks before something that can't be undone.
 * @param yes the person agreed on the command line
 * @throws UsageError where nobody can be asked
 */
export async function confirm(question: string, yes: boolean | undefined): Promise<boolean> {
  if (yes) return true;
  if (!isInteractive()) throw new UsageError(`${question} There is no terminal to ask on: add --yes to agree.`);
  const answer = await ask(`${question} [y/N] `);
  return /^y(?:es)?$/i.test(answer.trim());
}

/** Asks for a line on the terminal. @throws UsageError without a terminal, Interrupted after Ctrl-C */
export async function ask(question: string, { hidden = false, instead = '' } = {}): Promise<string> {
  if (!isInteractive()) throw new UsageError(`There is no terminal to ask on.${instead && ` ${instead}`}`);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: hidden ? silent : process.stderr, terminal: true });
  // only now is the echo off
  if (hidden) process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('SIGINT', () => reject(new Interrupted()));
      lines.once('close', () => reject(new Interrupted()));
      lines.question(hidden ? '' : question).then(resolve, reject);
    });
  } finally {
    lines.close();
    if (hidden) process.stderr.write('\n');
  }
}

/** The first line of standard input, for secrets that a program passes. */
async function lineFromStdin(): Promise<string> {
  return (await textFromStdin()).split(/\r?\n/, 1)[0] ?? '';
}

/** All of standard input. @throws UsageError if it is a terminal, where the command would seem to hang */
export async function textFromStdin(): Promise<string> {
  if (process.stdin.isTTY) throw new UsageError('Standard input is a terminal: pipe the text into the command.');
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** A secret: from standard input with the option that says so, else entered on the terminal without an echo. */
export async function secret(question: string, fromStdin: boolean | undefined, option: string): Promise<string> {
  const text = fromStdin
    ? await lineFromStdin()
    : await ask(question, { hidden: true, instead: `Pass it on standard input with ${option}.` });
  if (text.trim() === '') throw new UsageError('It is empty.');
  return text;
}
