import { Button, SegmentedControl } from '@mantine/core';
import { IconBroadcast } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { ResultOf } from '#shared/contract/operation.ts';
import { startStreamRecording, stopStreamRecording } from '#shared/contract/recording.ts';
import { endStream, getAppStats, listStreams } from '#shared/contract/streams.ts';
import { listVods } from '#shared/contract/vods.ts';
import { useChange, usePages, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useSearchState } from '../../daemon/links.tsx';
import { markChanged } from '../../ui/data/marks.ts';
import { QueryView } from '../../ui/data/query-view.tsx';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { TablePanel, Toolbar } from '../../ui/layout/page.tsx';
import { count, duration, plural } from '../../ui/words/format.ts';
import { useNow } from '../../ui/words/now.ts';
import { Ago, At } from '../../ui/words/time.tsx';
import { LiveHlsButton, LiveHlsState, useLiveHls } from './live-hls.tsx';
import { WatchRoomButton } from './watch-room.tsx';

type Stream = ResultOf<typeof listStreams>['data'][number];
const refreshes = [listStreams, getAppStats, listVods];

/** What a recording records: one stream, or everyone in a room. */
const subjectOf = (vod: ResultOf<typeof listVods>['data'][number]): string => vod.streamId ?? `room ${vod.room}`;

/** Who publishes in the app's rooms, now and before. */
export function StreamsTab({ app }: { app: string }) {
  const [search, setSearch] = useSearchState();
  const status = search['status'] === 'ended' ? 'ended' : 'active';
  const { pages, rows, total, readMore } = usePages(
    listStreams,
    { params: { app }, query: { status } },
    { every: status === 'active' ? 15_000 : false },
  );
  const lackEnd = useLack(endStream);
  const lackRecord = useLack(startStreamRecording);
  const end = useChange(endStream, { refreshes });
  const start = useChange(startStreamRecording, { refreshes, timeout: 60_000 });
  const stop = useChange(stopStreamRecording, { refreshes, timeout: 60_000 });
  const running = (word: 'starting' | 'recording') => ({ params: { app }, query: { status: word, limit: 1000 } });
  const isLive = { enabled: status === 'active' };
  const starting = useRead(listVods, running('starting'), isLive);
  const recording = useRead(listVods, running('recording'), isLive);
  const recorded = useMemo(() => new Set(recording.data?.data.map(subjectOf)), [recording.data]);
  const asked = useMemo(() => new Set(starting.data?.data.map(subjectOf)), [starting.data]);
  /** It alone, or its whole room. */
  const isIn = (set: ReadonlySet<string>, stream: Stream): boolean =>
    set.has(stream.streamId) || set.has(`room ${stream.room}`);

  const liveHls = useLiveHls(app, rows);

  const columns: readonly Column<Stream>[] = [
    {
      id: 'state',
      header: 'State',
      width: '104px',
      cell: (stream) =>
        stream.status === 'active' ? (
          <span className="row">
            <State tone="ok">live</State>
            {isIn(recorded, stream) ? <Tag tone="danger">rec</Tag> : null}
            {isIn(asked, stream) && !isIn(recorded, stream) ? <Tag>rec starts</Tag> : null}
          </span>
        ) : (
          <State tone="muted">ended</State>
        ),
    },
    {
      id: 'participant',
      header: 'Publisher',
      isName: true,
      width: 'minmax(116px, 1.5fr)',
      sort: (stream) => stream.participant,
      cell: (stream) => <span title={stream.streamId}>{stream.participant ?? <code>{stream.streamId}</code>}</span>,
    },
    {
      id: 'room',
      header: 'Room',
      width: 'minmax(100px, 1.2fr)',
      sort: (stream) => stream.room,
      cell: (stream) => (
        <span className="row">
          <code className="cut">{stream.room}</code>
          {stream.status === 'active' ? <WatchRoomButton app={app} room={stream.room} /> : null}
        </span>
      ),
    },
    {
      id: 'type',
      header: 'Source',
      width: '84px',
      from: 'wide',
      sort: (stream) => stream.type,
      cell: (stream) => stream.type,
    },
    ...(status === 'active'
      ? ([
          {
            id: 'viewers',
            header: 'Viewers',
            width: '66px',
            align: 'end',
            sort: (stream) => stream.viewers,
            cell: (stream) => (stream.viewers === 0 ? <span className="dim">0</span> : count(stream.viewers)),
          },
          ...(liveHls.isShown
            ? [
                {
                  id: 'hls',
                  header: 'HLS',
                  width: '124px',
                  cell: (stream: Stream) => <LiveHlsState stream={stream} />,
                },
              ]
            : []),
          {
            id: 'since',
            header: 'Duration',
            width: '80px',
            sort: (stream) => Date.parse(stream.startedAt),
            cell: (stream) => <LiveFor at={stream.startedAt} />,
          },
          {
            id: 'menu',
            header: '',
            width: liveHls.isShown ? '276px' : '180px',
            align: 'end',
            cell: (stream) => (
              <span className="row" style={{ justifyContent: 'flex-end', gap: 4 }}>
                {recorded.has(stream.streamId) || asked.has(stream.streamId) ? (
                  <Button
                    size="xs"
                    variant="subtle"
                    disabled={lackRecord !== undefined}
                    loading={stop.isPending && stop.variables.params.id === stream.streamId}
                    onClick={() => stop.mutate({ params: { app, id: stream.streamId } })}
                  >
                    Stop recording
                  </Button>
                ) : (
                  <Button
                    size="xs"
                    variant="subtle"
                    disabled={lackRecord !== undefined}
                    loading={start.isPending && start.variables.params.id === stream.streamId}
                    onClick={() => start.mutate({ params: { app, id: stream.streamId } })}
                  >
                    Record
                  </Button>
                )}
                {liveHls.isShown ? <LiveHlsButton app={app} stream={stream} /> : null}
                <Button
                  size="xs"
                  variant="subtle"
                  disabled={lackEnd !== undefined}
                  aria-label={`End the stream of ${stream.participant ?? stream.streamId}`}
                  onClick={() =>
                    ask({
                      title: `End the stream of ${stream.participant ?? stream.streamId}`,
                      body: (
                        <p>
                          Removes the publisher from room <code>{stream.room}</code>;{' '}
                          {stream.type === 'webrtc'
                            ? 'they can join again with a valid token'
                            : 'the ingest is removed'}
                          . {plural(stream.viewers, 'viewer')} in the room will stop seeing the stream.
                        </p>
                      ),
                      action: 'End stream',
                      isDangerous: true,
                      run: async () => {
                        await end.mutateAsync({ params: { app, id: stream.streamId } });
                        markChanged('streams', stream.id);
                      },
                    })
                  }
                >
                  End…
                </Button>
              </span>
            ),
          },
        ] satisfies Column<Stream>[])
      : ([
          {
            id: 'started',
            header: 'Started',
            width: '120px',
            sort: (stream) => Date.parse(stream.startedAt),
            cell: (stream) => <At at={stream.startedAt} />,
          },
          {
            id: 'length',
            header: 'Duration',
            width: '90px',
            align: 'end',
            sort: (stream) => (stream.endedAt ? Date.parse(stream.endedAt) - Date.parse(stream.startedAt) : null),
            cell: (stream) =>
              stream.endedAt ? duration((Date.parse(stream.endedAt) - Date.parse(stream.startedAt)) / 1000) : '',
          },
          { id: 'ended', header: 'Ended', width: '110px', cell: (stream) => <Ago at={stream.endedAt} /> },
        ] satisfies Column<Stream>[])),
  ];

  return (
    <>
      <Toolbar>
        <SegmentedControl
          size="xs"
          aria-label="Which streams"
          value={status}
          onChange={(value) => setSearch({ status: value === 'ended' ? 'ended' : '' })}
          data={[
            { value: 'active', label: 'Live' },
            { value: 'ended', label: 'Ended' },
          ]}
        />
        <span className="dim">{pages.data ? plural(total, 'stream') : ''}</span>
      </Toolbar>
      {start.error ? <Problem error={start.error} title="The recording did not start." /> : null}
      {stop.error ? <Problem error={stop.error} title="The recording was not stopped." /> : null}
      <QueryView query={pages} what="the streams" fill>
        {() => (
          <TablePanel>
            <DataTable
              name="streams"
              label="Streams"
              columns={columns}
              rows={rows}
              rowKey={(stream) => stream.id}
              onEnd={readMore}
              empty={
                status === 'active' ? (
                  <Empty
                    title="Nothing is live"
                    icon={<IconBroadcast size={32} stroke={1.3} />}
                    action={<GoTo to={`/apps/${app}/join`}>Make a token to publish with</GoTo>}
                  >
                    A stream appears here as soon as someone publishes in a room of this app.
                  </Empty>
                ) : (
                  <Empty title="No ended streams yet" icon={<IconBroadcast size={32} stroke={1.3} />} />
                )
              }
            />
          </TablePanel>
        )}
      </QueryView>
    </>
  );
}

function LiveFor({ at }: { at: string }) {
  const now = useNow(1000);
  return <span title={at}>{duration((now - Date.parse(at)) / 1000)}</span>;
}
