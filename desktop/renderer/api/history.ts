import { useMemo } from 'react';
import { create } from 'zustand';
import { opened } from '#shared/client/opened.ts';
import { listNodes } from '#shared/contract/cluster.ts';
import { getLoadHistory, getNodeHistory } from '#shared/contract/history.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { getStats } from '#shared/contract/system.ts';
import { type Measures, serverMeasures as measuresOf, nodeMeasures } from '#shared/rules/measures.ts';
import { queryClient, useReadOf } from './query.ts';
import { lackFor, useMeOf } from './rights.ts';

/** One measurement: milliseconds and value. */
export type Sample = readonly [at: number, value: number];

const KEPT = 960;
const MIN_GAP = 4000;

/** What was heard since the page was opened, by `<connection>/<subject>/<measure>`. */
const useHistory = create<Record<string, readonly Sample[]>>(() => ({}));
const NONE: readonly Sample[] = [];

/** Values of a series that this page received itself. */
const useHeard = (connectionId: string, subject: string, measure: string): readonly Sample[] =>
  useHistory((all) => all[`${connectionId}/${subject}/${measure}`] ?? NONE);

type Lines = ResultOf<typeof getLoadHistory>['data']['lines'];
export type Measure = keyof Lines;

const SHARES: ReadonlySet<Measure> = new Set(['cpu', 'memory', 'disk']);

/** Time range a line reaches, minutes. */
export const SPARK_MINUTES = 15;
/** How often the daemon's own lines are read again, ms. Samples heard in between are appended to them. */
const REREAD = 5 * 60_000;

/** Load of the daemon's machine: what the daemon wrote down, then what this page heard since. */
export function useServerSeries(
  connectionId: string,
  measure: Measure,
  minutes: number = SPARK_MINUTES,
  enabled = true,
): readonly Sample[] {
  const me = useMeOf(connectionId, enabled);
  const past = useReadOf(
    connectionId,
    getLoadHistory,
    { query: { minutes } },
    {
      enabled: enabled && me !== undefined && lackFor(getLoadHistory, me) === undefined,
      staleTime: REREAD,
      every: REREAD,
    },
  );
  const heard = useHeard(connectionId, 'server', measure);
  const told = past.data;
  return useMemo(
    () => joined(told && { ...told, line: told.lines[measure], isShare: SHARES.has(measure) }, heard, minutes),
    [told, measure, heard, minutes],
  );
}

/** Load of a node. With `isAlone` only this node is asked for, as for a longer time; otherwise all share one question. */
export function useNodeSeries(
  connectionId: string,
  nodeId: string,
  measure: Measure,
  { minutes = SPARK_MINUTES, isAlone = false }: { minutes?: number; isAlone?: boolean } = {},
): readonly Sample[] {
  const me = useMeOf(connectionId);
  const past = useReadOf(
    connectionId,
    getNodeHistory,
    { query: { minutes, ...(isAlone ? { node: nodeId } : {}) } },
    { enabled: me !== undefined && lackFor(getNodeHistory, me) === undefined, staleTime: REREAD, every: REREAD },
  );
  const heard = useHeard(connectionId, `node:${nodeId}`, measure);
  const told = past.data;
  return useMemo(() => {
    const lines = told?.nodes.find((node) => node.id === nodeId)?.lines;
    return joined(told && { ...told, line: lines?.[measure] }, heard, minutes);
  }, [told, nodeId, measure, heard, minutes]);
}

interface Told {
  from: string;
  stepSeconds: number;
  line: readonly (number | null)[] | undefined;
  isShare?: boolean;
}

/** The values of a line with their times: a mean belongs to the middle of its time. */
export function samplesOf(
  { from, stepSeconds }: Pick<Told, 'from' | 'stepSeconds'>,
  line: readonly (number | null)[] = [],
): Sample[] {
  const start = Date.parse(from);
  return line.flatMap((value, index) =>
    value === null ? [] : [[start + (index + 0.5) * stepSeconds * 1000, value] as const],
  );
}

/** A line and what came after it. */
function joined(told: Told | undefined, heard: readonly Sample[], minutes: number): readonly Sample[] {
  if (told?.line === undefined) return heard;
  const { isShare, line } = told;
  // a load beyond all cores is shown as full
  const past = samplesOf(told, isShare ? line.map((value) => value && Math.min(1, value)) : line);
  const end = Date.parse(told.from) + line.length * told.stepSeconds * 1000;
  const all = [...past, ...heard.filter(([at]) => at > end)];
  const last = all.at(-1)?.[0] ?? 0;
  return all.filter(([at]) => at >= last - minutes * 60_000);
}

type Node = ResultOf<typeof listNodes>['data'][number];
type Stats = ResultOf<typeof getStats>;

/** For a bar: a load beyond all cores is shown as full. */
export function serverMeasures(stats: Stats): Measures {
  const { cpu, ...others } = measuresOf(stats);
  return cpu === undefined ? others : { ...others, cpu: Math.min(1, cpu) };
}

function record(connectionId: string, subject: string, at: number, measures: Measures): void {
  const all = useHistory.getState();
  const news: Record<string, readonly Sample[]> = {};
  for (const [measure, value] of Object.entries(measures)) {
    if (value === undefined) continue;
    const key = `${connectionId}/${subject}/${measure}`;
    const series = all[key] ?? NONE;
    const last = series.at(-1);
    if (last && at - last[0] < MIN_GAP) continue;
    news[key] = [...series.slice(-KEPT + 1), [at, value]];
  }
  if (Object.keys(news).length > 0) useHistory.setState(news);
}

/** Nodes up to which their numbers are kept; beyond, the table shows the newest alone. */
const MAX_NODES = 300;

/** Writes down the numbers of every answer that has some. Called once. */
export function recordHistory(): void {
  queryClient.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated' || event.action.type !== 'success') return;
    const [connectionId, operation] = event.query.queryKey as [string, string];
    if (operation === getStats.id) {
      const stats = event.query.state.data as Stats;
      record(connectionId, 'server', Date.parse(stats.ts), serverMeasures(stats));
    } else if (operation === listNodes.id) {
      const nodes = opened(event.query.state.data) as readonly Node[];
      if (nodes.length > MAX_NODES) return;
      for (const node of nodes) {
        if (node.last_seen_at)
          record(connectionId, `node:${node.id}`, Date.parse(node.last_seen_at), nodeMeasures(node.stats));
      }
    }
  });
}
