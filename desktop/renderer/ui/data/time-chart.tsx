import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { type RefObject, useEffect, useRef } from 'react';
import uPlot from 'uplot';
import type { Sample } from '../../api/history.ts';
import classes from './time-chart.module.css';

interface Series {
  name: string;
  samples: readonly Sample[];
}

/** From where values are bad. */
export interface ChartLimit {
  value: number;
  isBad(value: number): boolean;
}

const HEIGHT = 112;
const hours = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
/** Seconds of silence that are a gap: more than two values that did not come. */
const gapFor = (minutes: number): number => (minutes > 360 ? 700 : 150);

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Lines over time from zero; charts of one group share their crosshair, gaps stay gaps. */
export function TimeChart({
  label,
  series,
  format,
  least = 1e-9,
  group,
  minutes,
  limit,
}: {
  label: string;
  series: readonly Series[];
  format: (value: number) => string;
  /** The axis is at least this long, so that small values look small. */
  least?: number;
  group: string;
  /** Time range the axis reaches from the newest value. */
  minutes: number;
  /** A line across the chart, where the axis reaches it. */
  limit?: ChartLimit | undefined;
}) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const names = series.map((one) => one.name).join('\n');
  const data = aligned(series, gapFor(minutes));
  const latest = useRef({ data, format, minutes, limit });
  latest.current = { data, format, minutes, limit };
  const chart = useRef<uPlot>(undefined);
  // where the crosshair's values are written: the time, then one a line
  const told = useRef<(HTMLElement | null)[]>([]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours of the scheme are read again
  useEffect(() => {
    const element = place.current as HTMLElement;
    const axis = {
      stroke: colour('--text-3'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px IBM Plex Sans Variable',
    };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        // room for half of the last time
        padding: [6, 20, 0, 0],
        cursor: { sync: { key: group }, points: { size: 5 }, drag: { x: false, y: false } },
        legend: { show: false },
        hooks: {
          draw: [(plot) => drawLimit(plot, latest.current.limit?.value, colour('--danger'))],
          setCursor: [
            ({ cursor: { idx } }) => {
              for (const [index, tell] of told.current.entries()) {
                const value = idx == null ? undefined : latest.current.data[index]?.[idx];
                if (tell) tell.textContent = idx == null ? '' : tellValue(index, value ?? null, latest.current.format);
              }
            },
          ],
        },
        scales: {
          x: { range: (_plot, _first, last) => [last - latest.current.minutes * 60, last] },
          y: { range: (_plot, _min, top) => [0, top > least ? top * 1.1 : least] },
        },
        axes: [
          { ...axis, size: 26, values: (_plot, values) => values.map((value) => hours.format(value * 1000)) },
          { ...axis, size: sizeFor, values: (_plot, values) => values.map((value) => latest.current.format(value)) },
        ],
        series: [
          {},
          ...names.split('\n').map((name, index) => ({
            label: name,
            stroke: colour(`--chart-${index + 1}`),
            width: 1.5,
            spanGaps: false,
            points: { show: false },
          })),
        ],
      },
      latest.current.data,
      element,
    );
    chart.current = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [names, scheme, least, group]);

  useEffect(() => {
    chart.current?.setData(data);
  }, [data]);

  const last = series.map((one) => `${one.name} ${format(one.samples.at(-1)?.[1] ?? 0)}`).join(', ');
  return (
    <figure className={classes.chart}>
      <figcaption>
        <span>{label}</span>
        {series.map(({ name, samples }, index) => (
          <span key={name} className={classes.line} data-line={index + 1}>
            {name}{' '}
            <span className={classes.now} data-bad={limit?.isBad(samples.at(-1)?.[1] ?? Number.NaN) || undefined}>
              {samples.length === 0 ? 'unknown' : format(samples.at(-1)?.[1] ?? 0)}
            </span>
            <span className={classes.then} ref={refAt(told, index + 1)} aria-hidden />
          </span>
        ))}
        {limit === undefined ? null : <span className={classes.limit}>limit {format(limit.value)}</span>}
        <time ref={refAt(told, 0)} aria-hidden />
      </figcaption>
      <div ref={place} role="img" aria-label={`${label} over time; now ${last}`} />
    </figure>
  );
}

function drawLimit(plot: uPlot, value: number | undefined, stroke: string): void {
  if (value === undefined || value > (plot.scales['y']?.max ?? 0)) return;
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(value, 'y', true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** As wide as the axis' longest value; charts of a group begin at the same place while none is unusually long. */
const sizeFor: uPlot.Axis.Size = (plot, values, index) => {
  const { font, gap = 5 } = plot.axes[index] as unknown as { font: [string]; gap?: number };
  plot.ctx.font = font[0];
  const widths = (values ?? []).map((value) => plot.ctx.measureText(value ?? '').width / devicePixelRatio);
  return Math.max(62, Math.ceil(gap + 10 + Math.max(0, ...widths)));
};

/** One time axis for all series, with a hole where nothing was heard for long. */
function aligned(series: readonly Series[], gap: number): uPlot.AlignedData {
  const times = [...new Set(series.flatMap((one) => one.samples.map(([at]) => Math.round(at / 1000))))].sort(
    (a, b) => a - b,
  );
  const withGaps = times.flatMap((at, index) => {
    const before = times[index - 1];
    return before !== undefined && at - before > gap ? [before + 1, at] : [at];
  });
  const lines = series.map((one) => {
    const values = new Map(one.samples.map(([at, value]) => [Math.round(at / 1000), value]));
    return withGaps.map((at) => values.get(at) ?? null);
  });
  return [withGaps, ...lines] as uPlot.AlignedData;
}

const tellValue = (index: number, value: number | null, format: (value: number) => string): string =>
  index === 0 ? hours.format((value ?? 0) * 1000) : value === null ? 'nothing heard' : format(value);

const refAt = (list: RefObject<(HTMLElement | null)[]>, index: number) => (element: HTMLElement | null) => {
  list.current[index] = element;
};
