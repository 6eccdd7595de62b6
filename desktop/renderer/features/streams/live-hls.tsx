import { Button } from '@mantine/core';
import { getDeliveryPlan } from '#shared/contract/delivery.ts';
import { startLiveHls, stopLiveHls } from '#shared/contract/live-hls.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import { listStreams } from '#shared/contract/streams.ts';
import { useChange, useRead } from '../../api/query.ts';
import { useLack } from '../../api/rights.ts';
import { Copy } from '../../ui/data/copy.tsx';
import { ask } from '../../ui/feedback/confirm.tsx';
import { State } from '../../ui/feedback/state.tsx';
import { plural } from '../../ui/words/format.ts';

type Stream = ResultOf<typeof listStreams>['data'][number];

/** Live HLS of a stream: its state, how far viewers are behind, and its address. */
export function LiveHlsState({ stream: { hls } }: { stream: Stream }) {
  if (hls === null) return <span className="dim">–</span>;
  const { state, delaySeconds, url, error, rungs } = hls;
  const running = rungs.filter((rung) => rung.state === 'running').map(({ height }) => `${height}p`);
  const qualities = running.length > 0 ? `Running: ${running.join(', ')}` : undefined;
  switch (state) {
    case 'starting':
      return (
        <State tone={error === null ? 'busy' : 'warn'} title={error ?? undefined}>
          {error === null ? 'starting' : 'waiting'}
        </State>
      );
    case 'live':
      return (
        <span className="row" style={{ gap: 4 }}>
          <State tone={error === null ? 'ok' : 'warn'} title={error ?? qualities}>
            {delaySeconds === null ? 'live' : `${Math.round(delaySeconds)} s behind`}
          </State>
          {url === null ? null : <Copy text={url} what="the HLS address" />}
        </span>
      );
    case 'failed':
      return (
        <State tone="danger" title={error ?? undefined}>
          failed
        </State>
      );
    case 'ended':
      return <State tone="muted">ended</State>;
  }
}

/** Does the app have live HLS, by its config or still from before? */
export function useLiveHls(app: string, streams: readonly Stream[]) {
  const live = useRead(getDeliveryPlan, { params: { name: app } }).data?.plan.live ?? null;
  return { live, isShown: live !== null || streams.some(({ hls }) => hls !== null) };
}

/** Starts or stops live HLS of a stream. The cost is shown first, because each quality needs an encoder. */
export function LiveHlsButton({ app, stream }: { app: string; stream: Stream }) {
  const { live } = useLiveHls(app, [stream]);
  const lack = useLack(startLiveHls);
  const start = useChange(startLiveHls, { refreshes: [listStreams], timeout: 60_000 });
  const stop = useChange(stopLiveHls, { refreshes: [listStreams] });
  const input = { params: { app, id: stream.streamId } };
  const who = stream.participant ?? stream.streamId;
  if (stream.hls?.state === 'live' || stream.hls?.state === 'starting') {
    return (
      <Button
        size="xs"
        variant="subtle"
        disabled={lack !== undefined}
        aria-label={`Stop HLS of ${who}`}
        onClick={() =>
          ask({
            title: `Stop live HLS of ${who}`,
            body: (
              <p>
                Viewers of its HLS address will stop seeing the stream. The stream itself continues, and live HLS
                doesn’t start automatically again for it.
              </p>
            ),
            action: 'Stop live HLS',
            isDangerous: true,
            run: () => stop.mutateAsync(input),
          })
        }
      >
        Stop HLS…
      </Button>
    );
  }
  if (live === null) return null;
  const heights = live.rungs.map(({ height }) => `${height}p`).join(', ');
  const cpus = live.egressCpus / live.rungs.length;
  return (
    <Button
      size="xs"
      variant="subtle"
      disabled={lack !== undefined}
      aria-label={`Start HLS of ${who}`}
      onClick={() =>
        ask({
          title: `Start live HLS of ${who}`,
          body: (
            <p>
              Takes {plural(live.rungs.length, 'encoder')} × {cpus} CPUs of LiveKit’s egress service ({heights}), as
              long as the stream runs. Qualities above what the publisher sends are left out. Viewers are about{' '}
              {live.delaySeconds} s behind.
            </p>
          ),
          action: 'Start live HLS',
          run: async () => void (await start.mutateAsync(input)),
        })
      }
    >
      Start HLS…
    </Button>
  );
}
