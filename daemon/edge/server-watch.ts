import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Background } from '#daemon/platform/background.ts';
import { LivekitMeter, type LivekitSeen } from '#shared/livekit-metrics.ts';
import type { LivekitReport } from '#shared/schema/cluster.ts';
import { type AgentState, NO_STATE, readJson, writeJson } from './layout.ts';
import { isAlive, type ProcessRef, signal } from './process-table.ts';
import { nextStep, type Observation, stateOf, type Target } from './steps.ts';
import type { Supervisor } from './supervisor.ts';

const METRICS_TIMEOUT_MS = 2000;
/** A start counts as successful after this time. */
const LASTING_SECONDS = 30;

/** One server of this machine. */
interface WatchedServer {
  /** As log lines call it. */
  name: string;
  /** What survives the process that watches it. */
  stateFile: string;
  logFile: string;
  /** Where LiveKit shows its numbers, with user and password; null for a server without: it runs while its process is there. */
  metrics: string | null;
  /** Digests of the keys in its configuration. */
  configuredKeys(): string[] | null;
  /** Revision of LiveKit's own settings in it. */
  revision?(): number;
}

export interface WatchDeps {
  server: WatchedServer;
  supervisor: Supervisor;
  background: Background;
  log(message: string): void;
}

/** Supervises one server: watches its process and metrics, and takes one step toward the target at a time. */
export class ServerWatch {
  readonly #deps: WatchDeps;
  readonly #meter = new LivekitMeter();
  #state: AgentState;
  /** Until the remaining rooms are ended, counted from the daemon's order. */
  #endRoomsAt: number | null = null;
  #firstSeen = 0;
  #lastAnswer = 0;
  #clearReadings = 0;
  #startedAt = Number.NEGATIVE_INFINITY;
  #failedStarts = 0;
  #hadAnswered = false;
  #startProblem: string | null = null;
  #numbers: LivekitSeen | null = null;
  #observation: Observation | undefined;
  /** The present state is saved. */
  #isStored = true;
  readonly #bornAt = seconds();

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#state = { ...NO_STATE, ...readJson<Partial<AgentState>>(deps.server.stateFile) };
  }

  get state(): Readonly<AgentState> {
    return this.#state;
  }

  get rates(): LivekitSeen['rates'] | undefined {
    return this.#numbers?.rates;
  }

  /** Why the last start failed before there was a process. */
  get startProblem(): string | null {
    return this.#startProblem;
  }

  get isRunning(): boolean {
    return this.#observation?.isRunning ?? false;
  }

  /** A change is under way, so look more often. */
  get isBusy(): boolean {
    return this.#state.desired !== 'running' ? this.isRunning : this.report().state !== 'running';
  }

  /** Changes the state that survives the agent. If it can't be written, it stays in memory and is written at a later look. */
  remember(change: Partial<AgentState>): void {
    this.#state = { ...this.#state, ...change };
    this.#isStored = false;
    this.#store();
  }

  #store(): void {
    if (this.#isStored) return;
    const { stateFile } = this.#deps.server;
    void this.#deps.background.run(path.basename(stateFile), () => {
      writeJson(stateFile, this.#state);
      this.#isStored = true;
    });
  }

  aim(target: Target): void {
    this.#endRoomsAt = target.endRoomsInSeconds === null ? null : seconds() + target.endRoomsInSeconds;
    if (target.livekit === this.#state.desired) return;
    this.#deps.log(`desired state: ${target.livekit}`);
    this.#clearReadings = 0;
    this.remember({ desired: target.livekit });
  }

  /** Looks at the server. */
  async look(): Promise<void> {
    this.#store();
    this.#observation = await this.#observe();
  }

  /** Takes the next step toward the target, if there is one. */
  async act(): Promise<void> {
    const seen = this.#observation;
    if (seen === undefined) return;
    const step = nextStep(this.#target(), seen);
    const ref = this.#state.process;
    if (step === 'start') await this.#start();
    else if (step === 'kill' && ref !== null) {
      this.#deps.log(`${this.#deps.server.name} does not exit; killing it`);
      signal(ref, 'SIGKILL');
    } else if (step === 'terminate' && ref !== null) await this.#terminate(ref, seen);
  }

  /** For the daemon, but for the address, which the process doesn't know. */
  report(): LivekitReport {
    const seen = this.#observation;
    const isRunning = seen?.isRunning ?? false;
    const numbers = isRunning ? this.#numbers : null;
    const none = isRunning ? null : 0;
    const state = seen === undefined ? 'starting' : stateOf(this.#target(), seen);
    return {
      state,
      nodeId: numbers?.nodeId ?? null,
      rooms: numbers?.rooms ?? none,
      participants: numbers?.participants ?? none,
      clients: numbers?.clients ?? none,
      foreignClients: numbers?.foreignClients ?? none,
      ...(state === 'failed' ? { problem: this.problem() } : {}),
    };
  }

  #target(): Target {
    const left = this.#endRoomsAt === null ? null : this.#endRoomsAt - seconds();
    return { livekit: this.#state.desired, endRoomsInSeconds: left };
  }

  async #observe(): Promise<Observation> {
    const { server, supervisor } = this.#deps;
    const known = this.#state.process;
    const ref = await supervisor.find(known);
    const now = seconds();
    if (!isSame(ref, known)) this.#changed(ref, known, now);
    if (this.#firstSeen === 0) this.#firstSeen = now;
    const seen =
      ref === null || server.metrics === null ? null : await this.#meter.read(server.metrics, METRICS_TIMEOUT_MS);
    if (seen !== null) {
      this.#lastAnswer = now;
      this.#clearReadings = seen.foreignClients === 0 ? this.#clearReadings + 1 : 0;
    } else this.#clearReadings = 0;
    const answers = seen !== null || (ref !== null && server.metrics === null);
    if (answers && now - this.#firstSeen > LASTING_SECONDS) this.#failedStarts = 0;
    this.#numbers = seen;
    const { signals, signalledMono } = this.#state;
    return {
      isRunning: isAlive(ref),
      upSeconds: ref === null ? 0 : now - this.#firstSeen,
      numbers: server.metrics === null ? BUSY : seen,
      silentSeconds: now - Math.max(this.#lastAnswer, this.#firstSeen),
      clearReadings: server.metrics === null ? Number.POSITIVE_INFINITY : this.#clearReadings,
      signals,
      sinceSignal: now - (signalledMono ?? this.#bornAt),
      sinceStart: now - this.#startedAt,
      failedStarts: this.#failedStarts,
      hadAnswered: this.#hadAnswered,
    };
  }

  /** Another process than before, or none. */
  #changed(ref: ProcessRef | null, known: ProcessRef | null, now: number): void {
    const { name, configuredKeys, revision } = this.#deps.server;
    const isUnexpected = known !== null && this.#state.signals === 0;
    if (isUnexpected) {
      this.#failedStarts += 1;
      this.#hadAnswered = this.#lastAnswer > 0 && this.#lastAnswer >= this.#firstSeen;
      this.#deps.log(`${name} (process ${known.pid}) exited unexpectedly`);
    } else if (known !== null) this.#deps.log(`${name} (process ${known.pid}) has shut down`);
    this.#firstSeen = now;
    this.#clearReadings = 0;
    const restarts = this.#state.restarts + (isUnexpected ? 1 : 0);
    this.remember({
      process: ref,
      signals: 0,
      signalledMono: null,
      keys: configuredKeys(),
      restarts,
      revision: revision?.() ?? 0,
    });
  }

  async #start(): Promise<void> {
    const { name, configuredKeys, revision } = this.#deps.server;
    this.#startedAt = seconds();
    try {
      const ref = await this.#deps.supervisor.start();
      if (ref === null) this.#failedStarts += 1;
      this.#firstSeen = seconds();
      this.#startProblem = null;
      this.remember({
        ...{ process: ref, signals: 0, signalledMono: null },
        ...{ keys: configuredKeys(), startedAt: Date.now(), revision: revision?.() ?? 0 },
      });
      this.#deps.log(ref === null ? `${name} did not start` : `${name} started (process ${ref.pid})`);
    } catch (error) {
      this.#failedStarts += 1;
      this.#startProblem = (error as Error).message;
      this.#deps.log(`${name} cannot be started: ${this.#startProblem}`);
    }
  }

  async #terminate(ref: ProcessRef, seen: Observation): Promise<void> {
    const target = this.#target();
    const isFinal =
      target.livekit === 'stopped' || (target.endRoomsInSeconds !== null && target.endRoomsInSeconds <= 0);
    // noted first: an agent that is killed right here must not signal a second time, which would end the rooms
    const before = this.#state;
    this.remember({ signals: seen.signals + 1, signalledMono: seconds() });
    if (!this.#isStored) {
      this.#state = before;
      return;
    }
    this.#deps.log(
      seen.signals === 0
        ? `telling ${this.#deps.server.name} to shut down gracefully`
        : `telling ${this.#deps.server.name} again: what is left ends now`,
    );
    await this.#deps.supervisor.terminate(ref, isFinal);
  }

  /** Why it isn't running: why it couldn't be started, else the last lines that it wrote, without what looks like a secret. */
  problem(): string {
    const { name, logFile } = this.#deps.server;
    if (this.#startProblem !== null) return this.#startProblem.slice(0, 500);
    try {
      const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-3).join(' | ');
      return lines.replace(/(:\/\/[^:/@\s]*:)[^@\s]*@/g, '$1…@').slice(-500);
    } catch {
      return `${name} exits right after its start; see its log or its unit’s journal for the reason.`;
    }
  }
}

/** Of a server that tells nothing: it is asked once to end, and then decides when. */
const BUSY: Observation['numbers'] = { participants: 1, foreignClients: 0 };

/** Continues after a restart of the agent, unlike `performance.now()`, and doesn't follow changes of the wall clock. */
const seconds = (): number => Number(process.hrtime.bigint() / 1_000_000n) / 1000;
const isSame = (a: ProcessRef | null, b: ProcessRef | null): boolean =>
  a === b || (a !== null && b !== null && a.pid === b.pid && a.startTime === b.startTime);
