// biome-ignore-all lint/a11y/useSemanticElements: table elements cannot hold rows that are placed one by one
// biome-ignore-all lint/a11y/useFocusableInteractive: rows take the focus, cells and headers what is in them
// biome-ignore-all lint/a11y/useKeyWithClickEvents: the grid handles the keys of all rows
import { ActionIcon, Button, NativeSelect, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconLayoutList } from '@tabler/icons-react';
import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useTouch } from '../layout/device.ts';
import { focusCurrentRow } from '../layout/focus.ts';
import { type Sort, setSort, useLayout } from '../layout/layout.ts';
import { useMarks } from './marks.ts';
import classes from './table.module.css';
import { useRows } from './table-rows.ts';
import { type Sortable, useSorted } from './table-sort.ts';

export interface Column<R> extends Sortable<R> {
  cell: (row: R) => ReactNode;
  align?: 'end';
  /** A track of CSS grid; `minmax(80px, 1fr)` by default. */
  width?: string;
  /** Names the row in a list; without one the first column does. */
  isName?: boolean;
  /** Left out when the table is narrower than this; the table's list has every column. */
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
  /** Reads more rows; undefined when all are there. Called when the last come into sight, and to sort. */
  onEnd?: (() => void) | undefined;
  /** A row that is quieter than the others, e.g. a revoked token. */
  isDim?: (row: R) => boolean;
}

/**
 * A list of any length: sortable columns, arrow keys and Enter, only the visible rows in the page. Where it has no room for
 * columns, each row is an entry with its values below its name. What changes elsewhere doesn't move what one looks at.
 */
export function DataTable<R>(props: Props<R>) {
  const { name, rows, rowKey, onOpen } = props;
  const isTouch = useTouch();
  const rowHeight = Math.max(props.rowHeight ?? 34, isTouch ? 48 : 0);
  const head = isTouch ? 44 : 32;
  const wish = useLayout((layout) => layout.sorts[name]) ?? props.initialSort;
  const { sorted, sort, isReading, note } = useSorted(rows, props.columns, wish, props.onEnd !== undefined);
  const scroller = useRef<HTMLDivElement>(null);
  const [isListChosen, setListChosen] = useState(false);
  const { columns, isNarrow } = useFitting(props.columns, scroller, isListChosen);
  const isList = isNarrow || isListChosen;
  const { virtual, current, setCurrent, margin } = useRows({
    rows: sorted,
    rowKey,
    scroller,
    rowHeight,
    head: isList ? 0 : head,
    isList,
    flows: isList,
  });
  // the row that takes the focus as soon as it is drawn
  const wanted = useRef<number>(undefined);
  const isFocusLost = useRef(false);
  // a deleted row leaves it to the one at its place; a row that was scrolled out of sight does not
  useLayoutEffect(() => {
    if (isFocusLost.current) focusCurrentRow(scroller.current);
    isFocusLost.current = false;
  });
  const lastDrawn = virtual.getVirtualItems().at(-1)?.index ?? 0;
  const isMoreWanted = isReading || (sorted.length > 0 && lastDrawn >= sorted.length - 15);
  const { onEnd } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked again when rows were added, or a person sorts again
  useEffect(() => {
    if (isMoreWanted) onEnd?.();
  }, [isMoreWanted, sorted.length, wish]);
  const left = props.columns.filter((column) => !columns.includes(column));
  const template = columns.map((column) => column.width ?? 'minmax(80px, 1fr)');
  if (left.length > 0 && columns.at(-1)?.header !== '') template.push('16px');

  const focusRow = (index: number): void => {
    wanted.current = index;
    setCurrent(index);
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

  const choose = (next: Sort): void => setSort(name, next);
  return (
    <>
      {isList && sorted.length > 1 ? (
        <ListBar
          columns={columns}
          sort={sort}
          onSort={choose}
          onTable={isNarrow ? undefined : () => setListChosen(false)}
        />
      ) : null}
      {note === undefined ? null : (
        <p role="status" className={classes.note}>
          {note}
        </p>
      )}
      <div
        ref={scroller}
        className={classes.scroller}
        data-fill={props.maxHeight === undefined || undefined}
        data-flows={isList || undefined}
        style={{ maxHeight: isList ? undefined : props.maxHeight }}
      >
        <div
          role="grid"
          tabIndex={-1}
          aria-label={props.label}
          aria-rowcount={sorted.length + 1}
          aria-colcount={columns.length}
          className={classes.grid}
          data-list={isList || undefined}
          style={{
            ['--cols' as string]: template.join(' '),
            height: sorted.length === 0 ? undefined : virtual.getTotalSize(),
          }}
          onKeyDown={onKeyDown}
        >
          <div
            role="row"
            tabIndex={-1}
            aria-rowindex={1}
            className={isList ? 'visually-hidden' : classes.header}
            style={{ height: isList ? undefined : head }}
          >
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} onSort={isList ? undefined : choose} />
            ))}
            {left.length > 0 && sorted.length > 0 ? (
              <div role="columnheader" className={classes.more}>
                <MoreColumns names={left.map(({ header }) => header)} onList={() => setListChosen(true)} />
              </div>
            ) : null}
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
                top={item.start - margin}
                height={isList ? undefined : rowHeight}
                measure={isList ? virtual.measureElement : undefined}
                isActive={item.index === current}
                wanted={wanted}
                isFocusLost={isFocusLost}
                onFocus={() => setCurrent(item.index)}
              />
            );
          })}
        </div>
        {sorted.length === 0 ? props.empty : null}
      </div>
    </>
  );
}

/** Says which columns the table has no room for, and shows every row with all of them. */
function MoreColumns({ names, onList }: { names: readonly string[]; onList: () => void }) {
  const label = `Show as a list, with ${names.join(', ')}`;
  return (
    <Tooltip label={label}>
      <ActionIcon size="xs" aria-label={label} onClick={onList}>
        <IconLayoutList size={15} />
      </ActionIcon>
    </Tooltip>
  );
}

/** What the header of a table does, for a list. */
function ListBar<R>({
  columns,
  sort,
  onSort,
  onTable,
}: {
  columns: readonly Column<R>[];
  sort: Sort | undefined;
  onSort: (sort: Sort) => void;
  onTable: (() => void) | undefined;
}) {
  const sortable = columns.filter((column) => column.sort);
  if (sortable.length === 0 && onTable === undefined) return null;
  const Icon = sort?.isDescending ? IconChevronDown : IconChevronUp;
  return (
    <div className={classes.listBar}>
      {sortable.length > 0 ? (
        <NativeSelect
          size="xs"
          aria-label="Sort by"
          value={sort?.column ?? ''}
          onChange={({ currentTarget: { value } }) =>
            onSort({ column: value, isDescending: columns.find(({ id }) => id === value)?.align === 'end' })
          }
          data={[
            ...(sort === undefined ? [{ value: '', label: 'Sort by…' }] : []),
            ...sortable.map(({ id, header }) => ({ value: id, label: `Sort by ${header}` })),
          ]}
        />
      ) : null}
      {sort ? (
        <ActionIcon
          size="xs"
          aria-label={sort.isDescending ? 'Descending: sort ascending' : 'Ascending: sort descending'}
          onClick={() => onSort({ ...sort, isDescending: !sort.isDescending })}
        >
          <Icon size={16} />
        </ActionIcon>
      ) : null}
      {onTable ? (
        <Button size="xs" ml="auto" onClick={onTable}>
          Show as table
        </Button>
      ) : null}
    </div>
  );
}

/** Below the first a table is a list; below the others it leaves columns out. */
const WIDTHS = { list: 560, medium: 700, wide: 960 };
const GAP = 20;
const SIDES = 32;

/** The least width of a column, from its track. */
const leastOf = (width = ''): number => Number(/(\d+)px/.exec(width)?.[1] ?? 80);

/** The columns that the table has room for; a list has room for all. */
function useFitting<R>(
  columns: readonly Column<R>[],
  scroller: RefObject<HTMLDivElement | null>,
  isListChosen: boolean,
): { columns: readonly Column<R>[]; isNarrow: boolean } {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller]);
  const { fitting, isNarrow } = useMemo(() => {
    const wanted = columns.filter(({ from }) => from === undefined || width === 0 || width >= WIDTHS[from]);
    // fewer columns before a list: first those of a wide table, then those of a medium one
    const choices = [
      wanted,
      wanted.filter(({ from }) => from !== 'wide'),
      wanted.filter(({ from }) => from === undefined),
    ];
    const fits = (shown: readonly Column<R>[]): boolean =>
      width === 0 || shown.reduce((sum, column) => sum + leastOf(column.width) + GAP, SIDES - GAP) <= width;
    const shown = choices.find(fits);
    return {
      fitting: shown ?? wanted,
      isNarrow: width > 0 && columns.length > 2 && (width < WIDTHS.list || shown === undefined),
    };
  }, [columns, width]);
  return { columns: isNarrow || isListChosen ? columns : fitting, isNarrow };
}

interface RowProps<R> extends Props<R> {
  row: R;
  index: number;
  top: number;
  /** As high as its content without it. */
  height: number | undefined;
  measure: ((element: HTMLElement | null) => void) | undefined;
  isActive: boolean;
  wanted: RefObject<number | undefined>;
  /** Set by a row that disappears while it has the focus. */
  isFocusLost: RefObject<boolean>;
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
  measure,
  isActive,
  wanted,
  isFocusLost,
  onFocus,
  onOpen,
  openKey,
  isDim,
}: RowProps<R>) {
  const element = useRef<HTMLDivElement>(null);
  const place = useCallback(
    (drawn: HTMLDivElement | null) => {
      element.current = drawn;
      measure?.(drawn);
    },
    [measure],
  );
  useLayoutEffect(() => {
    if (!isActive || wanted.current !== index) return;
    wanted.current = undefined;
    element.current?.focus({ preventScroll: true });
  });
  useLayoutEffect(
    () => () => {
      isFocusLost.current ||= element.current?.contains(document.activeElement) === true;
    },
    [isFocusLost],
  );
  const key = rowKey(row);
  const isMarked = useMarks((marks) => marks[`${name}:${key}`] !== undefined);
  const open = (event: { target: EventTarget | null }): void => {
    const target = event.target as HTMLElement;
    if (target.closest('a, button, input, label') || getSelection()?.toString()) return;
    onOpen?.(row);
  };
  return (
    <div
      ref={place}
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
  const name = columns.find(({ isName }) => isName) ?? columns[0];
  return columns.map((column) => (
    <div
      role="gridcell"
      key={column.id}
      className={classes.cell}
      data-align={column.align}
      data-column={column.header}
      data-name={column === name || undefined}
      data-corner={(column.header === '' && leastOf(column.width) <= 80) || undefined}
    >
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
  /** Without it the column's name is only read. */
  onSort: ((sort: Sort) => void) | undefined;
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
      {column.sort && onSort ? (
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
