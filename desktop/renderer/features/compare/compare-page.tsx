import { Button, Checkbox, NativeSelect } from '@mantine/core';
import { IconArrowRight, IconArrowsDiff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import { listApps } from '#shared/contract/apps.ts';
import { getRawConfig, listConfigBackups, putRawConfig } from '#shared/contract/config.ts';
import { readOptions, refresh, useReadOf } from '../../api/query.ts';
import { lackFor, useMeOf } from '../../api/rights.ts';
import { useConnections } from '../../daemon/connections.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { useSearchState } from '../../daemon/links.tsx';
import { clientFor } from '../../host/clients.ts';
import { SkeletonRows } from '../../ui/data/query-view.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { Tag } from '../../ui/feedback/state.tsx';
import { Page } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import classes from './compare.module.css';
import { compareSections, copySections, type SectionDifference } from './copy-sections.ts';

const DiffView = lazy(async () => ({ default: (await import('../config/diff-view.tsx')).DiffView }));

interface Side {
  connectionId: string;
  app: string;
}

/** Two apps' configs side by side, of one daemon or of two; chosen sections can be copied to the right. */
export function ComparePage() {
  const { id } = useDaemon();
  const [search, setSearch] = useSearchState();
  const here = useReadOf(id, listApps);
  const left: Side = { connectionId: search['leftDaemon'] ?? id, app: search['left'] ?? here.data?.[0]?.name ?? '' };
  const right = useCounterpart(left, search);
  const isSame = left.connectionId === right.connectionId && left.app === right.app;
  return (
    <Page title="Compare" fill>
      <div className={classes.sides}>
        <Picker
          label="Left"
          side={left}
          onChange={(side) => setSearch({ left: side.app, leftDaemon: side.connectionId })}
        />
        <Picker
          label="Right"
          side={right}
          onChange={(side) => setSearch({ right: side.app, rightDaemon: side.connectionId })}
        />
      </div>
      {left.app === '' || right.app === '' ? null : isSame ? (
        <Empty title="Both sides are the same app" icon={<IconArrowsDiff size={32} stroke={1.3} />}>
          Choose another app on one side
          {useConnections.getState().list.length > 1 ? ', or the same app on another daemon' : ''}.
        </Empty>
      ) : (
        <Both key={JSON.stringify([left, right])} left={left} right={right} />
      )}
    </Page>
  );
}

/** The other side: what was chosen; until then the same app on another daemon that has it, else another app of this one. */
function useCounterpart(left: Side, { rightDaemon, right }: { rightDaemon?: string; right?: string }): Side {
  const other = useConnections((state) => state.list).find(
    ({ id, state }) => id !== left.connectionId && state.status === 'online',
  );
  const there = useReadOf(rightDaemon ?? other?.id ?? left.connectionId, listApps);
  const here = useReadOf(left.connectionId, listApps);
  const connectionId = rightDaemon ?? (other && has(there.data, left.app) ? other.id : left.connectionId);
  if (right !== undefined) return { connectionId, app: right };
  if (connectionId !== left.connectionId) return { connectionId, app: left.app };
  return { connectionId, app: here.data?.find(({ name }) => name !== left.app)?.name ?? left.app };
}

const has = (apps: readonly { name: string }[] | undefined, wanted: string): boolean =>
  apps?.some(({ name }) => name === wanted) === true;

function Picker({ label, side, onChange }: { label: string; side: Side; onChange: (side: Side) => void }) {
  const connections = useConnections((state) => state.list);
  const apps = useReadOf(side.connectionId, listApps);
  return (
    <fieldset className={classes.picker}>
      <legend>{label}</legend>
      {connections.length > 1 ? (
        <NativeSelect
          aria-label={`Daemon on the ${label.toLowerCase()}`}
          data={connections.map(({ id, name }) => ({ value: id, label: name }))}
          value={side.connectionId}
          onChange={(event) => onChange({ connectionId: event.currentTarget.value, app: side.app })}
        />
      ) : null}
      <NativeSelect
        aria-label={`App on the ${label.toLowerCase()}`}
        data={[
          ...(apps.data?.some((app) => app.name === side.app) === false
            ? [{ value: side.app, label: `${side.app} (not there)` }]
            : []),
          ...(apps.data?.map((app) => app.name) ?? []),
        ]}
        value={side.app}
        onChange={(event) => onChange({ ...side, app: event.currentTarget.value })}
      />
      {apps.error ? <span className="dim">{apps.error.message}</span> : null}
    </fieldset>
  );
}

function useRaw({ connectionId, app }: Side) {
  return useQuery(readOptions(connectionId, getRawConfig, { params: { name: app } }));
}

function Both({ left, right }: { left: Side; right: Side }) {
  const [a, b] = [useRaw(left), useRaw(right)];
  const failure = a.error ?? b.error;
  if (failure) {
    return (
      <Problem
        error={failure}
        title={`The config on the ${a.error ? 'left' : 'right'} could not be read.`}
        onRetry={() => {
          void a.refetch();
          void b.refetch();
        }}
      />
    );
  }
  if (!a.data || !b.data) return <SkeletonRows rows={12} />;
  return <Compared left={left} right={right} source={a.data} target={b.data} />;
}

type Raw = NonNullable<ReturnType<typeof useRaw>['data']>;

function Compared({ left, right, source, target }: { left: Side; right: Side; source: Raw; target: Raw }) {
  const connections = useConnections((state) => state.list);
  const names = new Map(connections.map(({ id, name }) => [id, name]));
  const me = useMeOf(right.connectionId);
  const lack = lackFor(putRawConfig, me);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [saved, setSaved] = useState<string>();
  const sections = compareSections(source.yaml, target.yaml);
  const isAcross = left.connectionId !== right.connectionId;
  const name = (side: Side): string =>
    isAcross ? `${side.app} on ${names.get(side.connectionId) ?? side.connectionId}` : side.app;
  const different = sections?.filter((section) => section.state !== 'same') ?? [];
  let copied: string | undefined;
  let refusal: string | undefined;
  if (chosen.length > 0) {
    try {
      copied = copySections(source.yaml, target.yaml, chosen);
    } catch (error) {
      refusal = (error as Error).message;
    }
  }
  const after = copied ?? target.yaml;

  const save = (): void =>
    ask({
      title: `Copy ${plural(chosen.length, 'section')} to ${name(right)}`,
      body: (
        <>
          <p>
            Replaces{' '}
            {chosen.map((section) => (
              <code key={section}>{section} </code>
            ))}{' '}
            there and makes it active. The text before stays in its history.
          </p>
          <p>Name, room prefix, public URL and stored credentials of {right.app} stay its own.</p>
        </>
      ),
      action: 'Copy sections',
      run: async () => {
        const client = clientFor(right.connectionId);
        try {
          await client.call(
            putRawConfig,
            { params: { name: right.app }, body: { yaml: after }, headers: { 'if-match': target.etag } },
            { timeout: 60_000 },
          );
        } catch (error) {
          if (error instanceof DaemonError && error.code === 'PRECONDITION_FAILED')
            await refresh(right.connectionId, getRawConfig);
          throw error;
        }
        await refresh(right.connectionId, getRawConfig, listConfigBackups, listApps);
        setSaved(`${chosen.join(', ')} copied to ${name(right)} and active`);
        setChosen([]);
      },
    });

  return (
    <>
      {saved ? <Notice tone="ok" title={saved} role="status" /> : null}
      {refusal ? <Notice tone="warn" title={refusal} /> : null}
      <div className={classes.body}>
        <section className={classes.sections} aria-label="Sections">
          <p className="dim">
            {sections === null
              ? 'One of them cannot be read as YAML.'
              : different.length === 0
                ? 'Every section is the same.'
                : `${plural(different.length, 'section')} ${different.length === 1 ? 'differs' : 'differ'}`}
          </p>
          <ul>
            {different.map((section) => (
              <li key={section.name}>
                <Checkbox
                  label={<code>{section.name}</code>}
                  disabled={!section.isCopyable || lack !== undefined || target.masked}
                  checked={chosen.includes(section.name)}
                  onChange={(event) =>
                    setChosen(
                      event.currentTarget.checked
                        ? [...chosen, section.name]
                        : chosen.filter((one) => one !== section.name),
                    )
                  }
                />
                <Tag tone={section.isCopyable ? 'info' : 'muted'}>{stateWords(section)}</Tag>
              </li>
            ))}
          </ul>
          {lack ? <p className="dim">Copying needs {lack} on the right.</p> : null}
          {different.some((section) => section.isCopyable) && lack === undefined ? (
            <Button
              variant="filled"
              leftSection={<IconArrowRight size={15} />}
              disabled={chosen.length === 0 || copied === undefined || copied === target.yaml}
              onClick={save}
            >
              Copy to the right
            </Button>
          ) : null}
        </section>
        <Suspense fallback={<SkeletonRows rows={12} />}>
          {chosen.length > 0 && copied !== undefined ? (
            <DiffView
              before={target.yaml}
              after={copied}
              labels={[`${name(right)} now`, `${name(right)} after copying`]}
            />
          ) : (
            <DiffView before={source.yaml} after={target.yaml} labels={[name(left), name(right)]} />
          )}
        </Suspense>
      </div>
    </>
  );
}

function stateWords({ state, isCopyable }: SectionDifference): string {
  if (!isCopyable) return 'the app’s own';
  return state === 'only-left' ? 'only left' : state === 'only-right' ? 'only right' : 'differs';
}
