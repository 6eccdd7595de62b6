import { randomUUID } from 'node:crypto';
import type { AgentReport, AgentUpgrade } from '#shared/schema/cluster.ts';

/** Which agents operators want to be replaced. A restart of the daemon forgets it; asking again does no harm. */
export class AgentUpgrades {
  readonly #asked = new Map<string, AgentUpgrade>();

  ask(nodeId: string, sha256: string): AgentUpgrade {
    const upgrade = { id: randomUUID(), sha256 };
    this.#asked.set(nodeId, upgrade);
    return upgrade;
  }

  /** What the agent behind a report is to become; undefined when it is so already, has tried in vain, or nobody asks. */
  of(nodeId: string, agent: AgentReport | undefined): AgentUpgrade | undefined {
    const asked = this.#asked.get(nodeId);
    if (asked === undefined || agent === undefined) return undefined;
    if (agent.sha256 !== asked.sha256 && agent.upgradeProblem?.id !== asked.id) return asked;
    this.#asked.delete(nodeId);
    return undefined;
  }
}
