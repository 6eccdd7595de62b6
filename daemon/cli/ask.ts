import { Interrupted, UsageError } from './exit-codes.ts';
import { readNamed } from './named-file.ts';

const NO_PIPE = 'Standard input is a terminal: pipe the text into the command.';

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
  const [{ createInterface }, { Writable }] = await Promise.all([
    import('node:readline/promises'),
    import('node:stream'),
  ]);
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

/** All of standard input. @throws UsageError if it is a terminal, where the command would seem to hang */
export async function textFromStdin(): Promise<string> {
  if (process.stdin.isTTY) throw new UsageError(NO_PIPE);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * A secret of a command that works on files: entered without an echo, or the first line of a pipe. Never an argument:
 * everyone on the machine sees those.
 */
export async function secretLine(question: string, what: string): Promise<string> {
  if (process.stdin.isTTY) return ask(question, { hidden: true });
  const line = await lineFromStdin();
  if (line === undefined) throw new Error(`no ${what} was entered`);
  return line;
}

/** The passphrase of a backup: from a file, from STREAMHUB_BACKUP_PASSPHRASE, or entered. */
export async function backupPassphrase(file: string | undefined): Promise<string> {
  if (file !== undefined) return firstLine(String(await readNamed(file)));
  return process.env['STREAMHUB_BACKUP_PASSPHRASE'] || secretLine('Passphrase of the backup: ', 'passphrase');
}

const firstLine = (text: string): string => text.split(/\r?\n/, 1)[0] ?? '';

/** The first line of a pipe, which may stay open; undefined if it ends without a text. */
async function lineFromStdin(): Promise<string | undefined> {
  if (process.stdin.isTTY) throw new UsageError(NO_PIPE);
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) if ((text += chunk as string).includes('\n')) break;
  return text === '' ? undefined : firstLine(text);
}

/** A secret: from standard input with the option that says so, else entered on the terminal without an echo. */
export async function secret(question: string, fromStdin: boolean | undefined, option: string): Promise<string> {
  const text = fromStdin
    ? ((await lineFromStdin()) ?? '')
    : await ask(question, { hidden: true, instead: `Pass it on standard input with ${option}.` });
  if (text.trim() === '') throw new UsageError('It is empty.');
  return text;
}
