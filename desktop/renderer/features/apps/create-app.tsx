import { Button, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { createApp, listApps } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useChange } from '../../api/query.ts';
import { useGo } from '../../daemon/links.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { fieldErrors } from '../../ui/form/fields.ts';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { nameProblem, prefixProblem } from './app-names.ts';

type Apps = ResultOf<typeof listApps>;

/** Creates an app; name and prefix are checked as they are typed. */
export function CreateApp({
  isOpen,
  onClose,
  apps,
  onCreated,
}: {
  isOpen: boolean;
  onClose: () => void;
  apps: Apps;
  onCreated: (name: string) => void;
}) {
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title="Create an app">
      {isOpen ? <Form apps={apps} onClose={onClose} onCreated={onCreated} /> : null}
    </SidePanel>
  );
}

function Form({ apps, onClose, onCreated }: { apps: Apps; onClose: () => void; onCreated: (name: string) => void }) {
  const go = useGo();
  const [name, setName] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [prefix, setPrefix] = useState('');
  const create = useChange(createApp, { refreshes: [listApps] });
  const server = fieldErrors(create.error);
  const wrongName = name === '' ? undefined : nameProblem(name, apps);
  const wrongPrefix = prefix === '' ? undefined : prefixProblem(prefix, apps);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const body = {
      name,
      ...(displayName.trim() ? { displayName: displayName.trim() } : {}),
      ...(prefix ? { roomPrefix: prefix } : {}),
    };
    const app = await create.mutateAsync({ body }).catch(() => undefined);
    if (app === undefined) return;
    onCreated(app.name);
    onClose();
    go(`/apps/${app.name}/config`);
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextInput
        label="Name"
        description="Lowercase letters, digits and dashes, 3 to 32. It stays for ever: it names the folder, the rooms and the API paths."
        value={name}
        onChange={(event) => setName(event.currentTarget.value.toLowerCase())}
        error={wrongName ?? server.of('name')}
        maxLength={32}
        required
        data-autofocus
        autoComplete="off"
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      <TextInput
        label="Display name"
        description="Shown to people. The name unless given."
        placeholder={name}
        value={displayName}
        onChange={(event) => setDisplayName(event.currentTarget.value)}
        error={server.of('displayName')}
        maxLength={100}
        autoComplete="off"
      />
      <TextInput
        label="Room prefix"
        description={`Its LiveKit rooms are called ${prefix || name || 'prefix'} or ${prefix || name || 'prefix'}-…`}
        placeholder={name}
        value={prefix}
        onChange={(event) => setPrefix(event.currentTarget.value.toLowerCase())}
        error={wrongPrefix ?? server.of('roomPrefix')}
        maxLength={40}
        autoComplete="off"
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
          disabled={name === '' || wrongName !== undefined || wrongPrefix !== undefined}
        >
          Create app
        </Button>
      </div>
    </form>
  );
}
