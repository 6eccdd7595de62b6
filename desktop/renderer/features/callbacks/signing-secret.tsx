import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { getCallbacks } from '#shared/contract/callbacks.ts';
import { getConfig, patchApp } from '#shared/contract/config.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Copy } from '../../ui/data/copy.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { fieldErrors } from '../../ui/form/fields.ts';
import { SidePanel } from '../../ui/layout/side-panel.tsx';

/** Sets the secret with which events are signed. It goes in and never comes back. */
export function SigningSecret({ app, isSigned }: { app: string; isSigned: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const [secret, setSecret] = useState('');
  const lack = useLack(patchApp);
  const change = useChange(patchApp, { refreshes: [getCallbacks, getConfig] });
  const server = fieldErrors(change.error);
  const close = (): void => {
    setOpen(false);
    setSecret('');
    change.reset();
  };
  const generate = (): void => {
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    setSecret(Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''));
  };
  return (
    <>
      <Button
        size="xs"
        disabled={lack !== undefined}
        title={lack && `This needs ${lack}.`}
        onClick={() => setOpen(true)}
      >
        {isSigned ? 'Replace secret…' : 'Set secret…'}
      </Button>
      <SidePanel isOpen={isOpen} onClose={close} title={`Signing secret of ${app}`}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            change.mutate({ params: { name: app }, body: { callbackSecret: secret } }, { onSuccess: close });
          }}
        >
          <p>
            Each event is signed with it, so that the receiver can tell that it comes from here. Give the receiver the
            same text. {isSigned ? 'The present secret stops counting at once.' : ''}
          </p>
          <div className="row" style={{ alignItems: 'flex-end' }}>
            <PasswordInput
              className="grow"
              label="Secret"
              description="Kept by the daemon, shown nowhere again."
              autoComplete="off"
              value={secret}
              onChange={(event) => setSecret(event.currentTarget.value)}
              error={server.of('callbackSecret')}
            />
            {secret === '' ? null : <Copy text={secret} what="secret" />}
            <Button onClick={generate}>Generate secret</Button>
          </div>
          {server.rest === undefined ? null : <Problem error={server.rest} title="The secret was not set." />}
          <div className="row">
            <span className="grow" />
            <Button onClick={close}>Cancel</Button>
            <Button type="submit" variant="filled" disabled={secret === ''} loading={change.isPending}>
              Set secret
            </Button>
          </div>
        </form>
      </SidePanel>
    </>
  );
}
