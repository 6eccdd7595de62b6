import { Button, NativeSelect, Radio, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { listApps } from '#shared/contract/apps.ts';
import { createToken, listTokens } from '#shared/contract/tokens.ts';
import { useChange, useRead } from '../../api/query.ts';
import { Problem } from '../../ui/feedback/problem.tsx';
import { fieldErrors } from '../../ui/form/fields.ts';
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
      {isOpen ? <Form onClose={onClose} onCreated={onCreated} /> : null}
    </SidePanel>
  );
}

function Form({ onClose, onCreated }: { onClose: () => void; onCreated: (id: number) => void }) {
  const apps = useRead(listApps);
  const create = useChange(createToken, { refreshes: [listTokens] });
  const [name, setName] = useState('');
  const [scope, setScope] = useState<'global' | 'app'>('app');
  const [app, setApp] = useState('');
  const [ips, setIps] = useState('');
  const server = fieldErrors(create.error);
  const appId = apps.data?.find((one) => one.name === (app || apps.data?.[0]?.name))?.id;
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const allowedIps = ips.split(/[\s,]+/).filter(Boolean);
    const body = {
      name: name.trim(),
      scope,
      ...(scope === 'app' && appId !== undefined ? { appId } : {}),
      ...(allowedIps.length > 0 ? { allowedIps } : {}),
    };
    const made = await create.mutateAsync({ body }).catch(() => undefined);
    if (made) onCreated(made.id);
  };
  if (create.data) {
    return (
      <>
        <SecretOnce
          text={create.data.token}
          what="token"
          file={`streamhub-${name.trim().replace(/[^\w.-]+/g, '-')}.token`}
          note="Only its hash is kept: nobody can show it to you again. Put it where the program that uses it keeps its secrets."
        />
        <div className="row" style={{ justifyContent: 'flex-end' }}>
          <Button variant="filled" onClick={onClose}>
            I have it
          </Button>
        </div>
      </>
    );
  }
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextInput
        label="Name"
        description="What it is for, so that one knows what breaks when it is revoked."
        placeholder="ci"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={server.of('name')}
        maxLength={100}
        required
        data-autofocus
      />
      <Radio.Group label="Scope" value={scope} onChange={(value) => setScope(value as 'global' | 'app')}>
        <div className="stack" style={{ gap: 8, marginTop: 4 }}>
          <Radio value="app" label="One app" description="Everything in that app, nothing else." />
          <Radio value="global" label="Global" description="Everything on this daemon, like a superadmin." />
        </div>
      </Radio.Group>
      {scope === 'app' ? (
        <NativeSelect
          label="App"
          data={apps.data?.map((one) => one.name) ?? []}
          value={app || (apps.data?.[0]?.name ?? '')}
          onChange={(event) => setApp(event.currentTarget.value)}
          error={server.of('appId')}
        />
      ) : null}
      <TextInput
        label="Only from these addresses"
        description="IPv4 and IPv6 addresses or CIDR ranges, separated by commas. Empty: from anywhere."
        placeholder="203.0.113.7, 2001:db8::/32"
        value={ips}
        onChange={(event) => setIps(event.currentTarget.value)}
        error={server.of('allowedIps') ?? [...Array(64).keys()].map((n) => server.of(`allowedIps.${n}`)).find(Boolean)}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      {server.rest === undefined ? null : <Problem error={server.rest} />}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          type="submit"
          variant="filled"
          loading={create.isPending}
          disabled={name.trim() === '' || (scope === 'app' && appId === undefined)}
        >
          Create token
        </Button>
      </div>
    </form>
  );
}
