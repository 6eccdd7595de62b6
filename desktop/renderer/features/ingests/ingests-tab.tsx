import { Button } from '@mantine/core';
import { IconPlus, IconVideoPlus } from '@tabler/icons-react';
import { useEffect } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import { createIngress, listIngress } from '#shared/contract/ingress.ts';
import { usePages } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { usePanelKey } from '../../ui/layout/panel-key.ts';
import { plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { CreateIngest } from './create-ingest.tsx';
import { IngestPanel } from './ingest-panel.tsx';
import { INGEST_TONES, INGEST_TYPES, type Ingest, ingestName, ingestState, isSending } from './ingest-words.ts';

/** The places where encoders send to, and the sources that are fetched, of an app. */
export function IngestsTab({ app }: { app: string }) {
  const [search, setSearch] = useSearchState();
  const panelKey = usePanelKey(search['ingest']);
  // LiveKit tells of begin and end, not of failures in between
  const { pages, rows, total, readMore } = usePages(listIngress, { params: { app } }, { every: 15_000 });
  const lack = useLack(createIngress);
  const query = (search['q'] ?? '').toLowerCase();
  const shown = rows.filter((one) => `${one.name} ${one.participant} ${one.room}`.toLowerCase().includes(query));
  // a search needs the whole list
  useEffect(() => {
    if (query !== '') readMore?.();
  });
  const isWithout = pages.error instanceof DaemonError && pages.error.code === 'LIVEKIT_NOT_CONFIGURED';
  const create = (): void => setSearch({ create: 'yes' });
  if (isWithout) {
    return (
      <Empty
        title="LiveKit is not set up"
        icon={<IconVideoPlus size={32} stroke={1.3} />}
        action={
          <GoTo to="/settings" search={{ q: 'LIVEKIT' }}>
            How to set it up
          </GoTo>
        }
      >
        LiveKit keeps the ingests, and its ingress service takes the streams. {pages.error?.message}
      </Empty>
    );
  }
  const button = (
    <Button
      variant="filled"
      leftSection={<IconPlus size={15} />}
      disabled={lack !== undefined}
      title={lack && `Needs ${lack}.`}
      onClick={create}
    >
      Create ingest
    </Button>
  );
  return (
    <>
      <QueryView query={pages} what="the ingests" fill>
        {() =>
          rows.length === 0 ? (
            <Empty title="No ingest yet" icon={<IconVideoPlus size={32} stroke={1.3} />} action={button}>
              An ingest brings a stream into a room without a browser: an encoder such as OBS sends to it by RTMP or
              WHIP, or LiveKit fetches a source by its URL.
            </Empty>
          ) : (
            <>
              <Toolbar>
                <SearchBox
                  label="Find by name, participant or room"
                  value={search['q'] ?? ''}
                  onChange={(q) => setSearch({ q })}
                />
                <span className="dim">{plural(total, 'ingest')}</span>
                <span className="grow" />
                {button}
              </Toolbar>
              <TablePanel>
                <DataTable
                  name="ingests"
                  label="Ingests"
                  columns={columns}
                  rows={shown}
                  rowKey={(one) => one.id}
                  openKey={search['ingest'] ?? null}
                  onOpen={(one) => setSearch({ ingest: one.id })}
                  onEnd={readMore}
                  empty={
                    <Empty
                      title={`No ingest matches “${search['q']}”`}
                      action={<Button onClick={() => setSearch({ q: '' })}>Clear the search</Button>}
                    />
                  }
                />
              </TablePanel>
            </>
          )
        }
      </QueryView>
      <CreateIngest
        app={app}
        isOpen={search['create'] !== undefined}
        onClose={() => setSearch({ create: undefined })}
      />
      <IngestPanel
        key={panelKey}
        app={app}
        ingest={rows.find((one) => one.id === search['ingest'])}
        onClose={() => setSearch({ ingest: undefined })}
      />
    </>
  );
}

const columns: readonly Column<Ingest>[] = [
  {
    id: 'state',
    header: 'State',
    width: '160px',
    sort: (one) => one.status,
    cell: (one) => (
      <State tone={INGEST_TONES[one.status]} title={one.error ?? undefined}>
        {ingestState(one)}
      </State>
    ),
  },
  { id: 'type', header: 'Type', width: '56px', sort: (one) => one.type, cell: (one) => INGEST_TYPES[one.type] },
  {
    id: 'name',
    header: 'Name',
    isName: true,
    width: 'minmax(120px, 1.5fr)',
    sort: ingestName,
    cell: (one) => <span title={ingestName(one)}>{ingestName(one)}</span>,
  },
  {
    id: 'room',
    header: 'Room',
    width: 'minmax(110px, 1.2fr)',
    sort: (one) => one.room,
    cell: (one) => <code title={one.room}>{one.room}</code>,
  },
  {
    id: 'participant',
    header: 'Participant',
    width: 'minmax(110px, 1.2fr)',
    from: 'medium',
    sort: (one) => one.participant,
    cell: (one) => <code title={one.participant}>{one.participant}</code>,
  },
  {
    id: 'url',
    header: 'Address',
    width: 'minmax(140px, 1.5fr)',
    from: 'wide',
    cell: (one) => <code title={one.url}>{one.url}</code>,
  },
  {
    id: 'since',
    header: 'Since',
    width: '110px',
    sort: (one) => (one.startedAt ? Date.parse(one.startedAt) : null),
    cell: (one) =>
      isSending(one) || one.startedAt === null ? (
        <Ago at={one.startedAt} />
      ) : (
        <span className="dim">
          <Ago at={one.startedAt} />
        </span>
      ),
  },
];
