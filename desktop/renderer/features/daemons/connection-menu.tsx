import { ActionIcon, Button, Menu, TextInput } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconDots } from '@tabler/icons-react';
import { useState } from 'react';
import type { Connection, TestStep } from '#shared/ipc/connections.ts';
import { signOut } from '../../api/session.ts';
import { useConnections } from '../../daemon/connections.ts';
import { opened } from '../../host/bridge-desktop.ts';
import { bridge } from '../../host/host.ts';
import { ask } from '../../ui/feedback/confirm.tsx';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Problem } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { COLOURS, ColourPicker } from './colour-picker.tsx';
import { ConnectionSteps } from './connection-steps.tsx';

/** What can be done with a connection, without opening it. */
export function ConnectionMenu({ connection }: { connection: Connection }) {
  const list = useConnections((state) => state.list);
  const native = bridge().desktop?.connections;
  if (native === undefined) return null;
  const index = list.findIndex((one) => one.id === connection.id);
  const move = (by: number): void => {
    const ids = list.map((one) => one.id);
    const [id] = ids.splice(index, 1);
    if (id !== undefined) ids.splice(index + by, 0, id);
    void native.reorder({ ids });
  };
  return (
    <Menu>
      <Menu.Target>
        <ActionIcon size="xs" aria-label={`Actions for ${connection.name}`}>
          <IconDots size={16} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          onClick={() =>
            openDialog({
              title: `Rename ${connection.name}`,
              size: 420,
              content: (close) => <EditForm connection={connection} onClose={close} />,
            })
          }
        >
          Rename, colour…
        </Menu.Item>
        <Menu.Item
          onClick={() =>
            openDialog({
              title: `Test the connection to ${connection.name}`,
              size: 520,
              content: () => <Test connection={connection} />,
            })
          }
        >
          Test the connection
        </Menu.Item>
        <Menu.Item disabled={index <= 0} leftSection={<IconArrowUp size={14} />} onClick={() => move(-1)}>
          Move up
        </Menu.Item>
        <Menu.Item
          disabled={index >= list.length - 1}
          leftSection={<IconArrowDown size={14} />}
          onClick={() => move(1)}
        >
          Move down
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item disabled={connection.credential.kept === 'none'} onClick={() => void signOut(connection.id)}>
          Sign out
        </Menu.Item>
        <Menu.Item
          color="danger"
          onClick={() =>
            ask({
              title: `Remove ${connection.name}`,
              body: (
                <p>
                  Takes it out of this list and forgets its credential and pinned certificate. The daemon itself goes on
                  as it is
                  {connection.kind === 'local' ? ', also when it runs on this machine' : ''}.
                </p>
              ),
              action: 'Remove daemon',
              isDangerous: true,
              run: async () => opened(await native.remove({ id: connection.id })),
            })
          }
        >
          Remove…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function EditForm({ connection, onClose }: { connection: Connection; onClose: () => void }) {
  const form = useApiForm({
    initialValues: {
      name: connection.name,
      colour: COLOURS.includes(connection.colour as never) ? connection.colour : (COLOURS[0] as string),
    },
    send: async ({ name, colour }) => {
      const outcome = await bridge().desktop?.connections.update({ id: connection.id, name: name.trim(), colour });
      if (outcome) opened(outcome);
    },
    onDone: onClose,
  });
  return (
    <Form form={form} action="Save" onCancel={onClose} isDisabled={form.values.name.trim() === ''}>
      <TextInput label="Name" {...form.getInputProps('name')} maxLength={320} data-autofocus />
      <ColourPicker value={form.values.colour} onChange={(colour) => form.setFieldValue('colour', colour)} />
    </Form>
  );
}

function Test({ connection }: { connection: Connection }) {
  const [steps, setSteps] = useState<readonly TestStep[]>();
  const [error, setError] = useState<unknown>();
  const [isRunning, setRunning] = useState(false);
  const run = async (): Promise<void> => {
    const native = bridge().desktop?.connections;
    if (native === undefined) return;
    setRunning(true);
    setError(undefined);
    try {
      setSteps(opened(await native.test({ target: { id: connection.id } })).steps);
    } catch (failure) {
      setError(failure);
    } finally {
      setRunning(false);
    }
  };
  return (
    <div className="stack">
      {error === undefined ? null : <Problem error={error} />}
      <ConnectionSteps steps={steps ?? []} isRunning={isRunning} />
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button variant="filled" loading={isRunning} onClick={() => void run()} data-autofocus>
          {steps === undefined ? 'Test now' : 'Test again'}
        </Button>
      </div>
    </div>
  );
}
