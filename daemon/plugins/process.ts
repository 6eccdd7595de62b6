import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import type { EndpointPolicy } from '#daemon/platform/net/endpoint-policy.ts';
import { insideNamespaces } from './namespace.ts';
import { OWN_CODE, OWN_FILES, processCommand, processEnvironment } from './sandbox.ts';
import { plain } from './wire/protocol.ts';

export interface PluginProcessOptions {
  plugin: string;
  /** App that it works for; null for what concerns none. */
  app: string | null;
  entry: string;
  /** The plugin's folder, for taking it out of messages. */
  folder: string;
  readable: readonly string[];
  policy: EndpointPolicy;
  memoryMb: number;
  loadMs: number;
  /** The way to the installation's forward proxy; undefined = there is none. */
  relay: { env: Record<string, string>; port: number } | undefined;
  /** Put into namespaces of its own as well. */
  isNamespaced: boolean;
  /** A line that the plugin printed. */
  onLine(line: string): void;
}

const MEMORY_LOOK_MS = 250;
const CONTROL_BYTES = 16_384;
/** What a plugin may print per second, bytes; beyond that it waits. */
const PRINT_RATE = 16_384;
const LINE = 1000;

/** One process of one plugin, working for one app. */
export class PluginProcess {
  readonly spec: PluginProcessOptions;
  /** Socket or pipe where workers reach it. */
  readonly address: string;
  readonly since = new Date();
  /** Resolves once the plugin's code is loaded; rejects with the reason, in words. */
  readonly ready: Promise<void>;
  /** Resolves with the reason when it has ended. */
  readonly ended: Promise<string>;
  isReady = false;
  hasEnded = false;
  memoryBytes = 0;
  readonly #child: ChildProcess;
  readonly #dir: string | undefined;
  #killedFor: string | undefined;
  #errorText = '';
  #controlBytes = 0;
  readonly #asking = new Set<(answers: boolean) => void>();
  #memoryTimer: NodeJS.Timeout | undefined;

  constructor(spec: PluginProcessOptions) {
    this.spec = spec;
    const name = randomBytes(4).toString('hex');
    if (process.platform === 'win32') this.address = `\\\\.\\pipe\\streamhub-plugin-${name}`;
    else {
      // a folder that only this user can open, with a random name
      this.#dir = mkdtempSync(path.join(os.tmpdir(), 'streamhub-plugin-'));
      for (const folder of ['own', 'root']) mkdirSync(path.join(this.#dir, folder));
      this.address = path.join(this.#dir, 'own', name);
    }
    const [file = '', ...args] = this.#command();
    this.#child = spawn(file, args, {
      cwd: path.parse(process.execPath).root,
      env: { ...processEnvironment(), ...spec.relay?.env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    this.#listen(this.#child.stdout as Readable, false);
    this.#listen(this.#child.stderr as Readable, true);
    this.ready = this.#load();
    this.ready.catch(() => {}); // those who await it get the error
    this.ended = this.#end();
    this.#watchMemory();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Why it was ended by the host, or undefined while it runs or when it ended by itself. */
  get killedFor(): string | undefined {
    return this.#killedFor;
  }

  kill(reason: string): void {
    if (this.hasEnded) return;
    this.#killedFor ??= reason;
    this.#child.kill('SIGKILL');
  }

  /** Whether it answers within the time. It doesn't in an endless loop. */
  async answers(limitMs: number): Promise<boolean> {
    if (this.hasEnded) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), limitMs);
    this.#asking.add(resolve);
    (this.#child.stdio[CONTROL] as Duplex).write('ping\n');
    void this.ended.then(() => resolve(false));
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#asking.delete(resolve);
    }
  }

  #command(): string[] {
    const { entry, folder, policy, readable, memoryMb, isNamespaced, relay } = this.spec;
    const command = [
      process.execPath,
      ...processCommand({ address: this.address, entry, folder, policy, relayPort: relay?.port ?? null }, readable, {
        memoryMb,
      }),
    ];
    if (!isNamespaced || this.#dir === undefined) return command;
    const [root, writable] = [path.join(this.#dir, 'root'), path.join(this.#dir, 'own')];
    return insideNamespaces(command, { root, writable, readable: [...OWN_CODE, ...OWN_FILES, ...readable] });
  }

  /** The process that runs Node: in namespaces it is a child of the one that was started. */
  async #innerPid(): Promise<number | undefined> {
    const { pid } = this.#child;
    if (pid === undefined || !this.spec.isNamespaced) return pid;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    return Number(children.split(' ')[0]) || undefined;
  }

  #load(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const seconds = this.spec.loadMs / 1000;
    const timer = setTimeout(() => this.kill(`it took longer than ${seconds} s to load`), this.spec.loadMs);
    const control = this.#child.stdio[CONTROL] as Duplex;
    let held = '';
    control.on('error', () => {});
    control.on('data', (chunk: Buffer) => {
      this.#controlBytes += chunk.byteLength;
      if (this.#controlBytes > CONTROL_BYTES) this.kill('it flooded its control line');
      if (this.#killedFor !== undefined) return;
      const lines = (held + chunk.toString('utf8')).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) {
        const message = read(line);
        if (message?.ready === true) {
          this.isReady = true;
          resolve();
        } else if (typeof message?.failed === 'string') this.kill(this.#clean(message.failed));
        else if (message?.pong === true) {
          this.#controlBytes = 0;
          for (const resolve of this.#asking) resolve(true);
        } else this.kill('it sent something on its control line that is not a message');
      }
    });
    this.#child.once('error', (error) =>
      reject(new Error(`its process could not be started (${(error as NodeJS.ErrnoException).code})`)),
    );
    this.#child.once('close', () => reject(new Error(this.#reason())));
    return promise.finally(() => clearTimeout(timer));
  }

  #end(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    const done = (): void => {
      if (this.hasEnded) return;
      this.hasEnded = true;
      clearInterval(this.#memoryTimer);
      if (this.#dir !== undefined) rmSync(this.#dir, { recursive: true, force: true });
      resolve(this.#reason());
    };
    this.#child.once('close', done);
    this.#child.once('error', done);
    return promise;
  }

  /** Why it ended, for people: no path of this machine, one line. */
  #reason(): string {
    if (this.#killedFor !== undefined) return this.#killedFor;
    const { exitCode, signalCode } = this.#child;
    if (/heap out of memory|OOMErrorHandler|process out of memory/i.test(this.#errorText)) {
      return `it used more memory than its ${this.spec.memoryMb} MiB`;
    }
    return signalCode === null
      ? `its code ended the process (code ${exitCode})`
      : `its process was ended by ${signalCode}`;
  }

  #clean(words: string): string {
    return plain(withoutPaths(words, this.spec.folder), 500);
  }

  /** Passes on what is printed, line by line and no faster than `PRINT_RATE`. */
  #listen(stream: Readable, isError: boolean): void {
    let held = '';
    let budget = PRINT_RATE;
    const pass = (line: string): void => {
      if (line.trim() !== '') this.spec.onLine(plain(line, LINE));
    };
    // a chunk can end within a character
    stream.setEncoding('utf8');
    stream.on('error', () => {});
    stream.on('end', () => pass(held));
    stream.on('data', (text: string) => {
      if (isError) this.#errorText = (this.#errorText + text).slice(-16_384);
      const lines = (held + text).split(/\r?\n/);
      held = (lines.pop() ?? '').slice(0, LINE);
      for (const line of lines) pass(line);
      budget -= Buffer.byteLength(text);
      if (budget > 0) return;
      stream.pause();
      setTimeout(() => {
        budget = PRINT_RATE;
        stream.resume();
      }, 1000).unref();
    });
  }

  /** Buffers do not count as heap, so the process is measured as a whole where the system tells. */
  #watchMemory(): void {
    if (process.platform !== 'linux') return;
    const limit = this.spec.memoryMb * 1024 * 1024;
    let pid: number | undefined;
    this.#memoryTimer = setInterval(async () => {
      if (pid === undefined) {
        pid = await this.#innerPid();
        // if memory runs out, the system should end the plugin and not the daemon
        if (pid !== undefined) void writeFile(`/proc/${pid}/oom_score_adj`, '1000').catch(() => {});
      }
      const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
      this.memoryBytes = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
      if (this.memoryBytes > limit) this.kill(`it used more memory than its ${this.spec.memoryMb} MiB`);
    }, MEMORY_LOOK_MS);
    this.#memoryTimer.unref();
  }
}

const CONTROL = 3;

/** A text without paths of this machine; those inside the plugin's folder begin there. */
export const withoutPaths = (text: string, folder: string): string =>
  text
    .replaceAll('file://', '')
    .replaceAll(`${folder}${path.sep}`, '')
    .replaceAll(/(?:[A-Za-z]:)?(?:[\\/][^\s'"\\/:]+)+[\\/](?=[^\s'"\\/:])/g, '…/');

function read(line: string): { ready?: unknown; failed?: unknown; pong?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
