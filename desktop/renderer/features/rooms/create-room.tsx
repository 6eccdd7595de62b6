import { NumberInput, Textarea, TextInput } from '@mantine/core';
import { createRoom, listAllRooms, listRooms } from '#shared/contract/rooms.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { markChanged } from '../../ui/data/marks.ts';
import { Notice } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';

const mono = { input: { fontFamily: 'var(--mono)' } };

/** Opens a room before anyone joins it, with limits that LiveKit can't change later. */
export function CreateRoom({ app, isOpen, onClose }: { app: string; isOpen: boolean; onClose: () => void }) {
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title={`Create a room in ${app}`}>
      {isOpen ? <RoomForm app={app} onClose={onClose} /> : null}
    </SidePanel>
  );
}

type Whole = number | '';

function RoomForm({ app, onClose }: { app: string; onClose: () => void }) {
  const create = useChange(createRoom, { refreshes: [listRooms, listAllRooms] });
  const lack = useLack(createRoom);
  const form = useApiForm({
    initialValues: {
      room: '',
      maxParticipants: '' as Whole,
      emptyTimeoutSeconds: '' as Whole,
      departureTimeoutSeconds: '' as Whole,
      playoutDelayMs: '' as Whole,
      region: '',
      metadata: '',
    },
    send: ({ room, ...given }) => {
      const set = Object.entries(given).filter(([, value]) => value !== '');
      return create.mutateAsync({ params: { app }, body: { room: room.trim(), ...Object.fromEntries(set) } });
    },
    onDone: (made) => {
      markChanged('rooms', made.name);
      onClose();
    },
  });
  return (
    <Form
      form={form}
      action="Create room"
      problemTitle="The room was not created."
      onCancel={onClose}
      isDisabled={lack !== undefined || form.values.room.trim() === ''}
    >
      {lack ? <Notice tone="info" title={`Creating rooms needs ${lack}.`} /> : null}
      <TextInput
        label="Name"
        data-autofocus
        required
        description="The app’s prefix is added if it is missing."
        placeholder="stage"
        {...form.getInputProps('room')}
        maxLength={120}
        spellCheck={false}
        autoComplete="off"
        styles={mono}
      />
      <NumberInput
        label="Maximum participants"
        description="Leave empty for no limit."
        min={1}
        max={100_000}
        allowDecimal={false}
        {...form.getInputProps('maxParticipants')}
      />
      <NumberInput
        label="Empty timeout (s)"
        description="How long the room stays open before anyone joins. Leave empty for LiveKit’s setting."
        min={1}
        max={604_800}
        allowDecimal={false}
        {...form.getInputProps('emptyTimeoutSeconds')}
      />
      <NumberInput
        label="Departure timeout (s)"
        description="How long it stays open after the last one left. Leave empty for LiveKit’s setting."
        min={1}
        max={604_800}
        allowDecimal={false}
        {...form.getInputProps('departureTimeoutSeconds')}
      />
      <NumberInput
        label="Playout delay (ms)"
        description="Time that players wait to smooth playback. Leave empty for the app’s setting."
        min={0}
        max={2000}
        allowDecimal={false}
        {...form.getInputProps('playoutDelayMs')}
      />
      <TextInput
        label="Region"
        description="The room is placed on a node there. Leave empty for the least busy node."
        placeholder="eu-central"
        {...form.getInputProps('region')}
        maxLength={64}
        spellCheck={false}
      />
      <Textarea
        label="Metadata"
        description="All participants can read it."
        autosize
        minRows={2}
        maxRows={10}
        {...form.getInputProps('metadata')}
        spellCheck={false}
        styles={mono}
      />
    </Form>
  );
}
