import { ActionIcon, Button, Loader } from '@mantine/core';
import { IconEye } from '@tabler/icons-react';
import { useEffect } from 'react';
import { getConfig } from '#shared/contract/config.ts';
import { createJoinToken } from '#shared/contract/rooms.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';

const VALID_FOR = '1h';

/** Lets staff look into a room: hidden where the app allows it. */
export function WatchRoomButton({ app, room }: { app: string; room: string }) {
  const lack = useLack(createJoinToken);
  const label = `Watch ${room}`;
  return (
    <ActionIcon
      size="sm"
      variant="subtle"
      aria-label={label}
      title={lack === undefined ? label : `Watching needs ${lack}.`}
      disabled={lack !== undefined}
      onClick={() => openDialog({ title: label, content: () => <WatchRoom app={app} room={room} /> })}
    >
      <IconEye size={16} />
    </ActionIcon>
  );
}

function WatchRoom({ app, room }: { app: string; room: string }) {
  const config = useRead(getConfig, { params: { app } });
  const hidden = config.data?.features.hiddenQc;
  const { mutate, data, error } = useChange(createJoinToken);
  useEffect(() => {
    if (hidden === undefined) return;
    const rights = { canPublish: false, ...(hidden ? { hidden } : {}) };
    mutate({ params: { app }, body: { room, ttl: VALID_FOR, ...rights } });
  }, [mutate, app, room, hidden]);
  const failure = config.error ?? error;
  if (failure) return <Problem error={failure} title="No watch link was made." />;
  if (!data) return <Loader size="sm" aria-label="Making a link" />;
  return (
    <div className="stack">
      <p>
        {data.hidden
          ? 'You watch hidden: publishers and viewers don’t see you, and you are not counted.'
          : 'You are counted as a viewer, because features.hidden_qc is off in the config.'}
      </p>
      <Button component="a" href={data.playUrl} target="_blank" rel="noreferrer" variant="filled">
        Open watch page
      </Button>
    </div>
  );
}
