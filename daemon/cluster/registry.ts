import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#daemon/platform/clock.ts';
import { type NodeLimits, nodeHealth } from '#shared/rules/nodes.ts';
import type { NodeHealth } from '#shared/schema/cluster.ts';
import { fromStored, heartbeatRow, type NodeEntry, nodeRow } from './node.ts';
import type { ClusterRepository } from './repository.ts';

/** Rows written in one go: about a millisecond of the event loop. */
const BATCH = 200;
/** How long the credential of a removed node is remembered. */
const REMEMBER_MS = 180 * 86_400_000;

/** All nodes in memory. What operators decide is written immediately, what heartbeats say in batches. */
export class NodeRegistry {
  readonly #repository: ClusterRepository;
  readonly #clock: Clock;
  readonly #limits: NodeLimits;
  readonly #byId = new Map<string, NodeEntry>();
  readonly #byName = new Map<string, NodeEntry>();
  readonly #byToken = new Map<string, NodeEntry>();
  #removed = new Set<string>();
  readonly #unwritten = new Set<NodeEntry>();
  #list: readonly NodeEntry[] | undefined;

  constructor(repository: ClusterRepository, clock: Clock, limits: NodeLimits) {
    this.#repository = repository;
    this.#clock = clock;
    this.#limits = limits;
  }

  load(): void {
    const now = this.#clock.now();
    const mono = this.#clock.monotonic();
    for (const row of this.#repository.all()) this.#index(fromStored(row, now, mono));
    this.#removed = this.#repository.removedHashes();
  }

  /** Forgets the credentials of nodes that were removed long ago. */
  forgetRemoved(now: number): void {
    this.#repository.forgetRemoved(new Date(now - REMEMBER_MS).toISOString());
    this.#removed = this.#repository.removedHashes();
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): NodeEntry | undefined {
    return this.#byId.get(id);
  }

  byName(name: string): NodeEntry | undefined {
    return this.#byName.get(name);
  }

  byToken(hash: string): NodeEntry | undefined {
    return this.#byToken.get(hash);
  }

  /** Does the hash belong to the credential of a node that was removed? */
  wasRemoved(hash: string): boolean {
    return this.#removed.has(hash);
  }

  /** By time of creation, then name. */
  list(): readonly NodeEntry[] {
    this.#list ??= [...this.#byId.values()].sort((a, b) =>
      a.createdAt === b.createdAt ? (a.name < b.name ? -1 : 1) : a.createdAt < b.createdAt ? -1 : 1,
    );
    return this.#list;
  }

  values(): IterableIterator<NodeEntry> {
    return this.#byId.values();
  }

  health(node: NodeEntry): NodeHealth {
    const silentMs = node.seenAt === null ? null : this.#clock.monotonic() - node.seenMono;
    return nodeHealth(silentMs, this.#clock.now() - Date.parse(node.createdAt), this.#limits);
  }

  /** The second machine with this node's identity, if one reported lately. */
  duplicate(node: NodeEntry): NodeEntry['duplicate'] {
    const { duplicate } = node;
    const isRecent = duplicate !== null && this.#clock.monotonic() - duplicate.seenMono <= this.#limits.staleMs;
    return isRecent ? duplicate : null;
  }

  add(node: NodeEntry): void {
    this.#repository.insert(nodeRow(node));
    this.#index(node);
    this.#unwritten.add(node);
  }

  /** Changes what is written immediately. When the write fails nothing has changed. */
  update(node: NodeEntry, change: Partial<NodeEntry>): void {
    this.#repository.update(nodeRow({ ...node, ...change }));
    this.#byName.delete(node.name);
    if (node.tokenHash !== null) this.#byToken.delete(node.tokenHash);
    Object.assign(node, change);
    this.#index(node);
  }

  remove(node: NodeEntry): void {
    this.#repository.remove(nodeRow(node), new Date(this.#clock.now()).toISOString());
    this.#byId.delete(node.id);
    this.#byName.delete(node.name);
    if (node.tokenHash !== null) {
      this.#byToken.delete(node.tokenHash);
      this.#removed.add(node.tokenHash);
    }
    this.#unwritten.delete(node);
    this.#list = undefined;
  }

  /** Records that the node just sent something. */
  touch(node: NodeEntry): void {
    node.seenAt = this.#clock.now();
    node.seenMono = this.#clock.monotonic();
    this.#unwritten.add(node);
  }

  /** What heartbeats said since the last call, in small batches so that requests get in between. */
  async flush(): Promise<void> {
    while (this.#unwritten.size > 0) {
      this.#writeBatch();
      if (this.#unwritten.size > 0) await nextTurn();
    }
  }

  flushNow(): void {
    while (this.#unwritten.size > 0) this.#writeBatch();
  }

  #writeBatch(): void {
    const batch: NodeEntry[] = [];
    for (const node of this.#unwritten) {
      batch.push(node);
      if (batch.length === BATCH) break;
    }
    this.#repository.saveHeartbeats(batch.filter((node) => node.seenAt !== null).map(heartbeatRow));
    for (const node of batch) this.#unwritten.delete(node);
  }

  #index(node: NodeEntry): void {
    this.#byId.set(node.id, node);
    this.#byName.set(node.name, node);
    if (node.tokenHash !== null) this.#byToken.set(node.tokenHash, node);
    this.#list = undefined;
  }
}
