import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { previewPlacement } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useRead } from '../../api/query.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { count, percent } from '../../ui/words/format.ts';

type Candidate = ResultOf<typeof previewPlacement>['data']['nodes'][number];

const columns: readonly Column<Candidate>[] = [
  {
    id: 'rank',
    header: 'Rank',
    width: '44px',
    align: 'end',
    sort: (node) => node.rank,
    cell: (node) => node.rank ?? <span className="dim">no</span>,
  },
  {
    id: 'name',
    header: 'Node',
    isName: true,
    width: 'minmax(100px, 1fr)',
    sort: (node) => node.name,
    cell: (node) => node.name,
  },
  {
    id: 'load',
    header: 'Load',
    width: '54px',
    align: 'end',
    sort: (node) => node.load,
    cell: (node) => (node.load === null ? '' : percent(node.load)),
  },
  {
    id: 'rooms',
    header: 'Rooms',
    width: '54px',
    align: 'end',
    sort: (node) => node.rooms,
    cell: (node) => (node.rooms === null ? '' : count(node.rooms)),
  },
  {
    id: 'reason',
    header: 'Why',
    width: 'minmax(160px, 2fr)',
    cell: (node) => <span title={node.reason}>{node.reason}</span>,
  },
];

/** Which node would get the next room, and why not the others. */
export function PlacementPanel({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const [region, setRegion] = useState('');
  const preview = useRead(
    previewPlacement,
    { query: region ? { region } : {} },
    { enabled: isOpen, every: 10_000, keep: true },
  );
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title="Placement of the next room" size={640}>
      <TextInput
        label="Client region"
        description="Leave empty for any region."
        value={region}
        onChange={(event) => setRegion(event.currentTarget.value)}
        maxLength={64}
        w={260}
      />
      <QueryView query={preview} what="the placement">
        {(data) => (
          <div className="stack">
            <Notice tone={data.next ? 'ok' : 'info'} title={data.next ? `Node ${data.next.name}` : 'LiveKit decides'}>
              <p>{data.reason}</p>
            </Notice>
            {data.nodes.length > 0 ? (
              <DataTable
                name="placement"
                label="Candidates"
                columns={columns}
                rows={data.nodes}
                rowKey={(node) => node.id}
                initialSort={{ column: 'rank', isDescending: false }}
                maxHeight={460}
              />
            ) : null}
          </div>
        )}
      </QueryView>
    </SidePanel>
  );
}
