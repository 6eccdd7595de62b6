import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';

/**
 * Reads a secret line from the terminal without an echo; a pipe is read to the end of its first line. Never an argument:
 * everyone on the machine sees those.
 */
export async function askSecret(question: string, what: string): Promise<string> {
  const isTerminal = process.stdin.isTTY === true;
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: isTerminal });
  // only now is the echo off
  if (isTerminal) process.stderr.write(question);
  try {
    for await (const line of lines) return line;
    throw new Error(`no ${what} was entered`);
  } finally {
    lines.close();
    if (isTerminal) process.stderr.write('\n');
  }
}

/** The passphrase of a backup: from a file, from STREAMHUB_BACKUP_PASSPHRASE, or entered. */
export async function backupPassphrase(file: string | undefined): Promise<string> {
  if (file !== undefined) return (await readFile(file, 'utf8')).replace(/\r?\n[\s\S]*$/, '');
  return process.env['STREAMHUB_BACKUP_PASSPHRASE'] || askSecret('Passphrase of the backup: ', 'passphrase');
}
