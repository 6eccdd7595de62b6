import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { getCallbacks } from '#shared/contract/callbacks.ts';
import { getConfig, patchApp } from '#shared/contract/config.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Copy } from '../../ui/data/copy.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';

/** Sets the secret with which events are signed. It can be set, never read. */
export function SigningSecret({ app, isSigned }: { app: string; isSigned: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const lack = useLack(patchApp);
  const change = useChange(patchApp, { refreshes: [getCallbacks, getConfig] });
  const form = useApiForm({
    initialValues: { callbackSecret: '' },
    send: (body) => change.mutateAsync({ params: { name: app }, body }),
    onDone: () => close(),
  });
  const { callbackSecret: secret } = form.values;
  const close = (): void => {
    setOpen(false);
    form.discard();
  };
  const generate = (): void => {
    const bytes = crypto.getRandomValues(new Uint8Array(24));
    const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    form.setFieldValue('callbackSecret', text);
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
        <Form
          form={form}
          action="Set secret"
          problemTitle="The secret was not set."
          onCancel={close}
          isDisabled={secret === ''}
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
              {...form.getInputProps('callbackSecret')}
            />
            {secret === '' ? null : <Copy text={secret} what="secret" />}
            <Button onClick={generate}>Generate secret</Button>
          </div>
        </Form>
      </SidePanel>
    </>
  );
}
