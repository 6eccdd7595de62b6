import { Button, NativeSelect, TextInput } from '@mantine/core';
import { IconClipboardList, IconDownload } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { listAudit } from '#shared/contract/audit.ts';
import type { QueryOf, ResultOf } from '#shared/contract/operation.ts';
import { readMoreOf } from '../../api/query.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { useSearchState } from '../../daemon/links.tsx';
import { bridge } from '../../host/host.ts';
import { Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State, type Tone } from '../../ui/feedback/state.tsx';
import { Facts, Page, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { actionWords } from '../../ui/words/action-words.ts';
import { count } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import classes from './audit.module.css';

type Entry = ResultOf<typeof listAudit>['data'][number];
const PAGE = 200;
const EXPORT_MAX = 20_000;
const wordsOf = ({ action, outcome }: Entry): string => actionWords(action, outcome === 'done');
const TONES: Record<Entry['outcome'], Tone> = { done: 'ok', refused: 'warn', failed: 'danger' };
const RESOURCES = [
  'app',
  'config',
  's3',
  'token',
  'node',
  'cluster',
  'room',
  'participant',
  'track',
  'stream',
  'recording',
  'vod',
  'job',
  'plugin',
  'auth',
  'session',
  'account',
  'member',
  'invite',
  'team',
  'tenant',
  'user',
  'ip-rule',
  'ip-ban',
  'alert-rule',
  'alert-channel',
  'incident',
  'backup',
  'backup-plan',
];
/** The resources of the codes, as people call them. */
const NAMES: Readonly<Record<string, string>> = {
  s3: 'storage',
  vod: 'recordings',
  auth: 'signing in',
  tenant: 'teams',
  'ip-rule': 'address rules',
  'ip-ban': 'bans',
  'alert-rule': 'alert rules',
  'alert-channel': 'alert channels',
  incident: 'incidents',
  backup: 'backups',
  'backup-plan': 'schedule of backups',
};
const DAYS = [
  { value: '', label: 'Any time' },
  { value: '1', label: 'Last 24 hours' },
  { value: '7', label: 'Last 7 days' },
  { value: '30', label: 'Last 30 days' },
];

/** Who changed what, when and from where. */
export function AuditPage() {
  const { id, client } = useDaemon();
  const [search, setSearch] = useSearchState();
  const [isExporting, setExporting] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const query: QueryOf<typeof listAudit> = {
    ...(search['actor'] ? { actor: search['actor'] } : {}),
    ...(search['action'] ? { action: search['action'] } : {}),
    ...(search['target'] ? { target: search['target'] } : {}),
    ...(search['outcome'] ? { outcome: search['outcome'] as Entry['outcome'] } : {}),
    // to the minute, so that the question stays the same while one looks
    ...(search['days']
      ? {
          since: new Date(Math.floor(Date.now() / 60_000) * 60_000 - Number(search['days']) * 86_400_000).toISOString(),
        }
      : {}),
  };
  const pages = useInfiniteQuery({
    queryKey: [id, listAudit.id, query],
    queryFn: ({ pageParam, signal }) =>
      client.call(listAudit, { query: { ...query, limit: PAGE, offset: pageParam } }, { signal }),
    initialPageParam: 0,
    getNextPageParam: (last) =>
      last.offset + last.data.length < last.total ? last.offset + last.data.length : undefined,
    placeholderData: (previous) => previous,
  });
  const rows = pages.data?.pages.flatMap((page) => page.data) ?? [];
  const total = pages.data?.pages[0]?.total ?? 0;
  const open = rows.find((entry) => String(entry.id) === search['entry']);
  const isFiltered = Object.keys(query).length > 0;

  const exportAll = async (): Promise<void> => {
    setExporting(true);
    setFailure(undefined);
    try {
      const all: Entry[] = [];
      for await (const entry of client.list(listAudit, { query: { ...query, limit: 1000 } }))
        if (all.push(entry) >= EXPORT_MAX) break;
      await bridge().saveText('streamhub-audit.jsonl', all.map((entry) => JSON.stringify(entry)).join('\n'));
    } catch (error) {
      setFailure(error);
    } finally {
      setExporting(false);
    }
  };

  return (
    <Page
      title="Audit"
      fill
      subtitle={pages.data ? `${count(total)} entries` : undefined}
      actions={
        <Button
          leftSection={<IconDownload size={15} />}
          loading={isExporting}
          disabled={total === 0}
          onClick={() => void exportAll()}
          title={total > EXPORT_MAX ? `The newest ${count(EXPORT_MAX)}; narrow the filter for the others.` : undefined}
        >
          Export
        </Button>
      }
    >
      <Toolbar>
        <TextInput
          data-search
          aria-label="Who"
          placeholder="Who: address, token name or id"
          value={search['actor'] ?? ''}
          onChange={(event) => setSearch({ actor: event.currentTarget.value })}
          w={210}
        />
        <NativeSelect
          aria-label="What"
          data={[
            { value: '', label: 'Any action' },
            ...RESOURCES.map((value) => ({ value, label: NAMES[value] ?? value })),
          ]}
          value={search['action'] ?? ''}
          onChange={(event) => setSearch({ action: event.currentTarget.value })}
        />
        <TextInput
          aria-label="Target"
          placeholder="Target"
          value={search['target'] ?? ''}
          onChange={(event) => setSearch({ target: event.currentTarget.value })}
          w={140}
        />
        <NativeSelect
          aria-label="Outcome"
          data={[{ value: '', label: 'Any outcome' }, 'done', 'refused', 'failed']}
          value={search['outcome'] ?? ''}
          onChange={(event) => setSearch({ outcome: event.currentTarget.value })}
        />
        <NativeSelect
          aria-label="When"
          data={DAYS}
          value={search['days'] ?? ''}
          onChange={(event) => setSearch({ days: event.currentTarget.value })}
        />
        {isFiltered ? (
          <Button
            size="xs"
            variant="subtle"
            onClick={() => setSearch({ actor: '', action: '', target: '', outcome: '', days: '' })}
          >
            Clear the filter
          </Button>
        ) : null}
      </Toolbar>
      {failure ? <Problem error={failure} title="The export broke off." /> : null}
      <QueryView query={pages as never} what="the audit trail" fill>
        {() => (
          <TablePanel>
            <DataTable
              name="audit"
              label="Audit trail"
              columns={columns}
              rows={rows}
              rowKey={(entry) => entry.id}
              openKey={open?.id ?? null}
              onOpen={(entry) => setSearch({ entry: String(entry.id) })}
              onEnd={readMoreOf(pages)}
              empty={
                <Empty
                  title={isFiltered ? 'Nothing matches the filter' : 'Nothing yet'}
                  icon={<IconClipboardList size={32} stroke={1.3} />}
                >
                  {isFiltered ? null : 'Every change is written here: who, what, when and from where.'}
                </Empty>
              }
            />
          </TablePanel>
        )}
      </QueryView>
      <SidePanel
        isOpen={open !== undefined}
        onClose={() => setSearch({ entry: undefined })}
        title={open ? wordsOf(open) : ''}
        size={540}
      >
        {open ? <Details entry={open} /> : null}
      </SidePanel>
    </Page>
  );
}

const who = (entry: Entry): string => entry.actor.label ?? entry.actor.id;

const columns: readonly Column<Entry>[] = [
  { id: 'ts', header: 'When', width: '104px', cell: (entry) => <Ago at={entry.ts} /> },
  {
    id: 'actor',
    header: 'Who',
    width: 'minmax(120px, 1fr)',
    cell: (entry) => <span title={entry.actor.id}>{who(entry)}</span>,
  },
  {
    id: 'action',
    header: 'What',
    isName: true,
    width: 'minmax(140px, 1.2fr)',
    cell: (entry) => <span title={entry.action}>{wordsOf(entry)}</span>,
  },
  { id: 'target', header: 'Target', width: 'minmax(100px, 1fr)', cell: (entry) => entry.target ?? entry.app ?? '' },
  {
    id: 'change',
    header: 'Change',
    width: 'minmax(140px, 2.4fr)',
    from: 'wide',
    cell: (entry) => <span className="dim">{changeWords(entry)}</span>,
  },
  {
    id: 'outcome',
    header: 'Outcome',
    width: '84px',
    cell: (entry) => <State tone={TONES[entry.outcome]}>{entry.outcome}</State>,
  },
  {
    id: 'ip',
    header: 'From',
    width: '108px',
    from: 'medium',
    cell: (entry) => <code className="dim">{entry.ip ?? ''}</code>,
  },
];

/** A value in a line; a job is told by its number, a list by what is in it. */
function short(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'none' : String(value);
  if (Array.isArray(value)) return value.map(short).join(', ');
  return 'id' in value && 'kind' in value ? `${value.kind} ${value.id}` : JSON.stringify(value);
}

function changeWords({ before, after }: Entry): string {
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter(
    (key) => key !== 'id' && (before?.[key] === undefined || short(before[key]) !== short(after?.[key])),
  );
  return keys
    .map((key) =>
      before && key in before && after && key in after
        ? `${key}: ${short(before[key])} → ${short(after[key])}`
        : `${key}: ${short((after ?? before)?.[key])}`,
    )
    .join(', ');
}

function Details({ entry }: { entry: Entry }) {
  const keys = [...new Set([...Object.keys(entry.before ?? {}), ...Object.keys(entry.after ?? {})])];
  return (
    <>
      <State tone={TONES[entry.outcome]}>{`${entry.outcome}${entry.status ? ` (HTTP ${entry.status})` : ''}`}</State>
      <Facts
        items={{
          Action: <Mono what="action">{entry.action}</Mono>,
          Who: `${who(entry)} (${entry.actor.kind})`,
          Id: <code>{entry.actor.id}</code>,
          When: <At at={entry.ts} />,
          App: entry.app ?? <span className="dim">none</span>,
          Target: entry.target ?? <span className="dim">none</span>,
          From: entry.ip ? <Mono what="address">{entry.ip}</Mono> : <span className="dim">inside the daemon</span>,
          Request: entry.requestId ? <Mono what="request id">{entry.requestId}</Mono> : undefined,
        }}
      />
      {keys.length > 0 ? (
        <table className={classes.change}>
          <thead>
            <tr>
              <th>Key</th>
              <th>Before</th>
              <th>After</th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => (
              <tr key={key}>
                <td>
                  <code>{key}</code>
                </td>
                <td>{entry.before && key in entry.before ? short(entry.before[key]) : ''}</td>
                <td>{entry.after && key in entry.after ? short(entry.after[key]) : ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </>
  );
}
