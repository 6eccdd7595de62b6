import { useEffect, useRef, useState } from 'react';
import { API_BASE } from '#shared/client/base.ts';
import type { EventType } from '#shared/schema/events.ts';
import { bridge } from '../../host/host.ts';
import { type Filter, type LogRow, matches } from './log-model.ts';

const LOG_LINE: EventType = 'log.line';

/** Lines kept while tailing; older ones are in the search. */
const KEPT = 10_000;
const GATHER_MS = 120;

export interface LiveTail {
  /** Newest first. */
  rows: readonly LogRow[];
  state: 'off' | 'waiting' | 'open' | 'closed';
  problem: string | undefined;
  /** Lines that arrived while it was paused. */
  held: number;
}

/**
 * Lines as they are written. However many arrive, the page is updated a few times a second, as fast as anyone
 * reads; while paused they are held back and counted.
 */
export function useLiveTail(connectionId: string, isOn: boolean, isPaused: boolean, filter: Filter): LiveTail {
  const [shown, setShown] = useState<readonly LogRow[]>([]);
  const [held, setHeld] = useState(0);
  const [status, setStatus] = useState<{ state: LiveTail['state']; problem?: string | undefined }>({ state: 'off' });
  const waiting = useRef<LogRow[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  const { app } = filter;
  const key = JSON.stringify(filter);

  // biome-ignore lint/correctness/useExhaustiveDependencies: opened again when the filter changes
  useEffect(() => {
    setShown([]);
    setHeld(0);
    waiting.current = [];
    if (!isOn) {
      setStatus({ state: 'off' });
      return;
    }
    setStatus({ state: 'waiting' });
    const wanted = JSON.parse(key) as Filter;
    const close = bridge().openStream(
      connectionId,
      `${API_BASE}/events?topics=logs${app ? `&app=${encodeURIComponent(app)}` : ''}`,
      {
        onEvents(events) {
          for (const { type, data } of events) {
            const row = (data as { data?: LogRow } | null)?.data;
            if (type === LOG_LINE && row && matches(row, wanted)) waiting.current.push(row);
          }
          if (waiting.current.length > KEPT) waiting.current.splice(0, waiting.current.length - KEPT);
          timer.current ??= setTimeout(flush, GATHER_MS);
        },
        onState: (state, problem) => setStatus({ state: state === 'open' ? 'open' : state, problem }),
      },
    );
    return () => {
      close();
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [connectionId, isOn, key]);

  const flush = (): void => {
    timer.current = undefined;
    if (paused.current) {
      setHeld(waiting.current.length);
      return;
    }
    const news = waiting.current.reverse();
    waiting.current = [];
    setHeld(0);
    if (news.length > 0) setShown((rows) => [...news, ...rows].slice(0, KEPT));
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: what was held back comes when the pause ends
  useEffect(() => {
    if (!isPaused && waiting.current.length > 0) flush();
  }, [isPaused]);

  return { rows: shown, held, state: status.state, problem: status.problem };
}
