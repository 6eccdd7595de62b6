import { Button, SegmentedControl } from '@mantine/core';
import { IconActivity } from '@tabler/icons-react';
import { listApps } from '#shared/contract/apps.ts';
import { cancelJob, getJob, listJobs, retryJob } from '#shared/contract/jobs.ts';
import { remedyOf } from '#shared/rules/remedies.ts';
import type { Job } from '../../api/jobs.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { RemedyLink } from '../../ui/feedback/remedy-link.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Facts, Page, TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { usePanelKey } from '../../ui/layout/panel-key.ts';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { count } from '../../ui/words/format.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { JobProgress, NextTry } from './job-progress.tsx';
import { JOB_TONES, JOB_WORDS, resultFacts } from './job-words.ts';

const PAGE = 200;
const FILTERS = [
  { value: '', label: 'All' },
  { value: 'active', label: 'Running' },
  { value: 'failed', label: 'Failed' },
];

/** Long work: what runs, how far it is, what came of it. */
export function JobsPage() {
  const [search, setSearch] = useSearchState();
  const panelKey = usePanelKey(search['job']);
  const state = (search['state'] ?? '') as '' | 'active' | 'failed';
  const offset = Number(search['from'] ?? 0) || 0;
  const jobs = useRead(listJobs, { query: { ...(state ? { state } : {}), limit: PAGE, offset } }, { keep: true });
  const openId = search['job'] === undefined ? undefined : Number(search['job']);
  return (
    <Page title="Jobs" fill>
      <Toolbar>
        <SegmentedControl
          size="xs"
          data={FILTERS}
          value={state}
          onChange={(value) => setSearch({ state: value, from: '' })}
          aria-label="Which jobs"
        />
      </Toolbar>
      <QueryView query={jobs} what="the jobs" fill>
        {(page) => (
          <>
            <TablePanel>
              <DataTable
                name="jobs"
                label="Jobs"
                columns={columns}
                rows={page.data}
                rowKey={(job) => job.id}
                rowHeight={40}
                openKey={openId ?? null}
                onOpen={(job) => setSearch({ job: String(job.id) })}
                empty={
                  <Empty
                    title={state === '' ? 'No jobs yet' : state === 'active' ? 'No running jobs' : 'No failed jobs'}
                    icon={<IconActivity size={32} stroke={1.3} />}
                  >
                    Deleting an app with its recordings, and other work that takes longer than a request, appears here.
                    Jobs continue when you close the page or restart the daemon.
                  </Empty>
                }
              />
            </TablePanel>
            {page.total > PAGE ? (
              <div className="row">
                <span className="dim grow">
                  {count(offset + 1)} to {count(Math.min(offset + PAGE, page.total))} of {count(page.total)}
                </span>
                <Button
                  size="xs"
                  disabled={offset === 0}
                  onClick={() => setSearch({ from: String(Math.max(0, offset - PAGE)) })}
                >
                  Newer
                </Button>
                <Button
                  size="xs"
                  disabled={offset + PAGE >= page.total}
                  onClick={() => setSearch({ from: String(offset + PAGE) })}
                >
                  Older
                </Button>
              </div>
            ) : null}
          </>
        )}
      </QueryView>
      <JobPanel key={panelKey} id={openId} onClose={() => setSearch({ job: undefined })} />
    </Page>
  );
}

/** An older daemon tells the id alone. */
const askedBy = (job: Job): string => job.createdByLabel ?? job.createdBy;

const columns: readonly Column<Job>[] = [
  {
    id: 'state',
    header: 'State',
    width: '132px',
    sort: (job) => job.state,
    cell: (job) => <State tone={JOB_TONES[job.state]}>{JOB_WORDS[job.state]}</State>,
  },
  {
    id: 'title',
    header: 'Job',
    isName: true,
    width: 'minmax(160px, 2fr)',
    sort: (job) => job.title,
    cell: (job) => job.title,
  },
  { id: 'progress', header: 'Progress', width: 'minmax(180px, 2fr)', cell: (job) => <JobProgress job={job} /> },
  {
    id: 'by',
    header: 'Requested by',
    width: 'minmax(90px, 1fr)',
    from: 'wide',
    sort: askedBy,
    cell: askedBy,
  },
  {
    id: 'created',
    header: 'Started',
    width: '110px',
    sort: (job) => Date.parse(job.createdAt),
    cell: (job) => <Ago at={job.createdAt} />,
  },
];

function JobPanel({ id, onClose }: { id: number | undefined; onClose: () => void }) {
  const job = useRead(getJob, { params: { id: id ?? 0 } }, { enabled: id !== undefined });
  const refreshes = [listJobs, getJob, listApps];
  const cancel = useChange(cancelJob, { refreshes });
  const retry = useChange(retryJob, { refreshes });
  const lack = useLack(cancelJob);
  const params = { params: { id: id ?? 0 } };
  const canRetry = job.data && ['failed', 'cancelled', 'waiting'].includes(job.data.state);
  return (
    <SidePanel
      isOpen={id !== undefined}
      onClose={onClose}
      title={job.data?.title ?? 'Job'}
      footer={
        <>
          {job.data?.cancellable ? (
            <Button
              disabled={lack !== undefined}
              onClick={() =>
                ask({
                  title: `Cancel: ${job.data.title}`,
                  body: (
                    <p>
                      What it has done stays done; nothing more is begun. It can be run again later and goes on from
                      there.
                    </p>
                  ),
                  action: 'Cancel job',
                  isDangerous: true,
                  run: () => cancel.mutateAsync(params),
                })
              }
            >
              Cancel job
            </Button>
          ) : null}
          {canRetry ? (
            <Button
              variant="filled"
              disabled={lack !== undefined}
              loading={retry.isPending}
              onClick={() => retry.mutate(params)}
            >
              Retry now
            </Button>
          ) : null}
        </>
      }
    >
      <QueryView query={job} what="the job">
        {(shown) => (
          <div className="stack">
            <div className="row">
              <State tone={JOB_TONES[shown.state]}>{JOB_WORDS[shown.state]}</State>
              {shown.nextRunAt && shown.state === 'waiting' ? <NextTry at={shown.nextRunAt} /> : null}
            </div>
            {shown.error ? (
              <Notice tone="danger" title={shown.error.message}>
                {shown.error.hint ? <p>{shown.error.hint}</p> : null}
                <p className="row dim">
                  {shown.error.code}
                  <JobRemedy code={shown.error.code} app={shown.app} />
                </p>
              </Notice>
            ) : null}
            {shown.finishedAt === null && shown.state !== 'waiting' ? <JobProgress job={shown} /> : null}
            {retry.error ? <Problem error={retry.error} /> : null}
            <Facts
              items={{
                App: shown.app ?? <span className="dim">none</span>,
                Phase: shown.progress?.phase ?? <span className="dim">not begun</span>,
                Attempts:
                  shown.maxAttempts === null
                    ? `${shown.attempts}, no limit`
                    : `${shown.attempts} of ${shown.maxAttempts}`,
                'Requested by': askedBy(shown),
                Requested: <At at={shown.createdAt} />,
                Started: shown.startedAt ? <At at={shown.startedAt} /> : undefined,
                Ended: shown.finishedAt ? <At at={shown.finishedAt} /> : undefined,
              }}
            />
            {shown.result ? <Facts items={resultFacts(shown.result)} /> : null}
          </div>
        )}
      </QueryView>
    </SidePanel>
  );
}

function JobRemedy({ code, app }: { code: string; app: string | null }) {
  const remedy = remedyOf({ code, app: app ?? undefined });
  return remedy === undefined || remedy.path === '/jobs' ? null : <RemedyLink remedy={remedy} />;
}
