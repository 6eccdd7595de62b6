import type { DaemonEvent, EventBus } from '../events/bus.ts';
import type { RoomDirectory } from '../streams/room-directory.ts';
import type { MetricsService } from './service.ts';

export interface MediaMetricsSources {
  metrics: MetricsService;
  bus: EventBus;
  rooms: RoomDirectory;
  appOf(room: string): string | undefined;
}

/** Counts what happens to streams, recordings and callbacks, and tells who watches. */
export function addMediaMetrics({ metrics, bus, rooms, appOf }: MediaMetricsSources): void {
  if (!metrics.isEnabled) return;
  metrics.collect('stream_viewers', () =>
    [...rooms.names()].flatMap((room) => {
      const app = appOf(room);
      return app === undefined ? [] : [{ labels: { app, room }, value: rooms.counts(room).viewers }];
    }),
  );
  bus.subscribe((event) => {
    if (event.app !== undefined) count(metrics, event.app, event);
  });
}

function count(metrics: MetricsService, app: string, { type, data }: DaemonEvent): void {
  switch (type) {
    case 'stream.started':
      metrics.count('stream_events_total', { app, event: 'started' });
      break;
    case 'stream.ended':
      metrics.count('stream_events_total', { app, event: 'stopped' });
      break;
    case 'snapshot.taken':
      metrics.count('stream_events_total', { app, event: 'snapshot' });
      break;
    case 'recording.started':
      metrics.count('recordings_started_total', { app });
      break;
    case 'recording.ready':
      metrics.count('vods_generated_total', { app });
      break;
    case 'recording.failed':
      metrics.count('recording_failures_total', { app, reason: reasonOf(String(data['error'])) });
      break;
    case 'callback.delivered':
    case 'callback.failed':
      metrics.count('callbacks_total', { app, event: String(data['event']), result: type.slice('callback.'.length) });
      break;
    case 'callback.dead':
      metrics.count(
        'callbacks_total',
        { app, event: String(data['event'] ?? 'several'), result: 'dropped' },
        Number(data['count'] ?? 1),
      );
      break;
  }
}

/** A few words, so that a label never grows without end. */
function reasonOf(error: string): string {
  if (/no egress service/.test(error)) return 'no_egress';
  if (/aborted/.test(error)) return 'aborted';
  return /no longer knows|had answered/.test(error) ? 'lost' : 'failed';
}
