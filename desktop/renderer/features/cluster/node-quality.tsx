import { lazy, Suspense, useState } from 'react';
import { getNodeQuality } from '#shared/contract/quality.ts';
import type { ComparedMeasure, NodeQualityFinding } from '#shared/schema/quality.ts';
import { samplesOf } from '../../api/history.ts';
import { useRead } from '../../api/query.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { RangePicker } from '../../ui/form/range-picker.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { At } from '../../ui/words/time.tsx';
import classes from './cluster.module.css';
import type { Node } from './node-words.ts';
import { FIGURES, limitOf } from './quality-words.ts';

const TimeChart = lazy(async () => ({ default: (await import('../../ui/data/time-chart.tsx')).TimeChart }));

/** The charts, each with its lines by name. */
const CHARTS: readonly { label: string; lines: Partial<Record<ComparedMeasure, string>>; least: number }[] = [
  { label: 'Quality score', lines: { score: 'Score' }, least: 4.5 },
  {
    label: 'Packet loss',
    lines: { lossIn: 'To the node', lossOut: 'To viewers', lossP95: 'Worst 5 % of tracks' },
    least: 3,
  },
  { label: 'Round trip', lines: { rtt: 'Mean', rttP95: 'Worst 5 %' }, least: 100 },
  { label: 'Jitter', lines: { jitter: 'Mean', jitterP95: 'Worst 5 %' }, least: 20 },
  { label: 'Requested again', lines: { nack: 'Packets (NACK)', pli: 'Key frames (PLI)' }, least: 1 },
  { label: 'Forwarding', lines: { forward: 'Per packet' }, least: 1 },
];

/** How well media travelled through a node: in words, and over time. */
export function NodeQuality({ node }: { node: Node }) {
  const [minutes, setMinutes] = useState(60);
  const quality = useRead(getNodeQuality, { params: { id: node.id }, query: { minutes } }, { keep: true });
  return (
    <Panel
      title="Quality"
      actions={<RangePicker label="Time range of quality" minutes={minutes} onChange={setMinutes} />}
    >
      <QueryView query={quality} what="the quality of this node">
        {(told) => {
          const shown = CHARTS.filter(({ lines }) => Object.keys(lines).some((measure) => measure in told.lines));
          if (shown.length === 0)
            return (
              <p className="dim">
                Nothing was measured in this time. LiveKit measures while participants are connected.
              </p>
            );
          return (
            <div className={classes.charts}>
              <NodeFindings findings={told.findings} />
              <Suspense fallback={<div className={classes.chartsToCome} />}>
                {shown.map(({ label, lines, least }) => {
                  const measures = Object.keys(lines) as ComparedMeasure[];
                  const [first] = measures as [ComparedMeasure];
                  return (
                    <TimeChart
                      key={label}
                      group="node-quality"
                      minutes={minutes}
                      label={label}
                      least={least}
                      format={FIGURES[first].format}
                      limit={limitOf(first)}
                      series={measures.map((measure) => ({
                        name: lines[measure] ?? measure,
                        samples: samplesOf(told, told.lines[measure]),
                      }))}
                    />
                  );
                })}
              </Suspense>
            </div>
          );
        }}
      </QueryView>
    </Panel>
  );
}

/** Stretches in which something was wrong. */
export function NodeFindings({ findings }: { findings: readonly NodeQualityFinding[] }) {
  if (findings.length === 0) return <p className="dim">Nothing was beyond its limit.</p>;
  return (
    <ul className={classes.findings}>
      {findings.map(({ text, from, to, measure }) => (
        <li key={`${measure} ${from}`}>
          {text} from <At at={from} /> to <At at={to} />
        </li>
      ))}
    </ul>
  );
}
