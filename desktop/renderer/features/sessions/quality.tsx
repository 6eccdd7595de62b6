import { Button } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { getSessionQuality, getStayQuality } from '#shared/contract/telemetry.ts';
import type { QualityFinding, QualitySample } from '#shared/schema/telemetry.ts';
import type { Sample } from '../../api/history.ts';
import { useRead } from '../../api/query.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { CopyBox } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Facts } from '../../ui/layout/page.tsx';
import { bitrate, count, plural } from '../../ui/words/format.ts';
import { At } from '../../ui/words/time.tsx';
import classes from './sessions.module.css';

const TimeChart = lazy(async () => ({ default: (await import('../../ui/data/time-chart.tsx')).TimeChart }));
const RUNNING_MS = 10_000;

/** What was wrong in a session, and how to measure it where nothing is measured. */
export function SessionFindings({
  app,
  session,
  isRunning,
  onOpen,
}: {
  app: string;
  session: string;
  isRunning: boolean;
  onOpen: (stay: string) => void;
}) {
  const { connection } = useDaemon();
  const { data } = useRead(
    getSessionQuality,
    { params: { app, id: session } },
    { every: isRunning && RUNNING_MS, keep: true },
  );
  if (data === undefined) return null;
  if (data.measured === 0)
    return (
      <details key="how" className={classes.quality}>
        <summary>The quality for each participant isn’t measured. How to measure it</summary>
        <p>The pages of StreamHub measure by themselves. Add this to your own page with livekit-client:</p>
        <CopyBox
          what="script"
          wrap={false}
          text={`<script src="${connection.url}/telemetry.js"></script>\n<script>StreamHubTelemetry.watch(room, { app: '${app}', token });</script>`}
        />
      </details>
    );
  const first =
    data.stays.length > 0 ? `${plural(data.stays.length, 'connection')} with bad quality` : 'No bad quality';
  return (
    <details key="found" className={classes.quality} open={data.stays.length > 0}>
      <summary>
        {first}, {count(data.measured)} measured
      </summary>
      <ul>
        {data.stays.map(({ stay, identity, findings }) => (
          <li key={stay}>
            <Button variant="subtle" size="compact-xs" onClick={() => onOpen(stay)}>
              {identity ?? stay}
            </Button>
            <Findings findings={findings} />
          </li>
        ))}
      </ul>
    </details>
  );
}

function Findings({ findings }: { findings: readonly QualityFinding[] }) {
  return (
    <ul className={classes.findings}>
      {findings.map(({ text, from, to, measure, direction }) => (
        <li key={`${measure} ${direction} ${from}`}>
          {text} from <At at={from} /> to <At at={to} />
        </li>
      ))}
    </ul>
  );
}

/** What one connection measured: in words, and over time. */
export function StayQuality({
  app,
  session,
  stay,
  isThere,
}: {
  app: string;
  session: string;
  stay: string;
  isThere: boolean;
}) {
  const quality = useRead(
    getStayQuality,
    { params: { app, id: session, stay } },
    { every: isThere && RUNNING_MS, keep: true },
  );
  return (
    <QueryView query={quality} what="the quality of this connection">
      {({ samples, findings }) => {
        const last = samples.at(-1);
        if (last === undefined) return <p className="dim">The quality of this connection wasn’t measured.</p>;
        return (
          <>
            <h3>Quality</h3>
            {findings.length > 0 ? <Findings findings={findings} /> : <p>Nothing was wrong.</p>}
            <Facts
              items={{
                Path: last.ice === undefined ? undefined : PATHS[last.ice],
                Sends: last.up === undefined ? undefined : pictureOf(last.up),
                Receives: last.down === undefined ? undefined : pictureOf(last.down),
              }}
            />
            {samples.length > 1 ? <Charts samples={samples} /> : null}
          </>
        );
      }}
    </QueryView>
  );
}

const PATHS = {
  udp: 'UDP',
  tcp: 'TCP',
  'turn-udp': 'UDP through TURN',
  'turn-tcp': 'TCP through TURN',
  'turn-tls': 'TLS through TURN',
} as const;

function pictureOf({ bps, width, height, fps, codec }: NonNullable<QualitySample['up']>): string {
  const picture = width && height ? [`${width} × ${height}`] : [];
  const rate = fps === undefined ? [] : [`${Math.round(fps)} pictures a second`];
  return [bitrate(bps), ...picture, ...rate, ...(codec ? [codec] : [])].join(', ');
}

function Charts({ samples }: { samples: readonly QualitySample[] }) {
  const line = (of: (sample: QualitySample) => number | undefined): Sample[] =>
    samples.flatMap((sample) => {
      const value = of(sample);
      return value === undefined ? [] : [[Date.parse(sample.at), value] as const];
    });
  const [first, last] = [samples[0], samples.at(-1)] as [QualitySample, QualitySample];
  const minutes = Math.max(1, (Date.parse(last.at) - Date.parse(first.at)) / 60_000);
  const shared = { group: 'quality', minutes };
  const ways = (of: (way: NonNullable<QualitySample['up']>) => number | undefined) =>
    (['up', 'down'] as const)
      .map((way) => ({
        name: way === 'up' ? 'Sends' : 'Receives',
        samples: line(({ [way]: side }) => (side === undefined ? undefined : of(side))),
      }))
      .filter((series) => series.samples.length > 0);
  const charts = [
    { label: 'Bitrate', series: ways(({ bps }) => bps), format: bitrate, least: 1000 },
    {
      label: 'Loss',
      series: ways(({ lossPercent }) => lossPercent),
      format: (value: number) => `${value.toFixed(1)} %`,
      least: 5,
    },
    { label: 'Jitter', series: ways(({ jitterMs }) => jitterMs), format: milliseconds, least: 20 },
    {
      label: 'Round trip',
      series: [{ name: 'Round trip', samples: line(({ rttMs }) => rttMs) }],
      format: milliseconds,
      least: 50,
    },
    {
      label: 'Pictures a second',
      series: ways(({ fps }) => fps),
      format: (value: number) => count(Math.round(value)),
      least: 30,
    },
  ];
  return (
    <Suspense fallback={null}>
      {charts
        .filter(({ series }) => series.some(({ samples: values }) => values.length > 1))
        .map((chart) => (
          <TimeChart key={chart.label} {...shared} {...chart} />
        ))}
    </Suspense>
  );
}

const milliseconds = (value: number): string => `${Math.round(value)} ms`;
