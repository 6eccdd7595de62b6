import { lazy, Suspense, useState } from 'react';
import { isGlobal } from '#shared/access.ts';
import { useServerSeries } from '../../api/history.ts';
import { useMe } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { RangePicker } from '../../ui/form/range-picker.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { count, percent } from '../../ui/words/format.ts';
import classes from './overview.module.css';

const TimeChart = lazy(async () => ({ default: (await import('../../ui/data/time-chart.tsx')).TimeChart }));

/** Load and streams of the last minutes or hours, with one crosshair over both. Only global callers get the streams. */
export function OverTime() {
  const { id } = useDaemon();
  const me = useMe();
  const [minutes, setMinutes] = useState(60);
  const cpu = useServerSeries(id, 'cpu', minutes);
  const memory = useServerSeries(id, 'memory', minutes);
  const streams = useServerSeries(id, 'streams', minutes);
  const rooms = useServerSeries(id, 'rooms', minutes);
  return (
    <Panel title="History" actions={<RangePicker label="Time range" minutes={minutes} onChange={setMinutes} />}>
      {cpu.length < 2 ? (
        <p className="dim">The daemon writes its load down once a minute; the first line shows in two minutes.</p>
      ) : (
        <div className={classes.charts}>
          <Suspense fallback={<div className={classes.chartsToCome} />}>
            <TimeChart
              label="Load"
              group="server"
              minutes={minutes}
              least={1}
              format={percent}
              series={[
                { name: 'CPU', samples: cpu },
                { name: 'Memory', samples: memory },
              ]}
            />
            {me && isGlobal(me) ? (
              <TimeChart
                label="Live"
                group="server"
                minutes={minutes}
                least={4}
                format={(value) => count(Math.round(value))}
                series={[
                  { name: 'Streams', samples: streams },
                  { name: 'Rooms', samples: rooms },
                ]}
              />
            ) : null}
          </Suspense>
        </div>
      )}
    </Panel>
  );
}
