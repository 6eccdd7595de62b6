import { listAudit } from '#shared/contract/audit.ts';
import { getStats, listAppFigures } from '#shared/contract/system.ts';
import { useActiveJobs } from '../../api/jobs.ts';
import { useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useGo } from '../../daemon/links.tsx';
import { useProblems } from '../../problems/problems.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Shape, State } from '../../ui/feedback/state.tsx';
import { Page, Panel } from '../../ui/layout/page.tsx';
import { actionWords, isChange } from '../../ui/words/action-words.ts';
import { Ago } from '../../ui/words/time.tsx';
import { JobProgress } from '../jobs/job-progress.tsx';
import { Connected } from './connected.tsx';
import { FirstSteps } from './first-steps.tsx';
import { LatestErrors } from './latest-errors.tsx';
import { Load } from './load.tsx';
import { OverTime } from './over-time.tsx';
import classes from './overview.module.css';
import { StreamsNow } from './streams-now.tsx';

/** One daemon at a glance: problems first, then connections, load and recent events. */
export function OverviewPage() {
  const stats = useRead(getStats, undefined, { every: 10_000 });
  const figures = useRead(listAppFigures, undefined, { enabled: useLack(listAppFigures) === undefined, every: 30_000 });
  return (
    <Page title="Overview">
      <ProblemList />
      <FirstSteps figures={figures.data} />
      <QueryView query={stats} what="the server">
        {(data) => (
          <div className={classes.grid}>
            <div className={classes.column}>
              <Load stats={data} />
              <OverTime />
              <LatestErrors />
            </div>
            <div className={classes.column}>
              <RunningJobs />
              <Connected stats={data} />
              <StreamsNow figures={figures.data ?? []} />
              <LatestChanges />
            </div>
          </div>
        )}
      </QueryView>
    </Page>
  );
}

/** What needs a person, each with the way to repair it; quiet when there is nothing. */
export function ProblemList() {
  const problems = useProblems();
  const go = useGo();
  if (problems.length === 0) {
    return (
      <p className={classes.well}>
        <State tone="ok">No problems</State>
      </p>
    );
  }
  return (
    <section className={classes.problems} aria-label="Problems">
      <ul>
        {problems.map(({ id, urgency, text, since, action }) => (
          <li key={id} data-tone={urgency}>
            <Shape tone={urgency} label={urgency === 'danger' ? 'broken' : 'needs attention'} />
            <span className="grow">{text}</span>
            {since ? (
              <span className="dim">
                <Ago at={since} />
              </span>
            ) : null}
            {action ? (
              <button type="button" onClick={() => go(action.path, action.search)}>
                {action.label}
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      <p className={classes.more}>
        <GoTo to="/alerts">All incidents</GoTo>
      </p>
    </section>
  );
}

function RunningJobs() {
  const jobs = useActiveJobs();
  if (jobs.length === 0) return null;
  return (
    <Panel title="Under way" actions={<GoTo to="/jobs">All jobs</GoTo>}>
      <ul className={classes.list}>
        {jobs.slice(0, 6).map((job) => (
          <li key={job.id}>
            <span className="cut">{job.title}</span>
            <JobProgress job={job} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function LatestChanges() {
  const lack = useLack(listAudit);
  const audit = useRead(
    listAudit,
    { query: { limit: 30, outcome: 'done' } },
    { enabled: lack === undefined, every: 60_000 },
  );
  if (lack !== undefined || !audit.data) return null;
  const changes = audit.data.data.filter((entry) => isChange(entry.action)).slice(0, 8);
  return (
    <Panel title="Recent activity" actions={<GoTo to="/audit">All changes</GoTo>}>
      {changes.length === 0 ? (
        <p className="dim">Nothing was changed yet.</p>
      ) : (
        <ul className={classes.list}>
          {changes.map((entry) => (
            <li key={entry.id} className={classes.line}>
              <span className="cut">
                <GoTo to="/audit" search={{ entry: String(entry.id) }}>
                  {actionWords(entry.action)}
                </GoTo>{' '}
                {entry.target ?? entry.app ?? ''} <span className="dim">by {entry.actor.label ?? entry.actor.id}</span>
              </span>
              <span className="dim">
                <Ago at={entry.ts} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
