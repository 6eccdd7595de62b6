import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { type RefObject, useLayoutEffect, useMemo, useRef, useState } from 'react';

type Key = string | number;

/** The rows of a table that are in sight, the one that has the focus, and both at their place when rows come and go. */
export function useRows<R>({
  rows,
  rowKey,
  scroller,
  rowHeight,
  head,
  isList,
  flows,
}: {
  rows: readonly R[];
  rowKey: (row: R) => Key;
  scroller: RefObject<HTMLDivElement | null>;
  rowHeight: number;
  /** Height of the header that stays in sight. */
  head: number;
  /** Each row is as high as its content. */
  isList: boolean;
  /** The page scrolls, not the table. */
  flows: boolean;
}): {
  virtual: Virtualizer<HTMLElement, HTMLElement>;
  current: number;
  setCurrent: (index: number) => void;
  /** Where the table begins in what scrolls. */
  margin: number;
} {
  const [margin, setMargin] = useState(0);
  const scrolled = (): HTMLElement | null => (flows ? scrollerAround(scroller.current) : scroller.current);
  useLayoutEffect(() => {
    const around = scrolled();
    const table = scroller.current;
    setMargin(
      flows && around && table
        ? Math.round(table.getBoundingClientRect().top - around.getBoundingClientRect().top + around.scrollTop)
        : 0,
    );
  });
  const virtual = useVirtualizer<HTMLElement, HTMLElement>({
    count: rows.length,
    getScrollElement: scrolled,
    estimateSize: () => (isList ? 88 : rowHeight),
    overscan: 12,
    getItemKey: (index) => rowKey(rows[index] as R),
    paddingStart: head,
    scrollPaddingStart: head,
    scrollMargin: margin,
  });
  // heights of the other form, or of another pointer, say nothing
  // biome-ignore lint/correctness/useExhaustiveDependencies: these are what heights depend on
  useLayoutEffect(() => virtual.measure(), [isList, rowHeight]);

  const [active, setActive] = useState<{ key: Key; index: number }>();
  const current = useMemo(() => {
    const found = active === undefined ? 0 : rows.findIndex((row) => rowKey(row) === active.key);
    return found >= 0 ? found : Math.max(0, Math.min(active?.index ?? 0, rows.length - 1));
  }, [rows, rowKey, active]);
  const setCurrent = (index: number): void => {
    const row = rows[index];
    if (row !== undefined) setActive({ key: rowKey(row), index });
  };

  const anchor = useRef<{ key: Key; start: number }>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only other rows can move the one in sight
  useLayoutEffect(() => {
    const around = scrolled();
    const kept = anchor.current;
    if (around === null || kept === undefined || around.scrollTop <= margin) return;
    const index = rows.findIndex((row) => rowKey(row) === kept.key);
    const start = virtual.measurementsCache[index]?.start;
    if (start !== undefined && start !== kept.start) around.scrollTop += start - kept.start;
  }, [rows]);
  useLayoutEffect(() => {
    const from = (scrolled()?.scrollTop ?? 0) + head;
    const first = virtual.getVirtualItems().find(({ end }) => end > from);
    anchor.current = first && { key: first.key as Key, start: first.start };
  });
  return { virtual, current, setCurrent, margin };
}

/** What scrolls when an element is moved out of sight: a dialog's body, or the page. */
function scrollerAround(element: HTMLElement | null): HTMLElement | null {
  for (let around = element?.parentElement ?? null; around !== null; around = around.parentElement)
    if (/auto|scroll/.test(getComputedStyle(around).overflowY)) return around;
  return null;
}
