import type { ResultOf } from '#shared/contract/operation.ts';
import type { listAppFigures } from '#shared/contract/system.ts';
import { GoTo } from '../../daemon/links.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { plural } from '../../ui/words/format.ts';
import classes from './overview.module.css';

type Figures = ResultOf<typeof listAppFigures>['data'];
const LISTED = 6;

/** Which apps are live, the busiest first. */
export function StreamsNow({ figures }: { figures: Figures }) {
  const live = figures.filter((app) => app.activeStreams > 0).toSorted((a, b) => b.activeStreams - a.activeStreams);
  if (live.length === 0) return null;
  return (
    <Panel
      title="Live now"
      actions={
        live.length > LISTED ? (
          <GoTo to="/apps" search={{ show: 'live' }}>
            All live apps
          </GoTo>
        ) : null
      }
    >
      <ul className={classes.list}>
        {live.slice(0, LISTED).map((app) => (
          <li key={app.name} className={classes.line}>
            <GoTo to={`/apps/${app.name}`}>{app.name}</GoTo>
            <span className="dim num">{plural(app.activeStreams, 'stream')}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
