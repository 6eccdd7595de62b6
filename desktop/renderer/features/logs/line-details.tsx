import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { listAppLogs, listLogs } from '#shared/contract/logs.ts';
import { remedyOf } from '#shared/rules/remedies.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { useSearchState } from '../../daemon/links.tsx';
import { Copy, CopyBox } from '../../ui/data/copy.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { RemedyLink } from '../../ui/feedback/remedy-link.tsx';
import { Shape, State } from '../../ui/feedback/state.tsx';
import { Facts, Panel } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { exactTime, timeOfDay } from '../../ui/words/format.ts';
import { Time } from '../../ui/words/time.tsx';
import { fieldsOf, fieldText, isError, LEVEL_TONES, type LogRow, textField } from './log-model.ts';
import classes from './logs.module.css';

const AROUND = 8;

/** One line with all its fields, and what was written around it. */
export function LineDetails({
  row,
  app,
  appNames,
  onClose,
}: {
  row: LogRow | undefined;
  app: string | undefined;
  appNames: ReadonlyMap<number, string>;
  onClose: () => void;
}) {
  return (
    <SidePanel isOpen={row !== undefined} onClose={onClose} title="Log line" size={620}>
      {row ? <Details key={row.id} row={row} app={app} appNames={appNames} /> : null}
    </SidePanel>
  );
}

function Details({
  row,
  app,
  appNames,
}: {
  row: LogRow;
  app: string | undefined;
  appNames: ReadonlyMap<number, string>;
}) {
  const [, setSearch] = useSearchState();
  const fields = fieldsOf(row);
  const appName = app ?? (row.appId === null ? undefined : appNames.get(row.appId)) ?? textField(row, 'app');
  const cure = textField(row, 'hint');
  const code = textField(row, 'code');
  const remedy = code === undefined || !isError(row) ? undefined : remedyOf({ code, app: appName });
  const stack =
    typeof fields['err'] === 'object' && fields['err'] !== null
      ? (fields['err'] as { stack?: unknown }).stack
      : undefined;
  return (
    <>
      <div className="row">
        <State tone={LEVEL_TONES[row.level]}>{row.level}</State>
        <Time className="dim" at={row.ts}>
          {exactTime(row.ts)}
        </Time>
        <span className="grow" />
        <Copy text={JSON.stringify(row, null, 2)} what="line" />
      </div>
      <p className={classes.whole}>{row.message}</p>
      {cure !== undefined || remedy !== undefined ? (
        <Notice tone="danger" title={cure ?? 'See where it can be repaired.'}>
          {remedy ? <RemedyLink remedy={remedy} /> : null}
        </Notice>
      ) : null}
      <Facts
        items={{
          Source: (
            <span className="row">
              {row.source}
              <Button size="xs" variant="subtle" onClick={() => setSearch({ source: row.source, line: undefined })}>
                Only this source
              </Button>
            </span>
          ),
          App: appName ?? row.appId ?? undefined,
          ...Object.fromEntries(
            Object.entries(fields)
              .filter(([name]) => !['app', 'hint'].includes(name) && (name !== 'err' || stack === undefined))
              .map(([name, value]) => [name, <code key={name}>{fieldText(value)}</code>]),
          ),
        }}
      />
      {typeof stack === 'string' ? <CopyBox text={stack} what="stack" wrap={false} /> : null}
      <Context row={row} app={app} appName={appName} />
    </>
  );
}

/** Lines around a line: those of its request, those of its app, and all. */
function Context({ row, app, appName }: { row: LogRow; app: string | undefined; appName: string | undefined }) {
  const { id, client } = useDaemon();
  const requestId = textField(row, 'requestId');
  const around = useQuery({
    queryKey: [id, 'log-context', app, row.id],
    queryFn: async ({ signal }) => {
      const ask = async (query: object) =>
        (
          await client.call(
            (app === undefined ? listLogs : listAppLogs) as typeof listLogs,
            { ...(app === undefined ? {} : { params: { app } }), query: { limit: AROUND + 4, ...query } } as never,
            { signal },
          )
        ).data;
      const near = async (query: object) => {
        const [before, after] = await Promise.all([
          ask({ ...query, until: row.ts, order: 'desc' }),
          ask({ ...query, since: row.ts, order: 'asc' }),
        ]);
        const sorted = inOrder([...before, row, ...after]);
        const at = sorted.findIndex((one) => one.id === row.id);
        return sorted.slice(Math.max(0, at - AROUND), at + AROUND + 1);
      };
      const ofRequest = async () => {
        if (requestId === undefined) return [];
        const found = await ask({ q: requestId, order: 'asc', limit: 50 });
        // the last word of a search also finds longer ones
        return inOrder([...found.filter((one) => textField(one, 'requestId') === requestId), row]);
      };
      const [request, ofApp, all] = await Promise.all([
        ofRequest(),
        app === undefined && appName !== undefined ? near({ app: appName }) : [],
        near({}),
      ]);
      return { request, ofApp, all };
    },
    staleTime: 60_000,
  });
  const groups = [
    { title: 'Same request', rows: around.data?.request },
    { title: `Same app: ${appName}`, rows: around.data?.ofApp },
    { title: app === undefined ? 'All lines' : `Same app: ${app}`, rows: around.data?.all },
  ];
  return (
    <Panel title="Context" note="Lines of the same request and app, then all lines just before and after.">
      {around.error ? <Problem error={around.error} onRetry={() => void around.refetch()} /> : null}
      {groups.map(({ title, rows = [] }) =>
        rows.length < 2 ? null : (
          <section key={title} aria-label={title}>
            <h3 className={classes.group}>{title}</h3>
            <ol className={classes.around}>
              {rows.map((one) => (
                <li key={one.id} aria-current={one.id === row.id ? 'true' : undefined}>
                  <Shape tone={LEVEL_TONES[one.level]} label={one.level} />
                  <Time className={classes.time} at={one.ts}>
                    {timeOfDay(one.ts)}
                  </Time>
                  <span>{one.message}</span>
                </li>
              ))}
            </ol>
          </section>
        ),
      )}
    </Panel>
  );
}

/** By time, each line once. */
const inOrder = (rows: readonly LogRow[]): LogRow[] =>
  [...new Map(rows.map((one) => [one.id, one])).values()].sort(
    (a, b) => Date.parse(a.ts) - Date.parse(b.ts) || a.id - b.id,
  );
