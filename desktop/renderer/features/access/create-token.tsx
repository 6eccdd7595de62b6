import { Button, NativeSelect, Radio, TextInput } from '@mantine/core';
import { listApps } from '#shared/contract/apps.ts';
import { createToken, listTokens } from '#shared/contract/tokens.ts';
import { useChange, useRead } from '../../api/query.ts';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { SecretOnce } from '../../ui/form/secret-once.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';

/** Makes a token; its text is shown once. */
export function CreateToken({
  isOpen,
  onClose,
  onCreated,
}: {
  isOpen: boolean;
  onClose: () => void;
  onCreated: (id: number) => void;
}) {
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title="Create an API token">
      {isOpen ? <TokenForm onClose={onClose} onCreated={onCreated} /> : null}
    </SidePanel>
  );
}

interface Values {
  name: string;
  scope: 'global' | 'app';
  app: string;
  allowedIps: string;
}

function TokenForm({ onClose, onCreated }: { onClose: () => void; onCreated: (id: number) => void }) {
  const apps = useRead(listApps);
  const create = useChange(createToken, { refreshes: [listTokens] });
  const first = apps.data?.[0]?.name ?? '';
  const idOf = (app: string) => apps.data?.find((one) => one.name === (app || first))?.id;
  const form = useApiForm({
    initialValues: { name: '', scope: 'app', app: '', allowedIps: '' } as Values,
    fields: { appId: 'app' },
    send: ({ name, scope, app, allowedIps: typed }) => {
      const appId = scope === 'app' ? idOf(app) : undefined;
      const allowedIps = typed.split(/[\s,]+/).filter(Boolean);
      return create.mutateAsync({
        body: {
          name: name.trim(),
          scope,
          ...(appId === undefined ? {} : { appId }),
          ...(allowedIps.length > 0 ? { allowedIps } : {}),
        },
      });
    },
    onDone: (made) => onCreated(made.id),
  });
  const { name, scope, app } = form.values;
  if (create.data) {
    return (
      <>
        <SecretOnce
          text={create.data.token}
          what="token"
          file={`streamhub-${name.trim().replace(/[^\w.-]+/g, '-')}.token`}
          note="Copy it now: StreamHub keeps only its hash and cannot show it again."
        />
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="filled" onClick={onClose}>
            Done
          </Button>
        </div>
      </>
    );
  }
  return (
    <Form
      form={form}
      action="Create token"
      onCancel={onClose}
      isDisabled={name.trim() === '' || (scope === 'app' && idOf(app) === undefined)}
    >
      <TextInput
        label="Name"
        description="What the token is used for."
        placeholder="ci"
        {...form.getInputProps('name')}
        maxLength={100}
        required
        data-autofocus
      />
      <Radio.Group label="Scope" {...form.getInputProps('scope')}>
        <div className="stack" style={{ gap: 8, marginTop: 4 }}>
          <Radio value="app" label="One app" description="Everything in that app, nothing else." />
          <Radio value="global" label="Global" description="Everything on this daemon, like a superadmin." />
        </div>
      </Radio.Group>
      {scope === 'app' ? (
        <NativeSelect
          label="App"
          data={apps.data?.map((one) => one.name) ?? []}
          {...form.getInputProps('app')}
          value={app || first}
        />
      ) : null}
      <TextInput
        label="Allowed addresses"
        description="IPv4 and IPv6 addresses or CIDR ranges, separated by commas. Leave empty to allow any address."
        placeholder="203.0.113.7, 2001:db8::/32"
        {...form.getInputProps('allowedIps')}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
    </Form>
  );
}
