import { Button } from '@mantine/core';
import { lazy, Suspense, useRef, useState } from 'react';
import type { getClusterInfo } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { bridge } from '../../host/host.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { type ListedStep, StepList } from '../../ui/feedback/step-list.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import type { Node } from './node-words.ts';

const SshTerminal = lazy(async () => ({ default: (await import('./ssh-terminal.tsx')).SshTerminal }));

type Info = ResultOf<typeof getClusterInfo>['data'];

/** One line to paste on the new machine; then it waits for the first heartbeat. */
export function AddNode({
  isOpen,
  info,
  known,
  onClose,
  onOpen,
}: {
  isOpen: boolean;
  info: Info | undefined;
  known: readonly Node[];
  onClose: () => void;
  onOpen: (node: Node) => void;
}) {
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title="Add a node" size={640}>
      {isOpen && info ? <Wizard info={info} known={known} onClose={onClose} onOpen={onOpen} /> : null}
    </SidePanel>
  );
}

function Wizard({
  info,
  known,
  onClose,
  onOpen,
}: {
  info: Info;
  known: readonly Node[];
  onClose: () => void;
  onOpen: (node: Node) => void;
}) {
  const before = useRef(new Set(known.map((node) => node.id)));
  const [hasTerminal, setTerminal] = useState(false);
  const fresh = known.filter((node) => !before.current.has(node.id));
  const arrived = fresh[0];
  const isAlive = arrived?.health === 'alive';
  const steps: ListedStep[] = [
    {
      id: 'run',
      title: 'A fresh Linux machine that reaches this daemon. As root, run there:',
      state: arrived === undefined ? 'running' : 'done',
      content: (
        <>
          <CopyBox text={info.joinCommand} what="join command" />
          <p className="dim" style={{ marginTop: 6 }}>
            It installs LiveKit and the agent, joins, and reports. It holds the cluster token: do not post it anywhere.
            With <code>--dry-run</code> at its end it only says what it would do.
          </p>
          {bridge().desktop ? (
            <div style={{ marginTop: 8 }}>
              <p>Or do it from here, over ssh:</p>
              {hasTerminal ? (
                <Suspense fallback={null}>
                  <SshTerminal command={info.joinCommand} />
                </Suspense>
              ) : (
                <Button onClick={() => setTerminal(true)}>Open a terminal</Button>
              )}
            </div>
          ) : null}
        </>
      ),
    },
    {
      id: 'join',
      title:
        arrived === undefined
          ? 'Waiting for the new node to join…'
          : isAlive
            ? `${arrived.name} has joined and reports`
            : `${arrived.name} has joined; waiting for its first heartbeat…`,
      state: isAlive ? 'done' : 'running',
    },
  ];
  return (
    <>
      <StepList steps={steps} />
      {info.notes.map((note) => (
        <Notice key={note} tone="warn" title={note} />
      ))}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        {arrived ? (
          <Button
            variant="filled"
            onClick={() => {
              onClose();
              onOpen(arrived);
            }}
          >
            Show {arrived.name}
          </Button>
        ) : (
          <Button onClick={onClose}>Close</Button>
        )}
      </div>
    </>
  );
}
