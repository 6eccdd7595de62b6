import { lazy, Suspense, useState } from 'react';
import { useNodeSeries } from '../../api/history.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { RangePicker } from '../../ui/form/range-picker.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { bitrate, count, percent } from '../../ui/words/format.ts';
import classes from './cluster.module.css';
import type { Node } from './node-words.ts';

const TimeChart = lazy(async () => ({ default: (await import('../../ui/data/time-chart.tsx')).TimeChart }));

/** What a node carried over the last minutes or hours; a silence is a gap in its lines. */
export function NodeCharts({ node }: { node: Node }) {
  const { id } = useDaemon();
  const [minutes, setMinutes] = useState(60);
  const span = { minutes, isAlone: true };
  const cpu = useNodeSeries(id, node.id, 'cpu', span);
  const memory = useNodeSeries(id, node.id, 'memory', span);
  const people = useNodeSeries(id, node.id, 'participants', span);
  const tx = useNodeSeries(id, node.id, 'tx', span);
  const rx = useNodeSeries(id, node.id, 'rx', span);
  const shared = { group: 'node', minutes };
  return (
    <Panel title="History" actions={<RangePicker label="Time range" minutes={minutes} onChange={setMinutes} />}>
      {cpu.length < 2 && people.length < 2 ? (
        <p className="dim">No heartbeats in this time. The chart starts after two heartbeats.</p>
      ) : (
        <div className={classes.charts}>
          <Suspense fallback={<div className={classes.chartsToCome} />}>
            <TimeChart
              {...shared}
              label="Load"
              least={1}
              format={percent}
              series={[
                { name: 'CPU', samples: cpu },
                { name: 'Memory', samples: memory },
              ]}
            />
            {people.length > 1 ? (
              <TimeChart
                {...shared}
                label="Participants"
                least={4}
                format={(value) => count(Math.round(value))}
                series={[{ name: 'Participants', samples: people }]}
              />
            ) : null}
            {tx.length > 1 ? (
              <TimeChart
                {...shared}
                label="Traffic"
                format={(value) => bitrate(value * 8)}
                series={[
                  { name: 'Sends', samples: tx },
                  { name: 'Receives', samples: rx },
                ]}
              />
            ) : null}
          </Suspense>
        </div>
      )}
    </Panel>
  );
}
