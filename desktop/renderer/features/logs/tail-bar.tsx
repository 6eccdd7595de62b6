import { Button } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { Notice } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { plural } from '../../ui/words/format.ts';
import type { LogRow } from './log-model.ts';

/** Whether lines arrive, how many, and the button that holds them back. */
export function TailBar({
  tail,
  isPaused,
  onPause,
}: {
  tail: { state: string; problem: string | undefined; held: number; rows: readonly LogRow[] };
  isPaused: boolean;
  onPause: (paused: boolean) => void;
}) {
  if (tail.state === 'closed')
    return (
      <Notice tone="warn" title="Live lines cannot be had">
        {tail.problem ? <p>{tail.problem}</p> : null}
      </Notice>
    );
  return (
    <div className="row" role="status">
      <Button
        size="xs"
        leftSection={isPaused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
        onClick={() => onPause(!isPaused)}
      >
        {isPaused ? 'Go on' : 'Pause'}
      </Button>
      {isPaused ? (
        <State tone="warn">{`Paused${tail.held > 0 ? `, ${plural(tail.held, 'line')} held back` : ''}`}</State>
      ) : tail.state === 'open' ? (
        tail.problem ? (
          <State tone="warn">{`Live, but lines written before are missing: ${tail.problem}`}</State>
        ) : (
          <State tone="ok">Live</State>
        )
      ) : (
        <State tone="busy">{tail.problem ? `Connecting again: ${tail.problem}` : 'Connecting…'}</State>
      )}
      <span className="dim num">{plural(tail.rows.length, 'line')}</span>
    </div>
  );
}
