import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconBell } from '@tabler/icons-react';
import { useState } from 'react';
import {
  acknowledgeIncident,
  getIncident,
  listIncidents,
  silenceIncident,
  unsilenceIncident,
} from '#shared/contract/alerts.ts';
import type { QueryOf, ResultOf } from '#shared/contract/operation.ts';
import { CONDITION_IDS, conditionOf } from '#shared/rules/conditions.ts';
import { placeOf } from '#shared/rules/problems.ts';
import { useChange, usePages, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag, type Tone } from '../../ui/feedback/state.tsx';
import { Facts, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { usePanelKey } from '../../ui/layout/panel-key.ts';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { duration } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { AlertsFrame } from './alerts-frame.tsx';

type Incident = ResultOf<typeof listIncidents>['data'][number];

const TONES: Record<Incident['severity'], Tone> = { critical: 'danger', warning: 'warn' };
const refreshes = [listIncidents, getIncident];
const TIMES = [
  { value: '3600', label: '1 hour' },
  { value: '28800', label: '8 hours' },
  { value: '86400', label: '1 day' },
  { value: '604800', label: '7 days' },
];
const conditions = CONDITION_IDS.map((value) => ({ value, label: conditionOf(value).title }));

/** What is wrong now, and what was: who works on it, and how long it lasted. */
export function IncidentsPage() {
  const [search, setSearch] = useSearchState();
  const panelKey = usePanelKey(search['incident']);
  const isHistory = search['show'] === 'closed';
  const query: QueryOf<typeof listIncidents> = {
    open: !isHistory,
    ...(search['severity'] ? { severity: search['severity'] as Incident['severity'] } : {}),
    ...(search['condition'] ? { condition: search['condition'] as Incident['condition'] } : {}),
    ...(search['app'] ? { app: search['app'] } : {}),
  };
  const { pages, rows, total, readMore } = usePages(listIncidents, { query }, { keep: true, every: 30_000 });
  const isFiltered = Object.keys(query).length > 1;
  return (
    <AlertsFrame current="incidents">
      <Toolbar>
        <NativeSelect
          aria-label="Which incidents"
          data={[
            { value: '', label: isHistory ? 'Open' : `Open (${total})` },
            { value: 'closed', label: 'Closed' },
          ]}
          value={search['show'] ?? ''}
          onChange={(event) => setSearch({ show: event.currentTarget.value, incident: undefined })}
        />
        <NativeSelect
          aria-label="Severity"
          data={[
            { value: '', label: 'Any severity' },
            { value: 'critical', label: 'Critical' },
            { value: 'warning', label: 'Warning' },
          ]}
          value={search['severity'] ?? ''}
          onChange={(event) => setSearch({ severity: event.currentTarget.value })}
        />
        <NativeSelect
          aria-label="Condition"
          data={[{ value: '', label: 'Any condition' }, ...conditions]}
          value={search['condition'] ?? ''}
          onChange={(event) => setSearch({ condition: event.currentTarget.value })}
          maw={260}
        />
        <TextInput
          data-search
          aria-label="App"
          placeholder="App"
          value={search['app'] ?? ''}
          onChange={(event) => setSearch({ app: event.currentTarget.value })}
          w={120}
        />
      </Toolbar>
      <QueryView query={pages as never} what="the incidents" fill>
        {() => (
          <TablePanel>
            <DataTable
              name="incidents"
              label="Incidents"
              columns={columns}
              rows={rows}
              rowKey={(row) => row.id}
              openKey={search['incident'] ? Number(search['incident']) : null}
              onOpen={(row) => setSearch({ incident: String(row.id) })}
              onEnd={readMore}
              isDim={(row) => row.acknowledgedAt !== null || row.silencedUntil !== null}
              empty={
                <Empty
                  title={
                    isFiltered
                      ? 'Nothing matches the filter'
                      : isHistory
                        ? 'Nothing has happened yet'
                        : 'No open incidents'
                  }
                  icon={<IconBell size={32} stroke={1.3} />}
                >
                  {isFiltered || isHistory ? null : 'When something is wrong, it is listed here until it is over.'}
                </Empty>
              }
            />
          </TablePanel>
        )}
      </QueryView>
      <IncidentPanel key={panelKey} id={search['incident']} onClose={() => setSearch({ incident: undefined })} />
    </AlertsFrame>
  );
}

const stateWords = ({ state, acknowledgedAt, silencedUntil, recoveringSince }: Incident): string => {
  if (state === 'closed') return 'closed';
  if (recoveringSince !== null) return 'recovering';
  if (silencedUntil !== null) return 'silenced';
  return acknowledgedAt === null ? 'open' : 'acknowledged';
};

const columns: readonly Column<Incident>[] = [
  {
    id: 'severity',
    header: 'Severity',
    width: '100px',
    cell: (row) => <State tone={row.state === 'closed' ? 'muted' : TONES[row.severity]}>{row.severity}</State>,
  },
  {
    id: 'text',
    header: 'What is wrong',
    isName: true,
    width: 'minmax(180px, 3fr)',
    cell: (row) => <span title={row.text}>{row.text}</span>,
  },
  { id: 'subject', header: 'Subject', width: 'minmax(100px, 1fr)', from: 'wide', cell: (row) => row.subject.name },
  { id: 'state', header: 'State', width: '120px', cell: (row) => <Tag>{stateWords(row)}</Tag> },
  { id: 'opened', header: 'Opened', width: '110px', cell: (row) => <Ago at={row.openedAt} /> },
  {
    id: 'duration',
    header: 'Duration',
    width: '90px',
    align: 'end',
    cell: (row) => (row.durationSeconds === null ? '' : duration(row.durationSeconds)),
  },
];

function IncidentPanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const incident = useRead(getIncident, { params: { id: Number(id ?? 1) } }, { enabled: id !== undefined });
  const [seconds, setSeconds] = useState('3600');
  const acknowledge = useChange(acknowledgeIncident, { refreshes });
  const silence = useChange(silenceIncident, { refreshes });
  const unsilence = useChange(unsilenceIncident, { refreshes });
  const lack = useLack(acknowledgeIncident);
  const row = incident.data;
  const isOpen = row?.state === 'open';
  const params = { id: Number(id ?? 1) };
  return (
    <SidePanel
      isOpen={id !== undefined}
      onClose={onClose}
      title={row ? conditionOf(row.condition).title : 'Incident'}
      size={560}
      footer={
        isOpen ? (
          <>
            {row.silencedUntil === null ? (
              <>
                <NativeSelect
                  aria-label="Silence for"
                  data={TIMES}
                  value={seconds}
                  onChange={(event) => setSeconds(event.currentTarget.value)}
                />
                <Button
                  disabled={lack !== undefined}
                  title={lack && `You need ${lack}.`}
                  loading={silence.isPending}
                  onClick={() => silence.mutate({ params, body: { seconds: Number(seconds) } })}
                >
                  Silence
                </Button>
              </>
            ) : (
              <Button
                disabled={lack !== undefined}
                loading={unsilence.isPending}
                onClick={() => unsilence.mutate({ params })}
              >
                End silence
              </Button>
            )}
            <Button
              variant="filled"
              disabled={lack !== undefined || row.acknowledgedAt !== null}
              title={lack && `You need ${lack}.`}
              loading={acknowledge.isPending}
              onClick={() => acknowledge.mutate({ params })}
            >
              Acknowledge
            </Button>
          </>
        ) : null
      }
    >
      <QueryView query={incident} what="the incident">
        {(data) => <Details incident={data} failure={acknowledge.error ?? silence.error ?? unsilence.error} />}
      </QueryView>
    </SidePanel>
  );
}

function Details({ incident, failure }: { incident: Incident; failure: Error | null }) {
  const place = placeOf(incident);
  return (
    <>
      {failure ? <Problem error={failure} /> : null}
      <Notice tone={incident.state === 'closed' ? 'info' : TONES[incident.severity]} title={incident.text}>
        {place ? (
          <p>
            <GoTo to={place.path} {...(place.search ? { search: place.search } : {})}>
              {place.label}
            </GoTo>
          </p>
        ) : null}
      </Notice>
      <Facts
        items={{
          State: <Tag>{stateWords(incident)}</Tag>,
          Subject: incident.subject.name,
          App: incident.app ? <GoTo to={`/apps/${incident.app}/streams`}>{incident.app}</GoTo> : undefined,
          Opened: <At at={incident.openedAt} />,
          Closed: incident.closedAt ? <At at={incident.closedAt} /> : undefined,
          Duration: incident.durationSeconds === null ? undefined : duration(incident.durationSeconds),
          'Came back': incident.reopened > 0 ? `${incident.reopened} times` : undefined,
          'Well since': incident.recoveringSince ? <At at={incident.recoveringSince} /> : undefined,
          Acknowledged: incident.acknowledgedAt ? (
            <>
              <At at={incident.acknowledgedAt} /> by {incident.acknowledgedBy}
            </>
          ) : undefined,
          'Silenced until': incident.silencedUntil ? <At at={incident.silencedUntil} /> : undefined,
          'Follows from': incident.cause ? (
            <GoTo to="/alerts" search={{ incident: String(incident.cause) }}>
              incident {incident.cause}
            </GoTo>
          ) : undefined,
          Rule: (
            <GoTo to="/alerts/rules" search={{ rule: incident.rule }}>
              {incident.rule}
            </GoTo>
          ),
        }}
      />
    </>
  );
}
