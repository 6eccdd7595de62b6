import { Button } from '@mantine/core';
import { lazy, Suspense, useRef, useState } from 'react';
import { bridge } from '../../host/host.ts';
import { CopyBox } from '../../ui/data/copy.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { type ListedStep, StepList } from '../../ui/feedback/step-list.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { At } from '../../ui/words/time.tsx';
import { type CreatedCode, JoinCodeForm, JoinCodeList } from './join-codes.tsx';
import type { Node } from './node-words.ts';

const SshTerminal = lazy(async () => ({ default: (await import('./ssh-terminal.tsx')).SshTerminal }));

/** A join command to paste on the new machine; then it waits for the first heartbeat. */
export function AddNode({
  isOpen,
  known,
  onClose,
  onOpen,
}: {
  isOpen: boolean;
  known: readonly Node[];
  onClose: () => void;
  onOpen: (node: Node) => void;
}) {
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title="Add a node" size={640}>
      {isOpen ? <Wizard known={known} onClose={onClose} onOpen={onOpen} /> : null}
    </SidePanel>
  );
}

function Wizard({
  known,
  onClose,
  onOpen,
}: {
  known: readonly Node[];
  onClose: () => void;
  onOpen: (node: Node) => void;
}) {
  const before = useRef(new Set(known.map((node) => node.id)));
  const [created, setCreated] = useState<CreatedCode>();
  const [hasTerminal, setTerminal] = useState(false);
  const fresh = known.filter((node) => !before.current.has(node.id));
  const arrived = fresh[0];
  const isAlive = arrived?.health === 'alive';
  const steps: ListedStep[] = [
    {
      id: 'run',
      title:
        created === undefined
          ? 'Create a join command for a fresh Linux machine'
          : 'Run this on the machine, as a user that may use sudo:',
      state: arrived === undefined ? 'running' : 'done',
      content:
        created === undefined ? (
          <JoinCodeForm onCreated={setCreated} />
        ) : (
          <>
            <CopyBox text={created.joinCommand} what="join command" />
            <p className="dim" style={{ marginTop: 6 }}>
              It installs LiveKit and the agent, and joins. The join code in it is valid until{' '}
              <At at={created.expires_at} />. Add <code>--dry-run</code> to see what it would do.
            </p>
            {bridge().desktop ? (
              <div style={{ marginTop: 8 }}>
                <p>Or do it from here, over ssh:</p>
                {hasTerminal ? (
                  <Suspense fallback={null}>
                    <SshTerminal command={created.joinCommand} />
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
      {created?.notes.map((note) => (
        <Notice key={note} tone="warn" title={note} />
      ))}
      <JoinCodeList />
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
