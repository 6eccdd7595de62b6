import { Button } from '@mantine/core';
import { IconStethoscope } from '@tabler/icons-react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { checkInstallation } from '#shared/contract/system.ts';
import { plural } from '#shared/format.ts';
import { CHECK_GROUP_IDS, CHECK_GROUPS } from '#shared/schema/check.ts';
import { useChange } from '../../api/query.ts';
import { useGuard } from '../../api/rights.ts';
import { bridge } from '../../host/host.ts';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State, type Tone } from '../../ui/feedback/state.tsx';
import { type ListedStep, StepList } from '../../ui/feedback/step-list.tsx';
import { Facts, Page, Panel } from '../../ui/layout/page.tsx';
import { At } from '../../ui/words/time.tsx';

type Report = ResultOf<typeof checkInstallation>['data'];

/** Looks at the whole installation when somebody asks, and says what is wrong with it. */
export function CheckPage() {
  const check = useChange(checkInstallation, { timeout: 60_000 });
  const guard = useGuard(checkInstallation);
  const run = (): void => check.mutate({});
  const report = check.data;
  return (
    <Page
      title="Check installation"
      crumbs={[{ label: 'Settings', to: '/settings' }]}
      actions={
        <>
          {report ? (
            <Button onClick={() => void bridge().saveText('streamhub-check.json', JSON.stringify(report, null, 2))}>
              Save report
            </Button>
          ) : null}
          <Button variant="filled" {...guard} loading={check.isPending} onClick={run}>
            {report ? 'Check again' : 'Check now'}
          </Button>
        </>
      }
    >
      {check.error ? (
        <Problem error={check.error} title="The installation could not be checked." onRetry={run} />
      ) : null}
      {report ? (
        <Results report={report} />
      ) : (
        <Panel>
          <Empty
            title={check.isPending ? 'Checking…' : 'Not checked yet'}
            icon={<IconStethoscope size={32} stroke={1.3} />}
          >
            This looks at the machine, databases, addresses, LiveKit and its webhooks, Redis, mail, storages and nodes,
            and says what you can do. LiveKit gets a room for a second, and each storage a small object. The report has
            no secrets, so you can attach it to a question.
          </Empty>
        </Panel>
      )}
    </Page>
  );
}

type Check = Report['checks'][number];

const needsWork = ({ state }: Check): boolean => state === 'failed' || state === 'warning';

function stepOf({ id, subject, title, state, message, cure }: Check): ListedStep {
  return {
    id: `${id} ${subject ?? ''}`,
    title: subject === null ? title : `${title}: ${subject}`,
    state: state === 'ok' ? 'done' : state,
    message,
    cure,
  };
}

function Results({ report: { checks, about, startedAt, settings, errors } }: { report: Report }) {
  const count = (state: Check['state']) => checks.filter((one) => one.state === state).length;
  // what doesn’t work comes before what could be better
  const bad = [...checks.filter((one) => one.state === 'failed'), ...checks.filter((one) => one.state === 'warning')];
  const verdict =
    count('failed') > 0
      ? `${plural(count('failed'), 'check')} failed`
      : count('warning') > 0
        ? plural(count('warning'), 'warning')
        : 'Everything is fine';
  const tone: Tone = count('failed') > 0 ? 'danger' : count('warning') > 0 ? 'warn' : 'ok';
  return (
    <div className="stack">
      <Panel
        title={<State tone={tone}>{verdict}</State>}
        note={
          <>
            checked at <At at={startedAt} />
          </>
        }
      >
        {bad.length === 0 ? <p>Nothing needs you.</p> : <StepList steps={bad.map(stepOf)} />}
      </Panel>
      {CHECK_GROUP_IDS.map((group) => {
        const list = checks.filter((one) => one.group === group && !needsWork(one));
        return list.length === 0 ? null : (
          <Panel key={group} title={CHECK_GROUPS[group]}>
            <StepList steps={list.map(stepOf)} />
          </Panel>
        );
      })}
      <Panel title="About">
        <Facts
          items={{
            StreamHub: about.version,
            Node: about.node,
            System: `${about.platform}, kernel ${about.system}`,
            'Started by': about.installation,
            'Settings changed': settings.length === 0 ? 'none' : settings.map(({ name }) => name).join(', '),
          }}
        />
      </Panel>
      {errors.length > 0 ? (
        <Panel title="Errors in the log of the last 24 hours">
          <ul>
            {errors.map(({ lastAt, count: times, source, message }) => (
              <li key={`${source} ${message} ${lastAt}`}>
                <At at={lastAt} />, {source}: {message}
                {times > 1 ? ` (${times} times)` : ''}
              </li>
            ))}
          </ul>
        </Panel>
      ) : null}
    </div>
  );
}
