import { Button, Menu } from '@mantine/core';
import { IconDots, IconEye, IconPlayerRecord, IconUsersGroup } from '@tabler/icons-react';
import { useParams } from '@tanstack/react-router';
import { DaemonError } from '#shared/client/errors.ts';
import { startRecording, stopRecording } from '#shared/contract/recording.ts';
import {
  endRoom,
  getRoom,
  listAllRooms,
  listRooms,
  sendRoomData,
  updateRoom,
  watchRoom,
} from '#shared/contract/rooms.ts';
import { listVods } from '#shared/contract/vods.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { GoTo, useGo, useSearchState } from '../../daemon/links.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { SearchBox } from '../../ui/form/search-box.tsx';
import { Page, Toolbar } from '../../ui/layout/page.tsx';
import { usePanelKey } from '../../ui/layout/panel-key.ts';
import { count, plural } from '../../ui/words/format.ts';
import { Ago } from '../../ui/words/time.tsx';
import { openEditRoom, openSendData } from './forms.tsx';
import { ParticipantPanel } from './participant-panel.tsx';
import { ParticipantsTable } from './participants-table.tsx';
import type { RoomDetail } from './room-words.ts';
import classes from './rooms.module.css';
import { WatchPanel } from './watch-panel.tsx';

/** LiveKit sends no event when a track is muted or permissions and metadata change. */
const EVERY = 5000;
const PAGE = 200;

/** One open room: who is in it, what they send, and what staff can do about it. */
export function RoomPage() {
  const { app = '', room = '' } = useParams({ strict: false }) as { app?: string; room?: string };
  const [search, setSearch] = useSearchState();
  const panelKey = usePanelKey(search['participant']);
  const offset = Number(search['from'] ?? 0) || 0;
  const query = { limit: PAGE, offset, ...(search['q'] ? { q: search['q'] } : {}) };
  const detail = useRead(getRoom, { params: { app, room }, query }, { every: EVERY, keep: true });
  const crumbs = [
    { label: 'Apps', to: '/apps' },
    { label: app, to: `/apps/${app}/rooms` },
  ];
  if (detail.error instanceof DaemonError && detail.error.code === 'ROOM_NOT_FOUND') {
    return (
      <Page title={room} crumbs={crumbs}>
        <Empty
          title={`The room ${room} is not open`}
          icon={<IconUsersGroup size={32} stroke={1.3} />}
          action={<GoTo to={`/apps/${app}/rooms`}>Show the open rooms</GoTo>}
        >
          It ended, or nobody has joined it yet.
        </Empty>
      </Page>
    );
  }
  const shown = detail.data;
  const isWatching = search['watch'] !== undefined;
  return (
    <Page
      title={room}
      crumbs={crumbs}
      fill
      actions={shown ? <RoomActions app={app} room={shown} isWatching={isWatching} /> : undefined}
    >
      {shown ? <RoomFacts room={shown} /> : null}
      {isWatching ? <WatchPanel app={app} room={room} onClose={() => setSearch({ watch: undefined })} /> : null}
      <QueryView query={detail} what={`the room ${room}`} fill>
        {({ people }) => (
          <>
            <Toolbar>
              <SearchBox
                label="Find by identity or name"
                value={search['q'] ?? ''}
                onChange={(q) => setSearch({ q, from: '' })}
              />
              <span className="dim">{plural(people.total, 'participant')}</span>
              {people.total > PAGE ? <Paging total={people.total} offset={offset} /> : null}
            </Toolbar>
            <ParticipantsTable
              people={people.data}
              openKey={search['participant'] ?? null}
              onOpen={(identity) => setSearch({ participant: identity })}
            />
          </>
        )}
      </QueryView>
      <ParticipantPanel
        key={panelKey}
        app={app}
        room={room}
        identity={search['participant']}
        canMove={shown?.canMove ?? null}
        onClose={() => setSearch({ participant: undefined })}
      />
    </Page>
  );
}

/** A large room is read in parts. */
function Paging({ total, offset }: { total: number; offset: number }) {
  const [, setSearch] = useSearchState();
  const go = (from: number) => setSearch({ from: from === 0 ? '' : String(from) });
  return (
    <span className="row">
      <span className="dim">
        {count(offset + 1)} to {count(Math.min(offset + PAGE, total))} are shown
      </span>
      <Button size="xs" disabled={offset === 0} onClick={() => go(Math.max(0, offset - PAGE))}>
        Previous
      </Button>
      <Button size="xs" disabled={offset + PAGE >= total} onClick={() => go(offset + PAGE)}>
        Next
      </Button>
    </span>
  );
}

function RoomFacts({ room }: { room: RoomDetail }) {
  const { participants, publishers, viewers, hlsViewers, maxParticipants, node, region, startedAt } = room;
  return (
    <div className={classes.facts}>
      <State tone={publishers > 0 ? 'ok' : 'muted'}>{publishers > 0 ? 'live' : 'open'}</State>
      {room.recording ? <Tag tone="danger">rec</Tag> : null}
      <span>
        {maxParticipants === null
          ? plural(participants, 'participant')
          : `${count(participants)} of ${plural(maxParticipants, 'participant')}`}
      </span>
      <span>{plural(publishers, 'publisher')}</span>
      <span>
        {plural(viewers, 'viewer')}
        {hlsViewers > 0 ? `, ${count(hlsViewers)} by HLS` : ''}
      </span>
      {startedAt ? (
        <span>
          started <Ago at={startedAt} />
        </span>
      ) : null}
      {node === null ? null : (
        <span>{region === null || region === node ? `on ${node}` : `on ${node}, ${region}`}</span>
      )}
      <span title="How long the room stays open before anyone joins, and after the last one left">
        ends {room.emptyTimeoutSeconds} s after nobody joined, {room.departureTimeoutSeconds} s after the last one left
      </span>
      {room.metadata === '' ? null : (
        <span className={classes.metadata} title={room.metadata.slice(0, 1000)}>
          metadata <code>{room.metadata.slice(0, 200)}</code>
        </span>
      )}
    </div>
  );
}

function RoomActions({ app, room, isWatching }: { app: string; room: RoomDetail; isWatching: boolean }) {
  const [, setSearch] = useSearchState();
  const go = useGo();
  const params = { app, room: room.name };
  const refreshes = [getRoom, listRooms, listAllRooms, listVods];
  const start = useChange(startRecording, { refreshes, timeout: 60_000 });
  const stop = useChange(stopRecording, { refreshes, timeout: 60_000 });
  const end = useChange(endRoom, { refreshes });
  const lackWatch = useLack(watchRoom);
  const lackRecord = useLack(startRecording);
  const lackEnd = useLack(endRoom);
  const lackSend = useLack(sendRoomData);
  const lackEdit = useLack(updateRoom);
  const whole = room.recordings.find(({ streamId }) => streamId === null);
  const problem = start.error ?? stop.error;
  const title = start.error ? 'The recording did not start.' : 'The recording was not stopped.';
  return (
    <>
      {problem ? (
        <div className={classes.problem}>
          <Problem error={problem} title={title} />
        </div>
      ) : null}
      <Button
        leftSection={<IconEye size={15} />}
        disabled={lackWatch !== undefined}
        title={lackWatch && `Watching needs ${lackWatch}.`}
        onClick={() => setSearch({ watch: isWatching ? undefined : 'yes' })}
      >
        {isWatching ? 'Stop watching' : 'Watch'}
      </Button>
      <Button
        leftSection={<IconPlayerRecord size={15} />}
        disabled={lackRecord !== undefined}
        title={lackRecord && `Needs ${lackRecord}.`}
        loading={start.isPending || stop.isPending}
        onClick={() =>
          whole === undefined
            ? start.mutate({ params: { app }, body: { room: room.name } })
            : stop.mutate({ params: { app, id: whole.id } })
        }
      >
        {whole === undefined ? 'Record' : 'Stop recording'}
      </Button>
      <Menu>
        <Menu.Target>
          <Button aria-label={`More for ${room.name}`} px={8}>
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            disabled={lackSend !== undefined}
            title={lackSend && `Needs ${lackSend}.`}
            onClick={() => openSendData(app, room.name)}
          >
            Send data message…
          </Menu.Item>
          <Menu.Item
            disabled={lackEdit !== undefined}
            title={lackEdit && `Needs ${lackEdit}.`}
            onClick={() => openEditRoom(app, room)}
          >
            Edit metadata…
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item
            color="danger"
            disabled={lackEnd !== undefined}
            title={lackEnd && `Needs ${lackEnd}.`}
            onClick={() =>
              ask({
                title: `End the room ${room.name}`,
                body: (
                  <>
                    <p>
                      Disconnects {plural(room.participants, 'participant')}. They can open the room again while their
                      tokens are valid.
                    </p>
                    {room.recordings.length > 0 ? (
                      <Notice tone="warn" title="Its recordings end, and are kept." />
                    ) : null}
                  </>
                ),
                action: 'End room',
                isDangerous: true,
                run: async () => {
                  await end.mutateAsync({ params });
                  go(`/apps/${app}/rooms`);
                },
              })
            }
          >
            End room…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
