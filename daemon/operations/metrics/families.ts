import { DISK_LOW } from '#shared/rules/conditions.ts';
import { QUALITY_LIMITS } from '#shared/rules/quality.ts';

/** Sections of the dashboards, in their order. */
export const SECTIONS = ['Streams', 'Recordings', 'Storage', 'Events for receivers', 'API', 'Teams', 'Daemon'] as const;

/** Something that Prometheus tells an operator about, from one family. */
export interface MetricAlert {
  /** Its name in Prometheus. */
  name: string;
  /** PromQL; `FAMILY` stands for the full name of the family. */
  expr: string;
  /** How long it must hold, e.g. `5m`. */
  for: string;
  severity: 'warning' | 'critical';
  /** One sentence; Prometheus fills in `{{ $labels.app }}` and the like. */
  summary: string;
}

/** One family of metrics; its full name begins with `streamhub_`. The dashboards and alert rules in build/monitoring derive from it. */
export interface Family {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  labels: readonly string[];
  buckets?: readonly number[];
  section: (typeof SECTIONS)[number];
  /** Grafana's name of the unit; a number without one by default. A counter is shown per second. */
  unit?: 's' | 'bytes';
  alerts?: readonly MetricAlert[];
}

type Shown = Pick<Family, 'section' | 'unit' | 'alerts'>;
const counter = (help: string, labels: readonly string[], shown: Shown) =>
  ({ type: 'counter', help, labels, ...shown }) as const;
const gauge = (help: string, labels: readonly string[], shown: Shown) =>
  ({ type: 'gauge', help, labels, ...shown }) as const;
const alert = (
  severity: MetricAlert['severity'],
  name: string,
  expr: string,
  held: string,
  summary: string,
): MetricAlert => ({ severity, name, expr, for: held, summary });

/**
 * More of it than 15 minutes ago. `increase` and `delta` miss the first of its kind, because then there was no sample before;
 * where Prometheus has just begun to watch, what is there already is not news.
 */
const grew = (change: 'increase' | 'delta', selector = ''): string =>
  `${change}(FAMILY${selector}[15m]) > 0 or (FAMILY${selector} > 0 unless FAMILY${selector} offset 15m) and on (job, instance) up offset 15m == 1`;

const percent = (share: number): string => `${Number((share * 100).toPrecision(6))} %`;

/** Every family, declared once. Counters are counted where something happens; gauges are asked for at each scrape. */
export const FAMILIES = {
  active_streams: gauge('Live streams.', ['app'], { section: 'Streams' }),
  stream_viewers: gauge('Viewers of a room.', ['app', 'room'], { section: 'Streams' }),
  stream_events_total: counter('Stream events.', ['app', 'event'], { section: 'Streams' }),
  live_hls_delay_seconds: gauge(
    'Delay of live HLS for viewers, from program date times: the largest of an app.',
    ['app'],
    { section: 'Streams', unit: 's' },
  ),
  latency_alerts_total: counter('Times that viewers were further behind than latency_alert allows.', ['app'], {
    section: 'Streams',
    alerts: [
      alert(
        'warning',
        'StreamHubLatencyHigh',
        grew('increase'),
        '0m',
        'Viewers of {{ $labels.app }} were further behind than its config allows.',
      ),
    ],
  }),
  livekit_reachable: gauge('1 while LiveKit answers, else 0; absent while it is not configured.', [], {
    section: 'Streams',
    alerts: [
      alert(
        'critical',
        'StreamHubLiveKitAway',
        'FAMILY == 0',
        '2m',
        'LiveKit does not answer, so nothing can be streamed.',
      ),
    ],
  }),
  recordings_started_total: counter('Started recordings.', ['app'], { section: 'Recordings' }),
  vods_generated_total: counter('Finished recordings.', ['app'], { section: 'Recordings' }),
  recording_failures_total: counter('Failed recordings.', ['app', 'reason'], {
    section: 'Recordings',
    alerts: [
      alert(
        'warning',
        'StreamHubRecordingFailed',
        grew('increase'),
        '0m',
        'A recording of {{ $labels.app }} failed: {{ $labels.reason }}.',
      ),
    ],
  }),
  upload_queue_depth: gauge('VODs being recorded or uploaded.', ['app'], { section: 'Recordings' }),
  vods: gauge('VODs by status.', ['app', 'status'], { section: 'Recordings' }),
  media_transcode_total: counter(
    'Encodings started by recordings and ingests, by the app’s setting for where they run.',
    ['kind', 'accel', 'type'],
    { section: 'Recordings' },
  ),
  gpu_available: gauge('1 for the kind of GPU that was found.', ['type'], { section: 'Recordings' }),
  s3_uploads_total: counter(
    'Recordings uploaded to object storage, as reported by LiveKit’s egress service.',
    ['provider', 'result'],
    {
      section: 'Storage',
      alerts: [
        alert(
          'warning',
          'StreamHubUploadFailed',
          grew('increase', '{result="fail"}'),
          '0m',
          'A recording could not be uploaded to {{ $labels.provider }}.',
        ),
      ],
    },
  ),
  s3_upload_bytes_total: counter('Bytes of recordings uploaded to object storage.', ['provider'], {
    section: 'Storage',
    unit: 'bytes',
  }),
  s3_errors_total: counter('Failed object storage operations: delete, presign, upload, or a test step.', ['op'], {
    section: 'Storage',
    alerts: [
      alert(
        'warning',
        'StreamHubStorageErrors',
        'increase(FAMILY[15m]) > 5',
        '5m',
        'The object storage refuses or does not answer: {{ $labels.op }}.',
      ),
    ],
  }),
  disk_free_bytes: gauge('Free bytes of the disk with DATA_DIR.', [], {
    section: 'Storage',
    unit: 'bytes',
    alerts: (['warn', 'danger'] as const).map((level) =>
      alert(
        level === 'warn' ? 'warning' : 'critical',
        level === 'warn' ? 'StreamHubDiskLow' : 'StreamHubDiskFull',
        `FAMILY / streamhub_disk_total_bytes < ${DISK_LOW[level]}`,
        '10m',
        `Less than ${percent(DISK_LOW[level])} of the daemon’s disk is free.`,
      ),
    ),
  }),
  disk_total_bytes: gauge('Size of the disk with DATA_DIR.', [], { section: 'Storage', unit: 'bytes' }),
  callbacks_total: counter('Callback deliveries.', ['app', 'event', 'result'], {
    section: 'Events for receivers',
    alerts: [
      alert(
        'warning',
        'StreamHubCallbacksDropped',
        grew('increase', '{result="dropped"}'),
        '0m',
        'Callbacks of {{ $labels.app }} were given up.',
      ),
    ],
  }),
  mqtt_events_total: counter('Events published over MQTT.', ['app', 'event', 'result'], {
    section: 'Events for receivers',
  }),
  mqtt_connected: gauge('1 while there is a connection to the app’s MQTT broker, else 0.', ['app'], {
    section: 'Events for receivers',
    alerts: [
      alert(
        'warning',
        'StreamHubMqttAway',
        'FAMILY == 0',
        '5m',
        '{{ $labels.app }} has no connection to its MQTT broker.',
      ),
    ],
  }),
  http_requests_total: counter('Answered requests, by response status.', ['method', 'route', 'status'], {
    section: 'API',
    alerts: [
      alert(
        'warning',
        'StreamHubApiErrors',
        'sum by (job, instance) (rate(FAMILY{status=~"5.."}[5m])) / sum by (job, instance) (rate(FAMILY[5m])) > 0.05',
        '10m',
        'More than 5 % of the requests to {{ $labels.instance }} fail.',
      ),
    ],
  }),
  http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the request to the end of its response.',
    labels: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    section: 'API',
    unit: 's',
  },
  http_requests_in_flight: gauge('Requests in progress.', [], { section: 'API' }),
  errors_total: counter('Errors by code; the source of request errors is http.', ['source', 'code'], {
    section: 'API',
  }),
  apps: gauge('Apps.', ['tenant'], { section: 'Teams' }),
  tenant_quota: gauge('Quota of a team; -1 = no limit.', ['tenant', 'metric'], { section: 'Teams' }),
  tenant_usage: gauge('Usage of a team’s quotas; unmeasured quotas are absent.', ['tenant', 'metric'], {
    section: 'Teams',
    alerts: [
      alert(
        'warning',
        'StreamHubQuotaNearlyUsed',
        'FAMILY / (streamhub_tenant_quota > 0) >= 0.9',
        '10m',
        'Team {{ $labels.tenant }} has used 90 % of its {{ $labels.metric }}.',
      ),
    ],
  }),
  nodes: gauge('Nodes by the status that the operator set.', ['status'], { section: 'Daemon' }),
  nodes_stale: gauge('Nodes in service without a heartbeat within STREAMHUB_CLUSTER_STALE_S.', [], {
    section: 'Daemon',
    alerts: [alert('warning', 'StreamHubNodesStale', 'FAMILY > 0', '2m', '{{ $value }} nodes send no heartbeat.')],
  }),
  node_quality_score: gauge('LiveKit’s quality score of the connections on a node, 1 to 4.5.', ['node'], {
    section: 'Daemon',
    alerts: [
      alert(
        'warning',
        'StreamHubNodeQualityBad',
        `FAMILY < ${QUALITY_LIMITS.score}`,
        '5m',
        'The quality score of node {{ $labels.node }} is {{ $value }}.',
      ),
    ],
  }),
  jobs: gauge('Jobs by kind and state.', ['kind', 'state'], {
    section: 'Daemon',
    alerts: [
      alert(
        'warning',
        'StreamHubJobFailed',
        grew('delta', '{state="failed"}'),
        '0m',
        'A job failed: {{ $labels.kind }}.',
      ),
    ],
  }),
  worker_threads: gauge('Threads of the worker pool.', [], { section: 'Daemon' }),
  log_lines_lost_total: counter('Log lines that could not be stored.', [], {
    section: 'Daemon',
    alerts: [alert('warning', 'StreamHubLogLost', grew('increase'), '0m', 'Log lines could not be stored.')],
  }),
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
