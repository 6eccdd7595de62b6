import { getAllSessionFigures, getSessionFigures } from '#shared/contract/sessions.ts';
import type { SessionFigures as Figures } from '#shared/schema/sessions.ts';
import { useRead } from '../../api/query.ts';
import { GoTo } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Facts, Panel } from '../../ui/layout/page.tsx';
import { count } from '../../ui/words/format.ts';
import classes from './sessions.module.css';

/** Sessions, participants, minutes and peaks of 14 days, by day, app and room. */
export function SessionFigures({ app }: { app: string | undefined }) {
  const all = useRead(getAllSessionFigures, undefined, { enabled: app === undefined });
  const own = useRead(getSessionFigures, { params: { app: app ?? '' } }, { enabled: app !== undefined });
  return (
    <QueryView query={app === undefined ? all : own} what="the figures">
      {(figures) => (
        <>
          <Panel title="Last 14 days" note="By the day on which a session started, in UTC">
            <Facts
              items={{
                Sessions: count(figures.total.sessions),
                Participants: count(figures.total.participants),
                'Participant minutes': count(Math.round(figures.total.participantMinutes)),
                Peak: count(figures.total.peak),
                Errors: count(figures.total.errors),
              }}
            />
            <div className={classes.charts}>
              <Days title="Sessions" days={figures.days} of={(day) => day.sessions} />
              <Days title="Participant minutes" days={figures.days} of={(day) => day.participantMinutes} />
              <Days title="Peak" days={figures.days} of={(day) => day.peak} />
            </div>
          </Panel>
          <div className={classes.charts}>
            {app === undefined ? (
              <Panel title="Apps">
                <Ranks
                  rows={figures.apps.map((row) => ({ ...row, label: row.app, to: `/apps/${row.app}/sessions` }))}
                />
              </Panel>
            ) : null}
            <Panel title="Rooms">
              <Ranks
                rows={figures.rooms.map((row) => ({
                  ...row,
                  label: row.room,
                  to: `/apps/${row.app}/sessions`,
                  search: { room: row.room },
                }))}
              />
            </Panel>
          </div>
        </>
      )}
    </QueryView>
  );
}

type Day = Figures['days'][number];

function Days({ title, days, of }: { title: string; days: readonly Day[]; of: (day: Day) => number }) {
  const top = Math.max(1, ...days.map(of));
  return (
    <figure className={classes.days}>
      <figcaption>{title}</figcaption>
      <ol aria-label={`${title} a day`}>
        {days.map((day) => (
          <li
            key={day.day}
            title={`${day.day}: ${count(Math.round(of(day)))}`}
            aria-label={`${day.day}: ${count(Math.round(of(day)))}`}
          >
            <span style={{ height: `${(of(day) / top) * 100}%` }} />
          </li>
        ))}
      </ol>
      <div className={classes.ends}>
        <span>{days[0]?.day}</span>
        <span>{days.at(-1)?.day}</span>
      </div>
    </figure>
  );
}

interface Rank {
  label: string;
  to: string;
  search?: Record<string, string>;
  sessions: number;
  participants: number;
  participantMinutes: number;
  peak: number;
}

function Ranks({ rows }: { rows: readonly Rank[] }) {
  if (rows.length === 0) return <p className="dim">No sessions in these days.</p>;
  return (
    <table className={classes.ranks}>
      <thead>
        <tr>
          <th>Name</th>
          <th>Sessions</th>
          <th>Participants</th>
          <th>Minutes</th>
          <th>Peak</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ label, to, search, ...row }) => (
          <tr key={`${to} ${label}`}>
            <th scope="row">
              <GoTo to={to} {...(search === undefined ? {} : { search })}>
                {label}
              </GoTo>
            </th>
            <td>{count(row.sessions)}</td>
            <td>{count(row.participants)}</td>
            <td>{count(Math.round(row.participantMinutes))}</td>
            <td>{count(row.peak)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
