import { execFile, spawn } from 'node:child_process';
import { closeSync, copyFileSync, openSync, rmSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Background } from '#daemon/platform/background.ts';
import type { Identity, Layout } from './layout.ts';
import { livekitEnvironment } from './network.ts';
import { isAlive, type ProcessRef, processRef, signal } from './process-table.ts';
import { LIVEKIT_UNIT, systemctl } from './systemd.ts';

const MAX_LOG_BYTES = 20 * 1024 * 1024;
const run = promisify(execFile);

/** Starts a server and finds its process; signals are sent by its `ServerWatch`. */
export interface Supervisor {
  /** The running process, or null. `known` is the last one that was supervised. */
  find(known: ProcessRef | null): Promise<ProcessRef | null>;
  start(): Promise<ProcessRef | null>;
  /** Sends SIGTERM. `isFinal`: don't restart it, even if it ends with an error. */
  terminate(ref: ProcessRef, isFinal: boolean): Promise<void>;
}

export function createSupervisor(identity: Identity, layout: Layout, background: Background): Supervisor {
  return identity.supervisor === 'systemd'
    ? new SystemdSupervisor(identity.scope)
    : new ChildSupervisor(
        {
          binary: identity.livekit.binary,
          args: ['--config', layout.livekitConfig],
          cwd: layout.root,
          env: { ...process.env, ...livekitEnvironment(identity.network) },
          log: layout.livekitLog,
        },
        background,
      );
}

/** What to start, and where its output is kept. */
export interface Program {
  binary: string;
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  log: string;
}

/** A server in a separate session: it survives the process that starts it, and the next one finds it by its stored reference. */
export class ChildSupervisor implements Supervisor {
  readonly #program: Program;
  readonly #background: Background;

  constructor(program: Program, background: Background) {
    this.#program = program;
    this.#background = background;
  }

  async find(known: ProcessRef | null): Promise<ProcessRef | null> {
    const { log } = this.#program;
    await this.#background.run(`rotation of ${path.basename(log)}`, () => rotate(log));
    return isAlive(known) ? known : null;
  }

  async start(): Promise<ProcessRef | null> {
    const { binary, args, cwd, env, log: file } = this.#program;
    const log = openSync(file, 'a', 0o600);
    try {
      const child = spawn(binary, args, { detached: true, stdio: ['ignore', log, log], cwd, env });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.unref();
      return child.pid === undefined ? null : processRef(child.pid);
    } finally {
      closeSync(log);
    }
  }

  async terminate(ref: ProcessRef): Promise<void> {
    signal(ref, 'SIGTERM');
  }
}

/** LiveKit as a systemd unit, which restarts it after a crash, but not after a normal end. */
class SystemdSupervisor implements Supervisor {
  readonly #scope: Identity['scope'];

  constructor(scope: Identity['scope']) {
    this.#scope = scope;
  }

  async find(): Promise<ProcessRef | null> {
    const pid = Number(await this.#show('MainPID'));
    return pid > 0 ? processRef(pid) : null;
  }

  async start(): Promise<ProcessRef | null> {
    await run('systemctl', systemctl(this.#scope, 'reset-failed', LIVEKIT_UNIT)).catch(() => undefined);
    await run('systemctl', systemctl(this.#scope, 'start', LIVEKIT_UNIT));
    return this.find();
  }

  async terminate(ref: ProcessRef, isFinal: boolean): Promise<void> {
    // `stop` sends the signal and prevents a restart; a second call does nothing
    if (isFinal && (await this.#show('ActiveState')) !== 'deactivating') {
      await run('systemctl', systemctl(this.#scope, 'stop', '--no-block', LIVEKIT_UNIT));
    } else signal(ref, 'SIGTERM');
  }

  async #show(property: string): Promise<string> {
    const { stdout } = await run(
      'systemctl',
      systemctl(this.#scope, 'show', `--property=${property}`, '--value', LIVEKIT_UNIT),
    );
    return stdout.trim();
  }
}

/** The server keeps the file open and appends to it: a copy is kept and the file emptied. */
function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= MAX_LOG_BYTES) return;
  try {
    copyFileSync(file, `${file}.1`);
  } catch {
    // a full disk has no room for a copy, and needs the space
    rmSync(`${file}.1`, { force: true });
  }
  truncateSync(file);
}
