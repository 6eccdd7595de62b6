import { Button } from '@mantine/core';
import { IconArchive, IconBucket, IconCalendar, IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { cancelRestore, createBackup, getBackupPlan, listBackups } from '#shared/contract/backups.ts';
import { listJobs } from '#shared/contract/jobs.ts';
import type { Backup, BackupPlan } from '#shared/schema/backups.ts';
import { useActiveJobs } from '../../api/jobs.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Facts, Page, Panel, TablePanel } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { bytes, plural } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { JobProgress } from '../jobs/job-progress.tsx';
import { BackupDetails, Lacks } from './backup-details.tsx';
import { CreateForm } from './create-form.tsx';
import { placeOf } from './destination-field.tsx';
import { PlanForm } from './plan-form.tsx';
import { BackupStorageForm } from './storage-form.tsx';

const CREATE = 'new';
const PLAN = 'plan';
const STORAGE = 'storage';
const JOB_KINDS = ['backup-restore', 'backup-create', 'backup-verify'] as const;

/** Backups of the data directory: what there is, what runs, when the next one is made. */
export function BackupsPage() {
  const [search, setSearch] = useSearchState();
  const backups = useRead(listBackups);
  const plan = useRead(getBackupPlan);
  const lack = useLack(createBackup);
  const jobs = useActiveJobs().filter(({ kind }) => kind.startsWith('backup-'));
  const wanted = search['backup'];
  const open = backups.data?.find(({ id }) => String(id) === wanted);
  const close = (): void => setSearch({ backup: undefined });
  const button = { disabled: lack !== undefined, title: lack && `You need ${lack}.` };
  return (
    <Page
      title="Backups"
      actions={
        <>
          <Button {...button} leftSection={<IconBucket size={14} />} onClick={() => setSearch({ backup: STORAGE })}>
            Storage
          </Button>
          <Button {...button} leftSection={<IconCalendar size={14} />} onClick={() => setSearch({ backup: PLAN })}>
            Schedule
          </Button>
          <Button
            {...button}
            variant="filled"
            leftSection={<IconPlus size={14} />}
            onClick={() => setSearch({ backup: CREATE })}
          >
            Make backup
          </Button>
        </>
      }
    >
      {plan.data?.pendingRestore ? <PendingRestore plan={plan.data} /> : null}
      {JOB_KINDS.map((kind) => (
        <LastFailure key={kind} kind={kind} />
      ))}
      {jobs.map((job) => (
        <Panel key={job.id} title={job.title}>
          <JobProgress job={job} />
        </Panel>
      ))}
      <QueryView query={backups} what="the backups">
        {(list) => (
          <TablePanel>
            <DataTable
              name="backups"
              label="Backups"
              columns={columns}
              rows={list}
              rowKey={({ id }) => id}
              openKey={open?.id ?? null}
              onOpen={({ id }) => setSearch({ backup: String(id) })}
              empty={
                <Empty title="No backups yet" icon={<IconArchive size={32} stroke={1.3} />}>
                  A backup is one encrypted file with all databases, configs and secrets. It is made while the daemon
                  runs.
                </Empty>
              }
            />
          </TablePanel>
        )}
      </QueryView>
      <QueryView query={plan} what="the schedule">
        {(current) => <PlanFacts plan={current} />}
      </QueryView>
      <SidePanel isOpen={open !== undefined} onClose={close} title={open?.name ?? ''} size={560}>
        {open === undefined ? null : <BackupDetails key={open.id} backup={open} onGone={close} />}
      </SidePanel>
      <SidePanel isOpen={wanted === CREATE && plan.data !== undefined} onClose={close} title="Make backup">
        {plan.data === undefined ? null : <CreateForm plan={plan.data} onClose={close} />}
      </SidePanel>
      <SidePanel isOpen={wanted === PLAN && plan.data !== undefined} onClose={close} title="Schedule">
        {plan.data === undefined ? null : <PlanForm plan={plan.data} onClose={close} />}
      </SidePanel>
      <SidePanel isOpen={wanted === STORAGE} onClose={close} title="Storage of backups" size={560}>
        <BackupStorageForm onClose={close} />
      </SidePanel>
    </Page>
  );
}

/** The last job of a kind, if it failed: the form that began it is closed by then. */
function LastFailure({ kind }: { kind: (typeof JOB_KINDS)[number] }) {
  const [dismissed, setDismissed] = useState<number>();
  const job = useRead(listJobs, { query: { kind, limit: 1 } }).data?.data[0];
  if (job?.state !== 'failed' || job.id === dismissed) return null;
  return (
    <Notice
      tone="danger"
      role="alert"
      title={`Failed: ${job.title}`}
      action={
        <Button size="xs" onClick={() => setDismissed(job.id)}>
          Dismiss
        </Button>
      }
    >
      <p>
        {job.error?.message} {job.error?.hint}
      </p>
      <p>
        <GoTo to="/jobs" search={{ job: String(job.id) }}>
          Show job
        </GoTo>
      </p>
    </Notice>
  );
}

const STATES = {
  writing: { tone: 'busy', word: 'writing' },
  ready: { tone: 'ok', word: 'ready' },
  failed: { tone: 'danger', word: 'failed' },
} as const;

const columns: readonly Column<Backup>[] = [
  {
    id: 'state',
    header: 'State',
    width: '110px',
    sort: ({ state }) => state,
    cell: ({ state, verifyError }) =>
      verifyError === null ? (
        <State tone={STATES[state].tone}>{STATES[state].word}</State>
      ) : (
        <State tone="danger" title={verifyError}>
          unreadable
        </State>
      ),
  },
  {
    id: 'made',
    header: 'Made',
    isName: true,
    width: 'minmax(150px, 1fr)',
    sort: ({ createdAt }) => Date.parse(createdAt),
    cell: ({ createdAt }) => <At at={createdAt} />,
  },
  {
    id: 'size',
    header: 'Size',
    width: '100px',
    sort: ({ sizeBytes }) => sizeBytes,
    cell: ({ sizeBytes }) => bytes(sizeBytes),
  },
  {
    id: 'apps',
    header: 'Apps',
    width: '80px',
    from: 'medium',
    cell: ({ apps, version }) => (version === null ? '' : String(apps.length)),
  },
  {
    id: 'place',
    header: 'Place',
    width: 'minmax(140px, 1fr)',
    from: 'medium',
    cell: ({ destination }) => placeOf(destination),
  },
  {
    id: 'origin',
    header: 'Made by',
    width: '110px',
    from: 'wide',
    cell: ({ origin }) => ({ request: 'a person', schedule: 'schedule', found: 'unknown' })[origin],
  },
  {
    id: 'verified',
    header: 'Verified',
    width: '110px',
    from: 'wide',
    cell: ({ verifiedAt }) => <Ago at={verifiedAt} />,
  },
];

function PendingRestore({ plan }: { plan: BackupPlan }) {
  const cancel = useChange(cancelRestore, { refreshes: [getBackupPlan] });
  const { pendingRestore: pending } = plan;
  if (pending === null) return null;
  return (
    <Notice tone="warn" title="A backup replaces everything at the next start of the daemon">
      <p>
        The data of <At at={pending.createdAt} /> is unpacked and checked. Restart the daemon to use it. What is there
        now is kept in the folder <code>replaced</code>.
      </p>
      {cancel.error ? <Problem error={cancel.error} /> : null}
      <Button loading={cancel.isPending} onClick={() => cancel.mutate({})}>
        Cancel restore
      </Button>
    </Notice>
  );
}

function PlanFacts({ plan }: { plan: BackupPlan }) {
  const { cron, nextAt, keepLast, keepDays, destination, monthlyTest, lastTest, hasPassphrase, lacks } = plan;
  return (
    <div className="stack">
      <Panel title="Schedule">
        <Facts
          items={{
            Backups: cron === null ? 'only by hand' : <code>{cron}</code>,
            ...(nextAt === null ? {} : { Next: <At at={nextAt} /> }),
            Place: placeOf(destination),
            Kept: `${plural(keepLast, 'backup')}${keepDays === 0 ? '' : `, and ${plural(keepDays, 'day')}`}`,
            Passphrase: hasPassphrase ? 'stored' : 'not stored',
            'Monthly test':
              lastTest === null ? (
                monthlyTest ? (
                  'on, not done yet'
                ) : (
                  'off'
                )
              ) : (
                <State tone={lastTest.ok ? 'ok' : 'danger'} title={lastTest.text}>
                  {lastTest.text}
                </State>
              ),
          }}
        />
      </Panel>
      <Panel title="Not in a backup">
        <Lacks lacks={lacks} />
      </Panel>
    </div>
  );
}
