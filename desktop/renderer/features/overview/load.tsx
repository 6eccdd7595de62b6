import type { ResultOf } from '#shared/contract/operation.ts';
import type { getStats } from '#shared/contract/system.ts';
import { serverMeasures, useServerSeries } from '../../api/history.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { Bar, loadTone } from '../../ui/data/bar.tsx';
import { Sparkline } from '../../ui/data/sparkline.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { bytes, count, duration, percent } from '../../ui/words/format.ts';
import classes from './overview.module.css';

/** Load and streams now, with the last 15 minutes beside each. */
export function Load({ stats }: { stats: ResultOf<typeof getStats> }) {
  const measures = serverMeasures(stats);
  const { cpu, memory, disk, counts } = stats;
  return (
    <Panel title="Now" note={`up for ${duration(stats.uptimeSeconds)}`}>
      <div className={classes.counts}>
        <Count value={counts.activeStreams} label="streams live" />
        <Count value={counts.rooms} label="rooms" />
        <Count value={stats.egress.active} label="recordings running" />
        <Count value={stats.ingress.active} label="ingests" />
      </div>
      {stats.host === false ? null : (
        <dl className={classes.load}>
          <Row
            name="CPU"
            measure="cpu"
            share={measures['cpu']}
            text={`load ${cpu.loadAvg[0]?.toFixed(1)} on ${count(cpu.cores)} cores`}
          />
          <Row
            name="Memory"
            measure="memory"
            share={measures['memory']}
            text={`${bytes(memory.usedBytes)} of ${bytes(memory.totalBytes)}`}
          />
          {disk ? (
            <Row name="Disk" measure="disk" share={measures['disk']} text={`${bytes(disk.freeBytes)} free`} />
          ) : null}
        </dl>
      )}
    </Panel>
  );
}

function Count({ value, label }: { value: number; label: string }) {
  return (
    <div data-zero={value === 0 || undefined}>
      <strong>{count(value)}</strong>
      <span>{label}</span>
    </div>
  );
}

function Row({
  name,
  measure,
  share = 0,
  text,
}: {
  name: string;
  measure: 'cpu' | 'memory' | 'disk';
  share: number | undefined;
  text: string;
}) {
  const { id } = useDaemon();
  const samples = useServerSeries(id, measure);
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span className="num">{percent(share)}</span>
        <Bar share={share} tone={loadTone(share)} label={`${name} ${percent(share)}`} />
        <span className={classes.spark}>
          <Sparkline samples={samples} max={1} label={`${name}, last 15 minutes`} />
        </span>
        <span className="dim cut">{text}</span>
      </dd>
    </div>
  );
}
