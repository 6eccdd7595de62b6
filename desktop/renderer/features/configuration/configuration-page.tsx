import { Button } from '@mantine/core';
import { IconDownload, IconHistory } from '@tabler/icons-react';
import { useState } from 'react';
import { exportConfiguration, listRollbackPoints } from '#shared/contract/declared.ts';
import type { PlanBody, RollbackPoint } from '#shared/schema/declared.ts';
import { useActiveJobs } from '../../api/jobs.ts';
import { useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { useSearchState } from '../../daemon/links.tsx';
import { clientFor } from '../../host/clients.ts';
import { bridge } from '../../host/host.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Page, Panel } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { JobProgress } from '../jobs/job-progress.tsx';
import { ChooseFolder } from './choose-folder.tsx';
import { PlanReview } from './plan-review.tsx';
import { Outcome, POINT_STATES, PointDetails } from './point-details.tsx';
import { zip } from './zip.ts';

/** The configuration as a folder of files: planned, applied, exported, and taken back. */
export function ConfigurationPage() {
  const [search, setSearch] = useSearchState();
  const lack = useLack(exportConfiguration);
  const points = useRead(listRollbackPoints, undefined, { enabled: lack === undefined });
  const jobs = useActiveJobs().filter(({ kind }) => kind === 'configuration-apply');
  const [wanted, setWanted] = useState<PlanBody>();
  const [begun, setBegun] = useState<number>();
  const open = points.data?.find(({ id }) => String(id) === search['point']);
  const outcome = points.data?.find(({ job }) => job !== null && job === begun);
  const close = (): void => setSearch({ point: undefined });
  const [saving, save] = useExport();
  if (lack !== undefined)
    return (
      <Page title="Configuration">
        <Empty title="Only for owners of the installation">You need {lack}.</Empty>
      </Page>
    );
  return (
    <Page title="Configuration" actions={<ExportButton state={saving} onSave={save} />}>
      <ExportResult state={saving} />
      {jobs.map((job) => (
        <Panel key={job.id} title={job.title}>
          <JobProgress job={job} />
        </Panel>
      ))}
      {outcome === undefined ? null : (
        <Outcome point={outcome} onOpen={() => setSearch({ point: String(outcome.id) })} />
      )}
      {wanted === undefined ? (
        <ChooseFolder onChosen={setWanted} />
      ) : (
        <PlanReview
          wanted={wanted}
          onChange={setWanted}
          onApplied={(job) => {
            setBegun(job);
            setWanted(undefined);
          }}
          onClose={() => setWanted(undefined)}
        />
      )}
      <QueryView query={points} what="the roll-back points">
        {(list) => (
          <Panel title="Roll-back points" flush>
            <DataTable
              name="rollback-points"
              label="Roll-back points"
              maxHeight={480}
              columns={columns}
              rows={list}
              rowKey={({ id }) => id}
              openKey={open?.id ?? null}
              onOpen={({ id }) => setSearch({ point: String(id) })}
              empty={
                <Empty title="No roll-back points yet" icon={<IconHistory size={32} stroke={1.3} />}>
                  Each apply first stores what it changes, so that you can go back. The newest 20 are kept.
                </Empty>
              }
            />
          </Panel>
        )}
      </QueryView>
      <SidePanel
        isOpen={open !== undefined}
        onClose={close}
        title={open === undefined ? '' : `Roll-back point ${open.id}`}
        size={560}
      >
        {open === undefined ? null : (
          <PointDetails
            point={open}
            onRollBack={() => {
              close();
              setWanted({ rollbackPoint: open.id });
            }}
          />
        )}
      </SidePanel>
    </Page>
  );
}

const columns: readonly Column<RollbackPoint>[] = [
  {
    id: 'id',
    header: 'Point',
    width: '80px',
    isName: true,
    sort: ({ id }) => id,
    cell: ({ id }) => String(id),
  },
  {
    id: 'state',
    header: 'State',
    width: '120px',
    sort: ({ state }) => state,
    cell: ({ state }) => <State tone={POINT_STATES[state].tone}>{POINT_STATES[state].word}</State>,
  },
  {
    id: 'age',
    header: 'Age',
    width: '120px',
    sort: ({ createdAt }) => Date.parse(createdAt),
    cell: ({ createdAt }) => <Ago at={createdAt} />,
  },
  {
    id: 'changes',
    header: 'Changes',
    width: '130px',
    sort: ({ changes }) => changes.length,
    cell: ({ changes, made }) =>
      made === null || made === changes.length ? String(changes.length) : `${made} of ${changes.length}`,
  },
  { id: 'by', header: 'Applied by', width: 'minmax(140px, 1fr)', from: 'medium', cell: ({ createdBy }) => createdBy },
];

interface Saving {
  isBusy?: boolean;
  error?: unknown;
  warnings?: readonly string[];
}

/** Packs the export in the browser, and saves it. */
function useExport(): [Saving, () => Promise<void>] {
  const { id } = useDaemon();
  const [state, setState] = useState<Saving>({});
  const save = async (): Promise<void> => {
    setState({ isBusy: true });
    try {
      const { files, warnings } = await clientFor(id).call(exportConfiguration, undefined, { timeout: 120_000 });
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([zip(files)], { type: 'application/zip' }));
      link.download = 'streamhub-configuration.zip';
      link.click();
      URL.revokeObjectURL(link.href);
      setState({ warnings });
    } catch (error) {
      setState({ error });
    }
  };
  return [state, save];
}

/** A desktop saves texts only, and has the command line. */
function ExportButton({ state, onSave }: { state: Saving; onSave: () => Promise<void> }) {
  if (bridge().host !== 'web') return <CopyBox text="streamhub export studio" what="export command" />;
  return (
    <Button loading={state.isBusy ?? false} leftSection={<IconDownload size={14} />} onClick={() => void onSave()}>
      Export configuration
    </Button>
  );
}

function ExportResult({ state: { error, warnings = [] } }: { state: Saving }) {
  if (error !== undefined) return <Problem error={error} title="Nothing was exported" />;
  if (warnings.length === 0) return null;
  return (
    <Notice tone="warn" title={`${plural(warnings.length, 'part')} left out of the export`}>
      <ul>
        {warnings.map((warning) => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </Notice>
  );
}
