import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { stripVTControlCharacters } from 'node:util';
import type { IPty } from 'node-pty';
import { BIN } from './daemon.ts';
import { watched } from './until.ts';

const pty = nodePty();
function nodePty(): typeof import('node-pty') | string {
  try {
    return createRequire(import.meta.url)('node-pty');
  } catch (error) {
    return `node-pty is not built here: ${(error as Error).message}`;
  }
}

/** Why there is no real terminal here, or false: node-pty is optional and compiled at the install. */
export const terminalMissing: string | false = typeof pty === 'string' ? pty : false;

export interface Ran {
  code: number;
  /** Standard output and error as a person sees them, without colors. */
  screen: string;
}

/** A command of `streamhub` that runs in a real terminal. */
export interface Session {
  screen(): string;
  /** Waits for a text on the screen. */
  sees(text: RegExp): Promise<void>;
  /** Types a text; `\r` is the Enter key, `\x03` Ctrl-C. */
  type(text: string): void;
  /** Closes the window: the system sends SIGHUP, and what is written fails. */
  close(): void;
  readonly ended: Promise<Ran>;
}

/** Starts `streamhub …` in a terminal of 200 columns. */
export const inTerminal = (args: readonly string[], env: Record<string, string>): Session =>
  programInTerminal(process.execPath, [BIN, ...args], env);

/** Starts any program in such a terminal. */
export function programInTerminal(program: string, args: readonly string[], env: Record<string, string>): Session {
  if (typeof pty === 'string') throw new Error(pty);
  const child: IPty = pty.spawn(program, [...args], {
    name: 'xterm-256color',
    cols: 200,
    rows: 50,
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
  });
  const { look, until } = watched();
  let output = '';
  let code: number | undefined;
  const screen = (): string => stripVTControlCharacters(output).replaceAll('\r', '');
  child.onData((data) => {
    output += data;
    look();
  });
  const ended = new Promise<Ran>((resolve) =>
    child.onExit(({ exitCode, signal }) => {
      code = signal ? 128 + signal : exitCode;
      look();
      resolve({ code, screen: screen() });
    }),
  );
  return {
    screen,
    ended,
    type: (text) => child.write(text),
    close: () => (child as IPty & { destroy(): void }).destroy(),
    sees: async (text) => {
      await until(
        () => text.test(screen()) || code !== undefined,
        () => `${text}:\n${screen()}`,
      );
      if (!text.test(screen())) throw new Error(`it ended with ${code} and never showed ${text}:\n${screen()}`);
    },
  };
}

export interface Piped {
  code: number;
  out: string;
  err: string;
}

/** Runs `streamhub …` without a terminal, as a script does. */
export function piped(args: readonly string[], env: Record<string, string>, input = ''): Promise<Piped> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [BIN, ...args],
      { env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env }, maxBuffer: 64 * 1_048_576 },
      (error, out, err) =>
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 128, out, err }),
    );
    child.stdin?.end(input);
  });
}
