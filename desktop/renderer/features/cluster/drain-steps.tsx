import { type ListedStep, StepList } from '../../ui/feedback/step-list.tsx';
import { Panel } from '../../ui/layout/page.tsx';
import { duration, plural } from '../../ui/words/format.ts';
import { useNow } from '../../ui/words/now.ts';
import { Ago } from '../../ui/words/time.tsx';
import type { Node } from './node-words.ts';

type Drain = NonNullable<Node['drain']>;

const STEPS: readonly { phase: Drain['phase']; text: string; left?: (drain: Drain) => string | undefined }[] = [
  { phase: 'requested', text: 'No new room is placed there' },
  {
    phase: 'clients',
    text: 'Clients of rooms on other nodes disconnect',
    left: ({ clients }) => (clients === null ? undefined : `${plural(clients, 'client')} left`),
  },
  {
    phase: 'rooms',
    text: 'Its own rooms end',
    left: ({ rooms, participants }) =>
      rooms === null ? undefined : `${plural(rooms, 'room')}, ${plural(participants ?? 0, 'participant')} left`,
  },
  { phase: 'drained', text: 'LiveKit has stopped; the machine is free for maintenance' },
];

/** How far the draining has come, counting down. */
export function DrainSteps({ drain }: { drain: Drain }) {
  const now = useNow();
  const at = STEPS.findIndex(({ phase }) => phase === drain.phase);
  const endsIn = drain.ends_rooms_at ? (Date.parse(drain.ends_rooms_at) - now) / 1000 : undefined;
  return (
    <Panel
      title="Draining"
      note={
        <>
          begun <Ago at={drain.started_at} />
        </>
      }
    >
      <p>{drain.note}</p>
      {drain.managed ? (
        <StepList
          steps={STEPS.map(({ phase, text, left }, index): ListedStep => {
            const state = drain.drained || index < at ? 'done' : index === at ? 'running' : 'waiting';
            return { id: phase, title: text, state, aside: state === 'running' ? left?.(drain) : undefined };
          })}
        />
      ) : null}
      {endsIn !== undefined && !drain.drained ? (
        <p>
          {endsIn > 0
            ? `Rooms that are left are ended in ${duration(endsIn)}.`
            : 'Rooms that are left are being ended.'}
        </p>
      ) : null}
    </Panel>
  );
}
