import { TextInput } from '@mantine/core';
import { createApp, listApps } from '#shared/contract/apps.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useChange } from '../../api/query.ts';
import { useGo } from '../../daemon/links.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { nameProblem, nestingNote, prefixProblem } from './app-names.ts';

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
      {isOpen ? <AppForm apps={apps} onClose={onClose} onCreated={onCreated} /> : null}
    </SidePanel>
  );
}

interface FormProps {
  apps: Apps;
  onClose: () => void;
  onCreated: (name: string) => void;
}

function AppForm({ apps, onClose, onCreated }: FormProps) {
  const go = useGo();
  const create = useChange(createApp, { refreshes: [listApps] });
  const form = useApiForm({
    initialValues: { name: '', displayName: '', roomPrefix: '' },
    send: ({ name, displayName, roomPrefix }) =>
      create.mutateAsync({
        body: {
          name,
          ...(displayName.trim() ? { displayName: displayName.trim() } : {}),
          ...(roomPrefix ? { roomPrefix } : {}),
        },
      }),
    onDone: (app) => {
      onCreated(app.name);
      onClose();
      go(`/apps/${app.name}/config`);
    },
  });
  const { name, roomPrefix } = form.values;
  const wrongName = name === '' ? undefined : nameProblem(name, apps);
  const wrongPrefix = roomPrefix === '' ? undefined : prefixProblem(roomPrefix, apps);
  const example = roomPrefix || name || 'prefix';
  return (
    <Form
      form={form}
      action="Create app"
      onCancel={onClose}
      isDisabled={name === '' || wrongName !== undefined || wrongPrefix !== undefined}
    >
      <TextInput
        label="Name"
        description="Lowercase letters, digits and dashes, 3 to 32. It cannot be changed later: the folder, the rooms and the API paths use it."
        value={name}
        onChange={(event) => form.setFieldValue('name', event.currentTarget.value.toLowerCase())}
        error={wrongName ?? form.errors['name']}
        maxLength={32}
        required
        data-autofocus
        autoComplete="off"
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      <TextInput
        label="Display name"
        description="Shown in the console. Leave empty to use the name."
        placeholder={name}
        {...form.getInputProps('displayName')}
        maxLength={100}
        autoComplete="off"
      />
      <TextInput
        label="Room prefix"
        description={`Its LiveKit rooms are called ${example} or ${example}-… ${nestingNote(example, apps) ?? 'No other team can use a prefix that begins like this.'}`}
        placeholder={name}
        value={roomPrefix}
        onChange={(event) => form.setFieldValue('roomPrefix', event.currentTarget.value.toLowerCase())}
        error={wrongPrefix ?? form.errors['roomPrefix']}
        maxLength={40}
        autoComplete="off"
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
    </Form>
  );
}
