import { Button } from '@mantine/core';
import { getManagedLiveKit } from '#shared/contract/livekit.ts';
import { getSettings, getStats, patchSettings } from '#shared/contract/system.ts';
import { getLiveKit } from '#shared/contract/webhooks.ts';
import { useChange, useRead } from '../../api/query.ts';
import { Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { PROGRAM_NAMES, STATE_WORDS } from './program-words.ts';

/** Stores LIVEKIT_MODE, which takes effect immediately. */
export function useLiveKitMode() {
  return useChange(patchSettings, { refreshes: [getManagedLiveKit, getSettings, getLiveKit, getStats] });
}

/** Lets the daemon run LiveKit on its machine, and shows how far it is. */
export function RunHere({ isPrimary = true }: { isPrimary?: boolean }) {
  const change = useLiveKitMode();
  const here = useRead(getManagedLiveKit).data;
  if (here?.mode === 'managed' && here.overriddenBy === null) {
    const [words, tone] = STATE_WORDS[here.state];
    const problem = here.programs.find((one) => one.problem !== null && one.state !== 'missing');
    return (
      <span role="status">
        <State tone={tone}>LiveKit on this machine: {words}</State>
        {problem ? (
          <span className="dim">
            {PROGRAM_NAMES[problem.program]}: {problem.problem}
          </span>
        ) : null}
      </span>
    );
  }
  return (
    <span>
      <Button
        size="xs"
        variant={isPrimary ? 'filled' : 'default'}
        loading={change.isPending}
        onClick={() => change.mutate({ body: { values: { LIVEKIT_MODE: 'managed' } } })}
      >
        Run LiveKit on this machine
      </Button>
      {change.error ? <Problem error={change.error} title="LiveKit could not be started." /> : null}
    </span>
  );
}
