import { hash } from 'node:crypto';
import path from 'node:path';
import { layoutOf, readJson, writeJson } from '#daemon/edge/layout.ts';
import { configuredKeys } from '#daemon/edge/livekit-config.ts';
import { isAlive, type ProcessRef, signal } from '#daemon/edge/process-table.ts';
import { ServerWatch } from '#daemon/edge/server-watch.ts';
import { ChildSupervisor, type Program } from '#daemon/edge/supervisor.ts';
import type { Background } from '#daemon/platform/background.ts';
import type { Log } from '#daemon/platform/log.ts';
import { writeAtomicallySync } from '#shared/files/atomic-file.ts';
import type { ListeningPort, LivekitProgram, ManagedProgram, ProgramState } from '#shared/schema/livekit.ts';
import { LogTail } from './log-tail.ts';

/** How a program is started. */
export interface LaunchPlan {
  binary: string;
  args: readonly string[];
  /** In addition to PATH and HOME. */
  env?: Record<string, string>;
  version: string;
  runsIn: 'process' | 'container';
  ports: ListeningPort[];
  /** Its configuration, written with mode 600 before it starts. */
  config: { file: string; text: string };
  /** Revision of LiveKit's own settings in it. */
  revision?: number;
}

/** What is kept of the last start, for a daemon that finds the process running. */
interface Started extends Pick<LaunchPlan, 'version' | 'runsIn' | 'ports' | 'revision'> {
  config: string;
}

/** What is wanted of a program: `restart` waits for its rooms and recordings, `restart-now` ends them. */
export type Wish = 'run' | 'stop' | 'stop-now' | 'restart' | 'restart-now';

export interface ProgramDeps {
  program: LivekitProgram;
  /** For log lines. */
  name: string;
  /** `DATA_DIR/livekit`. */
  root: string;
  /** LiveKit's metrics, with user and password; null where it has none. */
  metrics(): string | null;
  /** Finds the program, settles its ports and makes its configuration. @throws Error for people */
  prepare(): Promise<LaunchPlan>;
  /** Removes what a process that was killed left behind, such as its container. */
  clear?(): Promise<void>;
  background: Background;
  log: Log;
  /** Its lines go here. */
  outputLog: Log<'debug' | 'warn' | 'error'>;
}

/** A program that the daemon runs: starts it, finds it again, restarts it, passes on what it writes. */
export class RunningProgram {
  readonly #deps: ProgramDeps;
  readonly #watch: ServerWatch;
  readonly #tail: LogTail;
  readonly #startedFile: string;
  #started: Started | undefined;
  #wish: Wish;

  constructor(deps: ProgramDeps) {
    const { program, root, name, background, log } = deps;
    this.#deps = deps;
    const { logFile, stateFile, startedFile } = filesOf(root, program);
    this.#startedFile = startedFile;
    this.#started = readJson<Started>(startedFile);
    this.#tail = new LogTail(logFile);
    const launch: Program = { binary: '', args: [], cwd: path.join(root, 'var'), env: {}, log: logFile };
    const child = new ChildSupervisor(launch, background);
    this.#watch = new ServerWatch({
      server: {
        name,
        stateFile,
        logFile,
        get metrics() {
          return deps.metrics();
        },
        configuredKeys: () => (program === 'livekit' ? configuredKeys(layoutOf(root)) : null),
      },
      supervisor: {
        find: (known: ProcessRef | null) => child.find(known),
        start: async () => {
          const plan = await deps.prepare();
          await deps.clear?.();
          const { binary, args, env } = plan;
          Object.assign(launch, { binary, args, env: { ...inherited(), ...env } });
          writeAtomicallySync(plan.config.file, plan.config.text);
          const ref = await child.start();
          const { version, runsIn, ports, revision } = plan;
          this.#started = {
            ...{ version, runsIn, ports, config: digest(plan.config.text) },
            ...(revision === undefined ? {} : { revision }),
          };
          writeJson(this.#startedFile, this.#started);
          return ref;
        },
        terminate: async (ref: ProcessRef) => signal(ref, 'SIGTERM'),
      },
      background,
      log: (message) => log.info({ program }, message),
    });
    const { process, signals } = this.#watch.state;
    // a daemon that ended between the signal and the next start continues with it
    this.#wish = process !== null && signals > 0 ? 'restart' : 'run';
  }

  get isRunning(): boolean {
    return this.#watch.isRunning;
  }

  /** There was a process when it was looked at last, or one is remembered. */
  get hasProcess(): boolean {
    return this.#watch.state.process !== null;
  }

  get isBusy(): boolean {
    return this.#watch.isBusy || this.#wish.startsWith('restart');
  }

  get state(): ProgramState {
    const { state } = this.#watch.report();
    return state === 'stopped' ? 'off' : state;
  }

  /** Sets what is wanted. A restart under way continues when it is to run. */
  wish(wish: Wish): void {
    if (wish === 'run' && this.#wish.startsWith('restart')) return;
    this.#wish = wish;
  }

  /** Revision of LiveKit's own settings that it was started with; null = it isn't running. */
  get revision(): number | null {
    return this.isRunning ? (this.#started?.revision ?? 0) : null;
  }

  /** Digests of LiveKit's keys that it was started with. */
  get keys(): readonly string[] {
    return this.#watch.state.keys ?? [];
  }

  /** Does the running process have another configuration than this text? */
  isOutdated(text: string | undefined): boolean {
    return this.isRunning && text !== undefined && this.#started !== undefined && this.#started.config !== digest(text);
  }

  /** Looks at the process and takes the next step. @param mayStart what it needs is there */
  async turn(mayStart: boolean): Promise<void> {
    await this.#watch.look();
    if (this.#wish.startsWith('restart') && !this.isRunning) this.#wish = 'run';
    const isNow = this.#wish.endsWith('-now');
    if (this.#wish === 'run') this.#watch.aim({ livekit: 'running', endRoomsInSeconds: null });
    else this.#watch.aim({ livekit: isNow ? 'stopped' : 'draining', endRoomsInSeconds: isNow ? 0 : null });
    if (this.isRunning || mayStart) await this.#watch.act();
    const { program, outputLog } = this.#deps;
    for (const { level, message } of await this.#tail.read()) outputLog[level]({ program }, message);
  }

  report(): ManagedProgram {
    const { process, startedAt, restarts } = this.#watch.state;
    const { state } = this;
    const isThere = this.isRunning;
    return {
      program: this.#deps.program,
      state,
      runsIn: isThere ? (this.#started?.runsIn ?? 'process') : null,
      pid: isThere ? (process?.pid ?? null) : null,
      version: this.#started?.version ?? null,
      since: isThere && startedAt !== null ? new Date(startedAt).toISOString() : null,
      restarts,
      ports: isThere ? (this.#started?.ports ?? []) : [],
      problem: state === 'failed' ? this.#watch.problem() : isThere ? null : this.#watch.startProblem,
      cure: null,
    };
  }
}

const filesOf = (root: string, program: LivekitProgram) => ({
  logFile: path.join(root, 'var', `${program}.log`),
  stateFile: path.join(root, 'var', `${program}.json`),
  startedFile: path.join(root, 'var', `${program}-started.json`),
});

/**
 * Where a program listens that a daemon started, for what works beside the daemon.
 * @param root `DATA_DIR/livekit`
 * @returns undefined when none runs
 */
export function portsOfRunning(root: string, program: LivekitProgram): readonly ListeningPort[] | undefined {
  const { stateFile, startedFile } = filesOf(root, program);
  const known = readJson<{ process?: ProcessRef | null }>(stateFile)?.process ?? null;
  return isAlive(known) ? (readJson<Started>(startedFile)?.ports ?? []) : undefined;
}

const digest = (text: string): string => hash('sha256', text, 'hex');

/** Programs don't get the daemon's own variables: some are secrets. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'SSL_CERT_FILE', 'DOCKER_HOST', 'XDG_RUNTIME_DIR'];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] as string]])),
  );
}
