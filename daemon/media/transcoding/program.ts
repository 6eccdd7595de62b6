import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * Runs a program that ends when its input does. Its parent holds the input open: if the parent ends in any way, `kill -9`
 * included, the system closes it, and the watcher ends the program. On Windows, Node's job object does that.
 */
const WATCHED = [
  'exec 3<&0',
  '"$@" </dev/null 3<&- &',
  'child=$!',
  '{ read -r _ <&3; kill -KILL "$child"; } >/dev/null 2>&1 &',
  'watcher=$!',
  'exec 3<&-',
  'wait "$child"; code=$?',
  'kill "$watcher" 2>/dev/null',
  'exit "$code"',
].join('\n');

/** How much of a program's errors and output is kept. */
const ERRORS_KEPT = 4000;
const OUTPUT_KEPT = 4_000_000;

export class ProgramError extends Error {}

export interface ProgramOptions {
  /** Ends it; the promise then rejects with the signal's reason. */
  signal: AbortSignal;
  /** Command that lowers the priority, in front of the program's. */
  lowered?: readonly string[];
  onLine?(line: string): void;
}

/** Runs a program until it ends. @returns its output, if `onLine` doesn't take it @throws ProgramError with its last words */
export async function runProgram(program: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  const { signal, lowered = [], onLine } = options;
  signal.throwIfAborted();
  const child = start([...lowered, program, ...args]);
  const end = (): void => {
    if (process.platform === 'win32') child.kill();
    else child.stdin?.end();
  };
  signal.addEventListener('abort', end, { once: true });
  let output = '';
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-ERRORS_KEPT);
  });
  if (onLine !== undefined && child.stdout) createInterface({ input: child.stdout }).on('line', onLine);
  else
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (output.length < OUTPUT_KEPT) output += text;
    });
  // a program that could not be started has no input
  child.stdin?.on('error', () => undefined);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) throw new ProgramError(lastWords(errors) ?? `it ended with status ${code}`);
    return output;
  } finally {
    signal.removeEventListener('abort', end);
    child.stdin?.destroy();
  }
}

function start(command: readonly string[]): ChildProcess {
  const env = { PATH: process.env['PATH'] ?? '', AV_LOG_FORCE_NOCOLOR: '1', LC_ALL: 'C' };
  if (process.platform === 'win32') {
    const [program = '', ...args] = command;
    return spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      windowsHide: true,
    });
  }
  // a separate group: an interrupt of the terminal is for the daemon, which ends it in good order
  return spawn('/bin/sh', ['-c', WATCHED, 'streamhub', ...command], { env, stdio: 'pipe', detached: true });
}

/** The last line of its errors, without paths of this machine. */
function lastWords(errors: string): string | undefined {
  const line = errors.trim().split('\n').at(-1)?.trim();
  if (!line) return undefined;
  return line
    .replace(/^\[[^\]]*\]\s*/, '')
    .replace(/(?:[A-Za-z]:)?[\\/](?:[^\s:'"\\/]+[\\/])+/g, '')
    .slice(0, 300);
}
