import { useEffect, useRef, useState } from 'react';
import { API_BASE } from '#shared/client/base.ts';
import type { EventType } from '#shared/schema/events.ts';
import { bridge } from '../../host/host.ts';
import { type Filter, type LogRow, matches } from './log-model.ts';

const LOG_LINE: EventType = 'log.line';

/** Lines kept while tailing; older ones are in the search. */
const KEPT = 10_000;
/** Lines of a search that are read at a time. */
const PAGE = 1000;
const GATHER_MS = 120;

export interface LiveTail {
  /** Newest first. */
  rows: readonly LogRow[];
  state: 'off' | 'waiting' | 'open' | 'closed';
  /** Why it isn't open, or why lines from before it was opened again are missing. */
  problem: string | undefined;
  /** Lines that arrived while it was paused. */
  held: number;
}

/** A search with the filter, the newest lines first. */
type Search = (
  query: { since?: string; limit: number; offset: number },
  call: { signal: AbortSignal },
) => Promise<{ data: readonly LogRow[] }>;

/**
 * Lines as they are written; after a break, also those written in the meantime. However many arrive, the page is updated
 * a few times a second, as fast as anyone reads; while paused they are held back and counted.
 */
export function useLiveTail(
  connectionId: string,
  isOn: boolean,
  isPaused: boolean,
  filter: Filter,
  search: Search,
): LiveTail {
  const [shown, setShown] = useState<readonly LogRow[]>([]);
  const [held, setHeld] = useState(0);
  const [status, setStatus] = useState<{ state: LiveTail['state']; problem?: string | undefined }>({ state: 'off' });
  const waiting = useRef<LogRow[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const paused = useRef(isPaused);
  paused.current = isPaused;
  const latestSearch = useRef(search);
  latestSearch.current = search;
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
    const stop = new AbortController();
    const { signal } = stop;
    /** Null: there was none when the tail began; undefined: it hasn't begun. */
    let newest: LogRow | null | undefined;
    /** The last line before those that are missing. */
    let gapAfter: LogRow | null | undefined;
    const take = (rows: readonly LogRow[]): void => {
      for (const row of rows) {
        waiting.current.push(row);
        if (!newest || row.id > newest.id) newest = row;
      }
      if (waiting.current.length > 2 * KEPT) waiting.current = newestFirst(waiting.current);
      timer.current ??= setTimeout(flush, GATHER_MS);
    };
    const begin = async (): Promise<void> => {
      const { data } = await latestSearch.current({ limit: 1, offset: 0 }, { signal });
      newest ??= data[0] ?? null;
    };
    const fillGap = async (): Promise<void> => {
      if (gapAfter === undefined) gapAfter = newest;
      const { id = 0, ts } = gapAfter ?? {};
      for (let offset = 0; offset < KEPT; offset += PAGE) {
        const since = ts === undefined ? {} : { since: ts };
        const { data } = await latestSearch.current({ ...since, limit: PAGE, offset }, { signal });
        take(data.filter((row) => row.id > id));
        if (data.length < PAGE) break;
      }
      gapAfter = undefined;
    };
    const onOpen = async (): Promise<void> => {
      try {
        await (newest === undefined ? begin() : fillGap());
      } catch (error) {
        if (signal.aborted) return;
        setStatus((now) => (now.state === 'open' ? { state: 'open', problem: (error as Error).message } : now));
      }
    };
    const close = bridge().openStream(
      connectionId,
      `${API_BASE}/events?topics=logs${app ? `&app=${encodeURIComponent(app)}` : ''}`,
      {
        onEvents(events) {
          const lines = events.filter(({ type }) => type === LOG_LINE);
          const rows = lines.flatMap(({ data }) => (data as { data?: LogRow } | null)?.data ?? []);
          take(rows.filter((row) => matches(row, wanted)));
        },
        onState(state, problem) {
          setStatus({ state, problem });
          if (state === 'open') void onOpen();
        },
      },
    );
    return () => {
      close();
      stop.abort();
      clearTimeout(timer.current);
      timer.current = undefined;
    };
  }, [connectionId, isOn, key]);

  const flush = (): void => {
    timer.current = undefined;
    waiting.current = newestFirst(waiting.current);
    if (paused.current) {
      setHeld(waiting.current.length);
      return;
    }
    const news = waiting.current;
    waiting.current = [];
    setHeld(0);
    if (news.length > 0) setShown((rows) => newestFirst([...news, ...rows]));
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: what was held back comes when the pause ends
  useEffect(() => {
    if (!isPaused && waiting.current.length > 0) flush();
  }, [isPaused]);

  return { rows: shown, held, state: status.state, problem: status.problem };
}

/** As many of the lines as are kept, each once. */
const newestFirst = (rows: readonly LogRow[]): LogRow[] =>
  [...new Map(rows.map((row) => [row.id, row])).values()].sort((a, b) => b.id - a.id).slice(0, KEPT);
