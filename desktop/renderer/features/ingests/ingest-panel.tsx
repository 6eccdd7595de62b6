import { Button } from '@mantine/core';
import { deleteIngress, listIngress } from '#shared/contract/ingress.ts';
import { getAppStats, listStreams } from '#shared/contract/streams.ts';
import { useChange } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Mono } from '../../ui/data/copy.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Notice } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Facts } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { At } from '../../ui/words/time.tsx';
import { NeedsService } from './create-ingest.tsx';
import { EncoderSettings, StreamKey } from './encoder-settings.tsx';
import { INGEST_TONES, INGEST_TYPES, type Ingest, ingestName, ingestState, isSending } from './ingest-words.ts';

/** One ingest: what to type into the encoder, what it does, and its end. */
export function IngestPanel({
  app,
  ingest,
  onClose,
}: {
  app: string;
  ingest: Ingest | undefined;
  onClose: () => void;
}) {
  const remove = useChange(deleteIngress, { refreshes: [listIngress, listStreams, getAppStats] });
  const lack = useLack(deleteIngress);
  return (
    <SidePanel
      isOpen={ingest !== undefined}
      onClose={onClose}
      title={ingest ? ingestName(ingest) : 'Ingest'}
      footer={
        ingest ? (
          <Button
            color="danger"
            disabled={lack !== undefined}
            title={lack && `This needs ${lack}.`}
            onClick={() =>
              ask({
                title: `Delete ingest ${ingestName(ingest)}`,
                body: <Effect ingest={ingest} />,
                action: 'Delete ingest',
                isDangerous: true,
                run: async () => {
                  await remove.mutateAsync({ params: { app, id: ingest.id } });
                  onClose();
                },
              })
            }
          >
            Delete ingest…
          </Button>
        ) : undefined
      }
    >
      {ingest ? (
        <>
          <State tone={INGEST_TONES[ingest.status]}>{ingestState(ingest)}</State>
          {ingest.error ? <Notice tone="danger" title={ingest.error} /> : null}
          <EncoderSettings type={ingest.type} url={ingest.url}>
            <StreamKey app={app} ingest={ingest} />
          </EncoderSettings>
          <Facts
            items={{
              Type: INGEST_TYPES[ingest.type],
              Room: <Mono what="room">{ingest.room}</Mono>,
              Participant: <Mono what="participant">{ingest.participant}</Mono>,
              'Encoded anew': ingest.transcode ? 'yes, by the ingress service' : 'no',
              [isSending(ingest) ? 'Sends since' : 'Last sent']: ingest.startedAt ? (
                <At at={ingest.startedAt} />
              ) : (
                <span className="dim">never</span>
              ),
              Id: <Mono what="id">{ingest.id}</Mono>,
            }}
          />
          {ingest.status === 'inactive' && ingest.type !== 'url' ? <NeedsService /> : null}
        </>
      ) : null}
    </SidePanel>
  );
}

function Effect({ ingest }: { ingest: Ingest }) {
  const isLive = isSending(ingest);
  return (
    <>
      {isLive ? (
        <p>
          It sends now: its stream in room <code>{ingest.room}</code> ends, and viewers lose the picture.
        </p>
      ) : (
        <p>
          Nothing comes in by it now; others in room <code>{ingest.room}</code> notice nothing.
        </p>
      )}
      <p>
        {ingest.type === 'url'
          ? 'The source is not fetched any more. Recordings stay.'
          : 'Its key is worth nothing any more: each encoder that uses it needs a new one. Recordings stay.'}
      </p>
    </>
  );
}
