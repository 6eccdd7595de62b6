import { Button } from '@mantine/core';
import { getNode, listNodes, upgradeNode } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';

/** Lets the agent of a node become the one that the daemon serves, and says why it went back. */
export function UpgradeAgent({ node }: { node: ResultOf<typeof getNode>['data'] }) {
  const upgrade = useChange(upgradeNode, { refreshes: [getNode, listNodes] });
  const lack = useLack(upgradeNode);
  const problem = node.agent?.upgradeProblem;
  return (
    <>
      {problem === undefined ? null : (
        <Notice tone="warn" title="The agent was not upgraded">
          <p>{problem.reason}. The agent before it continues.</p>
        </Notice>
      )}
      {upgrade.error ? <Problem error={upgrade.error} /> : null}
      <div className="row">
        <Button
          disabled={lack !== undefined}
          title={lack && `You need ${lack}.`}
          onClick={() =>
            ask({
              title: `Upgrade the agent of ${node.name}`,
              body: (
                <p>
                  The agent downloads the one of this daemon, checks it and starts it. If that isn’t answered within a
                  minute, the old one continues. LiveKit and its rooms are not touched.
                </p>
              ),
              action: 'Upgrade agent',
              run: () => upgrade.mutateAsync({ params: { id: node.id } }),
            })
          }
        >
          Upgrade agent…
        </Button>
        {upgrade.data?.isCurrent ? <span className="dim">The node runs this agent already.</span> : null}
      </div>
    </>
  );
}
