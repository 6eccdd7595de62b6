import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { IconColumns3 } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Time } from '../../ui/words/time.tsx';
import { fieldsInLine, fieldsOf, fieldText, LEVEL_TONES, type LogRow } from './log-model.ts';
import classes from './logs.module.css';

/** Chooses which fields of the lines are columns. */
export function Columns({
  names,
  shown,
  onChange,
}: {
  names: readonly string[];
  shown: readonly string[];
  onChange: (shown: readonly string[]) => void;
}) {
  return (
    <Menu closeOnItemClick={false}>
      <Menu.Target>
        <Tooltip label="Fields as columns">
          <ActionIcon aria-label="Fields as columns" disabled={names.length === 0}>
            <IconColumns3 size={16} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflow: 'auto' }}>
        <Menu.Label>Fields as columns</Menu.Label>
        {names.map((name) => (
          <Menu.CheckboxItem
            key={name}
            checked={shown.includes(name)}
            onChange={(checked) => onChange(checked ? [...shown, name] : shown.filter((one) => one !== name))}
          >
            <code>{name}</code>
          </Menu.CheckboxItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** The lines themselves. */
export function Lines({
  name,
  columns,
  rows,
  open,
  onOpen,
  onEnd,
  empty,
}: {
  name: string;
  columns: readonly Column<LogRow>[];
  rows: readonly LogRow[];
  open: LogRow | undefined;
  onOpen: (row: LogRow) => void;
  onEnd?: (() => void) | undefined;
  empty: ReactNode;
}) {
  return (
    <DataTable
      name={name}
      label="Log lines"
      columns={columns}
      rows={rows}
      rowKey={(row) => row.id}
      rowHeight={26}
      openKey={open?.id ?? null}
      onOpen={onOpen}
      onEnd={onEnd}
      empty={empty}
    />
  );
}

const clock = new Intl.DateTimeFormat('en-GB', {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});

/** Columns of the table: the fixed ones, then one for each chosen field. */
export function columnsFor(
  apps: ReadonlyMap<number, string>,
  withApp: boolean,
  fields: readonly string[],
): readonly Column<LogRow>[] {
  return [
    {
      id: 'ts',
      header: 'Time',
      width: '158px',
      cell: (row) => (
        <Time className={classes.time} at={row.ts}>
          {clock.format(new Date(row.ts))}
        </Time>
      ),
    },
    {
      id: 'level',
      header: 'Level',
      width: '68px',
      cell: (row) => <State tone={LEVEL_TONES[row.level]}>{row.level}</State>,
    },
    {
      id: 'source',
      header: 'Source',
      width: '84px',
      from: 'medium',
      cell: (row) => <span className="dim">{row.source}</span>,
    },
    ...(withApp
      ? [
          {
            id: 'app',
            header: 'App',
            width: '110px',
            from: 'wide',
            cell: (row: LogRow) => (row.appId === null ? '' : (apps.get(row.appId) ?? '')),
          } satisfies Column<LogRow>,
        ]
      : []),
    {
      id: 'message',
      header: 'Message',
      isName: true,
      width: 'minmax(200px, 4fr)',
      cell: (row) => (
        <span className={classes.message}>
          {row.message} <span className="dim">{fieldsInLine(row)}</span>
        </span>
      ),
    },
    ...fields.map(
      (name): Column<LogRow> => ({
        id: `field:${name}`,
        header: name,
        width: 'minmax(80px, 1fr)',
        cell: (row) => <code title={fieldText(fieldsOf(row)[name])}>{fieldText(fieldsOf(row)[name])}</code>,
      }),
    ),
  ];
}
