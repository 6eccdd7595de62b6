import { Button, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { bridge } from '../api/host.ts';
import { SignInHere } from '../features/sign-in/sign-in-page.tsx';
import { useMaybeDaemon } from './daemon-context.tsx';

/** Over a page whose session has ended: sign in again here, and go on where one was. */
export function SignInGate({ children }: { children: ReactNode }) {
  const daemon = useMaybeDaemon();
  const isOut = daemon?.connection.state.status === 'signed-out';
  return (
    <>
      {children}
      {daemon ? (
        <Modal
          opened={isOut}
          onClose={() => {}}
          withCloseButton={false}
          closeOnEscape={false}
          closeOnClickOutside={false}
          title={`Sign in again to ${daemon.connection.name}`}
          size={420}
          zIndex={1000}
        >
          <p className="dim" style={{ marginBottom: 12 }}>
            The page stays as it is; nothing that you typed is lost.
          </p>
          <SignInHere connection={daemon.connection} />
          {bridge().host === 'web' ? (
            <Button variant="subtle" fullWidth mt={8} onClick={() => location.assign('/')}>
              Leave this page
            </Button>
          ) : null}
        </Modal>
      ) : null}
    </>
  );
}
