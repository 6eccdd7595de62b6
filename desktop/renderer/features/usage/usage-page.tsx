import { Button, NativeSelect } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { exportMonthUsage, getMonthUsage, getNodeUsage } from '#shared/contract/usage.ts';
import type { MonthUsage, NodeUsage } from '#shared/schema/usage.ts';
import { useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { bridge } from '../../host/host.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { Facts, Page, Panel, Toolbar } from '../../ui/layout/page.tsx';
import { bytes, count } from '../../ui/words/format.ts';

type AppRow = MonthUsage['apps'][number];
type TeamRow = MonthUsage['teams'][number];
type NodeRow = NodeUsage['nodes'][number];

/** This month and the twelve before it, `YYYY-MM`. */
function months(): string[] {
  const now = new Date();
  return Array.from({ length: 13 }, (_, ago) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago)).toISOString().slice(0, 7),
  );
}

/** What apps, teams and nodes used in a month. */
export function UsagePage() {
  const { client } = useDaemon();
  const [search, setSearch] = useSearchState();
  const [failure, setFailure] = useState<unknown>();
  const choices = months();
  const month = search['month'] ?? choices[0] ?? '';
  const lackNodes = useLack(getNodeUsage);
  const usage = useRead(getMonthUsage, { query: { month } }, { keep: true });
  const nodes = useRead(getNodeUsage, { query: { month } }, { enabled: lackNodes === undefined });
  const save = async (): Promise<void> => {
    setFailure(undefined);
    try {
      const file = await client.call(exportMonthUsage, { query: { month } }, { timeout: 60_000 });
      await bridge().saveText(`usage-${month}.csv`, await file.text());
    } catch (error) {
      setFailure(error);
    }
  };
  return (
    <Page
      title="Usage"
      actions={
        <Button leftSection={<IconDownload size={15} />} onClick={() => void save()}>
          CSV
        </Button>
      }
    >
      <Toolbar>
        <NativeSelect
          aria-label="Month"
          data={choices}
          value={month}
          onChange={(event) => setSearch({ month: event.currentTarget.value })}
        />
        <span className="dim">Days are in UTC.</span>
      </Toolbar>
      {failure ? <Problem error={failure} title="The export failed." /> : null}
      <QueryView query={usage} what="the usage">
        {({ apps, teams, total, unread }) => (
          <div className="stack">
            {unread.length === 0 ? null : (
              <Notice tone="warn" title="The figures are incomplete">
                The database of these apps can’t be read: {unread.map(({ app }) => app).join(', ')}.
              </Notice>
            )}
            <Panel title="All apps">
              <Facts
                items={{
                  Sessions: count(total.sessions),
                  'Session minutes': minutes(total.sessionMinutes),
                  'Participant minutes': minutes(total.participantMinutes),
                  'Recorded minutes': minutes(total.recordedMinutes),
                  Stored: total.storedBytes === null ? <span className="dim">unknown</span> : bytes(total.storedBytes),
                }}
              />
            </Panel>
            <Panel title="Apps" flush>
              <DataTable
                name="usage-apps"
                label="Usage of apps"
                columns={APPS}
                rows={apps}
                rowKey={(row) => row.app}
                maxHeight={420}
                empty={<Empty title="No apps" />}
              />
            </Panel>
            {teams.length > 1 ? (
              <Panel title="Teams" flush>
                <DataTable
                  name="usage-teams"
                  label="Usage of teams"
                  columns={TEAMS}
                  rows={teams}
                  rowKey={(row) => row.team}
                  maxHeight={320}
                />
              </Panel>
            ) : null}
          </div>
        )}
      </QueryView>
      {lackNodes === undefined ? (
        <Panel title="Nodes" note="LiveKit tells the bytes it sends by node only, not by room, app or team.">
          <QueryView query={nodes} what="the traffic of nodes">
            {(told) => (
              <DataTable
                name="usage-nodes"
                label="Traffic of nodes"
                columns={NODES}
                rows={told.nodes}
                rowKey={(row) => row.node}
                maxHeight={320}
                empty={<Empty title="No node reported traffic in this month">Nodes with an agent do.</Empty>}
              />
            )}
          </QueryView>
        </Panel>
      ) : null}
    </Page>
  );
}

const minutes = (value: number): string => count(Math.round(value));

const amounts = <R extends AppRow | TeamRow>(): readonly Column<R>[] => [
  {
    id: 'sessions',
    header: 'Sessions',
    align: 'end',
    width: '90px',
    from: 'medium',
    sort: (row) => row.sessions,
    cell: (row) => count(row.sessions),
  },
  {
    id: 'open',
    header: 'Session min',
    align: 'end',
    width: '100px',
    from: 'medium',
    sort: (row) => row.sessionMinutes,
    cell: (row) => minutes(row.sessionMinutes),
  },
  {
    id: 'people',
    header: 'Participant min',
    align: 'end',
    width: '120px',
    sort: (row) => row.participantMinutes,
    cell: (row) => minutes(row.participantMinutes),
  },
  {
    id: 'recorded',
    header: 'Recorded min',
    align: 'end',
    width: '110px',
    sort: (row) => row.recordedMinutes,
    cell: (row) => minutes(row.recordedMinutes),
  },
  {
    id: 'stored',
    header: 'Stored',
    align: 'end',
    width: '90px',
    sort: (row) => row.storedBytes,
    cell: (row) => (row.storedBytes === null ? <span className="dim">unknown</span> : bytes(row.storedBytes)),
  },
];

const APPS: readonly Column<AppRow>[] = [
  {
    id: 'app',
    header: 'App',
    isName: true,
    width: 'minmax(110px, 2fr)',
    sort: (row) => row.app,
    cell: (row) => <GoTo to={`/apps/${row.app}`}>{row.app}</GoTo>,
  },
  {
    id: 'team',
    header: 'Team',
    width: 'minmax(80px, 1fr)',
    from: 'wide',
    sort: (row) => row.team,
    cell: (row) => row.team,
  },
  ...amounts<AppRow>(),
];

const TEAMS: readonly Column<TeamRow>[] = [
  {
    id: 'team',
    header: 'Team',
    isName: true,
    width: 'minmax(110px, 2fr)',
    sort: (row) => row.team,
    cell: (row) => row.team,
  },
  { id: 'apps', header: 'Apps', align: 'end', width: '70px', sort: (row) => row.apps, cell: (row) => count(row.apps) },
  ...amounts<TeamRow>(),
];

const NODES: readonly Column<NodeRow>[] = [
  {
    id: 'node',
    header: 'Node',
    isName: true,
    width: 'minmax(110px, 2fr)',
    sort: (row) => row.node,
    cell: (row) => row.node,
  },
  {
    id: 'sent',
    header: 'Sent',
    align: 'end',
    width: '100px',
    sort: (row) => row.sentBytes,
    cell: (row) => bytes(row.sentBytes),
  },
  {
    id: 'received',
    header: 'Received',
    align: 'end',
    width: '100px',
    sort: (row) => row.receivedBytes,
    cell: (row) => bytes(row.receivedBytes),
  },
  {
    id: 'busiest',
    header: 'Busiest day',
    width: '200px',
    from: 'medium',
    cell: ({ days }) => {
      const most = days.reduce((a, b) => (b.sentBytes > a.sentBytes ? b : a), days[0] ?? { day: '', sentBytes: 0 });
      return most.day === '' ? '' : `${most.day}, ${bytes(most.sentBytes)}`;
    },
  },
];
