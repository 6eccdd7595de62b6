import { ActionIcon, Button } from '@mantine/core';
import { useElementSize, useMergedRef } from '@mantine/hooks';
import { IconChevronLeft, IconChevronRight, IconZoomIn, IconZoomOut } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type CSSProperties, memo, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { SessionDetail, SessionStay, SessionTrack } from '#shared/schema/sessions.ts';
import { duration, exactTime, timeOfDay } from '../../ui/words/format.ts';
import classes from './timeline.module.css';
import { moved, placeOf, type Span, ticksOf, zoomed } from './timeline-scale.ts';

const ROW = 34;
const TRACK = 9;
const TRACKS_SHOWN = 8;
/** Room for a time on the axis, pixels. */
const TICK = 72;
const at = (instant: string): number => Date.parse(instant);

export const nameOf = (stay: SessionStay): string => stay.name ?? stay.identity ?? stay.sid;

/** Who was there when: a bar for each connection with its tracks below it, on one axis with recordings, ingests and events. */
export function Timeline({
  session,
  stays,
  now,
  onOpen,
  onEnd,
}: {
  session: SessionDetail;
  stays: readonly SessionStay[];
  /** End of what runs, milliseconds since 1970. */
  now: number;
  onOpen: (stay: SessionStay) => void;
  /** The last rows are in sight. */
  onEnd: (() => void) | undefined;
}) {
  const whole = useMemo<Span>(() => {
    const from = at(session.startedAt);
    return { from, to: Math.max(from + 1000, session.endedAt === null ? now : at(session.endedAt)) };
  }, [session.startedAt, session.endedAt, now]);
  const [chosen, setChosen] = useState<Span>();
  const shown = chosen === undefined ? whole : zoomed(whole, chosen, 1);
  const set = (span: Span): void => setChosen(span.from <= whole.from && span.to >= whole.to ? undefined : span);
  const scroller = useRef<HTMLDivElement>(null);
  const lanes = useRef<HTMLDivElement>(null);
  const { ref: sized, width } = useElementSize<HTMLDivElement>();
  const axis = useMergedRef(lanes, sized);
  // React listens to the wheel passively, so it couldn't keep the page from zooming
  useEffect(() => {
    const element = scroller.current;
    const onWheel = (event: WheelEvent): void => {
      const box = lanes.current?.getBoundingClientRect();
      if (!(event.ctrlKey || event.metaKey) || box === undefined) return;
      event.preventDefault();
      const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
      set(zoomed(whole, shown, event.deltaY > 0 ? 1.25 : 0.8, shown.from + share * (shown.to - shown.from)));
    };
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  });
  const virtual = useVirtualizer({
    count: stays.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => heightOf(stays[index] as SessionStay),
    getItemKey: (index) => stays[index]?.id ?? index,
    overscan: 8,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when other rows come into sight
  useEffect(() => {
    if (last >= stays.length - 1) onEnd?.();
  }, [last, stays.length]);
  return (
    <div className={classes.timeline}>
      <div className={classes.tools}>
        <ActionIcon variant="default" aria-label="Zoom in" onClick={() => set(zoomed(whole, shown, 0.5))}>
          <IconZoomIn size={16} />
        </ActionIcon>
        <ActionIcon
          variant="default"
          aria-label="Zoom out"
          disabled={chosen === undefined}
          onClick={() => set(zoomed(whole, shown, 2))}
        >
          <IconZoomOut size={16} />
        </ActionIcon>
        <ActionIcon
          variant="default"
          aria-label="Earlier"
          disabled={shown.from <= whole.from}
          onClick={() => set(moved(whole, shown, -0.5))}
        >
          <IconChevronLeft size={16} />
        </ActionIcon>
        <ActionIcon
          variant="default"
          aria-label="Later"
          disabled={shown.to >= whole.to}
          onClick={() => set(moved(whole, shown, 0.5))}
        >
          <IconChevronRight size={16} />
        </ActionIcon>
        <Button variant="default" size="xs" disabled={chosen === undefined} onClick={() => setChosen(undefined)}>
          Show all
        </Button>
        <span className="dim">{duration((shown.to - shown.from) / 1000)} shown. Ctrl and the wheel zoom.</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and may have nothing else that takes the focus */}
      <div className={classes.scroller} ref={scroller} tabIndex={0}>
        <div className={classes.head}>
          <div className={classes.row}>
            <span className={classes.label} />
            <div className={classes.axis} ref={axis} aria-hidden>
              {ticksOf(shown, width / TICK)
                .map((tick) => ({ tick, share: (tick - shown.from) / (shown.to - shown.from) }))
                .filter(({ share }) => share * width + TICK <= width)
                .map(({ tick, share }) => (
                  <span key={tick} style={{ left: `${share * 100}%` }}>
                    {timeOfDay(new Date(tick).toISOString())}
                  </span>
                ))}
            </div>
          </div>
          <Lane label="Recordings" isShown={session.recordings.length > 0}>
            {session.recordings.map((one) => (
              <Bar
                key={one.id}
                shown={shown}
                from={at(one.startedAt)}
                to={one.endedAt === null ? now : at(one.endedAt)}
                tone={one.status === 'failed' ? 'danger' : 'recording'}
                title={`Recording ${one.name}: ${one.error ?? one.status}`}
              />
            ))}
          </Lane>
          <Lane label="Ingests" isShown={session.ingests.length > 0}>
            {session.ingests.map((one) => (
              <Bar
                key={one.resourceId}
                shown={shown}
                from={at(one.startedAt)}
                to={one.endedAt === null ? now : at(one.endedAt)}
                tone={one.error === null ? 'ingest' : 'danger'}
                title={`${one.type} ingest of ${one.identity ?? 'unknown'}: ${one.error ?? one.reason ?? 'running'}`}
              />
            ))}
          </Lane>
          <Lane label="Events" isShown={session.events.length > 0}>
            {session.events.map((one) => (
              <Bar
                key={`${one.about} ${one.kind}`}
                shown={shown}
                from={at(one.at)}
                to={at(one.at)}
                tone={one.isError ? 'danger' : 'event'}
                title={`${timeOfDay(one.at)} ${one.kind.replaceAll('_', ' ')}${one.text === null ? '' : `: ${one.text}`}`}
              />
            ))}
          </Lane>
          <Lane label="No events" isShown={session.gaps.length > 0}>
            {session.gaps.map((gap) => (
              <Bar
                key={gap.from}
                shown={shown}
                from={at(gap.from)}
                to={at(gap.to)}
                tone="gap"
                title={`${exactTime(gap.from)} to ${exactTime(gap.to)}: ${GAPS[gap.cause]}`}
              />
            ))}
          </Lane>
        </div>
        <ul className={classes.rows} aria-label="Participants" style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const stay = stays[item.index];
            return stay === undefined ? null : (
              <li key={item.key} style={{ transform: `translateY(${item.start}px)`, height: item.size }}>
                <StayRow stay={stay} from={shown.from} to={shown.to} now={now} onOpen={onOpen} />
              </li>
            );
          })}
        </ul>
      </div>
    </div>
  );
}

const GAPS = {
  daemon: 'the daemon did not run',
  livekit: 'LiveKit could not be reached',
  events: 'events were lost',
} as const;

const heightOf = ({ tracks }: SessionStay): number => ROW + Math.min(tracks.length, TRACKS_SHOWN) * TRACK;

const StayRow = memo(function StayRow({
  stay,
  from,
  to,
  now,
  onOpen,
}: {
  stay: SessionStay;
  from: number;
  to: number;
  now: number;
  onOpen: (stay: SessionStay) => void;
}) {
  const shown = { from, to };
  const name = nameOf(stay);
  const end = stay.leftAt === null ? now : at(stay.leftAt);
  const words = `${timeOfDay(stay.joinedAt)} to ${stay.leftAt === null ? 'now' : timeOfDay(stay.leftAt)}`;
  return (
    <button type="button" className={classes.row} onClick={() => onOpen(stay)} data-dim={!stay.counted || undefined}>
      <span className={classes.label}>
        <b title={name}>{name}</b>
        {stay.isFault ? (
          <small data-fault>{stay.reasonText}</small>
        ) : stay.kind === 'standard' ? null : (
          <small>{stay.kind}</small>
        )}
      </span>
      <span className={classes.lane}>
        <Bar
          shown={shown}
          from={at(stay.joinedAt)}
          to={end}
          tone={stay.isFault ? 'danger' : stay.published ? 'publisher' : 'viewer'}
          title={`${name}, ${words}. ${stay.reasonText ?? ''}`}
        />
        <Unsure shown={shown} span={stay.joinedBetween} what="Joined" />
        <Unsure shown={shown} span={stay.leftBetween} what="Left" />
        {stay.tracks.slice(0, TRACKS_SHOWN).map((track, index) => (
          <Bar
            key={track.sid}
            shown={shown}
            from={at(track.startedAt)}
            to={track.endedAt === null ? now : at(track.endedAt)}
            tone={track.kind === 'video' ? 'video' : 'audio'}
            title={trackWords(track)}
            style={{ top: ROW - 8 + index * TRACK, height: TRACK - 3 }}
          />
        ))}
      </span>
    </button>
  );
});

export const trackWords = ({ source, kind, codec, width, height }: SessionTrack): string =>
  [source === 'unknown' ? kind : source.replaceAll('_', ' '), codec, width === null ? '' : `${width} × ${height}`]
    .filter((word) => word !== '')
    .join(', ');

function Unsure({ shown, span, what }: { shown: Span; span: { from: string; to: string } | null; what: string }) {
  if (span === null) return null;
  const title = `${what} between ${exactTime(span.from)} and ${exactTime(span.to)}`;
  return <Bar shown={shown} from={at(span.from)} to={at(span.to)} tone="unsure" title={title} />;
}

function Lane({ label, isShown, children }: { label: string; isShown: boolean; children: ReactNode }) {
  if (!isShown) return null;
  return (
    <div className={classes.row}>
      <span className={classes.label}>{label}</span>
      <div className={classes.lane}>{children}</div>
    </div>
  );
}

function Bar({
  shown,
  from,
  to,
  tone,
  title,
  style,
}: {
  shown: Span;
  from: number;
  to: number;
  tone: string;
  title: string;
  style?: CSSProperties;
}) {
  const place = placeOf(shown, from, to);
  if (place === undefined) return null;
  return (
    <span
      className={classes.bar}
      data-tone={tone}
      title={title}
      role="img"
      aria-label={title}
      style={{ left: `${place.left * 100}%`, width: `max(3px, ${place.width * 100}%)`, ...style }}
    />
  );
}
