import { NOT_READY } from '#shared/rules/problems.ts';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { Notice } from '../ui/feedback/problem.tsx';
import { useProblems } from './problems.ts';

/** A banner above every page of a daemon that is not ready, with the reasons. */
export function NotReady() {
  const daemon = useMaybeDaemon();
  const problem = useProblems().find(({ id }) => id.startsWith(`${daemon?.id}:${NOT_READY}:`));
  return problem ? (
    <div style={{ padding: '8px 16px 0' }}>
      <Notice tone="danger" title={problem.text} role="alert">
        <p>Reading works. Changes are refused while the reason lasts; what the daemon gathers is kept in memory.</p>
      </Notice>
    </div>
  ) : null;
}
