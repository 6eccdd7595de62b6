import { TextInput } from '@mantine/core';
import { getApp, listApps } from '#shared/contract/apps.ts';
import { getRawConfig, listConfigBackups, patchApp } from '#shared/contract/config.ts';
import { PREFIX_HELD_SECONDS } from '#shared/limits.ts';
import { useChange, useRead } from '../../api/query.ts';
import { markChanged } from '../../ui/data/marks.ts';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { changesFrom } from '../../ui/form/form-changes.ts';
import type { AppRow } from './app-cells.tsx';
import { nestingNote, prefixProblem } from './app-names.ts';

/** Changes what people see of an app, and its rooms' prefix. Its name stays. */
export const openRenameApp = (app: RenamedApp): void =>
  openDialog({
    title: `Rename ${app.name}`,
    size: 460,
    content: (close) => <RenameForm app={app} onClose={close} />,
  });

type RenamedApp = Pick<AppRow, 'name' | 'displayName' | 'livekitRoomPrefix'>;

function RenameForm({ app, onClose }: { app: RenamedApp; onClose: () => void }) {
  const apps = useRead(listApps).data ?? [];
  const patch = useChange(patchApp, { refreshes: [listApps, getApp, getRawConfig, listConfigBackups] });
  const form = useApiForm({
    initialValues: { displayName: app.displayName, roomPrefix: app.livekitRoomPrefix },
    send: (values, base) => patch.mutateAsync({ params: { name: app.name }, body: changesFrom(base, values) }),
    onDone: () => {
      markChanged('apps', app.name);
      onClose();
    },
  });
  const { roomPrefix } = form.values;
  const wrong = prefixProblem(roomPrefix, apps, app.name);
  const changes = changesFrom(form.base, form.values);
  return (
    <Form form={form} action="Rename app" onCancel={onClose} isDisabled={!form.isChanged || wrong !== undefined}>
      <TextInput label="Display name" {...form.getInputProps('displayName')} maxLength={100} data-autofocus />
      <TextInput
        label="Room prefix"
        description={nestingNote(roomPrefix, apps, app.name)}
        value={roomPrefix}
        onChange={(event) => form.setFieldValue('roomPrefix', event.currentTarget.value.toLowerCase())}
        error={wrong ?? form.errors['roomPrefix']}
        maxLength={40}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      {changes.roomPrefix === undefined ? null : (
        <Notice tone="warn" title={`Rooms called ${app.livekitRoomPrefix}… no longer belong to this app`}>
          <p>
            Streams that are live in them go on, but are not counted here any more. New rooms begin with {roomPrefix}.
            The old prefix is held for your team for {PREFIX_HELD_SECONDS / 86_400} days.
          </p>
        </Notice>
      )}
    </Form>
  );
}
