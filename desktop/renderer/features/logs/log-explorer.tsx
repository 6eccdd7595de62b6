import { ActionIcon, Button, NativeSelect, SegmentedControl, Switch, TextInput, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDownload, IconFileText, IconRefresh } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { listApps } from '#shared/contract/apps.ts';
import { countAppLogs, countLogs, listAppLogs, listLogs } from '#shared/contract/logs.ts';
import { readMoreOf, useRead } from '../../api/query.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { useSearchState } from '../../daemon/links.tsx';
import { useClocks } from '../../host/clocks.ts';
import { bridge } from '../../host/host.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { count, dateTime, plural } from '../../ui/words/format.ts';
import { Histogram } from './histogram.tsx';
import { LineDetails } from './line-details.tsx';
import { useLiveTail } from './live-tail.ts';
import { type Filter, fieldsOf, LEVELS, type Level, RANGES, requestIdIn, spanOf } from './log-model.ts';
import { Columns, columnsFor, Lines } from './log-table.tsx';
import classes from './logs.module.css';
import { TailBar } from './tail-bar.tsx';

const PAGE = 200;
const EXPORT_MAX = 100_000;
const EXPORT_PAGE = 1000;

/** Reads the log: when, how bad, where from, what; over time and live. Of one app, or of the server. */
export function LogExplorer({ app }: { app?: string }) {
  const { id, client } = useDaemon();
  const [search, setSearch] = useSearchState();
  const [anchor, setAnchor] = useState(() => Date.now());
  // lines have the daemon's time
  const ahead = useClocks((clocks) => clocks[id] ?? 0);
  const [isExporting, setExporting] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const [columnsShown, setColumnsShown] = useState<readonly string[]>([]);
  const apps = useRead(listApps, undefined, { enabled: app === undefined });
  const appNames = useMemo(() => new Map(apps.data?.map((one) => [one.id, one.name])), [apps.data]);

  const isLive = search['live'] === 'yes';
  const [isPaused, setPaused] = useState(false);
  const [q] = useDebouncedValue(search['q'] ?? '', 300);
  const filter: Filter = {
    ...(search['level'] ? { level: search['level'] as Level } : {}),
    ...(search['source'] ? { source: search['source'] } : {}),
    ...(q ? { q } : {}),
    ...((app ?? search['app']) ? { app: app ?? search['app'] } : {}),
  };
  const range = RANGES.find(({ value }) => value === (search['range'] ?? '24h')) ?? RANGES[3];
  const picked = search['since'] && search['until'] ? { since: search['since'], until: search['until'] } : undefined;
  const span = picked ?? spanOf(range, anchor + ahead);

  const ask = (query: object) => {
    const { app: _app, ...rest } = filter;
    return app === undefined ? { query: { ...filter, ...query } } : { params: { app }, query: { ...rest, ...query } };
  };
  const list = app === undefined ? listLogs : listAppLogs;
  const histogram = app === undefined ? countLogs : countAppLogs;
  const pages = useInfiniteQuery({
    queryKey: [id, 'logs', app, filter, span],
    queryFn: ({ pageParam, signal }) =>
      client.call(list as typeof listLogs, ask({ ...span, limit: PAGE, offset: pageParam }), { signal }),
    initialPageParam: 0,
    getNextPageParam: (last) =>
      last.data.length === PAGE && (last.more || last.offset + PAGE < last.total) ? last.offset + PAGE : undefined,
    placeholderData: (previous) => previous,
    enabled: !isLive,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const counts = useQuery({
    queryKey: [id, 'logs-histogram', app, filter, span],
    queryFn: ({ signal }) => client.call(histogram as typeof countLogs, ask({ ...span, buckets: 80 }), { signal }),
    placeholderData: (previous) => previous,
    enabled: !isLive,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const tail = useLiveTail(id, isLive, isPaused, filter, (query, call) =>
    client.call(list as typeof listLogs, ask(query), call),
  );

  const found = useMemo(() => pages.data?.pages.flatMap((page) => page.data) ?? [], [pages.data]);
  const rows = isLive ? tail.rows : found;
  const { total = 0, more = false } = pages.data?.pages[0] ?? {};
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
  const clear = (): void => setSearch({ level: '', source: '', q: '', app: '', since: '', until: '' });

  const exportAll = async (): Promise<void> => {
    setExporting(true);
    setFailure(undefined);
    try {
      const lines: string[] = [];
      if (isLive) lines.push(...rows.map((row) => JSON.stringify(row)));
      for (let offset = 0; !isLive && offset < EXPORT_MAX; offset += EXPORT_PAGE) {
        const { data } = await client.call(list as typeof listLogs, ask({ ...span, limit: EXPORT_PAGE, offset }));
        lines.push(...data.map((row) => JSON.stringify(row)));
        if (data.length < EXPORT_PAGE) break;
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
          label="Words in message or fields"
          value={search['q'] ?? ''}
          // of pasted details of a failure, the id is what finds its lines
          onChange={(value) => setSearch({ q: requestIdIn(value) ?? value })}
          width={170}
        />
        <SegmentedControl
          aria-label="Level"
          size="xs"
          data={[{ value: '', label: 'all' }, ...LEVELS]}
          value={search['level'] ?? ''}
          onChange={(level) => setSearch({ level })}
        />
        {app === undefined ? (
          <NativeSelect
            aria-label="App"
            data={[{ value: '', label: 'All apps' }, ...(apps.data?.map((one) => one.name) ?? [])]}
            value={search['app'] ?? ''}
            onChange={(event) => setSearch({ app: event.currentTarget.value })}
            w={112}
          />
        ) : null}
        <TextInput
          aria-label="Source"
          placeholder="Source"
          value={search['source'] ?? ''}
          onChange={(event) => setSearch({ source: event.currentTarget.value.trim() })}
          w={84}
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
        <Tooltip label={more ? `Export up to ${count(EXPORT_MAX)} lines, the newest first` : 'Export these lines'}>
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
                  onEnd={readMoreOf(pages)}
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
                  {more ? `More than ${plural(total, 'line')}` : plural(total, 'line')}
                  {more || rows.length < total ? `, the newest ${count(rows.length)} read; scroll for more` : ''}
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
