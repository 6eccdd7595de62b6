import { Button, Radio, TextInput } from '@mantine/core';
import { createIngress, listIngress } from '#shared/contract/ingress.ts';
import type { IngressType } from '#shared/schema/ingress.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { CopyBox, Mono } from '../../ui/data/copy.tsx';
import { markChanged } from '../../ui/data/marks.ts';
import { Notice } from '../../ui/feedback/problem.tsx';
import { Form, useApiForm } from '../../ui/form/form.tsx';
import { Facts } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { EncoderSettings } from './encoder-settings.tsx';

const KINDS: readonly { value: IngressType; label: string; description: string }[] = [
  { value: 'rtmp', label: 'RTMP', description: 'OBS, vMix and hardware encoders send here with a stream key.' },
  {
    value: 'whip',
    label: 'WHIP',
    description: 'WebRTC from an encoder, with less delay than RTMP.',
  },
  {
    value: 'url',
    label: 'URL',
    description: 'LiveKit fetches a source by http, https or srt, such as HLS, a file or SRT.',
  },
];
const mono = { input: { fontFamily: 'var(--mono)' } };

/** Makes a place for an encoder to send to, or has a source fetched. */
export function CreateIngest({ app, isOpen, onClose }: { app: string; isOpen: boolean; onClose: () => void }) {
  return (
    <SidePanel isOpen={isOpen} onClose={onClose} title={`Create an ingest in ${app}`}>
      {isOpen ? <IngestForm app={app} onClose={onClose} /> : null}
    </SidePanel>
  );
}

function IngestForm({ app, onClose }: { app: string; onClose: () => void }) {
  // a source is fetched immediately: where nothing fetches it, LiveKit says so after some seconds
  const create = useChange(createIngress, { refreshes: [listIngress], timeout: 60_000 });
  const lack = useLack(createIngress);
  const form = useApiForm({
    initialValues: { type: 'rtmp' as IngressType, name: '', room: '', identity: '', url: '', region: '' },
    send: ({ type, url, ...given }) => {
      const trimmed = Object.entries(given).map(([field, value]) => [field, value.trim()]);
      return create.mutateAsync({
        params: { app },
        body: {
          type,
          ...Object.fromEntries(trimmed.filter(([, value]) => value !== '')),
          ...(type === 'url' ? { url: url.trim() } : {}),
        },
      });
    },
    onDone: (made) => markChanged('ingests', made.id),
  });
  const { type, url } = form.values;
  if (create.data) return <Created made={create.data} onClose={onClose} />;
  return (
    <Form
      form={form}
      action="Create ingest"
      problemTitle="The ingest was not created."
      onCancel={onClose}
      isDisabled={lack !== undefined || (type === 'url' && url.trim() === '')}
    >
      {lack ? <Notice tone="info" title={`Creating ingests needs ${lack}.`} /> : null}
      <Radio.Group label="Type" {...form.getInputProps('type')}>
        <div className="stack" style={{ gap: 8, marginTop: 4 }}>
          {KINDS.map((kind) => (
            <Radio key={kind.value} {...kind} />
          ))}
        </div>
      </Radio.Group>
      {type === 'url' ? (
        <TextInput
          label="Source"
          description="LiveKit’s ingress service fetches it as soon as the ingest is created."
          placeholder="https://cdn.example.com/live/index.m3u8"
          {...form.getInputProps('url')}
          maxLength={2048}
          required
          spellCheck={false}
          autoComplete="off"
          styles={mono}
        />
      ) : null}
      <TextInput
        label="Name"
        data-autofocus
        description="Shown in the list."
        placeholder="Camera 1"
        {...form.getInputProps('name')}
        maxLength={120}
      />
      <TextInput
        label="Room"
        description="Leave empty for the app’s own room. The app’s prefix is added if it is missing."
        placeholder="stage"
        {...form.getInputProps('room')}
        maxLength={120}
        spellCheck={false}
        styles={mono}
      />
      <TextInput
        label="Identity"
        description="Identity in the room. Leave empty for a random one."
        placeholder="camera-1"
        {...form.getInputProps('identity')}
        maxLength={120}
        spellCheck={false}
        styles={mono}
      />
      <TextInput
        label="Region"
        description="Region of the source. A new room is placed on a node near it. Leave empty for the least busy node."
        placeholder="eu-central"
        {...form.getInputProps('region')}
        maxLength={64}
        spellCheck={false}
      />
    </Form>
  );
}

type Made = NonNullable<ReturnType<typeof useChange<typeof createIngress>>['data']>;

function Created({ made, onClose }: { made: Made; onClose: () => void }) {
  return (
    <>
      {made.type === 'url' ? null : (
        <Notice tone="warn" title="Anyone with the key can publish in this room">
          <p>People who may change ingests can read it here. Deleting the ingest revokes the key.</p>
        </Notice>
      )}
      <EncoderSettings type={made.type} url={made.url}>
        <CopyBox text={made.streamKey} what="stream key" />
      </EncoderSettings>
      <Facts
        items={{
          Room: <Mono what="room">{made.room}</Mono>,
          Participant: <Mono what="participant">{made.participant}</Mono>,
          Node: made.node ?? <span className="dim">LiveKit chooses</span>,
        }}
      />
      {made.type === 'url' ? null : <NeedsService />}
      <div className="row" style={{ justifyContent: 'flex-end' }}>
        <Button variant="filled" onClick={onClose}>
          Close
        </Button>
      </div>
    </>
  );
}

/** LiveKit makes RTMP and WHIP ingests also where nothing listens at their address, and does not tell which is the case. */
export function NeedsService() {
  return (
    <p className="dim">
      LiveKit’s ingress service takes the stream at this address. It is a separate program, on the same Redis as
      LiveKit; where it does not run, the encoder gets no connection and the ingest goes on waiting.
    </p>
  );
}
