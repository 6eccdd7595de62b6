import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NodeEntry } from '#daemon/cluster/node.ts';
import { nodeFindings } from '#shared/rules/quality.ts';
import {
  COMPARED_MEASURES,
  type ComparedMeasure,
  type NodeQuality,
  type NodesQuality,
  type NodesQualityQuery,
} from '#shared/schema/quality.ts';
import type { HistoryService, LinesOf } from '../history/service.ts';

const MINUTES = 60;
/** Nodes that are compared; history keeps the figures of as many. */
const MAX_NODES = 1000;

export interface NodeQualityDeps {
  history: Pick<HistoryService, 'lines'>;
  nodes(): Iterable<NodeEntry>;
  /** @throws ApiError NODE_NOT_FOUND */
  require(id: string): NodeEntry;
}

/** How well media travelled through the nodes, from what history wrote down. */
export class NodeQualityService {
  readonly #deps: NodeQualityDeps;

  constructor(deps: NodeQualityDeps) {
    this.#deps = deps;
  }

  /** @throws ApiError NODE_NOT_FOUND */
  node(id: string, minutes = MINUTES): NodeQuality {
    return this.#of(this.#deps.require(id), minutes);
  }

  async compare({ minutes = MINUTES, measure = 'score' }: NodesQualityQuery): Promise<NodesQuality> {
    const nodes: NodesQuality['nodes'] = [];
    const { from, stepSeconds } = this.#deps.history.lines([], minutes, '');
    const count = Math.ceil((minutes * 60) / stepSeconds);
    for (const node of [...this.#deps.nodes()].slice(0, MAX_NODES)) {
      const { id, name, lines, findings } = this.#of(node, minutes);
      if (Object.keys(lines).length > 0)
        nodes.push({ id, name, means: means(lines), line: lines[measure] ?? Array(count).fill(null), findings });
      await nextTurn();
    }
    return { from, stepSeconds, measure, nodes };
  }

  #of({ id, name }: NodeEntry, minutes: number): NodeQuality {
    const { from, stepSeconds, lines } = this.#deps.history.lines(COMPARED_MEASURES, minutes, id);
    const start = Date.parse(from);
    const steps = Array.from({ length: Math.ceil((minutes * 60) / stepSeconds) }, (_, step) => ({
      at: new Date(start + step * stepSeconds * 1000).toISOString(),
      ...Object.fromEntries(Object.entries(lines).map(([measure, line]) => [measure, line[step] ?? null])),
    }));
    return { from, stepSeconds, id, name, lines, findings: nodeFindings(steps, stepSeconds) };
  }
}

function means(lines: LinesOf<ComparedMeasure>): Partial<Record<ComparedMeasure, number>> {
  return Object.fromEntries(
    Object.entries(lines).map(([measure, line]) => {
      const values = line.filter((value) => value !== null);
      return [measure, Number((values.reduce((a, b) => a + b, 0) / values.length).toPrecision(6))];
    }),
  );
}
