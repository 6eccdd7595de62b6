import type { RoomDirectory } from '#daemon/media/streams/room-directory.ts';
import type { DaemonEvent, EventBus } from '#daemon/platform/events/bus.ts';
import { type HwaccelChoice, resolveHwaccel } from '#shared/config/hwaccel.ts';
import type { EventData } from '#shared/schema/event-payloads.ts';
import type { GpuStatus } from '#shared/schema/gpu.ts';
import type { MetricsService } from './service.ts';

export interface MediaMetricsSources {
  metrics: MetricsService;
  bus: EventBus;
  rooms: RoomDirectory;
  /** Of each app with live HLS. */
  hlsDelays(): { app: string; delayMs: number }[];
  /** Of each app that publishes over MQTT. */
  mqttConnections(): { app: string; isConnected: boolean }[];
  appOf(room: string): string | undefined;
  gpu(): GpuStatus | undefined;
  /** The app's wish where to encode; undefined when its config cannot be read. */
  hwaccel(app: string): Promise<HwaccelChoice | undefined>;
}

type Recorded = EventData<'recording.ready'>;

/** Counts what happens to streams, recordings and callbacks, and tells who watches. */
export function addMediaMetrics(sources: MediaMetricsSources): void {
  const { metrics, bus, rooms, appOf } = sources;
  metrics.collect('stream_viewers', () =>
    [...rooms.names()].flatMap((room) => {
      const app = appOf(room);
      return app === undefined ? [] : [{ labels: { app, room }, value: rooms.counts(room).viewers }];
    }),
  );
  metrics.collect('live_hls_delay_seconds', () =>
    sources.hlsDelays().map(({ app, delayMs }) => ({ labels: { app }, value: delayMs / 1000 })),
  );
  metrics.collect('mqtt_connected', () =>
    sources.mqttConnections().map(({ app, isConnected }) => ({ labels: { app }, value: isConnected ? 1 : 0 })),
  );
  bus.subscribe((event) => {
    if (!metrics.isEnabled) return undefined;
    countFailure(metrics, event);
    return event.app === undefined ? undefined : count(sources, event.app, event);
  });
}

function count(sources: MediaMetricsSources, app: string, { type, data }: DaemonEvent): Promise<void> | undefined {
  const { metrics } = sources;
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
      return countTranscode(sources, app, 'egress');
    case 'recording.ready':
      metrics.count('vods_generated_total', { app });
      countUpload(metrics, data, 'ok');
      break;
    case 'recording.failed':
      metrics.count('recording_failures_total', { app, reason: reasonOf(data) });
      if (reasonOf(data) === 'upload') countUpload(metrics, data, 'fail');
      break;
    case 'ingress.started':
      return data.transcode === true ? countTranscode(sources, app, 'ingress') : undefined;
    case 'callback.delivered':
    case 'callback.failed':
      metrics.count('callbacks_total', { app, event: data.event, result: type.slice('callback.'.length) });
      break;
    case 'mqtt.delivered':
    case 'mqtt.failed':
      metrics.count('mqtt_events_total', { app, event: data.event, result: type.slice('mqtt.'.length) });
      break;
    case 'latency.high':
      metrics.count('latency_alerts_total', { app });
      break;
    case 'callback.dead':
      metrics.count('callbacks_total', { app, ...droppedOf(data) }, data.count ?? 1);
      break;
    case 'mqtt.dead':
      metrics.count('mqtt_events_total', { app, ...droppedOf(data) }, data.count ?? 1);
      break;
  }
}

const droppedOf = (data: EventData<'callback.dead'>) => ({ event: data.event ?? 'several', result: 'dropped' });

/** Recordings go into the bucket by LiveKit's egress service: what it says of them is what is known. */
function countUpload(metrics: MetricsService, data: Recorded, result: 'ok' | 'fail'): void {
  const { provider, bytes } = data;
  // one that stayed on the disk was not uploaded
  if (provider === null) return;
  metrics.count('s3_uploads_total', { provider, result });
  if (result === 'ok') metrics.count('s3_upload_bytes_total', { provider }, bytes ?? 0);
  else metrics.count('s3_errors_total', { op: 'upload' });
}

async function countTranscode(sources: MediaMetricsSources, app: string, kind: 'egress' | 'ingress'): Promise<void> {
  const { effective, type } = resolveHwaccel((await sources.hwaccel(app)) ?? 'auto', sources.gpu());
  sources.metrics.count('media_transcode_total', { kind, accel: effective, type: effective === 'gpu' ? type : 'none' });
}

/** What failed outside of a request. */
function countFailure(metrics: MetricsService, { type, data }: DaemonEvent): void {
  if (type === 'livekit.unreachable') metrics.count('errors_total', { source: 'livekit', code: 'unreachable' });
  else if (type === 'recording.failed') metrics.count('errors_total', { source: 'recording', code: reasonOf(data) });
  else if (type === 'job.failed') metrics.count('errors_total', { source: 'jobs', code: data.job.kind });
}

/** A word of a few, so that a label never grows without end. */
function reasonOf({ error = '' }: Recorded): string {
  if (/no egress service/.test(error)) return 'no_egress';
  if (/aborted/.test(error)) return 'aborted';
  if (/no longer knows|before LiveKit answered|that recorded it is gone/.test(error)) return 'lost';
  return /upload|bucket|S3|storage/i.test(error) ? 'upload' : 'failed';
}
