import { setTimeout as sleep } from 'node:timers/promises';
import { Background } from '#daemon/platform/background.ts';
import type { Log } from '#daemon/platform/log.ts';
import type {
  AgentStats,
  AgentUpgrade,
  DesiredState,
  LivekitReport,
  Looked,
  NodeSettings,
} from '#shared/schema/cluster.ts';
import { startAgent } from './agent-process.ts';
import {
  agentDigest,
  confirmUpgrade,
  hasFailedTrial,
  takeBack,
  upgradeAgent,
  upgradeProblem,
} from './agent-upgrade.ts';
import { HostMeter } from './host-stats.ts';
import { instanceId } from './instance.ts';
import { type Identity, type Layout, readJson } from './layout.ts';
import { configuredKeys } from './livekit-config.ts';
import { lookAt } from './look.ts';
import { MasterClient, MasterError } from './master-client.ts';
import { applyNetwork } from './network.ts';
import { isWritten, writeOwn, writtenRevision } from './own-settings.ts';
import { ServerWatch, type WatchDeps } from './server-watch.ts';
import { createSupervisor } from './supervisor.ts';
import { EXIT_REMOVED } from './systemd.ts';
import { VERSION } from './version.ts';

/** How often LiveKit's process is looked at: while something changes, and otherwise. */
const BUSY_MS = 500;
const CALM_MS = 2000;

/**
 * Runs the agent: look at LiveKit, report, do what the answer asks for. A signal ends it and leaves
 * LiveKit running. It also ends when its node was removed from the cluster and LiveKit has ended.
 * @returns the exit code
 */
export async function runAgent(layout: Layout, stop: AbortSignal, log: (message: string) => void): Promise<number> {
  const identity = readJson<Identity>(layout.identity);
  if (identity === undefined) {
    log(`${layout.identity} is missing or damaged; run the join command again`);
    return 1;
  }
  applyNetwork(identity.network);
  const background = new Background({ log: linesOf(log) });
  // nothing else restarts an agent that runs as a plain process
  const report = background.listener('unexpected error', (error: unknown) => {
    throw error;
  });
  process.on('uncaughtException', report).on('unhandledRejection', report);
  const agent = new Agent({ identity, layout, background, log });
  log(`agent ${VERSION} of node ${identity.name} reports to ${identity.masterUrl}`);
  while (!stop.aborted) {
    let isOver = false;
    await background.run('update', async () => {
      isOver = await agent.turn();
    });
    if (agent.isReplaced) return 0;
    if (hasFailedTrial(layout, agent.digest) && takeBack(layout)) {
      log('no heartbeat was answered in the trial, so the former agent continues');
      if (identity.supervisor === 'child') await startAgent(layout);
      return 0;
    }
    if (isOver) {
      log('this node was removed from the cluster; LiveKit has shut down, so the agent exits');
      return EXIT_REMOVED;
    }
    await sleep(agent.pauseMs, undefined, { signal: stop }).catch(() => undefined);
  }
  log('the agent exits; LiveKit keeps running');
  return 0;
}

interface AgentDeps extends Pick<WatchDeps, 'background' | 'log'> {
  identity: Identity;
  layout: Layout;
}

class Agent {
  readonly #identity: Identity;
  readonly #layout: Layout;
  readonly #watch: ServerWatch;
  readonly #host: HostMeter;
  readonly #master: MasterClient;
  readonly #log: (message: string) => void;
  readonly #background: Background;
  readonly #instance = instanceId();
  #interval: number;
  /** The daemon says that another machine is this node. */
  #isTwin = false;
  #nextReport = 0;
  #lastReport = '';
  #lastProblem = '';
  /** Of the file that this process was started from. */
  readonly digest: string | undefined;
  #upgrade: AgentUpgrade | undefined;
  /** Another agent has taken over. */
  isReplaced = false;
  /** What the daemon asked for, until the answer is sent. */
  #looked: Looked | undefined;

  constructor({ identity, layout, background, log }: AgentDeps) {
    this.#identity = identity;
    this.#layout = layout;
    this.digest = agentDigest(layout);
    this.#log = log;
    this.#background = background;
    const supervisor = createSupervisor(identity, layout, background);
    const { metricsUrl, metricsUser, metricsPassword } = identity.livekit;
    const server = {
      name: 'LiveKit',
      stateFile: layout.state,
      logFile: layout.livekitLog,
      metrics: withUser(metricsUrl, metricsUser, metricsPassword),
      configuredKeys: () => configuredKeys(layout),
      revision: () => writtenRevision(layout),
    };
    this.#watch = new ServerWatch({ server, supervisor, background, log });
    this.#host = new HostMeter(layout.root);
    this.#master = new MasterClient(identity.masterUrl, identity.nodeToken);
    this.#interval = identity.heartbeatSeconds;
  }

  /** Until the next look; at most half the time between two reports. */
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
    if (this.#upgrade !== undefined) {
      const wanted = this.#upgrade;
      this.#upgrade = undefined;
      this.isReplaced = await upgradeAgent(this.#layout, this.#identity.masterUrl, wanted, this.#log);
      this.#nextReport = 0;
    }
    return false;
  }

  /** Reasons to report early: a changed state, and each changed figure while draining. */
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
      let stats: AgentStats | undefined;
      await this.#background.run('machine stats', async () => {
        stats = await this.#host.read();
        if (this.#watch.rates) stats.livekit = this.#watch.rates;
      });
      const problem = upgradeProblem(this.#layout);
      const { desired, heartbeatSeconds, look, upgrade, settings } = await this.#master.heartbeat({
        nodeId: this.#identity.nodeId,
        ...(stats === undefined ? {} : { stats }),
        instance: this.#instance,
        ...(this.#looked === undefined ? {} : { looked: this.#looked }),
        agent: {
          version: VERSION,
          ...(this.digest === undefined ? {} : { sha256: this.digest }),
          ...(problem === undefined ? {} : { upgradeProblem: problem }),
          supervisor: this.#identity.supervisor,
          livekit: { ...livekit, url: this.#identity.livekit.url },
          settings: {
            written: writtenRevision(this.#layout),
            runs: this.#watch.state.revision,
            keys: configuredKeys(this.#layout) ?? [],
          },
          ...(this.#watch.state.keys === null ? {} : { keys: this.#watch.state.keys }),
        },
      });
      this.#interval = heartbeatSeconds ?? this.#interval;
      this.#watch.remember({
        reportedAt: Date.now(),
        reported: livekit.state,
        problem: livekit.problem ?? null,
        refusal: null,
      });
      this.#looked = undefined;
      this.#isTwin = false;
      confirmUpgrade(this.#layout, this.digest);
      this.#upgrade = upgrade;
      if (settings !== undefined) await this.#background.run('LiveKit settings', () => this.#write(settings));
      if (desired !== undefined) this.#watch.aim(settings?.restart ? this.#towardRestart(desired) : desired);
      if (look !== undefined) {
        this.#looked = await lookAt(look);
        this.#nextReport = 0;
      }
      this.#say('');
    } catch (error) {
      if (!(error instanceof MasterError)) throw error;
      this.#refused(error);
    }
  }

  #write({ revision, text, keys }: NodeSettings): void {
    const settings = { revision, text, ...(keys === undefined ? {} : { keys }) };
    if (isWritten(this.#layout, settings)) return;
    writeOwn(this.#layout, settings);
    this.#log(
      `wrote revision ${revision} of LiveKit’s settings${keys === undefined ? '' : `, with ${keys.accepted.length} keys`}`,
    );
    this.#nextReport = 0;
  }

  /** LiveKit ends with its last room, and is then started again with what was written. */
  #towardRestart(desired: DesiredState): DesiredState {
    const { isRunning, state } = this.#watch;
    const isSame =
      state.revision === writtenRevision(this.#layout) && state.keys?.join() === configuredKeys(this.#layout)?.join();
    const isOld = isRunning && !isSame;
    return desired.livekit === 'running' && isOld ? { livekit: 'draining', endRoomsInSeconds: null } : desired;
  }

  #refused(error: MasterError): void {
    // the copy of a node must not bring up a second LiveKit in its name
    this.#isTwin = error.code === 'NODE_DUPLICATED';
    if (error.status === 410) {
      this.#watch.aim({ livekit: 'draining', endRoomsInSeconds: null });
      this.#watch.remember({ removed: true });
    }
    if (error.message !== this.#watch.state.refusal) this.#watch.remember({ refusal: error.message });
    this.#say(`the daemon rejects heartbeats: ${error.message}`);
  }

  /** Logs a lasting problem once, and once more when it is over. */
  #say(problem: string): void {
    if (problem === this.#lastProblem) return;
    this.#log(problem === '' ? 'the daemon accepts heartbeats again' : problem);
    this.#lastProblem = problem;
  }
}

function withUser(url: string, user: string, password: string): string {
  const address = new URL(url);
  address.username = user;
  address.password = password;
  return address.href;
}

/** The lines of the supervisor of background work in the agent's own form. */
const linesOf = (log: (message: string) => void): Log<'info' | 'warn'> => {
  const line = (facts: object, message: string): void => {
    const { task, code, err } = facts as { task?: string; code?: string; err?: Error };
    log(`${task}: ${message}${err === undefined ? '' : ` (${err.message ?? code})`}`);
  };
  return { info: line, warn: line };
};
