import { Button, Modal, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { getApp, listApps } from '#shared/contract/apps.ts';
import { getRawConfig, listConfigBackups, patchApp } from '#shared/contract/config.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { useChange } from '../../api/query.ts';
import { markChanged } from '../../ui/data/marks.ts';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { fieldErrors } from '../../ui/form/fields.ts';
import type { AppRow } from './app-cells.tsx';
import { prefixProblem } from './app-names.ts';

type Props = { onClose: () => void; apps: ResultOf<typeof listApps> };

/** Changes what people see of an app, and its rooms' prefix. Its name stays. */
export function RenameApp({ app, ...props }: Props & { app: AppRow | undefined }) {
  return (
    <Modal opened={app !== undefined} onClose={props.onClose} title={app ? `Rename ${app.name}` : ''} size={460}>
      {app ? <Form key={app.name} app={app} {...props} /> : null}
    </Modal>
  );
}

function Form({ app, apps, onClose }: Props & { app: AppRow }) {
  const [displayName, setDisplayName] = useState(app.displayName);
  const [prefix, setPrefix] = useState(app.livekitRoomPrefix);
  const patch = useChange(patchApp, { refreshes: [listApps, getApp, getRawConfig, listConfigBackups] });
  const server = fieldErrors(patch.error);
  const wrong = prefixProblem(prefix, apps, app.name);
  const body = {
    ...(displayName === app.displayName ? {} : { displayName }),
    ...(prefix === app.livekitRoomPrefix ? {} : { roomPrefix: prefix }),
  };
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if ((await patch.mutateAsync({ params: { name: app.name }, body }).catch(() => undefined)) === undefined) return;
    markChanged('apps', app.name);
    onClose();
  };
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <TextInput
        label="Display name"
        value={displayName}
        onChange={(event) => setDisplayName(event.currentTarget.value)}
        error={server.of('displayName')}
        maxLength={100}
        data-autofocus
      />
      <TextInput
        label="Room prefix"
        value={prefix}
        onChange={(event) => setPrefix(event.currentTarget.value.toLowerCase())}
        error={wrong ?? server.of('roomPrefix')}
        maxLength={40}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mono)' } }}
      />
      {body.roomPrefix === undefined ? null : (
        <Notice tone="warn" title={`Rooms called ${app.livekitRoomPrefix}… no longer belong to this app`}>
          <p>Streams that are live in them go on, but are not counted here any more. New rooms begin with {prefix}.</p>
        </Notice>
      )}
      {server.rest === undefined ? null : <Problem error={server.rest} />}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button onClick={onClose}>Cancel</Button>
        <Button
          type="submit"
          variant="filled"
          loading={patch.isPending}
          disabled={Object.keys(body).length === 0 || wrong !== undefined}
        >
          Rename app
        </Button>
      </div>
    </form>
  );
}
