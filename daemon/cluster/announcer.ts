import type { EventBus } from '#daemon/platform/events/bus.ts';
import type { Actor } from '#daemon/platform/http/types.ts';
import type { NodeHealth } from '#shared/schema/cluster.ts';
import type { EventType } from '#shared/schema/events.ts';
import type { NodeEntry } from './node.ts';
import { type PresentKeys, toRecord } from './node-record.ts';
import type { NodeRegistry } from './registry.ts';

/** Events that carry the node. */
type NodeNews = Exclude<EventType & `node.${string}`, 'node.removed' | 'node.stats'>;

/** Tells the rest of the daemon what happens to nodes. Stats are left out: they would be most of the traffic. */
export class NodeAnnouncer {
  readonly #events: EventBus;
  readonly #nodes: NodeRegistry;
  readonly #keys: PresentKeys;

  constructor(events: EventBus, nodes: NodeRegistry, keys: PresentKeys) {
    this.#events = events;
    this.#nodes = nodes;
    this.#keys = keys;
  }

  announce(type: NodeNews, node: NodeEntry, more: { actor?: Actor; live?: boolean } = {}): void {
    const { stats: _stats, ...data } = toRecord(node, this.#nodes, null, this.#keys);
    this.#events.publish({ type, ...more, data });
  }

  /** Notes the health of a node, and announces it where it is news. */
  health(node: NodeEntry, health: NodeHealth): void {
    if (node.health === health) return;
    const before = node.health;
    node.health = health;
    if (!isUnheard(health) && !isUnheard(before)) this.announce(`node.${health}`, node);
  }

  removed(node: NodeEntry, actor: Actor): void {
    this.#events.publish({ type: 'node.removed', actor, data: { id: node.id, name: node.name } });
  }
}

/** No heartbeat yet: neither its silence nor its first report is news, `node.joined` was. */
const isUnheard = (health: NodeHealth): health is 'never' | 'joining' => health === 'never' || health === 'joining';
