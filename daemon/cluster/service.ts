import { hash, randomBytes, randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { ApiError, fieldError } from '#shared/errors.ts';
import {
  type ClusterNode,
  type ClusterSettings,
  type DesiredState,
  type HeartbeatBody,
  type JoinAnswer,
  type JoinBody,
  MAX_STATS_BYTES,
  type NodeHealth,
  type NodeStatus,
  ORIGIN,
  type PatchNodeBody,
  PLACEMENT_STRATEGIES,
} from '#shared/schema/cluster.ts';
import type { EventBus } from '../events/bus.ts';
import type { Actor } from '../http/types.ts';
import { advanceDrain, beginDrain, type DrainState, desiredState } from './drain.ts';
import { type ClusterCaller, clusterError, NODE_TOKEN_PREFIX, TokenGate } from './gate.ts';
import { loadOf, type NodeEntry, toRecord } from './node.ts';
import { PlacementService } from './placement.ts';
import { type Clock, NodeRegistry } from './registry.ts';
import type { ClusterRepository } from './repository.ts';

const FLUSH_MS = 10_000;
const SWEEP_MS = 1000;
const SETTINGS_KEY = 'cluster.settings';

export interface ClusterConfig {
  /** Empty = clustering is off. */
  clusterToken: string;
  clusterRedisUrl: string;
  publicWsUrl: string;
  livekitUrl: string;
  livekitApiKey: string;
  livekitApiSecret: string;
  clusterStaleSeconds: number;
  clusterDownSeconds: number;
}

export interface ClusterServiceDeps {
  config: ClusterConfig;
  repository: ClusterRepository;
  events: EventBus;
  log: { info(data: object, message: string): void; warn(data: object, message: string): void };
  clock?: Clock;
}

/** The registry of nodes: who belongs to the cluster, who is alive, who is being emptied. */
export class ClusterService {
  readonly nodes: NodeRegistry;
  readonly gate: TokenGate;
  readonly placement: PlacementService;
  /** How often an agent is asked to report. */
  readonly heartbeatSeconds: number;
  readonly #deps: ClusterServiceDeps;
  readonly #clock: Clock;
  readonly #timers: NodeJS.Timeout[] = [];
  #settings: ClusterSettings = { strategy: 'least-load' };
  #reported = 0;
  #startedMono = 0;
  #flushing: Promise<void> = Promise.resolve();

  constructor(deps: ClusterServiceDeps) {
    this.#deps = deps;
    this.#clock = deps.clock ?? { now: Date.now, mono: () => performance.now() };
    const { config } = deps;
    const limits = { staleMs: config.clusterStaleSeconds * 1000, downMs: config.clusterDownSeconds * 1000 };
    this.heartbeatSeconds = Math.min(30, Math.max(1, Math.floor(config.clusterStaleSeconds / 9)));
    this.nodes = new NodeRegistry(deps.repository, this.#clock, limits);
    this.gate = new TokenGate({
      token: config.clusterToken,
      registry: this.nodes,
      clock: this.#clock,
      onGuess: (ip, count) => deps.log.warn({ ip, count }, 'a wrong cluster token was sent'),
    });
    this.placement = new PlacementService({
      registry: this.nodes,
      clock: this.#clock,
      freshMs: limits.staleMs / 2,
      strategy: () => this.#settings.strategy,
      publicWsUrl: config.publicWsUrl,
      livekitUrl: config.livekitUrl,
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
    this.#settings = this.#readSettings();
    this.#startedMono = this.#clock.mono();
    this.#timers.push(
      setInterval(() => this.sweep(), SWEEP_MS),
      setInterval(() => this.#flush(), FLUSH_MS),
    );
    for (const timer of this.#timers) timer.unref();
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    await this.#flushing;
    this.nodes.flushNow();
    this.#deps.repository.close();
  }

  // --- what nodes call ---------------------------------------------------------

  /** @returns what the node needs to run, and whether it is new */
  join(caller: ClusterCaller, body: JoinBody): { answer: JoinAnswer; isNew: boolean } {
    if (isIP(body.ip) === 0 || body.ip.includes('%')) throw fieldError('body.ip', 'must be an IPv4 or IPv6 address');
    const known = caller === 'shared' ? this.nodes.byName(body.name) : caller;
    if (caller === 'shared' && isReserved(body.name)) throw new ApiError('NODE_NAME_RESERVED', { name: body.name });
    if (known?.status === 'disabled') throw clusterError('NODE_DISABLED', { name: known.name });
    if (known !== undefined && caller === 'shared') this.#refuseNamesake(known, body);
    const token = NODE_TOKEN_PREFIX + randomBytes(32).toString('base64url');
    const values = {
      url: body.url || body.ip,
      ip: body.ip,
      tokenHash: hash('sha256', token),
      isTokenUsed: false,
      ...(body.region === undefined ? {} : { region: body.region || null }),
    };
    const node = known ?? newNode(body.name, new Date(this.#clock.now()).toISOString());
    if (known === undefined) this.nodes.add(Object.assign(node, values));
    else this.nodes.update(node, values);
    this.nodes.touch(node);
    this.#announce(known === undefined ? 'node.joined' : 'node.updated', node, actorOf(node));
    this.#noteHealth(node, 'alive');
    return { answer: this.#joinAnswer(node, token), isNew: known === undefined };
  }

  /**
   * The hot path: everything happens in memory.
   * @returns what the node's agent has to bring about, when one reports
   */
  heartbeat(caller: ClusterCaller, body: HeartbeatBody): DesiredState | undefined {
    const stats = body.stats === undefined ? undefined : JSON.stringify(body.stats);
    if (stats !== undefined && stats.length > MAX_STATS_BYTES / 3 && Buffer.byteLength(stats) > MAX_STATS_BYTES) {
      throw clusterError('STATS_TOO_LARGE');
    }
    const node = this.#require(caller, body.nodeId);
    if (caller !== 'shared' && !node.isTokenUsed) this.nodes.update(node, { isTokenUsed: true });
    if (stats !== undefined) {
      node.statsJson = stats;
      node.load = loadOf(body.stats as Record<string, unknown>);
      this.#reported += 1;
    }
    this.nodes.touch(node);
    if (node.health !== 'alive') this.#noteHealth(node, 'alive');
    if (body.agent === undefined) return undefined;
    const before = node.livekit;
    node.agent = body.agent;
    node.livekit = body.agent.livekit;
    if (node.drain !== null && node.status === 'draining') this.#advance(node, node.drain);
    if (before?.state !== node.livekit.state || before.nodeId !== node.livekit.nodeId)
      this.#announce('node.updated', node);
    return desiredState(node, this.#clock.now());
  }

  /** A node takes itself out. */
  leave(caller: ClusterCaller, id: string): void {
    const node = this.#require(caller, id);
    if (caller === 'shared') throw clusterError('NODE_CREDENTIAL_REQUIRED');
    this.#remove(node, actorOf(node));
  }

  // --- what operators call -------------------------------------------------------

  require(id: string): NodeEntry {
    const node = this.nodes.get(id);
    if (node === undefined) throw clusterError('NODE_NOT_FOUND');
    return node;
  }

  record(node: NodeEntry): ClusterNode {
    const stats = node.statsJson === null ? null : (JSON.parse(node.statsJson) as Record<string, unknown>);
    return toRecord(node, this.nodes.health(node), stats);
  }

  /** The record as JSON; the stats go in as they came. */
  recordJson(node: NodeEntry): string {
    const record = toRecord(node, this.nodes.health(node), null);
    if (node.statsJson === null) return JSON.stringify(record);
    const { stats: _none, ...rest } = record;
    return `${JSON.stringify(rest).slice(0, -1)},"stats":${node.statsJson}}`;
  }

  update(id: string, body: PatchNodeBody, actor: Actor): ClusterNode {
    const node = this.require(id);
    const change: Partial<NodeEntry> = {};
    if (body.name !== undefined && body.name !== node.name) {
      if (isReserved(body.name)) throw new ApiError('NODE_NAME_RESERVED', { name: body.name });
      if (this.nodes.byName(body.name) !== undefined) throw new ApiError('NODE_NAME_TAKEN', { name: body.name });
      change.name = body.name;
    }
    if (body.region !== undefined && (body.region || null) !== node.region) change.region = body.region || null;
    if (body.status !== undefined && body.status !== node.status) change.status = body.status;
    const drain = this.#drainAfter(node, body);
    if (drain !== node.drain) change.drain = drain;
    if (Object.keys(change).length > 0) {
      this.nodes.update(node, change);
      this.#announce('node.updated', node, actor);
    }
    return this.record(node);
  }

  remove(id: string, actor: Actor): void {
    this.#remove(this.require(id), actor);
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
      if (health !== 'alive') stale += 1;
      if (health === 'down') down += 1;
    }
    return { total: this.nodes.size, byStatus, stale, down };
  }

  // --- the origin ----------------------------------------------------------------

  /** Inserts or refreshes the daemon's own machine; it only comes back at a start once it was removed. */
  refreshOrigin(
    report: { url: string; stats: Record<string, unknown>; livekit: NodeEntry['livekit'] },
    isStart: boolean,
  ): void {
    let node = this.nodes.get(ORIGIN);
    if (node === undefined) {
      if (!isStart) return;
      node = {
        ...newNode(ORIGIN, new Date(this.#clock.now()).toISOString()),
        id: ORIGIN,
        region: ORIGIN,
        url: report.url,
      };
      this.nodes.add(node);
    } else if (node.url !== report.url) this.nodes.update(node, { url: report.url });
    node.statsJson = JSON.stringify(report.stats);
    node.load = loadOf(report.stats);
    node.livekit = report.livekit;
    this.nodes.touch(node);
    if (node.health !== 'alive') this.#noteHealth(node, 'alive');
  }

  /** Announces nodes that fell silent. */
  sweep(): void {
    // after a start every node gets the time to report first
    const isSettled = this.#clock.mono() - this.#startedMono > this.#deps.config.clusterStaleSeconds * 1000;
    for (const node of this.nodes.values()) {
      const health = this.nodes.health(node);
      if (health !== node.health && (isSettled || health === 'alive')) this.#noteHealth(node, health);
    }
  }

  #noteHealth(node: NodeEntry, health: NodeHealth): void {
    if (node.health === health) return;
    const before = node.health;
    node.health = health;
    if (health !== 'never' && before !== 'never') this.#announce(`node.${health}`, node);
  }

  #flush(): void {
    if (this.#reported > 0) {
      this.#deps.events.publish({ type: 'node.stats', live: true, data: { reports: this.#reported } });
      this.#reported = 0;
    }
    this.#flushing = this.#flushing
      .then(() => this.nodes.flush())
      .catch((err) => this.#deps.log.warn({ err }, 'heartbeats could not be stored; tried again soon'));
  }

  #require(caller: ClusterCaller, id: string): NodeEntry {
    if (caller !== 'shared') {
      if (caller.id !== id) throw clusterError('CLUSTER_TOKEN_INVALID');
      return caller;
    }
    const node = this.nodes.get(id);
    if (node === undefined) throw clusterError('NODE_NOT_FOUND');
    if (node.isTokenUsed) throw clusterError('NODE_CREDENTIAL_REQUIRED');
    return node;
  }

  /** Two machines of one name must not take each other's entry by turns. */
  #refuseNamesake(node: NodeEntry, body: JoinBody): void {
    if (node.isTokenUsed && node.ip !== body.ip && this.nodes.health(node) === 'alive') {
      throw new ApiError('NODE_NAME_IN_USE', { name: body.name });
    }
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

  #advance(node: NodeEntry, drain: DrainState): void {
    const next = advanceDrain(drain, node.livekit, this.#clock.now());
    if (next === drain) {
      if (drain.phase !== 'drained') this.#announce('node.drain', node, undefined, true);
      return;
    }
    this.nodes.update(node, { drain: next });
    if (next.phase !== drain.phase) this.#announce(next.phase === 'drained' ? 'node.drained' : 'node.drain', node);
  }

  #remove(node: NodeEntry, actor: Actor): void {
    this.nodes.remove(node);
    this.placement.forget(node.id);
    this.#deps.events.publish({ type: 'node.removed', actor, data: { id: node.id, name: node.name } });
  }

  #announce(type: string, node: NodeEntry, actor?: Actor, live = false): void {
    const { stats: _stats, ...data } = toRecord(node, this.nodes.health(node), null);
    this.#deps.events.publish({ type, ...(actor ? { actor } : {}), ...(live ? { live } : {}), data });
  }

  #joinAnswer(node: NodeEntry, nodeToken: string): JoinAnswer {
    const { config } = this.#deps;
    return {
      nodeId: node.id,
      name: node.name,
      redisUrl: config.clusterRedisUrl || null,
      publicWsUrl: config.publicWsUrl || null,
      livekit: { apiKey: config.livekitApiKey, apiSecret: config.livekitApiSecret, wsUrl: config.livekitUrl },
      nodeToken,
      heartbeatSeconds: this.heartbeatSeconds,
    };
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

const isReserved = (name: string): boolean => name.toLowerCase() === ORIGIN;
const actorOf = (node: NodeEntry): Actor => ({ id: `node:${node.id}`, label: node.name });

function newNode(name: string, createdAt: string): NodeEntry {
  return {
    id: randomUUID(),
    createdAt,
    name,
    url: '',
    ip: null,
    region: null,
    status: 'active',
    tokenHash: null,
    isTokenUsed: false,
    drain: null,
    seenAt: null,
    seenMono: 0,
    statsJson: null,
    load: { cpu: null, memory: null },
    agent: null,
    livekit: null,
    health: 'never',
  };
}
