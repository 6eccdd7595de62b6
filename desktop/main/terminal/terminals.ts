import os from 'node:os';
import type { IPty } from 'node-pty';
import type { Emit } from '#shared/ipc/index.ts';
import { failure } from '#shared/ipc/outcome.ts';
import type { TerminalCommand } from '#shared/ipc/terminal.ts';
import { programOf, terminalEnvironment } from './command.ts';

type NodePty = typeof import('node-pty');

const MAX_TERMINALS = 16;
/** Characters on their way to the page before the program has to wait, and when it may go on. */
const HIGH_WATER = 524_288;
const LOW_WATER = 131_072;
const GATHER_MS = 8;
const HANG_UP_MS = 3000;

export interface TerminalsOptions {
  emit: Emit;
  env?: NodeJS.ProcessEnv;
  platform?: NodeJS.Platform;
  load?: () => Promise<unknown>;
}

interface Terminal {
  pty: IPty;
  /** Gathered, not sent yet. */
  output: string;
  timer: NodeJS.Timeout | undefined;
  /** Sent, not acknowledged yet. */
  onTheWay: number;
  isPaused: boolean;
}

const NODE_PTY = 'node-pty'; // in a variable, so that no bundler takes the native module in

/** Pseudo-terminals for the pages. node-pty is optional: without it everything else works. */
export class Terminals {
  readonly #options: Required<TerminalsOptions>;
  readonly #open = new Map<string, Terminal>();
  #module: Promise<NodePty> | undefined;
  #made = 0;

  constructor(options: TerminalsOptions) {
    this.#options = { env: process.env, platform: process.platform, load: () => import(NODE_PTY), ...options };
  }

  async available(): Promise<{ available: boolean; reason: string | null }> {
    try {
      await this.#loaded();
      return { available: true, reason: null };
    } catch (error) {
      return { available: false, reason: (error as Error).message };
    }
  }

  async open(command: TerminalCommand, columns: number, rows: number) {
    const { env, platform } = this.#options;
    const { file, args, title } = programOf(command, platform, env);
    const { spawn } = await this.#loaded();
    if (this.#open.size >= MAX_TERMINALS)
      throw failure('TERMINAL_UNAVAILABLE', { reason: `${MAX_TERMINALS} are open` });
    let pty: IPty;
    try {
      pty = spawn(file, args, {
        name: 'xterm-256color',
        cols: columns,
        rows,
        cwd: os.homedir(),
        env: terminalEnvironment(env),
      });
    } catch (error) {
      throw failure('TERMINAL_UNAVAILABLE', { reason: (error as Error).message }, { cause: error });
    }
    const terminalId = `t${(this.#made += 1)}`;
    const terminal: Terminal = { pty, output: '', timer: undefined, onTheWay: 0, isPaused: false };
    this.#open.set(terminalId, terminal);
    pty.onData((data) => this.#gather(terminalId, terminal, data));
    pty.onExit(({ exitCode, signal }) => {
      this.#send(terminalId, terminal);
      this.#open.delete(terminalId);
      this.#options.emit('terminal:exit', { terminalId, exitCode, signal: signal ? signal : null });
    });
    return { terminalId, pid: pty.pid, title };
  }

  write(terminalId: string, data: string): void {
    this.#get(terminalId).pty.write(data);
  }

  resize(terminalId: string, columns: number, rows: number): void {
    this.#get(terminalId).pty.resize(columns, rows);
  }

  /** The page has received this many characters. */
  ack(terminalId: string, characters: number): void {
    const terminal = this.#open.get(terminalId);
    if (terminal === undefined) return;
    terminal.onTheWay = Math.max(0, terminal.onTheWay - characters);
    if (terminal.isPaused && terminal.onTheWay < LOW_WATER) {
      terminal.isPaused = false;
      terminal.pty.resume();
    }
  }

  close(terminalId: string): void {
    const terminal = this.#open.get(terminalId);
    if (terminal === undefined) return;
    terminal.isPaused = false;
    terminal.pty.resume();
    hangUp(terminal.pty, this.#options.platform);
    setTimeout(() => {
      if (this.#open.get(terminalId) === terminal) hangUp(terminal.pty, this.#options.platform, 'SIGKILL');
    }, HANG_UP_MS).unref();
  }

  closeAll(): void {
    for (const terminalId of [...this.#open.keys()]) this.close(terminalId);
  }

  #gather(terminalId: string, terminal: Terminal, data: string): void {
    terminal.output += data;
    terminal.timer ??= setTimeout(() => this.#send(terminalId, terminal), GATHER_MS);
    if (!terminal.isPaused && terminal.onTheWay + terminal.output.length > HIGH_WATER) {
      terminal.isPaused = true;
      terminal.pty.pause();
    }
  }

  #send(terminalId: string, terminal: Terminal): void {
    clearTimeout(terminal.timer);
    terminal.timer = undefined;
    const data = terminal.output;
    if (data === '') return;
    terminal.output = '';
    terminal.onTheWay += data.length;
    this.#options.emit('terminal:data', { terminalId, data });
  }

  #get(terminalId: string): Terminal {
    const terminal = this.#open.get(terminalId);
    if (terminal === undefined) throw failure('UNKNOWN_TERMINAL', { id: terminalId });
    return terminal;
  }

  async #loaded(): Promise<NodePty> {
    this.#module ??= this.#options
      .load()
      .then((module) => ((module as { default?: NodePty }).default ?? module) as NodePty);
    try {
      return await this.#module;
    } catch (error) {
      const reason = `node-pty does not load: ${(error as Error).message.split('\n', 1)[0]}`;
      throw failure('TERMINAL_UNAVAILABLE', { reason }, { cause: error });
    }
  }
}

function hangUp(pty: IPty, platform: NodeJS.Platform, signal?: string): void {
  try {
    if (platform === 'win32') pty.kill();
    else pty.kill(signal);
  } catch {
    // it has ended by itself
  }
}
