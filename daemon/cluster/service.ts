import type { Background, Repeated } from '#daemon/platform/background.ts';
import { type Clock, SYSTEM_CLOCK } from '#daemon/platform/clock.ts';
import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { Log } from '#daemon/platform/log.ts';
import { ApiError, fieldError } from '#shared/errors.ts';
import { isStale, nodeTiming } from '#shared/rules/nodes.ts';
import {
  type ClusterNode,
  type ClusterSettings,
  type DesiredState,
  type HeartbeatAnswer,
  type HeartbeatBody,
  type JoinAnswer,
  type JoinBody,
  type LeaveBody,
  type NodeStatus,
  ORIGIN,
  type PatchNodeBody,
  PLACEMENT_STRATEGIES,
} from '#shared/schema/cluster.ts';
import { AgentUpgrades } from './agent-upgrades.ts';
import { NodeAnnouncer } from './announcer.ts';
import { ClusterAuth, type ClusterCaller, clusterError } from './cluster-auth.ts';
import { beginDrain } from './drain.ts';
import { JoinCodes } from './join-codes.ts';
import { Looks } from './looks.ts';
import type { DrainState, NodeEntry } from './node.ts';
import { type ClusterConfig, isReserved, NodeCalls, type OriginReport } from './node-calls.ts';
import { toRecord } from './node-record.ts';
import { PlacementService } from './placement.ts';
import { NodeRegistry } from './registry.ts';
import type { ClusterRepository } from './repository.ts';

const FLUSH_MS = 10_000;
const SWEEP_MS = 1000;
const NOWHERE = (): string => '';
const SETTINGS_KEY = 'cluster.settings';

export interface ClusterServiceDeps {
  config: ClusterConfig;
  repository: ClusterRepository;
  events: EventBus;
  background: Background;
  log: Log<'info' | 'warn'>;
  clock?: Clock;
  /** The time by which what is old is deleted; the clock's unless given. */
  retentionNow?: () => number;
}

/** The registry of nodes: who belongs to the cluster, who is alive, who is being emptied. */
export class ClusterService {
  readonly nodes: NodeRegistry;
  readonly joinCodes: JoinCodes;
  readonly auth: ClusterAuth;
  readonly placement: PlacementService;
  readonly looks = new Looks();
  readonly upgrades: AgentUpgrades;
  /** What a node is to write into LiveKit's configuration; set by the wing that keeps these settings. */
  settingsFor: (nodeId: string) => HeartbeatAnswer['settings'] = () => undefined;
  /** What follows from the limits of the settings. */
  readonly timing: ReturnType<typeof nodeTiming>;
  readonly #deps: ClusterServiceDeps;
  readonly #clock: Clock;
  readonly #announcer: NodeAnnouncer;
  readonly #calls: NodeCalls;
  readonly #timers: Repeated[] = [];
  #settings: ClusterSettings = { strategy: 'least-load' };
  #reported = 0;
  #startedMono = 0;

  constructor(deps: ClusterServiceDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? SYSTEM_CLOCK;
    const { config } = deps;
    this.upgrades = new AgentUpgrades(deps.repository);
    const timing = nodeTiming(config.clusterStaleSeconds, config.clusterDownSeconds);
    this.timing = timing;
    this.nodes = new NodeRegistry(deps.repository, this.#clock, timing);
    this.joinCodes = new JoinCodes(deps.repository, this.#clock);
    this.#announcer = new NodeAnnouncer(deps.events, this.nodes, config);
    this.#calls = new NodeCalls({
      config,
      nodes: this.nodes,
      codes: this.joinCodes,
      announcer: this.#announcer,
      clock: this.#clock,
      heartbeatSeconds: timing.heartbeatSeconds,
      twinMs: timing.twinMs,
      log: deps.log,
      onReport: () => {
        this.#reported += 1;
      },
    });
    this.auth = new ClusterAuth({
      token: () => config.clusterToken,
      registry: this.nodes,
      codes: this.joinCodes,
      clock: this.#clock,
      onGuess: (ip, count) => deps.log.warn({ ip, count }, 'a wrong cluster token was sent'),
    });
    this.placement = new PlacementService({
      registry: this.nodes,
      clock: this.#clock,
      freshMs: timing.freshMs,
      strategy: () => this.#settings.strategy,
      addresses: config,
    });
  }

  get isEnabled(): boolean {
    return this.#deps.config.clusterToken !== '';
  }

  get settings(): ClusterSettings {
    return this.#settings;
  }

  start(): void {
    this.nodes.load();
    this.joinCodes.load();
    this.upgrades.load();
    this.#settings = this.#readSettings();
    this.#startedMono = this.#clock.monotonic();
    const { background } = this.#deps;
    background.run('removed nodes', () =>
      this.nodes.forgetRemoved((this.#deps.retentionNow ?? (() => this.#clock.now()))()),
    );
    this.#timers.push(
      background.every('node liveness', SWEEP_MS, () => this.sweep()),
      background.every('heartbeats', FLUSH_MS, () => this.#flush()),
    );
  }

  /** What operators gave time, such as the end of the rooms of a draining node, has the same time left after the clock was set. */
  clockJumped(ms: number): void {
    for (const node of this.nodes.values()) {
      const { drain } = node;
      if (drain?.endRoomsAt) this.nodes.update(node, { drain: { ...drain, endRoomsAt: drain.endRoomsAt + ms } });
    }
    this.#deps.repository.shiftJoinCodes(ms);
    this.joinCodes.load();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#timers.splice(0).map((timer) => timer.stop()));
    await this.#deps.background.run('final heartbeats', () => this.nodes.flushNow());
  }

  /** How long the LiveKit of each node that reports takes to pass on a packet, where that is known. */
  forwardDelays(): { node: string; delayMs: number }[] {
    return this.#fresh(({ name, load: { forwardMs } }) => forwardMs !== null && { node: name, delayMs: forwardMs });
  }

  /** How good the connections on each node that reports are, where that is measured. */
  qualityScores(): { node: string; score: number }[] {
    return this.#fresh(
      ({ name, load: { quality } }) => quality?.score !== undefined && { node: name, score: quality.score },
    );
  }

  #fresh<T>(told: (node: NodeEntry) => T | false): T[] {
    return [...this.nodes.values()].flatMap((node) => {
      const found = !isStale(this.nodes.health(node)) && told(node);
      return found === false ? [] : [found];
    });
  }

  /** The join code for `GET /cluster/info`, which stays readable on a disk that can't be written; null = none could be stored. */
  infoCode(): string | null {
    try {
      return this.joinCodes.forInfo();
    } catch (err) {
      this.#deps.log.warn({ err }, 'no join code could be stored');
      return null;
    }
  }

  /** A node registers itself. @returns what it needs to run, and whether it is new */
  join(caller: ClusterCaller, body: JoinBody, address = NOWHERE): { answer: JoinAnswer; isNew: boolean } {
    return this.#calls.join(caller, body, address);
  }

  /** A node reports. @returns what its agent has to bring about, when one reports */
  heartbeat(caller: ClusterCaller, body: HeartbeatBody, address = NOWHERE): DesiredState | undefined {
    return this.#calls.heartbeat(caller, body, address);
  }

  /** A node takes itself out. */
  leave(caller: ClusterCaller, body: LeaveBody, address = NOWHERE): void {
    this.#calls.leave(caller, body, address);
    this.placement.forget(body.nodeId);
    this.upgrades.forget(body.nodeId);
  }

  /** Inserts or refreshes the daemon's own machine; it only comes back at a start once it was removed. */
  refreshOrigin(report: OriginReport, isStart: boolean): void {
    this.#calls.refreshOrigin(report, isStart);
  }

  require(id: string): NodeEntry {
    const node = this.nodes.get(id);
    if (node === undefined) throw clusterError('NODE_NOT_FOUND');
    return node;
  }

  /** What the rule about nodes reads; without the stats, which are long. */
  judged(node: NodeEntry): ClusterNode {
    return toRecord(node, this.nodes, null, this.#deps.config);
  }

  record(node: NodeEntry): ClusterNode {
    const stats = node.statsJson === null ? null : (JSON.parse(node.statsJson) as Record<string, unknown>);
    return toRecord(node, this.nodes, stats, this.#deps.config);
  }

  update(id: string, body: PatchNodeBody, actor: Actor): ClusterNode {
    const node = this.require(id);
    const change: Partial<NodeEntry> = {};
    if (body.name !== undefined && body.name !== node.name) {
      if (isReserved(body.name) && id !== ORIGIN) throw new ApiError('NODE_NAME_RESERVED', { name: body.name });
      if (this.nodes.byName(body.name) !== undefined) throw new ApiError('NODE_NAME_TAKEN', { name: body.name });
      change.name = body.name;
    }
    if (body.region !== undefined && (body.region || null) !== node.region) change.region = body.region || null;
    if (body.status !== undefined && body.status !== node.status) change.status = body.status;
    const drain = this.#drainAfter(node, body);
    if (drain !== node.drain) change.drain = drain;
    if (Object.keys(change).length > 0) {
      this.nodes.update(node, change);
      this.#announcer.announce('node.updated', node, { actor });
    }
    return this.record(node);
  }

  remove(id: string, actor: Actor): void {
    const node = this.require(id);
    this.nodes.remove(node);
    this.placement.forget(id);
    this.upgrades.forget(id);
    this.#announcer.removed(node, actor);
  }

  changeSettings(change: Partial<ClusterSettings>, actor: Actor): ClusterSettings {
    const settings = { ...this.#settings, ...change };
    const at = new Date(this.#clock.now()).toISOString();
    this.#deps.repository.writeMeta(SETTINGS_KEY, JSON.stringify(settings), at);
    this.#settings = settings;
    this.#deps.events.publish({ type: 'cluster.settings', actor, data: { ...settings } });
    return settings;
  }

  /** Numbers for the metrics and settings pages. */
  summary(): { total: number; byStatus: Record<NodeStatus, number>; stale: number; down: number } {
    const byStatus = { active: 0, draining: 0, disabled: 0 };
    let stale = 0;
    let down = 0;
    for (const node of this.nodes.values()) {
      byStatus[node.status] += 1;
      const health = this.nodes.health(node);
      if (isStale(health) && this.isSettled && node.status !== 'disabled') stale += 1;
      if (health === 'down') down += 1;
    }
    return { total: this.nodes.size, byStatus, stale, down };
  }

  /** After a start every node gets the time to report, before its silence says something. */
  get isSettled(): boolean {
    return this.#clock.monotonic() - this.#startedMono > this.timing.staleMs;
  }

  /** Announces nodes that fell silent. */
  sweep(): void {
    const { isSettled } = this;
    for (const node of this.nodes.values()) {
      const health = this.nodes.health(node);
      if (health !== node.health && (isSettled || health === 'alive')) this.#announcer.health(node, health);
    }
  }

  #flush(): Promise<void> {
    if (this.#reported > 0) {
      this.#deps.events.publish({ type: 'node.stats', live: true, data: { reports: this.#reported } });
      this.#reported = 0;
    }
    return this.nodes.flush();
  }

  #drainAfter(node: NodeEntry, body: PatchNodeBody): DrainState | null {
    const status = body.status ?? node.status;
    if (status !== 'draining') {
      if (body.drain !== undefined) throw fieldError('body.drain', 'is only for nodes that are draining');
      return null;
    }
    const now = this.#clock.now();
    const drain = node.status === 'draining' && node.drain !== null ? node.drain : beginDrain(now);
    if (body.drain === undefined) return drain;
    const seconds = body.drain.endRoomsAfterSeconds;
    if (seconds !== null && body.drain.confirm !== true) throw new ApiError('DRAIN_CONFIRMATION_REQUIRED');
    return { ...drain, endRoomsAt: seconds === null ? null : now + seconds * 1000 };
  }

  #readSettings(): ClusterSettings {
    try {
      const stored = JSON.parse(this.#deps.repository.readMeta(SETTINGS_KEY) ?? '{}') as Partial<ClusterSettings>;
      const strategy = PLACEMENT_STRATEGIES.find((name) => name === stored.strategy);
      return strategy === undefined ? this.#settings : { strategy };
    } catch {
      return this.#settings;
    }
  }
}
