import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { listAppLogs, listLogs } from '#shared/contract/logs.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { useSearchState } from '../../daemon/links.tsx';
import { Copy, CopyBox } from '../../ui/data/copy.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { Shape, State } from '../../ui/feedback/state.tsx';
import { Facts, Panel } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { exactTime, timeOfDay } from '../../ui/words/format.ts';
import { fieldsOf, fieldText, LEVEL_TONES, type LogRow } from './log-model.ts';
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
  const stack =
    typeof fields['err'] === 'object' && fields['err'] !== null
      ? (fields['err'] as { stack?: unknown }).stack
      : undefined;
  return (
    <>
      <div className="row">
        <State tone={LEVEL_TONES[row.level]}>{row.level}</State>
        <time className="dim" dateTime={row.ts}>
          {exactTime(row.ts)}
        </time>
        <span className="grow" />
        <Copy text={JSON.stringify(row, null, 2)} what="line" />
      </div>
      <p className={classes.whole}>{row.message}</p>
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
          App: row.appId === null ? undefined : (app ?? appNames.get(row.appId) ?? row.appId),
          ...Object.fromEntries(
            Object.entries(fields)
              .filter(([name]) => name !== 'err' || stack === undefined)
              .map(([name, value]) => [name, <code key={name}>{fieldText(value)}</code>]),
          ),
        }}
      />
      {typeof stack === 'string' ? <CopyBox text={stack} what="stack" wrap={false} /> : null}
      <Context row={row} app={app} />
    </>
  );
}

function Context({ row, app }: { row: LogRow; app: string | undefined }) {
  const { id, client } = useDaemon();
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
      const [before, after] = await Promise.all([
        ask({ until: row.ts, order: 'desc' }),
        ask({ since: row.ts, order: 'asc' }),
      ]);
      const all = new Map([...before, row, ...after].map((one) => [one.id, one]));
      const sorted = [...all.values()].sort((a, b) => Date.parse(a.ts) - Date.parse(b.ts) || a.id - b.id);
      const at = sorted.findIndex((one) => one.id === row.id);
      return sorted.slice(Math.max(0, at - AROUND), at + AROUND + 1);
    },
    staleTime: 60_000,
  });
  return (
    <Panel title="Context" note="The lines just before and after.">
      {around.error ? <Problem error={around.error} onRetry={() => void around.refetch()} /> : null}
      <ol className={classes.around}>
        {around.data?.map((one) => (
          <li key={one.id} aria-current={one.id === row.id ? 'true' : undefined}>
            <Shape tone={LEVEL_TONES[one.level]} label={one.level} />
            <time className={classes.time} dateTime={one.ts} title={exactTime(one.ts)}>
              {timeOfDay(one.ts)}
            </time>
            <span>{one.message}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
