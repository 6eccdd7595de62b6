import { getRawConfig } from '#shared/contract/config.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Notice } from '../../ui/feedback/problem.tsx';

type WriteProblem = ResultOf<typeof getRawConfig>['data']['writeProblem'];

/** Why the daemon cannot write an app's config; undefined when it can, and for callers who may not read the config. */
export function useWriteProblem(app: string): NonNullable<WriteProblem> | undefined {
  const isAllowed = useLack(getRawConfig) === undefined;
  return useRead(getRawConfig, { params: { name: app } }, { enabled: isAllowed }).data?.writeProblem ?? undefined;
}

/** Above a form whose values are kept in the config. */
export function ReadOnlyConfig({ problem }: { problem: NonNullable<WriteProblem> | null | undefined }) {
  return problem ? (
    <Notice tone="warn" title="This config is read-only: the daemon cannot write the file" role="alert">
      <p>{problem.message}</p>
      <p>{problem.hint}</p>
    </Notice>
  ) : null;
}
