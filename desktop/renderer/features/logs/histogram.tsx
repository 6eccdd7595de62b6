import { type PointerEvent, useRef, useState } from 'react';
import { count, dateTime, duration, exactTime, plural } from '../../ui/words/format.ts';
import { At } from '../../ui/words/time.tsx';
import type { Histogram as Data } from './log-model.ts';
import classes from './logs.module.css';

const GROUPS = [
  { tone: 'danger', levels: ['error', 'fatal'] },
  { tone: 'warn', levels: ['warn'] },
  { tone: 'plain', levels: ['info', 'debug', 'trace'] },
] as const;

/** Lines over time by severity. Dragging over it picks a time. */
export function Histogram({ data, onPick }: { data: Data; onPick: (since: string, until: string) => void }) {
  const box = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ from: number; to: number }>();
  const totals = data.buckets.map(({ counts }) => Object.values(counts).reduce((sum, n) => sum + (n ?? 0), 0));
  const highest = Math.max(1, ...totals);
  const start = Date.parse(data.since);
  const end = Date.parse(data.until);
  const at = (event: PointerEvent): number => {
    const { left, width } = box.current?.getBoundingClientRect() ?? { left: 0, width: 1 };
    return Math.max(0, Math.min(1, (event.clientX - left) / width));
  };
  const time = (share: number): string => new Date(start + share * (end - start)).toISOString();
  const finish = (): void => {
    if (drag && Math.abs(drag.to - drag.from) > 0.004)
      onPick(time(Math.min(drag.from, drag.to)), time(Math.max(drag.from, drag.to)));
    else if (drag) {
      // a click takes the stretch under it
      const index = Math.min(data.buckets.length - 1, Math.floor(drag.from * data.buckets.length));
      onPick(time(index / data.buckets.length), time((index + 1) / data.buckets.length));
    }
    setDrag(undefined);
  };
  const errors = data.buckets.reduce((sum, { counts }) => sum + (counts.error ?? 0) + (counts.fatal ?? 0), 0);
  return (
    <figure className={classes.histogram}>
      <div
        ref={box}
        className={classes.bars}
        role="img"
        aria-label={`${plural(data.total, 'line')} from ${dateTime(data.since)} to ${dateTime(data.until)}, ${count(errors)} of them errors. Drag to pick a time.`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setDrag({ from: at(event), to: at(event) });
        }}
        onPointerMove={(event) => setDrag((one) => (one ? { ...one, to: at(event) } : one))}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(undefined)}
      >
        {data.buckets.map(({ ts, counts }, index) => (
          <div
            key={ts}
            className={classes.bar}
            title={
              totals[index]
                ? `${exactTime(ts)}\n${Object.entries(counts)
                    .map(([level, n]) => `${count(n ?? 0)} ${level}`)
                    .join(', ')}`
                : undefined
            }
          >
            {GROUPS.map(({ tone, levels }) => {
              const rows = levels.reduce((sum, level) => sum + (counts[level] ?? 0), 0);
              return rows === 0 ? null : (
                <div key={tone} data-tone={tone} style={{ height: `max(2px, ${(rows / highest) * 100}%)` }} />
              );
            })}
          </div>
        ))}
        {drag ? (
          <div
            className={classes.picked}
            style={{ left: `${Math.min(drag.from, drag.to) * 100}%`, width: `${Math.abs(drag.to - drag.from) * 100}%` }}
          />
        ) : null}
      </div>
      <figcaption>
        <At at={data.since} />
        <span>
          peak: {plural(highest, 'line')} per {duration((end - start) / 1000 / Math.max(1, data.buckets.length))}
        </span>
        <At at={data.until} />
      </figcaption>
    </figure>
  );
}
