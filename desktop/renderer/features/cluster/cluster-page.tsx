import { Button, NativeSelect } from '@mantine/core';
import { IconPlus, IconServer2 } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import {
  createJoinCode,
  getClusterInfo,
  getClusterSettings,
  listNodes,
  previewPlacement,
  updateClusterSettings,
} from '#shared/contract/cluster.ts';
import { nodeMeasures } from '#shared/rules/measures.ts';
import { useNodeSeries } from '../../api/history.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { Bar, loadTone } from '../../ui/data/bar.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Sparkline } from '../../ui/data/sparkline.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Page, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { useCommands } from '../../ui/palette/use-commands.ts';
import { bitrate, count, percent, plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { AddNode } from './add-node.tsx';
import { ClusterTabs } from './cluster-tabs.tsx';
import { LoadMap } from './load-map.tsx';
import { NodePanel } from './node-panel.tsx';
import { type Node, nodeRank, nodeTone } from './node-words.ts';
import { PlacementPanel } from './placement-panel.tsx';

const STRATEGIES = [
  { value: 'least-load', label: 'Least load' },
  { value: 'fewest-rooms', label: 'Fewest rooms' },
  { value: 'same-region', label: 'Same region first' },
  { value: 'spread', label: 'Spread' },
] as const;

/** The edge nodes: who is alive, who is full, and what to do about it. */
export function ClusterPage() {
  const nodes = useRead(listNodes, undefined, { every: 10_000 });
  const info = useRead(getClusterInfo);
  const [search, setSearch] = useSearchState();
  const [isAdding, setAdding] = useState(false);
  const isEnabled = info.data?.enabled !== false;
  const guard = useGuard(createJoinCode);
  const canAdd = isEnabled && !guard.disabled;
  useCommands(
    'cluster',
    canAdd ? [{ id: 'add-node', group: 'Actions', label: 'Add a node', run: () => setAdding(true) }] : [],
  );
  const open = nodes.data?.find((node) => node.id === search['node']);
  const query = (search['q'] ?? '').toLowerCase();
  const rows = useMemo(
    () =>
      nodes.data?.filter((node) =>
        `${node.name} ${node.region ?? ''} ${node.ip ?? ''} ${node.url} ${nodeTone(node).word}`
          .toLowerCase()
          .includes(query),
      ) ?? [],
    [nodes.data, query],
  );
  return (
    <Page
      title="Cluster"
      fill
      subtitle={nodes.data ? plural(nodes.data.length, 'node') : undefined}
      actions={
        <Button
          variant="filled"
          leftSection={<IconPlus size={15} />}
          {...guard}
          disabled={!canAdd}
          onClick={() => setAdding(true)}
        >
          Add node
        </Button>
      }
    >
      <ClusterTabs current="nodes" />
      {isEnabled ? null : (
        <Notice
          tone="info"
          title="Clustering is off"
          action={
            <GoTo to="/settings" search={{ q: 'STREAMHUB_CLUSTER_TOKEN' }}>
              How to turn it on
            </GoTo>
          }
        >
          <p>
            Nodes can join once <code>STREAMHUB_CLUSTER_TOKEN</code> is set. Everything else works on this machine
            alone.
          </p>
        </Notice>
      )}
      <QueryView query={nodes} what="the nodes" fill>
        {(all) =>
          all.length === 0 ? (
            <Empty
              title="No node yet"
              icon={<IconServer2 size={32} stroke={1.3} />}
              action={
                isEnabled ? (
                  <Button variant="filled" {...guard} onClick={() => setAdding(true)}>
                    Add node
                  </Button>
                ) : null
              }
            >
              An edge node is another server that hosts rooms. It joins with one command.
            </Empty>
          ) : (
            <>
              <Toolbar>
                <SearchBox
                  label="Find by name, region, address or state"
                  value={search['q'] ?? ''}
                  onChange={(q) => setSearch({ q })}
                  width={300}
                />
                <span className="grow" />
                <Strategy />
                <Button size="sm" onClick={() => setSearch({ placement: 'yes' })}>
                  Preview placement
                </Button>
              </Toolbar>
              <LoadMap nodes={rows} onOpen={(node) => setSearch({ node: node.id })} />
              <TablePanel>
                <DataTable
                  name="nodes"
                  label="Nodes"
                  columns={columns}
                  rows={rows}
                  rowKey={(node) => node.id}
                  initialSort={{ column: 'state', isDescending: false }}
                  openKey={open?.id ?? null}
                  onOpen={(node) => setSearch({ node: node.id })}
                  isDim={(node) => node.status === 'disabled'}
                  empty={
                    <Empty
                      title={`No node matches “${search['q']}”`}
                      action={<Button onClick={() => setSearch({ q: '' })}>Clear the filter</Button>}
                    />
                  }
                />
              </TablePanel>
            </>
          )
        }
      </QueryView>
      <NodePanel node={open} onClose={() => setSearch({ node: undefined })} />
      <PlacementPanel isOpen={search['placement'] === 'yes'} onClose={() => setSearch({ placement: undefined })} />
      <AddNode
        isOpen={isAdding}
        known={nodes.data ?? []}
        onClose={() => setAdding(false)}
        onOpen={(node) => setSearch({ node: node.id })}
      />
    </Page>
  );
}

function Strategy() {
  const settings = useRead(getClusterSettings);
  const update = useChange(updateClusterSettings, { refreshes: [getClusterSettings, previewPlacement] });
  const guard = useGuard(updateClusterSettings);
  if (settings.data === undefined) return null;
  return (
    <>
      {update.error ? <Problem error={update.error} /> : null}
      <span className="dim">New rooms:</span>
      <NativeSelect
        aria-label="Where new rooms are placed"
        title="Where new rooms are placed"
        {...guard}
        data={STRATEGIES}
        value={settings.data.strategy}
        onChange={(event) =>
          update.mutate({ body: { strategy: event.currentTarget.value as (typeof STRATEGIES)[number]['value'] } })
        }
      />
    </>
  );
}

const columns: readonly Column<Node>[] = [
  {
    id: 'state',
    header: 'State',
    width: '104px',
    sort: nodeRank,
    cell: (node) => {
      const { tone, word } = nodeTone(node);
      return (
        <State tone={tone} title={node.drain?.note ?? node.agent?.livekit.problem}>
          {word}
        </State>
      );
    },
  },
  {
    id: 'name',
    header: 'Node',
    isName: true,
    width: 'minmax(112px, 1.5fr)',
    sort: (node) => node.name,
    cell: (node) => <span title={node.url}>{node.name}</span>,
  },
  {
    id: 'region',
    header: 'Region',
    width: 'minmax(92px, 1fr)',
    from: 'medium',
    sort: (node) => node.region,
    cell: (node) => node.region ?? <span className="dim">none</span>,
  },
  {
    id: 'cpu',
    header: 'CPU',
    width: 'minmax(100px, 1fr)',
    sort: (node) => nodeMeasures(node.stats).cpu,
    cell: (node) => <Load node={node} measure="cpu" />,
  },
  {
    id: 'memory',
    header: 'Memory',
    width: '100px',
    from: 'wide',
    sort: (node) => nodeMeasures(node.stats).memory,
    cell: (node) => <Share value={nodeMeasures(node.stats).memory} label="Memory" />,
  },
  {
    id: 'rooms',
    header: 'Rooms',
    width: '56px',
    align: 'end',
    sort: (node) => roomsOf(node),
    cell: (node) => number(roomsOf(node)),
  },
  {
    id: 'people',
    header: 'Participants',
    width: '84px',
    align: 'end',
    sort: (node) => peopleOf(node),
    cell: (node) => number(peopleOf(node)),
  },
  {
    id: 'tx',
    header: 'Sends',
    width: '92px',
    align: 'end',
    from: 'wide',
    sort: (node) => nodeMeasures(node.stats).tx,
    cell: (node) => {
      const { tx } = nodeMeasures(node.stats);
      return tx === undefined ? '' : bitrate(tx * 8);
    },
  },
  {
    id: 'seen',
    header: 'Last heartbeat',
    width: '94px',
    sort: (node) => (node.last_seen_at ? Date.parse(node.last_seen_at) : null),
    cell: (node) => <Ago at={node.last_seen_at} />,
  },
];

const roomsOf = (node: Node): number | undefined => node.agent?.livekit.rooms ?? nodeMeasures(node.stats).rooms;
const peopleOf = (node: Node): number | undefined =>
  node.agent?.livekit.participants ?? nodeMeasures(node.stats).participants;
const number = (value: number | undefined) =>
  value === undefined ? '' : value === 0 ? <span className="dim">0</span> : count(value);

function Load({ node, measure }: { node: Node; measure: 'cpu' }) {
  const { id } = useDaemon();
  const samples = useNodeSeries(id, node.id, measure);
  const value = nodeMeasures(node.stats)[measure];
  if (value === undefined) return <span className="dim">unknown</span>;
  return (
    <span className="row">
      <span
        className="num"
        style={{ width: 38, textAlign: 'right', color: loadTone(value) === 'danger' ? 'var(--danger)' : undefined }}
      >
        {percent(value)}
      </span>
      <span className="grow">
        <Sparkline samples={samples} max={1} label={`CPU of ${node.name}, last 15 minutes`} />
      </span>
    </span>
  );
}

function Share({ value, label }: { value: number | undefined; label: string }) {
  if (value === undefined) return null;
  return (
    <span className="row">
      <span className="num" style={{ width: 38, textAlign: 'right' }}>
        {percent(value)}
      </span>
      <Bar share={value} tone={loadTone(value)} label={`${label} ${percent(value)}`} />
    </span>
  );
}
