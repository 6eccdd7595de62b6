import { useMemo } from 'react';
import type { Sort } from '../layout/layout.ts';
import { count } from '../words/format.ts';

/** So many rows at most are read for sorting. */
const MOST = 1000;

export interface Sortable<R> {
  id: string;
  header: string;
  /** What the column sorts by; without it, it does not sort. */
  sort?: (row: R) => string | number | null | undefined;
}

interface Sorted<R> {
  sorted: readonly R[];
  /** The order that the rows are in; undefined while they are as the daemon sent them. */
  sort: Sort | undefined;
  /** More rows have to be read. */
  isReading: boolean;
  /** Why the rows are not in the wanted order. */
  note: string | undefined;
}

/**
 * The rows in the wanted order, when all are there: of the first rows of a long list, the largest can be small.
 * @param hasMore the daemon has more rows than these
 */
export function useSorted<R>(
  rows: readonly R[],
  columns: readonly Sortable<R>[],
  wish: Sort | undefined,
  hasMore: boolean,
): Sorted<R> {
  const column = columns.find(({ id }) => id === wish?.column);
  const sort = hasMore ? undefined : wish;
  const sorted = useMemo(() => sortRows(rows, columns, sort), [rows, columns, sort]);
  if (!hasMore || column?.sort === undefined) return { sorted, sort, isReading: false, note: undefined };
  const isReading = rows.length < MOST;
  const note = isReading
    ? `Reading all rows to sort them by ${column.header}…`
    : `Not sorted by ${column.header}: there are more than ${count(MOST)} rows. Narrow the list, or scroll to its end.`;
  return { sorted, sort, isReading, note };
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function sortRows<R>(rows: readonly R[], columns: readonly Sortable<R>[], sort: Sort | undefined): readonly R[] {
  const by = columns.find((column) => column.id === sort?.column)?.sort;
  if (by === undefined || sort === undefined) return rows;
  const direction = sort.isDescending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const left = by(a);
    const right = by(b);
    // what has no value stays at the end, whichever way one sorts
    if (left == null || right == null) return left == null ? (right == null ? 0 : 1) : -1;
    const order =
      typeof left === 'number' && typeof right === 'number' ? left - right : collator.compare(`${left}`, `${right}`);
    return order * direction;
  });
}
