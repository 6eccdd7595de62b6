import { Button, Menu, Switch } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { DaemonError } from '#shared/client/errors.ts';
import {
  getParticipant,
  getRoom,
  moveParticipant,
  muteTrack,
  removeParticipant,
  sendRoomData,
  updateParticipant,
} from '#shared/contract/rooms.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { QueryView } from '../../ui/data/query-view.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { Facts } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { bitrate, plural } from '../../ui/words/format.ts';
import { At } from '../../ui/words/time.tsx';
import { openEditParticipant, openMove, openSendData } from './forms.tsx';
import { KIND_WORDS, nameOf, type Participant, SOURCE_WORDS, type Track, trackWords } from './room-words.ts';
import classes from './rooms.module.css';

const EVERY = 5000;
const refreshes = [getRoom, getParticipant];

interface Place {
  app: string;
  room: string;
}

/** One participant: everything that LiveKit tells, and what staff can change. */
export function ParticipantPanel({
  app,
  room,
  identity,
  canMove,
  onClose,
}: Place & { identity: string | undefined; canMove: boolean | null; onClose: () => void }) {
  const one = useRead(
    getParticipant,
    { params: { app, room, identity: identity ?? '' } },
    { enabled: identity !== undefined, every: EVERY },
  );
  const isGone = one.error instanceof DaemonError && one.error.status === 404;
  return (
    <SidePanel
      isOpen={identity !== undefined}
      onClose={onClose}
      title={one.data && !isGone ? nameOf(one.data) : (identity ?? 'Participant')}
      footer={
        one.data && !isGone ? (
          <Actions app={app} room={room} participant={one.data} canMove={canMove} onGone={onClose} />
        ) : undefined
      }
    >
      {isGone ? (
        <Empty title="No longer in the room">This participant has left.</Empty>
      ) : (
        <QueryView query={one} what="the participant">
          {(shown) => <Details app={app} room={room} participant={shown} />}
        </QueryView>
      )}
    </SidePanel>
  );
}

function Details({ app, room, participant }: Place & { participant: Participant }) {
  const { identity, sid, kind, state, publisher, joinedAt, region, client, permissions, metadata } = participant;
  const attributes = Object.entries(participant.attributes);
  return (
    <div className="stack">
      <div className="row">
        <State tone={state === 'active' ? 'ok' : 'busy'}>{state === 'active' ? 'connected' : state}</State>
        {kind === 'standard' ? null : <Tag>{KIND_WORDS[kind]}</Tag>}
        {permissions.hidden ? <Tag>hidden</Tag> : null}
      </div>
      <h3 className={classes.head}>{plural(participant.tracks.length, 'track')}</h3>
      {participant.tracks.map((track) => (
        <TrackRow key={track.sid} app={app} room={room} identity={identity} track={track} />
      ))}
      {kind === 'egress' ? null : <Permissions app={app} room={room} participant={participant} />}
      <Facts
        items={{
          Identity: <Mono what="identity">{identity}</Mono>,
          Kind: KIND_WORDS[kind],
          Role: publisher ? 'publishes' : 'watches',
          Joined: joinedAt ? <At at={joinedAt} /> : undefined,
          Region: region ?? undefined,
          Client:
            client.protocol === null ? (
              <span className="dim">unknown</span>
            ) : (
              <span title="LiveKit tells a server neither browser nor device.">
                protocol {client.protocol}
                {client.capabilities.length > 0 ? `, ${client.capabilities.join(', ')}` : ''}
              </span>
            ),
          Session: <Mono what="session id">{sid}</Mono>,
        }}
      />
      <h3 className={classes.head}>Attributes</h3>
      {attributes.length === 0 ? (
        <span className="dim">none</span>
      ) : (
        <Facts items={Object.fromEntries(attributes.map(([key, value]) => [key, <code key={key}>{value}</code>]))} />
      )}
      <h3 className={classes.head}>Metadata</h3>
      {metadata === '' ? <span className="dim">none</span> : <CopyBox text={metadata} what="metadata" />}
      {participant.cut ? <Notice tone="info" title="Too long to be shown whole. It is cut." /> : null}
    </div>
  );
}

function TrackRow({ app, room, identity, track }: Place & { identity: string; track: Track }) {
  const mute = useChange(muteTrack, { refreshes });
  const lack = useLack(muteTrack);
  const { sid, muted, source, name, layers, encrypted } = track;
  return (
    <div className={classes.track}>
      <div className="row">
        <strong>{SOURCE_WORDS[source]}</strong>
        {muted ? <Tag tone="warn">muted</Tag> : null}
        {encrypted ? <Tag>encrypted</Tag> : null}
        <span className="grow" />
        {track.type === 'data' ? null : (
          <Button
            size="xs"
            variant="subtle"
            aria-label={`${muted ? 'Unmute' : 'Mute'} ${SOURCE_WORDS[source]}`}
            disabled={lack !== undefined}
            title={lack && `Needs ${lack}.`}
            loading={mute.isPending}
            onClick={() => mute.mutate({ params: { app, room, identity, track: sid }, body: { muted: !muted } })}
          >
            {muted ? 'Unmute' : 'Mute'}
          </Button>
        )}
      </div>
      <span className="dim">
        {[trackWords(track), track.bitrate === null ? '' : `up to ${bitrate(track.bitrate)}`, name]
          .filter((part) => part !== '')
          .join(' · ')}
      </span>
      {layers.length > 1 ? (
        <span className="dim">
          {layers
            .map((layer) => `${layer.width} × ${layer.height}${layer.bitrate ? ` ${bitrate(layer.bitrate)}` : ''}`)
            .join(', ')}
        </span>
      ) : null}
      {mute.error ? <Problem error={mute.error} /> : null}
    </div>
  );
}

const SWITCHES = [
  ['canSubscribe', 'Watch', 'May receive tracks.'],
  ['canPublish', 'Publish', 'When off, its tracks end.'],
  ['canPublishData', 'Send data messages', 'Such as chat and reactions.'],
  ['canUpdateMetadata', 'Change its name and metadata', 'And attributes.'],
] as const;

function Permissions({ app, room, participant }: Place & { participant: Participant }) {
  const { identity, permissions } = participant;
  const update = useChange(updateParticipant, { refreshes });
  const lack = useLack(updateParticipant);
  const sources = permissions.canPublishSources.map((source) => SOURCE_WORDS[source]).join(', ');
  return (
    <>
      <h3 className={classes.head}>Permissions</h3>
      {SWITCHES.map(([key, label, description]) => (
        <Switch
          key={key}
          label={label}
          description={key === 'canPublish' && sources !== '' ? `${description} Only ${sources}.` : description}
          checked={permissions[key]}
          disabled={lack !== undefined || update.isPending}
          title={lack && `Needs ${lack}.`}
          onChange={(event) =>
            update.mutate({
              params: { app, room, identity },
              body: { permissions: { [key]: event.currentTarget.checked } },
            })
          }
        />
      ))}
      {update.error ? <Problem error={update.error} title="The permission was not changed." /> : null}
    </>
  );
}

function Actions({
  app,
  room,
  participant,
  canMove,
  onGone,
}: Place & { participant: Participant; canMove: boolean | null; onGone: () => void }) {
  const { identity } = participant;
  const remove = useChange(removeParticipant, { refreshes: [getRoom] });
  const lackRemove = useLack(removeParticipant);
  const lackEdit = useLack(updateParticipant);
  const lackMove = useLack(moveParticipant);
  const lackSend = useLack(sendRoomData);
  const cannot = canMove === false ? 'This LiveKit server can’t do this.' : undefined;
  return (
    <>
      <Button
        color="danger"
        disabled={lackRemove !== undefined}
        title={lackRemove && `Needs ${lackRemove}.`}
        onClick={() =>
          ask({
            title: `Remove ${nameOf(participant)}`,
            body: (
              <p>
                Disconnects the participant from <code>{room}</code>. It can join again while its token is valid.
              </p>
            ),
            action: 'Remove participant',
            isDangerous: true,
            run: async () => {
              await remove.mutateAsync({ params: { app, room, identity } });
              onGone();
            },
          })
        }
      >
        Remove…
      </Button>
      <Button
        disabled={lackEdit !== undefined}
        title={lackEdit && `Needs ${lackEdit}.`}
        onClick={() => openEditParticipant(app, room, participant)}
      >
        Edit…
      </Button>
      <Menu>
        <Menu.Target>
          <Button aria-label={`More for ${nameOf(participant)}`} px={8}>
            <IconDots size={16} />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            disabled={lackSend !== undefined}
            title={lackSend && `Needs ${lackSend}.`}
            onClick={() => openSendData(app, room, identity)}
          >
            Send data message…
          </Menu.Item>
          {(['move', 'forward'] as const).map((act) => (
            <Menu.Item
              key={act}
              disabled={lackMove !== undefined || cannot !== undefined}
              title={lackMove ? `Needs ${lackMove}.` : cannot}
              onClick={() => openMove(app, room, participant, act)}
            >
              {act === 'move' ? 'Move to another room…' : 'Show in another room, too…'}
            </Menu.Item>
          ))}
          {cannot ? <Menu.Label>LiveKit’s open-source server can’t move or forward.</Menu.Label> : null}
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
