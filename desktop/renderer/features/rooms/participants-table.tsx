import { IconUsersGroup } from '@tabler/icons-react';
import { type Column, DataTable } from '../../ui/data/table.tsx';
import { Empty } from '../../ui/feedback/empty.tsx';
import { State, Tag } from '../../ui/feedback/state.tsx';
import { TablePanel } from '../../ui/layout/page.tsx';
import { Ago } from '../../ui/words/time.tsx';
import { announcedBitrate, KIND_WORDS, nameOf, type Participant, SOURCE_WORDS, trackWords } from './room-words.ts';

/** Who is in a room. */
export function ParticipantsTable({
  people,
  openKey,
  onOpen,
}: {
  people: readonly Participant[];
  openKey: string | null;
  onOpen: (identity: string) => void;
}) {
  return (
    <TablePanel>
      <DataTable
        name="participants"
        label="Participants"
        columns={columns}
        rows={people}
        rowKey={(one) => one.identity}
        openKey={openKey}
        onOpen={(one) => onOpen(one.identity)}
        isDim={(one) => one.permissions.hidden}
        empty={<Empty title="Nobody" icon={<IconUsersGroup size={32} stroke={1.3} />} />}
      />
    </TablePanel>
  );
}

const columns: readonly Column<Participant>[] = [
  {
    id: 'state',
    header: 'State',
    width: '104px',
    sort: (one) => `${one.publisher ? 0 : 1}${one.state}`,
    cell: (one) => {
      if (one.state !== 'active') return <State tone="busy">{one.state}</State>;
      if (one.permissions.hidden) return <State tone="muted">hidden</State>;
      return <State tone={one.publisher ? 'ok' : 'info'}>{one.publisher ? 'publishes' : 'watches'}</State>;
    },
  },
  {
    id: 'name',
    header: 'Participant',
    isName: true,
    width: 'minmax(130px, 1.6fr)',
    sort: nameOf,
    cell: (one) => (
      <span className="cut" title={one.identity}>
        {nameOf(one)}
      </span>
    ),
  },
  {
    id: 'kind',
    header: 'Kind',
    width: '84px',
    from: 'medium',
    sort: (one) => one.kind,
    cell: (one) => (one.kind === 'standard' ? KIND_WORDS.standard : <Tag>{KIND_WORDS[one.kind]}</Tag>),
  },
  {
    id: 'tracks',
    header: 'Tracks',
    width: 'minmax(150px, 1.6fr)',
    sort: (one) => one.tracks.length,
    cell: (one) => <TrackNames participant={one} />,
  },
  {
    id: 'picture',
    header: 'Picture',
    width: 'minmax(120px, 1.2fr)',
    from: 'medium',
    sort: (one) => one.tracks.find(({ type }) => type === 'video')?.height,
    cell: (one) => {
      const video = one.tracks.find(({ type }) => type === 'video');
      return video === undefined ? '' : <span className="cut">{trackWords(video)}</span>;
    },
  },
  {
    id: 'bitrate',
    header: 'Bitrate',
    width: '100px',
    align: 'end',
    from: 'wide',
    sort: (one) => one.tracks.reduce((sum, { bitrate }) => sum + (bitrate ?? 0), 0),
    cell: (one) => announcedBitrate(one.tracks) ?? '',
  },
  {
    id: 'since',
    header: 'Joined',
    width: '100px',
    sort: (one) => (one.joinedAt === null ? null : Date.parse(one.joinedAt)),
    cell: (one) => <Ago at={one.joinedAt} />,
  },
];

function TrackNames({ participant: { tracks } }: { participant: Participant }) {
  if (tracks.length === 0) return <span className="dim">none</span>;
  const words = tracks.map(({ source, muted }) => `${SOURCE_WORDS[source]}${muted ? ' (muted)' : ''}`).join(', ');
  return (
    <span className="cut" title={words}>
      {words}
    </span>
  );
}
