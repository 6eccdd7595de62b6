import type { NodeEntry } from '#daemon/cluster/node.ts';
import type { Meta } from '#daemon/platform/db/meta.ts';
import type { NodeSettings } from '#shared/schema/cluster.ts';
import type { LiveKitOwnSettings, RollOut } from '#shared/schema/livekit.ts';
import { canWriteKeys, type KeyRollOut } from './key-roll-out.ts';
import type { OwnSettings } from './own-settings.ts';

const HOW = 'livekit.roll_out';
const TURN = 'livekit.roll_out.turn';

export interface NodeRollOutDeps {
  own: OwnSettings;
  keys: Pick<KeyRollOut, 'order' | 'isSatisfied'>;
  meta: Meta;
  node(id: string): NodeEntry | undefined;
  nodes(): Iterable<NodeEntry>;
  /** It hasn't reported lately. */
  isSilent(node: NodeEntry): boolean;
}

/** Gives LiveKit's settings and keys to the nodes whose agents can write them, with the answers to their heartbeats. */
export class NodeRollOut {
  readonly #deps: NodeRollOutDeps;
  /** The node whose turn it is to restart; kept, so that a daemon that was killed continues with it. */
  #turn: string;

  constructor(deps: NodeRollOutDeps) {
    this.#deps = deps;
    this.#turn = deps.meta.get(TURN) ?? '';
  }

  begin(how: RollOut): void {
    this.#deps.meta.set(HOW, how);
  }

  /** Can a node be given anything? */
  get hasTargets(): boolean {
    return this.#able().length > 0;
  }

  /**
   * What a node is to write now, and whether it restarts its LiveKit when the last room there has ended. Nodes are restarted
   * one after the other: one that doesn't come back keeps the others as they are.
   */
  orderFor(nodeId: string): (NodeSettings & { restart: boolean }) | undefined {
    const { own, meta, keys } = this.#deps;
    const node = this.#deps.node(nodeId);
    if (node === undefined || !isAble(node)) return undefined;
    if (this.#isDone(node)) {
      if (this.#turn === nodeId) this.#passOn();
      return undefined;
    }
    const { revision, text } = own.latest ?? { revision: 0, text: '' };
    const order = canWriteKeys(node) ? keys.order : undefined;
    if (revision === 0 && order === undefined) return undefined;
    const written = { revision, text, ...(order === undefined ? {} : { keys: order }) };
    if (meta.get(HOW) !== 'drain') return this.#isWritten(node) ? undefined : { ...written, restart: false };
    this.#passOn();
    return this.#turn === nodeId ? { ...written, restart: true } : undefined;
  }

  /** All nodes are looked at only when the turn passes on. */
  #passOn(): void {
    const { node, meta, isSilent } = this.#deps;
    const turn = this.#turn === '' ? undefined : node(this.#turn);
    // one that fell silent after it got the settings holds up the others: the settings may be the reason
    const isOver =
      turn === undefined || !isAble(turn) || this.#isDone(turn) || (isSilent(turn) && !this.#isWritten(turn));
    if (!isOver) return;
    const left = this.#able().filter((one) => !this.#isDone(one) && !isSilent(one));
    // one that was written before comes first
    const next = (left.find((one) => this.#isWritten(one)) ?? left[0])?.id ?? '';
    if (next === this.#turn) return;
    this.#turn = next;
    meta.set(TURN, next);
  }

  targets(): LiveKitOwnSettings['targets'] {
    return this.#able().map((node) => {
      const { name, agent, livekit } = node;
      const isRunning = livekit?.state === 'running' || livekit?.state === 'draining';
      return {
        name,
        runs: isRunning ? (agent?.settings?.runs ?? null) : null,
        isPending: !this.#hasAll(node),
        problem: this.#problemOf(node),
      };
    });
  }

  #problemOf(node: NodeEntry): string | null {
    const { keys, isSilent } = this.#deps;
    if (isSilent(node))
      return this.#turn === node.id && !this.#isDone(node)
        ? 'It stopped reporting during the roll-out, so the other nodes wait. Bring it back, disable it, or restore a revision.'
        : 'It isn’t reporting. It gets the settings when it reports again.';
    if (node.livekit?.state === 'failed') return node.livekit.problem ?? 'LiveKit doesn’t start.';
    const lacksKeys = !canWriteKeys(node) && keys.order !== undefined;
    return lacksKeys ? 'Its agent can’t be given keys. Upgrade the agent.' : null;
  }

  #isWritten(node: NodeEntry): boolean {
    const { own, keys } = this.#deps;
    const settings = node.agent?.settings;
    if (settings?.written !== (own.latest?.revision ?? 0)) return false;
    return !canWriteKeys(node) || keys.isSatisfied(settings.keys);
  }

  #hasAll(node: NodeEntry): boolean {
    const { own, keys } = this.#deps;
    if (node.agent?.settings?.runs !== (own.latest?.revision ?? 0)) return false;
    return !canWriteKeys(node) || keys.isSatisfied(node.agent.keys);
  }

  #isDone(node: NodeEntry): boolean {
    return this.#hasAll(node) && node.livekit?.state === 'running';
  }

  /** Active nodes, in the order of their names. */
  #able(): NodeEntry[] {
    return [...this.#deps.nodes()].filter(isAble).sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

const isAble = ({ agent, status }: NodeEntry): boolean => agent?.settings !== undefined && status === 'active';
