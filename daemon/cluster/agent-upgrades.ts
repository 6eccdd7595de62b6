import { randomUUID } from 'node:crypto';
import type { AgentReport, AgentUpgrade } from '#shared/schema/cluster.ts';
import type { ClusterRepository } from './repository.ts';

const KEY = 'cluster.agent_upgrades';

/** Which agents operators want to be replaced. It is stored, so that a restart of the daemon forgets none. */
export class AgentUpgrades {
  readonly #repository: Pick<ClusterRepository, 'readMeta' | 'writeMeta'>;
  #asked = new Map<string, AgentUpgrade>();

  constructor(repository: Pick<ClusterRepository, 'readMeta' | 'writeMeta'>) {
    this.#repository = repository;
  }

  load(): void {
    const stored = this.#repository.readMeta(KEY) ?? '{}';
    this.#asked = new Map(Object.entries(JSON.parse(stored) as Record<string, AgentUpgrade>));
  }

  ask(nodeId: string, sha256: string): AgentUpgrade {
    const upgrade = { id: randomUUID(), sha256 };
    this.#change((asked) => asked.set(nodeId, upgrade));
    return upgrade;
  }

  /** What the agent behind a report is to become; undefined when it is so already, has tried in vain, or nobody asks. */
  of(nodeId: string, agent: AgentReport | undefined): AgentUpgrade | undefined {
    const asked = this.#asked.get(nodeId);
    if (asked === undefined || agent === undefined) return undefined;
    if (agent.sha256 !== asked.sha256 && agent.upgradeProblem?.id !== asked.id) return asked;
    this.forget(nodeId);
    return undefined;
  }

  forget(nodeId: string): void {
    if (this.#asked.has(nodeId)) this.#change((asked) => asked.delete(nodeId));
  }

  /** When it can't be stored, nothing has changed. */
  #change(apply: (asked: Map<string, AgentUpgrade>) => void): void {
    const asked = new Map(this.#asked);
    apply(asked);
    this.#repository.writeMeta(KEY, JSON.stringify(Object.fromEntries(asked)), new Date().toISOString());
    this.#asked = asked;
  }
}
