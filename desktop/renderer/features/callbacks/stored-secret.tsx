import { Button, PasswordInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { getConfig, patchApp } from '#shared/contract/config.ts';
import type { Operation } from '#shared/contract/operation.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';

interface Props {
  app: string;
  /** Field of `PATCH /apps/{name}`. */
  field: 'callbackSecret' | 'mqttPassword';
  /** For its buttons and messages, e.g. `secret`. */
  word: string;
  title: string;
  label: string;
  isSet: boolean;
  /** A read that shows whether it is set. */
  shownBy: Operation;
  /** What it is for. */
  children: ReactNode;
  /** Beside the field. */
  more?: (text: string, fill: (text: string) => void) => ReactNode;
}

/** Button and panel for a secret of an app that can be set, never read. */
export function StoredSecret({ app, field, word, title, label, isSet, shownBy, children, more }: Props) {
  const [isOpen, setOpen] = useState(false);
  const lack = useLack(patchApp);
  const change = useChange(patchApp, { refreshes: [shownBy, getConfig] });
  const form = useApiForm({
    // the daemon's refusals name this field
    initialValues: { [field]: '' } as Record<string, string>,
    send: (body) => change.mutateAsync({ params: { name: app }, body }),
    onDone: () => close(),
  });
  const text = form.values[field] ?? '';
  const close = (): void => {
    setOpen(false);
    form.discard();
  };
  return (
    <>
      <Button size="xs" disabled={lack !== undefined} title={lack && `Needs ${lack}.`} onClick={() => setOpen(true)}>
        {isSet ? `Replace ${word}…` : `Set ${word}…`}
      </Button>
      <SidePanel isOpen={isOpen} onClose={close} title={title}>
        <Form
          form={form}
          action={`Set ${word}`}
          problemTitle={`The ${word} was not set.`}
          onCancel={close}
          isDisabled={text === ''}
        >
          <p>{children}</p>
          <div className="row" style={{ alignItems: 'flex-end' }}>
            <PasswordInput
              className="grow"
              label={label}
              description="Stored by the daemon and never shown again."
              autoComplete="off"
              {...form.getInputProps(field)}
            />
            {more?.(text, (next) => form.setFieldValue(field, next))}
          </div>
        </Form>
      </SidePanel>
    </>
  );
}
