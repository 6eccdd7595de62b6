import { Button, Checkbox, Modal } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import type { Connection } from '#shared/ipc/connections.ts';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';
import { CertificateFacts } from '../features/daemons/certificate.tsx';
import { SignInHere } from '../features/sign-in/sign-in-page.tsx';
import { BASE_PATH } from '../host/base.ts';
import { opened } from '../host/bridge-desktop.ts';
import { bridge } from '../host/host.ts';
import { Notice, Problem } from '../ui/feedback/problem.tsx';
import { useOverlay } from '../ui/layout/overlays.ts';

/** Over a page whose connection needs a person: sign in again, trust, or unlock here, and go on where one was. */
export function SignInGate({ children }: { children: ReactNode }) {
  const connection = useMaybeDaemon()?.connection;
  const status = connection?.state.status;
  const title =
    status === 'signed-out'
      ? `Sign in again to ${connection?.name}`
      : status === 'untrusted'
        ? `Another certificate on ${connection?.name}`
        : status === 'locked'
          ? 'The keychain is locked'
          : `${connection?.name} cannot be used`;
  const isOpen = status === 'signed-out' || status === 'untrusted' || status === 'locked' || status === 'unusable';
  // Esc does nothing here, and reaches nothing below
  useOverlay(isOpen, () => {});
  return (
    <>
      {children}
      {connection ? (
        <Modal
          opened={isOpen}
          onClose={() => {}}
          withCloseButton={false}
          closeOnEscape={false}
          closeOnClickOutside={false}
          title={title}
          size={460}
          zIndex={1000}
        >
          {status === 'signed-out' ? (
            <>
              <p className="dim" style={{ marginBottom: 12 }}>
                With the same account, the page stays as it is and nothing that you typed is lost.
              </p>
              <SignInHere connection={connection} />
            </>
          ) : null}
          {status === 'untrusted' ? <Trust connection={connection} /> : null}
          {status === 'locked' ? <Unlock connection={connection} /> : null}
          {status === 'unusable' ? <Unusable connection={connection} /> : null}
          <Button variant="subtle" fullWidth mt={8} onClick={() => location.assign(`${BASE_PATH}/`)}>
            Leave this page
          </Button>
        </Modal>
      ) : null}
    </>
  );
}

function Trust({ connection }: { connection: Connection }) {
  const { certificate, error } = connection.state;
  const [isSure, setSure] = useState(false);
  const [failure, setFailure] = useState<unknown>();
  const trust = async (): Promise<void> => {
    const native = bridge().desktop?.connections;
    if (native === undefined || certificate === null) return;
    try {
      opened(await native.trust({ id: connection.id, fingerprint: certificate.fingerprint }));
    } catch (refusal) {
      setFailure(refusal);
    }
  };
  return (
    <div className="stack">
      <Notice tone="danger" title={error?.message ?? 'Its certificate is not trusted.'} role="alert">
        <p>
          {connection.pinned
            ? 'The certificate that you trusted has changed. If nobody renewed it, somebody may intercept the connection: do not continue.'
            : 'It is not signed by an authority that this machine trusts.'}
        </p>
      </Notice>
      {certificate ? <CertificateFacts certificate={certificate} /> : null}
      <Checkbox
        checked={isSure}
        onChange={(event) => setSure(event.currentTarget.checked)}
        label="I have compared the fingerprint with the one on the server"
      />
      {failure === undefined ? null : <Problem error={failure} />}
      <Button variant="filled" color="danger" disabled={!isSure || certificate === null} onClick={() => void trust()}>
        Trust this certificate
      </Button>
    </div>
  );
}

function Unlock({ connection }: { connection: Connection }) {
  const [failure, setFailure] = useState<unknown>();
  const unlock = async (): Promise<void> => {
    try {
      const native = bridge().desktop;
      if (native === undefined) return;
      opened(await native.keychain.unlock());
      opened(await native.connections.retry({ id: connection.id }));
    } catch (refusal) {
      setFailure(refusal);
    }
  };
  return (
    <div className="stack">
      <p>The credential for {connection.name} is in it. Unlock it, or sign in again for this session.</p>
      {failure === undefined ? null : <Problem error={failure} />}
      <Button variant="filled" onClick={() => void unlock()}>
        Unlock keychain
      </Button>
      <SignInHere connection={connection} />
    </div>
  );
}

function Unusable({ connection }: { connection: Connection }) {
  const { error } = connection.state;
  return (
    <div className="stack">
      <Notice
        tone="danger"
        title={error?.message ?? 'The server at this address is not a StreamHub daemon that this app can use.'}
        role="alert"
      >
        {error?.hint ? <p>{error.hint}</p> : null}
      </Notice>
      <Button onClick={() => void bridge().retry(connection.id)}>Try again</Button>
    </div>
  );
}
