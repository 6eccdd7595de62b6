import { setTimeout as sleep } from 'node:timers/promises';
import type { LivekitReport } from '#shared/schema/cluster.ts';
import { HostMeter } from './host-stats.ts';
import { instanceId } from './instance.ts';
import { type Identity, type Layout, readJson } from './layout.ts';
import { LivekitWatch } from './livekit-watch.ts';
import { MasterClient, MasterError } from './master-client.ts';
import { applyNetwork } from './network.ts';
import { createSupervisor } from './supervisor.ts';
import { EXIT_REMOVED } from './systemd.ts';
import { VERSION } from './version.ts';

/** How often LiveKit's process is looked at: while something changes, and otherwise. */
const BUSY_MS = 500;
const CALM_MS = 2000;

/**
 * The agent's life: look at LiveKit, report, do what the answer asks for. It ends when told to by the signal, leaving
 * LiveKit as it is, or when its node was removed from the cluster and LiveKit has left.
 * @returns the exit code
 */
export async function runAgent(layout: Layout, stop: AbortSignal, log: (message: string) => void): Promise<number> {
  const identity = readJson<Identity>(layout.identity);
  if (identity === undefined) {
    log(`${layout.identity} is missing or damaged; run the join command again`);
    return 1;
  }
  applyNetwork(identity.network);
  const agent = new Agent(identity, layout, log);
  log(`agent ${VERSION} of node ${identity.name} reports to ${identity.masterUrl}`);
  while (!stop.aborted) {
    try {
      if (await agent.turn()) {
        log('this node was removed from the cluster; LiveKit has shut down, so the agent exits');
        return EXIT_REMOVED;
      }
    } catch (error) {
      log(`an update failed: ${(error as Error).message}`);
    }
    await sleep(agent.pauseMs, undefined, { signal: stop }).catch(() => undefined);
  }
  log('the agent exits; LiveKit keeps running');
  return 0;
}

class Agent {
  readonly #identity: Identity;
  readonly #watch: LivekitWatch;
  readonly #host: HostMeter;
  readonly #master: MasterClient;
  readonly #log: (message: string) => void;
  readonly #instance = instanceId();
  #interval: number;
  /** The daemon says that another machine is this node. */
  #isTwin = false;
  #nextReport = 0;
  #lastReport = '';
  #lastProblem = '';

  constructor(identity: Identity, layout: Layout, log: (message: string) => void) {
    this.#identity = identity;
    this.#log = log;
    this.#watch = new LivekitWatch({ identity, layout, supervisor: createSupervisor(identity, layout), log });
    this.#host = new HostMeter(layout.root);
    this.#master = new MasterClient(identity.masterUrl, identity.nodeToken);
    this.#interval = identity.heartbeatSeconds;
  }

  /** Until the next turn; no longer than half of what is between two reports. */
  get pauseMs(): number {
    return this.#watch.isBusy ? BUSY_MS : Math.min(CALM_MS, this.#interval * 500);
  }

  /** @returns whether the work is over */
  async turn(): Promise<boolean> {
    await this.#watch.look();
    // after a start the daemon is asked first, so that a node that was drained in the meantime stays empty
    if (this.#lastReport === '' && !this.#watch.state.removed) await this.#report();
    if (!this.#isTwin || this.#watch.isRunning) await this.#watch.act();
    if (this.#watch.state.removed) return !this.#watch.isRunning;
    if (performance.now() / 1000 >= this.#nextReport || this.#hasNews()) await this.#report();
    return false;
  }

  /** Something that is worth a report before its time: another state, and while draining every number. */
  #hasNews(): boolean {
    const now = this.#watch.report();
    const before = JSON.parse(this.#lastReport) as LivekitReport;
    if (before.state !== now.state || before.nodeId !== now.nodeId) return true;
    return this.#watch.state.desired !== 'running' && this.#lastReport !== JSON.stringify(now);
  }

  async #report(): Promise<void> {
    const livekit = this.#watch.report();
    this.#lastReport = JSON.stringify(livekit);
    this.#nextReport = performance.now() / 1000 + this.#interval;
    try {
      const stats = await this.#host.read();
      if (this.#watch.rates) stats.livekit = this.#watch.rates;
      const { desired, heartbeatSeconds } = await this.#master.heartbeat({
        nodeId: this.#identity.nodeId,
        stats,
        instance: this.#instance,
        agent: { version: VERSION, supervisor: this.#identity.supervisor, livekit },
      });
      this.#interval = heartbeatSeconds ?? this.#interval;
      this.#watch.remember({ reportedAt: Date.now(), reported: livekit.state });
      this.#isTwin = false;
      if (desired !== undefined) this.#watch.aim(desired);
      this.#say('');
    } catch (error) {
      if (!(error instanceof MasterError)) throw error;
      this.#refused(error);
    }
  }

  #refused(error: MasterError): void {
    // the copy of a node must not bring up a second LiveKit in its name
    this.#isTwin = error.code === 'NODE_DUPLICATED';
    if (error.status === 410) {
      this.#watch.aim({ livekit: 'draining', endRoomsInSeconds: null });
      this.#watch.remember({ removed: true });
    }
    this.#say(`the daemon rejects heartbeats: ${error.message}`);
  }

  /** Says a lasting problem once, and once that it is over. */
  #say(problem: string): void {
    if (problem === this.#lastProblem) return;
    this.#log(problem === '' ? 'the daemon accepts heartbeats again' : problem);
    this.#lastProblem = problem;
  }
}
