// biome-ignore-all lint/a11y/useSemanticElements: table elements cannot hold rows that are placed one by one
// biome-ignore-all lint/a11y/useFocusableInteractive: rows take the focus, cells and headers what is in them
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid handles the keys of all rows
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { type Sort, setSort, useLayout } from '../layout/layout.ts';
import { useMarks } from './marks.ts';
import classes from './table.module.css';

export interface Column<R> {
  id: string;
  header: string;
  cell: (row: R) => ReactNode;
  /** What the column sorts by; without it, it does not sort. */
  sort?: (row: R) => string | number | null | undefined;
  align?: 'end';
  /** A track of CSS grid; `minmax(80px, 1fr)` by default. */
  width?: string;
  /** Left out when the table is narrower than this. */
  from?: 'medium' | 'wide';
}

interface Props<R> {
  /** Name for the remembered sort order and the marks of changed rows. */
  name: string;
  label: string;
  columns: readonly Column<R>[];
  rows: readonly R[];
  rowKey: (row: R) => string | number;
  onOpen?: (row: R) => void;
  initialSort?: Sort;
  /** The row whose panel is open. */
  openKey?: string | number | null;
  /** Shown in place of rows. */
  empty?: ReactNode;
  rowHeight?: number;
  /** Highest height; without it the table fills its parent. */
  maxHeight?: number;
  /** The last rows came into sight: time to read more. */
  onEnd?: () => void;
  /** A row that is quieter than the others, e.g. a revoked token. */
  isDim?: (row: R) => boolean;
}

/** A list of any length: sortable columns, arrow keys and Enter, only the visible rows in the page. */
export function DataTable<R>(props: Props<R>) {
  const { name, rows, rowKey, onOpen, rowHeight = 34 } = props;
  const sort = useLayout((layout) => layout.sorts[name]) ?? props.initialSort;
  const sorted = useMemo(() => sortRows(rows, props.columns, sort), [rows, props.columns, sort]);
  const scroller = useRef<HTMLDivElement>(null);
  const columns = useFitting(props.columns, scroller);
  const [active, setActive] = useState(0);
  // the row that takes the focus as soon as it is drawn
  const wanted = useRef<number>(undefined);
  const current = Math.min(active, Math.max(0, sorted.length - 1));
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    getItemKey: (index) => rowKey(sorted[index] as R),
    paddingStart: 32,
    scrollPaddingStart: 32,
  });
  const lastDrawn = virtual.getVirtualItems().at(-1)?.index ?? 0;
  const isNearEnd = sorted.length > 0 && lastDrawn >= sorted.length - 15;
  const { onEnd } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when rows were added and their end is in sight
  useEffect(() => {
    if (isNearEnd) onEnd?.();
  }, [isNearEnd, sorted.length]);
  const template = columns.map((column) => column.width ?? 'minmax(80px, 1fr)');

  const focusRow = (index: number): void => {
    wanted.current = index;
    setActive(index);
    virtual.scrollToIndex(index);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    const isRow = target.dataset['index'] !== undefined;
    if (!isRow && target.closest('button, a, input') && event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      j: current + 1,
      k: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: sorted.length - 1,
    };
    const step = steps[event.key];
    if (step !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      event.stopPropagation();
      focusRow(Math.max(0, Math.min(sorted.length - 1, step)));
    } else if (event.key === 'Enter' && isRow && onOpen) {
      event.preventDefault();
      onOpen(sorted[current] as R);
    }
  };

  return (
    <div
      ref={scroller}
      className={classes.scroller}
      data-fill={props.maxHeight === undefined || undefined}
      style={{ maxHeight: props.maxHeight }}
    >
      <div
        role="grid"
        tabIndex={-1}
        aria-label={props.label}
        aria-rowcount={sorted.length + 1}
        aria-colcount={columns.length}
        className={classes.grid}
        style={{
          ['--cols' as string]: template.join(' '),
          height: sorted.length === 0 ? undefined : virtual.getTotalSize(),
        }}
        onKeyDown={onKeyDown}
      >
        <div role="row" tabIndex={-1} aria-rowindex={1} className={classes.header}>
          {columns.map((column) => (
            <HeaderCell key={column.id} column={column} sort={sort} onSort={(next) => setSort(name, next)} />
          ))}
        </div>
        {virtual.getVirtualItems().map((item) => {
          const row = sorted[item.index] as R;
          return (
            <Row
              key={item.key}
              {...props}
              columns={columns}
              row={row}
              index={item.index}
              top={item.start}
              height={rowHeight}
              isActive={item.index === current}
              wanted={wanted}
              onFocus={() => setActive(item.index)}
            />
          );
        })}
      </div>
      {sorted.length === 0 ? props.empty : null}
    </div>
  );
}

const WIDTHS = { medium: 700, wide: 960 };

/** The columns that the table has room for. */
function useFitting<R>(
  columns: readonly Column<R>[],
  scroller: RefObject<HTMLDivElement | null>,
): readonly Column<R>[] {
  const [size, setSize] = useState(2);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      const width = element.clientWidth;
      setSize(width >= WIDTHS.wide ? 2 : width >= WIDTHS.medium ? 1 : 0);
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller]);
  return useMemo(
    () =>
      columns.filter((column) => (column.from === 'wide' ? size === 2 : column.from === 'medium' ? size >= 1 : true)),
    [columns, size],
  );
}

interface RowProps<R> extends Props<R> {
  row: R;
  index: number;
  top: number;
  height: number;
  isActive: boolean;
  wanted: RefObject<number | undefined>;
  onFocus: () => void;
}

function Row<R>({
  name,
  columns,
  row,
  rowKey,
  index,
  top,
  height,
  isActive,
  wanted,
  onFocus,
  onOpen,
  openKey,
  isDim,
}: RowProps<R>) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!isActive || wanted.current !== index) return;
    wanted.current = undefined;
    element.current?.focus({ preventScroll: true });
  });
  const key = rowKey(row);
  const isMarked = useMarks((marks) => marks[`${name}:${key}`] !== undefined);
  const open = (event: { target: EventTarget | null }): void => {
    const target = event.target as HTMLElement;
    if (target.closest('a, button, input, label') || getSelection()?.toString()) return;
    onOpen?.(row);
  };
  return (
    <div
      ref={element}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={openKey === undefined ? undefined : openKey === key}
      tabIndex={isActive ? 0 : -1}
      data-index={index}
      data-key={key}
      data-opens={onOpen ? true : undefined}
      data-marked={isMarked || undefined}
      data-dim={isDim?.(row) || undefined}
      className={classes.row}
      style={{ transform: `translateY(${top}px)`, height }}
      onFocus={onFocus}
      onClick={open}
    >
      <Cells columns={columns as readonly Column<unknown>[]} row={row} />
    </div>
  );
}

/** What a row shows is drawn again when the row or the columns are others, not when the row moves. */
const Cells = memo(function Cells({ columns, row }: { columns: readonly Column<unknown>[]; row: unknown }) {
  return columns.map((column) => (
    <div role="gridcell" key={column.id} className={classes.cell} data-align={column.align}>
      {column.cell(row)}
    </div>
  ));
});

function HeaderCell<R>({
  column,
  sort,
  onSort,
}: {
  column: Column<R>;
  sort: Sort | undefined;
  onSort: (sort: Sort) => void;
}) {
  const isSorted = sort?.column === column.id;
  const Icon = sort?.isDescending ? IconChevronDown : IconChevronUp;
  return (
    <div
      role="columnheader"
      className={classes.head}
      data-align={column.align}
      aria-sort={isSorted ? (sort.isDescending ? 'descending' : 'ascending') : undefined}
    >
      {column.sort ? (
        <button
          type="button"
          onClick={() =>
            onSort({ column: column.id, isDescending: isSorted ? !sort.isDescending : column.align === 'end' })
          }
        >
          {column.header}
          {isSorted ? <Icon size={13} aria-hidden /> : null}
        </button>
      ) : (
        column.header || <span className="visually-hidden">Actions</span>
      )}
    </div>
  );
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

function sortRows<R>(rows: readonly R[], columns: readonly Column<R>[], sort: Sort | undefined): readonly R[] {
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
