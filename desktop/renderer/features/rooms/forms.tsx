import { Switch, Textarea, TextInput } from '@mantine/core';
import {
  forwardParticipant,
  getParticipant,
  getRoom,
  moveParticipant,
  sendRoomData,
  updateParticipant,
  updateRoom,
} from '#shared/contract/rooms.ts';
import { useChange } from '../../api/query.ts';
import { openDialog } from '../../ui/feedback/dialog.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { changesIn, toLines } from './attribute-lines.ts';
import { nameOf, type Participant, type RoomDetail } from './room-words.ts';

const mono = { input: { fontFamily: 'var(--mono)' } };
const text = { autosize: true, minRows: 2, maxRows: 12, spellCheck: false, styles: mono } as const;

interface Place {
  app: string;
  room: string;
  onClose: () => void;
}

/** @param identity the only receiver; without it, everyone in the room */
export const openSendData = (app: string, room: string, identity?: string): void =>
  openDialog({
    title: identity === undefined ? `Send a data message to ${room}` : `Send a data message to ${identity}`,
    content: (onClose) => <SendData app={app} room={room} identity={identity} onClose={onClose} />,
  });

function SendData({ app, room, identity, onClose }: Place & { identity: string | undefined }) {
  const send = useChange(sendRoomData);
  const form = useApiForm({
    initialValues: { data: '', topic: '', reliable: true },
    send: ({ data, topic, reliable }) =>
      send.mutateAsync({
        params: { app, room },
        body: {
          data,
          reliable,
          ...(topic.trim() === '' ? {} : { topic: topic.trim() }),
          ...(identity === undefined ? {} : { to: [identity] }),
        },
      }),
    onDone: onClose,
  });
  return (
    <Form form={form} action="Send message" onCancel={onClose} isDisabled={form.values.data === ''}>
      <Textarea
        label="Message"
        description="Text or JSON. Clients receive it as UTF-8."
        data-autofocus
        {...form.getInputProps('data')}
        maxLength={15_000}
        {...text}
      />
      <TextInput label="Topic" {...form.getInputProps('topic')} maxLength={200} spellCheck={false} styles={mono} />
      <Switch
        label="Reliable"
        description="When off, it is sent once, and may be lost."
        {...form.getInputProps('reliable', { type: 'checkbox' })}
      />
    </Form>
  );
}

export const openEditRoom = (app: string, room: RoomDetail): void =>
  openDialog({
    title: `Metadata of ${room.name}`,
    content: (onClose) => <EditRoom app={app} room={room.name} metadata={room.metadata} onClose={onClose} />,
  });

function EditRoom({ app, room, metadata, onClose }: Place & { metadata: string }) {
  const update = useChange(updateRoom, { refreshes: [getRoom] });
  const form = useApiForm({
    initialValues: { metadata },
    send: (body) => update.mutateAsync({ params: { app, room }, body }),
    onDone: onClose,
  });
  return (
    <Form form={form} action="Save metadata" onCancel={onClose}>
      <Textarea
        label="Metadata"
        description="All participants can read it, and are told when it changes."
        data-autofocus
        {...form.getInputProps('metadata')}
        {...text}
      />
    </Form>
  );
}

export const openEditParticipant = (app: string, room: string, participant: Participant): void =>
  openDialog({
    title: `Edit ${nameOf(participant)}`,
    content: (onClose) => <EditParticipant app={app} room={room} participant={participant} onClose={onClose} />,
  });

function EditParticipant({ app, room, participant, onClose }: Place & { participant: Participant }) {
  const update = useChange(updateParticipant, { refreshes: [getRoom, getParticipant] });
  const { identity, name, metadata, attributes } = participant;
  const asLines = toLines(attributes);
  const form = useApiForm({
    initialValues: { name, metadata, attributes: asLines },
    send: (values) =>
      update.mutateAsync({
        params: { app, room, identity },
        body: {
          name: values.name,
          ...(values.metadata === metadata ? {} : { metadata: values.metadata }),
          ...(values.attributes === asLines ? {} : { attributes: changesIn(values.attributes, attributes) }),
        },
      }),
    onDone: onClose,
  });
  return (
    <Form form={form} action="Save changes" onCancel={onClose}>
      <TextInput label="Name" data-autofocus {...form.getInputProps('name')} maxLength={256} />
      <Textarea
        label="Attributes"
        description={'One per line, as name=value. In quotes, as in JSON: "name"="first line\\nsecond line".'}
        {...form.getInputProps('attributes')}
        {...text}
      />
      <Textarea label="Metadata" {...form.getInputProps('metadata')} {...text} />
      <p className="dim">Lasts until the participant leaves. Other participants can read it.</p>
    </Form>
  );
}

export const openMove = (app: string, room: string, participant: Participant, act: 'move' | 'forward'): void =>
  openDialog({
    title: act === 'move' ? `Move ${nameOf(participant)}` : `Show ${nameOf(participant)} in another room, too`,
    content: (onClose) => <Move app={app} room={room} identity={participant.identity} act={act} onClose={onClose} />,
  });

function Move({ app, room, identity, act, onClose }: Place & { identity: string; act: 'move' | 'forward' }) {
  const move = useChange(moveParticipant, { refreshes: [getRoom] });
  const forward = useChange(forwardParticipant, { refreshes: [getRoom] });
  const form = useApiForm({
    initialValues: { room: '' },
    send: (body) => (act === 'move' ? move : forward).mutateAsync({ params: { app, room, identity }, body }),
    onDone: onClose,
  });
  return (
    <Form
      form={form}
      action={act === 'move' ? 'Move participant' : 'Forward participant'}
      onCancel={onClose}
      isDisabled={form.values.room.trim() === ''}
    >
      <TextInput
        label="Other room"
        description={`A room of ${app}. LiveKit Cloud can do this; the open-source server can’t.`}
        data-autofocus
        {...form.getInputProps('room')}
        maxLength={120}
        spellCheck={false}
        styles={mono}
      />
    </Form>
  );
}
