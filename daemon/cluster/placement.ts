import type { Clock } from '#daemon/platform/clock.ts';
import type { SettingValues } from '#daemon/platform/settings.ts';
import {
  ORIGIN,
  type PlacementCandidate,
  type PlacementPreview,
  type PlacementStrategy,
} from '#shared/schema/cluster.ts';
import type { NodeEntry } from './node.ts';
import type { NodeRegistry } from './registry.ts';
import { loadOf, type NodeStats, type Ranked, rank } from './strategies.ts';

/** Where a room is placed. */
export interface Placement {
  /** The node chosen; null = LiveKit chooses by itself. */
  node: NodeEntry | null;
  /** For LiveKit's `createRoom({ nodeId })`; null = leave it out. */
  livekitNodeId: string | null;
  /** WebSocket address for the client. */
  address: string;
  reason: string;
}

export interface PlacementDeps {
  registry: NodeRegistry;
  clock: Clock;
  /** Stats older than this do not count. */
  freshMs: number;
  strategy(): PlacementStrategy;
  addresses: Pick<SettingValues, 'publicWsUrl' | 'livekitUrl'>;
}

interface Given {
  pending: number;
  /** When the node had last reported as `pending` was counted. */
  seenMono: number;
  lastChosenAt: number;
}

/** Decides on which node a new room is made and through which node a client enters. */
export class PlacementService {
  readonly #deps: PlacementDeps;
  readonly #given = new Map<string, Given>();
  #turn = 0;

  constructor(deps: PlacementDeps) {
    this.#deps = deps;
  }

  /**
   * Node and address for a room that does not exist yet. The choice is counted, so that many rooms at the same time are not all
   * put on the node that looked best.
   */
  choose(_room: string, options: { region?: string } = {}): Placement {
    const { ranked, reason } = this.#decide(options.region);
    const first = ranked[0];
    const node = first === undefined ? undefined : this.#deps.registry.get(first.node.id);
    if (first === undefined || node === undefined) {
      return { node: null, livekitNodeId: null, address: this.#defaultAddress(), reason };
    }
    const given = this.#givenTo(node);
    this.#turn += 1;
    this.#given.set(node.id, { pending: given.pending + 1, seenMono: node.seenMono, lastChosenAt: this.#turn });
    return { node, livekitNodeId: node.livekit?.nodeId ?? null, address: this.addressFor(node), reason: first.reason };
  }

  /** Address of an active node for a room that exists already; nothing is counted. */
  entryAddress(options: { region?: string } = {}): string {
    const first = this.#decide(options.region).ranked[0];
    const node = first === undefined ? undefined : this.#deps.registry.get(first.node.id);
    return node === undefined ? this.#defaultAddress() : this.addressFor(node);
  }

  /**
   * WebSocket address under which clients reach a node: the one it was registered with; else PUBLIC_WS_URL, behind which
   * every node is reached; else what its agent knows.
   */
  addressFor(node: NodeEntry): string {
    if (node.id === ORIGIN) return this.#defaultAddress();
    if (/^wss?:\/\//i.test(node.url)) return node.url;
    if (/^https?:\/\//i.test(node.url)) return node.url.replace(/^http/i, 'ws');
    const { publicWsUrl, livekitUrl } = this.#deps.addresses;
    return publicWsUrl || node.livekit?.url || livekitUrl;
  }

  preview(options: { region?: string } = {}): PlacementPreview {
    const { ranked, reason } = this.#decide(options.region);
    const ranks = new Map(ranked.map((entry, index) => [entry.node.id, { ...entry, rank: index + 1 }]));
    const nodes = this.#deps.registry
      .list()
      .map((node) => this.#candidate(node, ranks.get(node.id), ranked.length > 0));
    nodes.sort((a, b) => (a.rank ?? Number.MAX_SAFE_INTEGER) - (b.rank ?? Number.MAX_SAFE_INTEGER));
    const next = ranked[0] === undefined ? undefined : this.#deps.registry.get(ranked[0].node.id);
    return {
      strategy: this.#deps.strategy(),
      next: next === undefined ? null : { id: next.id, name: next.name, address: this.addressFor(next) },
      reason,
      nodes,
    };
  }

  /** A removed node's count is of no use any more. */
  forget(id: string): void {
    this.#given.delete(id);
  }

  #decide(region: string | undefined): { ranked: Ranked[]; reason: string } {
    const reporting: NodeEntry[] = [];
    for (const node of this.#deps.registry.values()) if (node.livekit?.nodeId) reporting.push(node);
    if (reporting.length < 2) {
      const which =
        reporting.length === 0 ? 'No node reports a LiveKit server' : 'Only one node reports a LiveKit server';
      return { ranked: [], reason: `${which}, so there is no choice: LiveKit places rooms itself.` };
    }
    const usable = reporting.filter((node) => this.#obstacle(node) === null).map((node) => this.#statsOf(node));
    if (usable.length === 0) {
      return { ranked: [], reason: 'No node can take a room now: LiveKit places rooms itself.' };
    }
    const ranked = rank(this.#deps.strategy(), usable, region);
    const first = ranked[0] as Ranked;
    return { ranked, reason: `${first.node.name} is next (${this.#deps.strategy()}): ${first.reason}.` };
  }

  /** Why a node gets no room; null = it can. */
  #obstacle(node: NodeEntry): string | null {
    if (node.status !== 'active') return `is ${node.status}`;
    if (node.livekit === null) return 'no agent reports for it';
    if (this.#deps.clock.monotonic() - node.seenMono > this.#deps.freshMs) return 'has not reported recently';
    if (node.livekit.state !== 'running') return `its LiveKit is ${node.livekit.state}`;
    return node.livekit.nodeId === null ? 'its LiveKit has no id yet' : null;
  }

  #candidate(node: NodeEntry, place: (Ranked & { rank: number }) | undefined, isChoosing: boolean): PlacementCandidate {
    const stats = this.#statsOf(node);
    const obstacle = this.#obstacle(node);
    return {
      id: node.id,
      name: node.name,
      region: node.region,
      eligible: place !== undefined,
      rank: place?.rank ?? null,
      load: stats.cpu === null ? null : Math.round(Math.min(1, loadOf(stats)) * 1000) / 1000,
      rooms: stats.rooms,
      participants: stats.participants,
      reason: place?.reason ?? obstacle ?? (isChoosing ? 'cannot take a room' : 'is the only one that reports'),
    };
  }

  #statsOf(node: NodeEntry): NodeStats {
    const given = this.#givenTo(node);
    return {
      id: node.id,
      name: node.name,
      region: node.region,
      cpu: node.load.cpu,
      memory: node.load.memory,
      rooms: node.livekit?.rooms ?? null,
      participants: node.livekit?.participants ?? null,
      pending: given.pending,
      lastChosenAt: given.lastChosenAt,
    };
  }

  /** What was placed on the node since it last reported; older placements show in its own numbers. */
  #givenTo(node: NodeEntry): Given {
    const given = this.#given.get(node.id);
    if (given === undefined) return { pending: 0, seenMono: node.seenMono, lastChosenAt: 0 };
    return given.seenMono === node.seenMono ? given : { ...given, pending: 0 };
  }

  #defaultAddress(): string {
    const { publicWsUrl, livekitUrl } = this.#deps.addresses;
    return publicWsUrl || livekitUrl;
  }
}
