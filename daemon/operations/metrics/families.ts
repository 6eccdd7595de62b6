/** One family of metrics; its full name begins with `streamhub_`. */
export interface Family {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly string[];
  buckets?: readonly number[];
}

const counter = (help: string, ...labels: string[]) => ({ type: 'counter', help, labels }) as const;
const gauge = (help: string, ...labels: string[]) => ({ type: 'gauge', help, labels }) as const;

/** Every family, declared once. Counters are counted where something happens; gauges are asked for at each scrape. */
export const FAMILIES = {
  http_requests_total: counter('Answered requests, by response status.', 'method', 'route', 'status'),
  http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the request to the end of its response.',
    labels: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  },
  http_requests_in_flight: gauge('Requests in progress.'),
  errors_total: counter('Errors by code; the source of request errors is http.', 'source', 'code'),
  active_streams: gauge('Live streams.', 'app'),
  stream_viewers: gauge('Viewers of a room.', 'app', 'room'),
  live_hls_delay_seconds: gauge(
    'Delay of live HLS for viewers, from program date times: the largest of an app.',
    'app',
  ),
  stream_events_total: counter('Stream events.', 'app', 'event'),
  recordings_started_total: counter('Started recordings.', 'app'),
  recording_failures_total: counter('Failed recordings.', 'app', 'reason'),
  vods_generated_total: counter('Finished recordings.', 'app'),
  upload_queue_depth: gauge('VODs being recorded or uploaded.', 'app'),
  vods: gauge('VODs by status.', 'app', 'status'),
  s3_uploads_total: counter(
    'Recordings uploaded to object storage, as reported by LiveKit’s egress service.',
    'provider',
    'result',
  ),
  s3_upload_bytes_total: counter('Bytes of recordings uploaded to object storage.', 'provider'),
  s3_errors_total: counter('Failed object storage operations: delete, presign, upload, or a test step.', 'op'),
  callbacks_total: counter('Callback deliveries.', 'app', 'event', 'result'),
  mqtt_events_total: counter('Events published over MQTT.', 'app', 'event', 'result'),
  mqtt_connected: gauge('1 while there is a connection to the app’s MQTT broker, else 0.', 'app'),
  latency_alerts_total: counter('Times that viewers were further behind than latency_alert allows.', 'app'),
  tenant_quota: gauge('Quota of a team; -1 = no limit.', 'tenant', 'metric'),
  tenant_usage: gauge('Usage of a team’s quotas; unmeasured quotas are absent.', 'tenant', 'metric'),
  apps: gauge('Apps.', 'tenant'),
  media_transcode_total: counter(
    'Encodings started by recordings and ingests, by the app’s setting for where they run.',
    'kind',
    'accel',
    'type',
  ),
  gpu_available: gauge('1 for the kind of GPU that was found.', 'type'),
  nodes: gauge('Nodes by the status that the operator set.', 'status'),
  nodes_stale: gauge('Nodes without a heartbeat within STREAMHUB_CLUSTER_STALE_S.'),
  jobs: gauge('Jobs by kind and state.', 'kind', 'state'),
  worker_threads: gauge('Threads of the worker pool.'),
  log_lines_lost_total: counter('Log lines that could not be stored.'),
} as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof FAMILIES;
type OfType<T extends Family['type']> = {
  [N in FamilyName]: (typeof FAMILIES)[N] extends { type: T } ? N : never;
}[FamilyName];
export type CounterName = OfType<'counter'>;
export type GaugeName = OfType<'gauge'>;
export type HistogramName = OfType<'histogram'>;
export type Labels = Readonly<Record<string, string | number>>;

/** One value of a gauge. */
export interface Sample {
  labels?: Labels;
  value: number;
}
