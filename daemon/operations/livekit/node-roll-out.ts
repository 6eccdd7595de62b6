import type { NodeEntry } from '#daemon/cluster/node.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';
import type { NodeSettings } from '#shared/schema/cluster.ts';
import type { LiveKitOwnSettings, RollOut } from '#shared/schema/livekit.ts';
import type { OwnSettings } from './own-settings.ts';

const HOW = 'livekit.roll_out';

export interface NodeRollOutDeps {
  own: OwnSettings;
  meta: Meta;
  node(id: string): NodeEntry | undefined;
  nodes(): Iterable<NodeEntry>;
}

/** Gives LiveKit's settings to the nodes whose agents can write them, with the answers to their heartbeats. */
export class NodeRollOut {
  readonly #deps: NodeRollOutDeps;
  /** The node whose turn it is to restart. */
  #turn: string | undefined;

  constructor(deps: NodeRollOutDeps) {
    this.#deps = deps;
  }

  begin(how: RollOut): void {
    this.#deps.meta.set(HOW, how);
  }

  /**
   * What a node is to write now, and whether it restarts its LiveKit when the last room there has ended. Nodes are restarted
   * one after the other: one that doesn't come back keeps the others as they are.
   */
  orderFor(nodeId: string): (NodeSettings & { restart: boolean }) | undefined {
    const { own, meta } = this.#deps;
    const { revision, text } = own.latest ?? { revision: 0, text: '' };
    if (revision === 0) return undefined;
    const isWritten = (node: NodeEntry): boolean => node.agent?.settings?.written === revision;
    const isDone = (node: NodeEntry): boolean =>
      node.agent?.settings?.runs === revision && node.livekit?.state === 'running';
    const node = this.#deps.node(nodeId);
    if (node === undefined || !isAble(node) || isDone(node)) return undefined;
    if (meta.get(HOW) !== 'drain') return isWritten(node) ? undefined : { revision, text, restart: false };
    const turn = this.#turn === undefined ? undefined : this.#deps.node(this.#turn);
    if (turn === undefined || !isAble(turn) || isDone(turn)) {
      // all nodes are looked at only when the turn passes on; one that was written before comes first
      const nodes = this.#able();
      const next = nodes.find((one) => isWritten(one) && !isDone(one)) ?? nodes.find((one) => !isDone(one));
      this.#turn = next?.id;
    }
    return this.#turn === nodeId ? { revision, text, restart: true } : undefined;
  }

  targets(): LiveKitOwnSettings['targets'] {
    const revision = this.#deps.own.latest?.revision ?? 0;
    return this.#able().map(({ name, agent, livekit }) => ({
      name,
      runs: livekit?.state === 'running' || livekit?.state === 'draining' ? (agent?.settings?.runs ?? null) : null,
      isPending: agent?.settings?.runs !== revision,
    }));
  }

  /** Active nodes, in the order of their names. */
  #able(): NodeEntry[] {
    return [...this.#deps.nodes()].filter(isAble).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

const isAble = ({ agent, status }: NodeEntry): boolean => agent?.settings !== undefined && status === 'active';
