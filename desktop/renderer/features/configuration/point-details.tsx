import { Button } from '@mantine/core';
import { listRollbackPoints, planConfiguration, readApplied } from '#shared/contract/declared.ts';
import { getJob } from '#shared/contract/jobs.ts';
import { plural } from '#shared/format.ts';
import type { RollbackPoint } from '#shared/schema/declared.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import type { Tone } from '../../ui/feedback/state.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { SecretOnce } from '../../ui/form/secret-once.tsx';
import { Facts } from '../../ui/layout/page.tsx';
import { At } from '../../ui/words/time.tsx';

export const POINT_STATES: Record<RollbackPoint['state'], { tone: Tone; word: string }> = {
  applying: { tone: 'busy', word: 'applying' },
  applied: { tone: 'ok', word: 'applied' },
  stopped: { tone: 'danger', word: 'failed' },
  cancelled: { tone: 'muted', word: 'cancelled' },
  interrupted: { tone: 'warn', word: 'interrupted' },
};

const ENDS: Partial<Record<RollbackPoint['state'], string>> = {
  stopped: 'The apply failed',
  cancelled: 'The apply was cancelled',
  interrupted: 'The apply was interrupted',
};

/** How the apply that was begun here ended. */
export function Outcome({ point, onOpen }: { point: RollbackPoint; onOpen: () => void }) {
  const { id, state, changes, made, answer, job } = point;
  const end = ENDS[state];
  const { data } = useRead(getJob, { params: { id: job ?? 0 } }, { enabled: end !== undefined && job !== null });
  if (state === 'applying') return null;
  const done = plural(made ?? changes.length, 'change');
  return (
    <Notice
      tone={POINT_STATES[state].tone}
      title={end === undefined ? `${done} applied` : `${end}: ${made ?? 0} of ${plural(changes.length, 'change')} made`}
      role="status"
    >
      {data?.error ? <p>{[data.error.message, data.error.hint].filter(Boolean).join(' ')}</p> : null}
      {answer ? <p>The roll-back point shows new tokens and links once.</p> : null}
      <Button size="xs" onClick={onOpen}>
        Open roll-back point {id}
      </Button>
    </Notice>
  );
}

/** What an apply changed, what it created that is shown once, and the way back. */
export function PointDetails({ point, onRollBack }: { point: RollbackPoint; onRollBack: () => void }) {
  const { id, state, createdAt, createdBy, changes, made } = point;
  const lack = useLack(planConfiguration);
  const done = made ?? changes.length;
  return (
    <div className="stack">
      <Facts
        items={{
          State: <State tone={POINT_STATES[state].tone}>{POINT_STATES[state].word}</State>,
          Applied: <At at={createdAt} />,
          'Applied by': createdBy,
          Changes: done === changes.length ? String(done) : `${done} of ${changes.length} made`,
        }}
      />
      <Created key={id} point={point} />
      <ul>
        {changes.map(({ action, kind, name }, index) => (
          <li key={`${action} ${kind} ${name}`} className={index < done ? undefined : 'dim'}>
            {action} {kind === name ? kind : `${kind} ${name}`}
            {index < done ? '' : ' (not made)'}
          </li>
        ))}
      </ul>
      <p className="dim">Going back restores the state before this apply. What it didn’t change stays as it is.</p>
      <div>
        <Button
          variant="filled"
          disabled={lack !== undefined || state === 'applying'}
          title={lack && `You need ${lack}.`}
          onClick={onRollBack}
        >
          Plan roll-back
        </Button>
      </div>
    </div>
  );
}

function Created({ point }: { point: RollbackPoint }) {
  const read = useChange(readApplied, { refreshes: [listRollbackPoints] });
  const { id, answer, state } = point;
  if (read.data !== undefined) {
    const { tokens, invites } = read.data;
    const lines = [
      ...tokens.map(({ name, token }) => `# ${name}\n${token}`),
      ...invites.flatMap(({ team, email, inviteUrl }) =>
        inviteUrl === undefined ? [] : [`# ${email}, invited to ${team}\n${inviteUrl}`],
      ),
    ];
    return (
      <SecretOnce
        text={lines.join('\n')}
        what="new tokens and links"
        file={`apply-${id}.txt`}
        note="Copy the new tokens and links now. Nobody can read them again."
      />
    );
  }
  if (read.error) return <Problem error={read.error} />;
  if (!answer || state === 'applying') return null;
  return (
    <Notice tone="info" title="The apply created tokens or links">
      <p>They are shown once, within 24 hours, to the one who applied.</p>
      <Button size="xs" loading={read.isPending} onClick={() => read.mutate({ params: { id } })}>
        Show tokens and links
      </Button>
    </Notice>
  );
}
