import { Button, Checkbox } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconHistory } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { DaemonError } from '#shared/client/errors.ts';
import { getSession } from '#shared/contract/sessions.ts';
import type { SessionStay } from '#shared/schema/sessions.ts';
import { keyOf, PAGES, readMoreOf } from '../../api/query.ts';
import { useDaemon } from '../../daemon/daemon-context.tsx';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Facts, Page, Toolbar } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { count, duration, plural } from '../../ui/words/format.ts';
import { useNow } from '../../ui/words/now.ts';
import { At } from '../../ui/words/time.tsx';
import { PersonPanel } from './person-panel.tsx';
import { SessionFindings, StayQuality } from './quality.tsx';
import classes from './sessions.module.css';
import { nameOf, Timeline, trackWords } from './timeline.tsx';

const PAGE = 2000;
const RUNNING_MS = 10_000;

/** One life of a room, on a time axis. */
export function SessionPage() {
  const { app = '', session = '' } = useParams({ strict: false }) as { app?: string; session?: string };
  const { id, client } = useDaemon();
  const [search, setSearch] = useSearchState();
  const [typed, setTyped] = useState('');
  const [q] = useDebouncedValue(typed, 300);
  const [isFaults, setFaults] = useState(false);
  const input = {
    params: { app, id: session },
    query: { ...(q ? { q } : {}), ...(isFaults ? { faults: true } : {}) },
  };
  const pages = useInfiniteQuery({
    queryKey: [...keyOf(id, getSession, input), PAGES],
    queryFn: ({ pageParam, signal }) =>
      client.call(getSession, { ...input, query: { ...input.query, limit: PAGE, offset: pageParam } }, { signal }),
    initialPageParam: 0,
    getNextPageParam: ({ stays }) =>
      stays.offset + stays.data.length < stays.total ? stays.offset + stays.data.length : undefined,
    refetchInterval: ({ state }) => (state.data?.pages[0]?.endedAt === null ? RUNNING_MS : false),
    placeholderData: keepPreviousData,
  });
  const detail = pages.data?.pages[0];
  const stays = useMemo(() => pages.data?.pages.flatMap((page) => page.stays.data) ?? [], [pages.data]);
  const now = useNow(detail?.endedAt === null ? 5000 : 3_600_000);
  const open = stays.find((stay) => stay.sid === search['stay']);
  const crumbs = [{ label: 'Sessions', to: `/apps/${app}/sessions` }];
  if (pages.error instanceof DaemonError && pages.error.status === 404) {
    return (
      <Page title="Session" crumbs={crumbs}>
        <Empty
          title="This session isn’t kept any more"
          icon={<IconHistory size={32} stroke={1.3} />}
          action={<GoTo to={`/apps/${app}/sessions`}>Show all sessions</GoTo>}
        >
          It was deleted after analytics.retention_days, or never existed.
        </Empty>
      </Page>
    );
  }
  return (
    <Page title={detail?.room ?? 'Session'} crumbs={crumbs} fill>
      <QueryView query={pages as never} what="the session" fill>
        {() =>
          detail === undefined ? null : (
            <>
              <div className={classes.facts}>
                <GoTo to={`/apps/${app}`}>{app}</GoTo>
                <span>
                  <At at={detail.startedAt} /> ·{' '}
                  {detail.endedAt === null ? <State tone="ok">running</State> : duration(detail.durationSeconds)}
                </span>
                <span>
                  <b>{count(detail.participants)}</b> participants, <b>{count(detail.publishers)}</b> published
                </span>
                <span>
                  Peak <b>{count(detail.peak)}</b>
                </span>
                <span>
                  <b>{count(Math.round(detail.participantSeconds / 60))}</b> participant minutes
                </span>
                {detail.errors > 0 ? <State tone="danger">{plural(detail.errors, 'error')}</State> : null}
                {detail.node === null ? null : <span>Node {detail.node}</span>}
                {detail.gaps.length > 0 ? <State tone="warn">{plural(detail.gaps.length, 'gap')}</State> : null}
                {detail.startKnown ? null : <State tone="warn">start unknown</State>}
                {detail.endedBetween === null ? null : <State tone="warn">end unknown</State>}
              </div>
              <Toolbar>
                <SearchBox label="Find a participant" value={typed} onChange={setTyped} />
                <Checkbox
                  label="With errors"
                  checked={isFaults}
                  onChange={(event) => setFaults(event.currentTarget.checked)}
                />
                <span className="dim">{plural(detail.stays.total, 'connection')}</span>
              </Toolbar>
              <SessionFindings
                app={app}
                session={session}
                isRunning={detail.endedAt === null}
                onOpen={(stay) => setSearch({ stay })}
              />
              <Timeline
                session={detail}
                stays={stays}
                now={now}
                onOpen={(stay) => setSearch({ stay: stay.sid })}
                onEnd={readMoreOf(pages)}
              />
            </>
          )
        }
      </QueryView>
      <SidePanel
        isOpen={open !== undefined && search['person'] === undefined}
        onClose={() => setSearch({ stay: undefined })}
        title={open === undefined ? '' : nameOf(open)}
      >
        {open === undefined ? null : (
          <>
            <Stay stay={open} onPerson={(person) => setSearch({ person })} />
            <StayQuality app={app} session={session} stay={open.sid} isThere={open.leftAt === null} />
          </>
        )}
      </SidePanel>
      <PersonPanel app={app} identity={search['person']} onClose={() => setSearch({ person: undefined })} />
    </Page>
  );
}

function Stay({ stay, onPerson }: { stay: SessionStay; onPerson: (identity: string) => void }) {
  const { identity } = stay;
  return (
    <div className="stack">
      <Facts
        items={{
          Identity: identity === null ? <span className="dim">not kept</span> : <Mono what="identity">{identity}</Mono>,
          Name: stay.name ?? undefined,
          Kind: stay.hidden ? `${stay.kind}, hidden` : stay.kind,
          Joined: <Moment at={stay.joinedAt} between={stay.joinedBetween} />,
          Left:
            stay.leftAt === null ? (
              <State tone="ok">there</State>
            ) : (
              <Moment at={stay.leftAt} between={stay.leftBetween} />
            ),
          'Why it ended': stay.isFault ? (
            <State tone="danger">{stay.reasonText}</State>
          ) : (
            (stay.reasonText ?? undefined)
          ),
          Client: stay.client ?? undefined,
          Region: stay.region ?? undefined,
          Connection: <Mono what="connection">{stay.sid}</Mono>,
        }}
      />
      {stay.tracks.length > 0 ? (
        <>
          <h3>Tracks</h3>
          <ul className={classes.tracks}>
            {stay.tracks.map((track) => (
              <li key={track.sid}>
                {trackWords(track)}: <At at={track.startedAt} /> to{' '}
                {track.endedAt === null ? 'now' : <At at={track.endedAt} />}
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {identity === null ? null : (
        <div>
          <Button variant="subtle" size="xs" onClick={() => onPerson(identity)}>
            All connections of {identity}
          </Button>
        </div>
      )}
    </div>
  );
}

function Moment({ at, between }: { at: string; between: { from: string; to: string } | null }) {
  if (between === null) return <At at={at} />;
  return (
    <>
      between <At at={between.from} /> and <At at={between.to} />
    </>
  );
}
