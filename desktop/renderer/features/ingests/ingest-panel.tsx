import { Button, Switch } from '@mantine/core';
import { deleteIngress, getIngress, listIngress, updateIngress } from '#shared/contract/ingress.ts';
import { getAppStats, listStreams } from '#shared/contract/streams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Mono } from '../../ui/data/copy.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { Notice, Problem } from '../../ui/feedback/problem.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { Facts } from '../../ui/layout/page.tsx';
import { SidePanel } from '../../ui/layout/side-panel.tsx';
import { At } from '../../ui/words/time.tsx';
import { NeedsService } from './create-ingest.tsx';
import { EncoderSettings, StreamKey } from './encoder-settings.tsx';
import {
  INGEST_TONES,
  INGEST_TYPES,
  type Ingest,
  ingestName,
  ingestState,
  isSending,
  pictureWords,
  soundWords,
} from './ingest-words.ts';

/** One ingest: the values for the encoder, its state, and its actions. */
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
            title={lack && `Needs ${lack}.`}
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
          {ingest.type === 'url' ? null : <Enabled app={app} ingest={ingest} />}
          <EncoderSettings type={ingest.type} url={ingest.url}>
            <StreamKey app={app} ingest={ingest} />
          </EncoderSettings>
          <Facts
            items={{
              Type: INGEST_TYPES[ingest.type],
              Picture: pictureWords(ingest) ?? UNKNOWN,
              Sound: soundWords(ingest) ?? UNKNOWN,
              'Sent to the room': isSending(ingest) ? (
                <Layers app={app} id={ingest.id} />
              ) : (
                <span className="dim">nothing</span>
              ),
              Room: <Mono what="room">{ingest.room}</Mono>,
              Participant: <Mono what="participant">{ingest.participant}</Mono>,
              Transcoding: ingest.transcode ? 'yes, by the ingress service' : 'no',
              [isSending(ingest) ? 'Live since' : 'Last started']: ingest.startedAt ? (
                <At at={ingest.startedAt} />
              ) : (
                <span className="dim">never</span>
              ),
              ...(ingest.endedAt ? { Ended: <At at={ingest.endedAt} /> } : {}),
              Id: <Mono what="id">{ingest.id}</Mono>,
            }}
          />
          {ingest.status === 'inactive' && ingest.type !== 'url' ? <NeedsService /> : null}
        </>
      ) : null}
    </SidePanel>
  );
}

const UNKNOWN = <span className="dim">unknown</span>;

/** Sizes that the ingress service really sends; LiveKit announces no changes of them. */
function Layers({ app, id }: { app: string; id: string }) {
  const { data } = useRead(getIngress, { params: { app, id } }, { every: 5000 });
  if (data === undefined || data.layers.length === 0) return UNKNOWN;
  return data.layers.map(({ width, height }) => `${width} × ${height}`).join(', ');
}

/** Refuses encoders without taking the key from them. */
function Enabled({ app, ingest }: { app: string; ingest: Ingest }) {
  const update = useChange(updateIngress, { refreshes: [listIngress, getIngress, listStreams], timeout: 30_000 });
  const lack = useLack(updateIngress);
  const set = (enabled: boolean) => update.mutateAsync({ params: { app, id: ingest.id }, body: { enabled } });
  const change = (enabled: boolean): void => {
    if (enabled || !isSending(ingest)) {
      // the problem is shown below the switch
      set(enabled).catch(() => undefined);
      return;
    }
    ask({
      title: `Pause ingest ${ingestName(ingest)}`,
      body: (
        <p>
          It is live: its stream in room <code>{ingest.room}</code> ends. The key stays valid for when you resume it.
        </p>
      ),
      action: 'Pause ingest',
      isDangerous: true,
      run: () => set(false),
    });
  };
  return (
    <>
      <Switch
        label="Accept encoders"
        description="When off, the ingest is paused: encoders are refused, and it keeps its key."
        checked={ingest.enabled}
        disabled={lack !== undefined || update.isPending}
        title={lack && `Needs ${lack}.`}
        onChange={(event) => change(event.currentTarget.checked)}
      />
      {update.error ? <Problem error={update.error} title="The ingest was not changed." /> : null}
    </>
  );
}

function Effect({ ingest }: { ingest: Ingest }) {
  const isLive = isSending(ingest);
  return (
    <>
      {isLive ? (
        <p>
          It sends now: its stream in room <code>{ingest.room}</code> ends, and viewers will stop seeing the stream.
        </p>
      ) : (
        <p>
          Nothing comes in by it now; others in room <code>{ingest.room}</code> notice nothing.
        </p>
      )}
      <p>
        {ingest.type === 'url'
          ? 'LiveKit stops fetching the source. Recordings stay.'
          : 'Its key stops working: each encoder that uses it needs a new one. Recordings stay.'}
      </p>
    </>
  );
}
