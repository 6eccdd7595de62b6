import { ActionIcon, Button, Menu, NativeSelect, Switch, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import {
  IconColumns3,
  IconDownload,
  IconFileText,
  IconPlayerPause,
  IconPlayerPlay,
  IconRefresh,
} from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { type ReactNode, useMemo, useState } from 'react';
import { listApps } from '#shared/contract/apps.ts';
import { countAppLogs, countLogs, listAppLogs, listLogs } from '#shared/contract/logs.ts';
import { bridge } from '../../api/host.ts';
import { unwrapped, useRead } from '../../api/query.ts';
import { useDaemon } from '../../app/daemon-context.tsx';
import { useSearchState } from '../../app/links.tsx';
import { Empty } from '../../ui/empty.tsx';
import { count, dateTime, exactTime, plural } from '../../ui/format.ts';
import { TablePanel, Toolbar } from '../../ui/page.tsx';
import { Notice, Problem } from '../../ui/problem.tsx';
import { QueryView } from '../../ui/query-view.tsx';
import { SearchBox } from '../../ui/search-box.tsx';
import { State } from '../../ui/state.tsx';
import { type Column, DataTable } from '../../ui/table.tsx';
import { Histogram } from './histogram.tsx';
import { LineDetails } from './line-details.tsx';
import { useLiveTail } from './live-tail.ts';
import {
  type Filter,
  fieldsInLine,
  fieldsOf,
  fieldText,
  LEVEL_TONES,
  LEVELS,
  type Level,
  type LogRow,
  RANGES,
} from './log-model.ts';
import classes from './logs.module.css';

const PAGE = 200;
const EXPORT_MAX = 100_000;

/** Reads the log: when, how bad, where from, what; over time and live. Of one app, or of the server. */
export function LogExplorer({ app }: { app?: string }) {
  const { id, client } = useDaemon();
  const [search, setSearch] = useSearchState();
  const [anchor, setAnchor] = useState(() => Date.now());
  const [isExporting, setExporting] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const [columnsShown, setColumnsShown] = useState<readonly string[]>([]);
  const apps = useRead(listApps, undefined, { enabled: app === undefined });
  const appNames = useMemo(() => new Map(apps.data?.map((one) => [one.id, one.name])), [apps.data]);

  const isLive = search['live'] === 'yes';
  const [isPaused, setPaused] = useState(false);
  const [typed, setTyped] = useState(search['q'] ?? '');
  const [q] = useDebouncedValue(typed, 300);
  const filter: Filter = {
    ...(search['level'] ? { level: search['level'] as Level } : {}),
    ...(search['source'] ? { source: search['source'] } : {}),
    ...(q ? { q } : {}),
    ...((app ?? search['app']) ? { app: app ?? search['app'] } : {}),
  };
  const range = RANGES.find(({ value }) => value === (search['range'] ?? '24h')) ?? RANGES[3];
  const picked = search['since'] && search['until'] ? { since: search['since'], until: search['until'] } : undefined;
  const span = picked ?? {
    ...(range.ms === undefined ? {} : { since: new Date(anchor - range.ms).toISOString() }),
    until: new Date(anchor).toISOString(),
  };

  const ask = (more: object) => {
    const { app: wanted, ...rest } = filter;
    return app === undefined
      ? { query: { ...rest, ...span, ...(wanted ? { app: wanted } : {}), ...more } }
      : { params: { app }, query: { ...rest, ...span, ...more } };
  };
  const list = app === undefined ? listLogs : listAppLogs;
  const histogram = app === undefined ? countLogs : countAppLogs;
  const pages = useInfiniteQuery({
    queryKey: [id, 'logs', app, filter, span],
    queryFn: ({ pageParam, signal }) =>
      client.call(list as typeof listLogs, ask({ limit: PAGE, offset: pageParam }), { signal }),
    initialPageParam: 0,
    getNextPageParam: (last) =>
      last.offset + last.data.length < last.total ? last.offset + last.data.length : undefined,
    placeholderData: (previous) => previous,
    enabled: !isLive,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const counts = useQuery({
    queryKey: [id, 'logs-histogram', app, filter, span],
    queryFn: async ({ signal }) =>
      unwrapped(await client.call(histogram as typeof countLogs, ask({ buckets: 80 }), { signal })),
    placeholderData: (previous) => previous,
    enabled: !isLive,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const tail = useLiveTail(id, isLive, isPaused, filter);

  const found = useMemo(() => pages.data?.pages.flatMap((page) => page.data) ?? [], [pages.data]);
  const rows = isLive ? tail.rows : found;
  const total = pages.data?.pages[0]?.total ?? 0;
  const open = rows.find((row) => String(row.id) === search['line']);
  const isFiltered =
    filter.level !== undefined ||
    filter.source !== undefined ||
    filter.q !== undefined ||
    (app === undefined && filter.app !== undefined) ||
    picked !== undefined;
  const fieldNames = useMemo(
    () => [...new Set(rows.slice(0, 400).flatMap((row) => Object.keys(fieldsOf(row))))].sort(),
    [rows],
  );
  const columns = useMemo(() => columnsFor(appNames, app === undefined, columnsShown), [appNames, app, columnsShown]);
  const clear = (): void => {
    setTyped('');
    setSearch({ level: '', source: '', q: '', app: '', since: '', until: '' });
  };

  const exportAll = async (): Promise<void> => {
    setExporting(true);
    setFailure(undefined);
    try {
      const lines: string[] = [];
      if (isLive) lines.push(...rows.map((row) => JSON.stringify(row)));
      for (let offset = 0; !isLive && offset < Math.min(total, EXPORT_MAX); offset += 1000) {
        const page = await client.call(list as typeof listLogs, ask({ limit: 1000, offset }));
        lines.push(...page.data.map((row) => JSON.stringify(row)));
      }
      await bridge().saveText(`streamhub-log${app ? `-${app}` : ''}.jsonl`, `${lines.join('\n')}\n`);
    } catch (error) {
      setFailure(error);
    } finally {
      setExporting(false);
    }
  };

  return (
    <>
      <Toolbar>
        <SearchBox
          label="Text in the message"
          value={typed}
          onChange={(value) => {
            setTyped(value);
            setSearch({ q: value });
          }}
          width={230}
        />
        <NativeSelect
          aria-label="Level"
          data={[{ value: '', label: 'All levels' }, ...LEVELS]}
          value={search['level'] ?? ''}
          onChange={(event) => setSearch({ level: event.currentTarget.value })}
        />
        {app === undefined ? (
          <NativeSelect
            aria-label="App"
            data={[{ value: '', label: 'All apps' }, ...(apps.data?.map((one) => one.name) ?? [])]}
            value={search['app'] ?? ''}
            onChange={(event) => setSearch({ app: event.currentTarget.value })}
            w={130}
          />
        ) : null}
        <TextInput
          aria-label="Source"
          placeholder="Source"
          value={search['source'] ?? ''}
          onChange={(event) => setSearch({ source: event.currentTarget.value.trim() })}
          w={100}
          spellCheck={false}
        />
        {isLive ? null : (
          <>
            <NativeSelect
              aria-label="Time"
              data={[
                ...(picked
                  ? [{ value: 'picked', label: `${dateTime(picked.since)} to ${dateTime(picked.until)}` }]
                  : []),
                ...RANGES.map(({ value, label }) => ({ value, label })),
              ]}
              value={picked ? 'picked' : range.value}
              onChange={(event) => {
                setAnchor(Date.now());
                setSearch({ range: event.currentTarget.value, since: '', until: '' });
              }}
              maw={220}
            />
            <Tooltip label="Look again, up to now">
              <ActionIcon aria-label="Look again" onClick={() => setAnchor(Date.now())}>
                <IconRefresh size={16} />
              </ActionIcon>
            </Tooltip>
          </>
        )}
        <span className="grow" />
        <Switch
          label="Live"
          checked={isLive}
          onChange={(event) => {
            setPaused(false);
            setAnchor(Date.now());
            setSearch({ live: event.currentTarget.checked ? 'yes' : '', line: undefined });
          }}
        />
        <Columns names={fieldNames} shown={columnsShown} onChange={setColumnsShown} />
        <Tooltip label={total > EXPORT_MAX ? `Export the newest ${count(EXPORT_MAX)} lines` : 'Export these lines'}>
          <ActionIcon
            aria-label="Export"
            loading={isExporting}
            disabled={rows.length === 0}
            onClick={() => void exportAll()}
          >
            <IconDownload size={16} />
          </ActionIcon>
        </Tooltip>
      </Toolbar>
      {failure ? <Problem error={failure} title="The export broke off." /> : null}
      {isLive ? (
        <TailBar tail={tail} isPaused={isPaused} onPause={setPaused} />
      ) : counts.data ? (
        <Histogram data={counts.data} onPick={(since, until) => setSearch({ since, until }, true)} />
      ) : (
        <div className={classes.noHistogram}>
          {counts.error ? <span className="dim">{counts.error.message}</span> : null}
        </div>
      )}
      {isLive ? (
        <TablePanel>
          <Lines
            name="logs-live"
            columns={columns}
            rows={rows}
            open={open}
            onOpen={(row) => setSearch({ line: String(row.id) })}
            empty={
              <Empty title={isFiltered ? 'No line that matches has arrived' : 'No line has arrived yet'}>
                Lines appear here as they are written.
              </Empty>
            }
          />
        </TablePanel>
      ) : (
        <QueryView query={pages as never} what="the log" fill>
          {() => (
            <>
              <TablePanel>
                <Lines
                  name="logs"
                  columns={columns}
                  rows={rows}
                  open={open}
                  onOpen={(row) => setSearch({ line: String(row.id) })}
                  onEnd={() => {
                    if (pages.hasNextPage && !pages.isFetchingNextPage) void pages.fetchNextPage();
                  }}
                  empty={
                    <Empty
                      title={isFiltered ? 'No line matches' : 'Nothing was logged in this time'}
                      icon={<IconFileText size={32} stroke={1.3} />}
                      action={isFiltered ? <Button onClick={clear}>Clear the filter</Button> : null}
                    >
                      {isFiltered ? (
                        <Sought filter={filter} range={picked ? 'the picked time' : range.label.toLowerCase()} />
                      ) : (
                        'Look further back.'
                      )}
                    </Empty>
                  }
                />
              </TablePanel>
              <div className="row">
                <span className="dim num grow">
                  {plural(total, 'line')}
                  {rows.length < total ? `, the newest ${count(rows.length)} read; scroll for more` : ''}
                </span>
                {isFiltered ? (
                  <Button size="xs" variant="subtle" onClick={clear}>
                    Clear the filter
                  </Button>
                ) : null}
              </div>
            </>
          )}
        </QueryView>
      )}
      <LineDetails row={open} app={app} appNames={appNames} onClose={() => setSearch({ line: undefined })} />
    </>
  );
}

function Sought({ filter: { level, source, q, app }, range }: { filter: Filter; range: string }) {
  const parts = [
    level ? `level ${level}` : '',
    app ? `app ${app}` : '',
    source ? `source ${source}` : '',
    q ? `text “${q}”` : '',
  ].filter(Boolean);
  return `Searched ${range}${parts.length > 0 ? ` for ${parts.join(', ')}` : ''}.`;
}

function TailBar({
  tail,
  isPaused,
  onPause,
}: {
  tail: { state: string; problem: string | undefined; held: number; rows: readonly LogRow[] };
  isPaused: boolean;
  onPause: (paused: boolean) => void;
}) {
  if (tail.state === 'closed')
    return (
      <Notice tone="warn" title="Live lines cannot be had">
        {tail.problem ? <p>{tail.problem}</p> : null}
      </Notice>
    );
  return (
    <div className="row" role="status">
      <Button
        size="xs"
        leftSection={isPaused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
        onClick={() => onPause(!isPaused)}
      >
        {isPaused ? 'Go on' : 'Pause'}
      </Button>
      {isPaused ? (
        <State tone="warn">{`Paused${tail.held > 0 ? `, ${plural(tail.held, 'line')} held back` : ''}`}</State>
      ) : tail.state === 'open' ? (
        <State tone="ok">Live</State>
      ) : (
        <State tone="busy">{tail.problem ? `Connecting again: ${tail.problem}` : 'Connecting…'}</State>
      )}
      <span className="dim num">{plural(tail.rows.length, 'line')}</span>
    </div>
  );
}

function Columns({
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

function Lines({
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
  onEnd?: () => void;
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
      {...(onEnd ? { onEnd } : {})}
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

function columnsFor(
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
        <time className={classes.time} dateTime={row.ts} title={exactTime(row.ts)}>
          {clock.format(new Date(row.ts))}
        </time>
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
