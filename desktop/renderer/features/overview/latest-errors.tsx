import { listApps } from '#shared/contract/apps.ts';
import { listErrors } from '#shared/contract/logs.ts';
import { useRead } from '../../api/query.ts';
import { GoTo } from '../../daemon/links.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { count } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import classes from './overview.module.css';

const SHOWN = 6;

/** The newest errors of the log, each once with how often it came. */
export function LatestErrors() {
  const errors = useRead(listErrors, { query: { limit: SHOWN } }, { every: 15_000, staleTime: 0 });
  const apps = useRead(listApps);
  if (!errors.data) return null;
  const nameOf = (id: number | null) => apps.data?.find((app) => app.id === id)?.name;
  return (
    <Panel
      title="Recent errors"
      actions={
        <GoTo to="/logs" search={{ level: 'error', range: '7d' }}>
          All errors
        </GoTo>
      }
    >
      {errors.data.errors.length === 0 ? (
        <p className="dim">None in the log.</p>
      ) : (
        <ul className={classes.list}>
          {errors.data.errors.map(({ count: times, line }) => (
            <li key={line.id} className={classes.line}>
              <GoTo to="/logs" search={{ level: line.level, range: '30d', line: String(line.id) }} title={line.message}>
                {line.message}
              </GoTo>
              <span className="dim">
                {nameOf(line.appId) ?? ''} {times > 1 ? `${count(times)}×` : ''} <Ago at={line.ts} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
