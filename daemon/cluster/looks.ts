import { randomUUID } from 'node:crypto';
import type { Look, Looked } from '#shared/schema/cluster.ts';

/** Asks nodes to connect to addresses, because what this machine reaches can be closed to others. */
export class Looks {
  readonly #open = new Map<string, { look: Look; resolve: (results: Looked['results']) => void }>();

  /**
   * Resolves when the node has tried the addresses, which takes it a heartbeat; never if it doesn't report.
   * A second question to the same node replaces the first.
   */
  ask(nodeId: string, targets: Look['targets']): Promise<Looked['results']> {
    const { promise, resolve } = Promise.withResolvers<Looked['results']>();
    this.#open.set(nodeId, { look: { id: randomUUID(), targets }, resolve });
    return promise;
  }

  /** Nobody waits for the node's answer any more. */
  forget(nodeId: string): void {
    this.#open.delete(nodeId);
  }

  /** What the node is to try; undefined when nobody asks. */
  of(nodeId: string): Look | undefined {
    return this.#open.get(nodeId)?.look;
  }

  /** The node has tried. */
  told(nodeId: string, { id, results }: Looked): void {
    const asked = this.#open.get(nodeId);
    if (asked?.look.id !== id) return;
    this.#open.delete(nodeId);
    asked.resolve(results);
  }
}
