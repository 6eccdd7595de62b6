import { choice, flag, group, HTTP, int, live, restart, secret, str, url } from './setting-types.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
const DAYS_MAX = 36_500;

/** Settings of what an operator sees: metrics, traces, and how long logs and figures are kept. */
export const OBSERVING = {
  ...group('metrics', {
    metricsToken: live(secret('METRICS_TOKEN', 'Scrape token', 'Enables GET /metrics; unset = 404.')),
    metricsDefaults: live(flag('METRICS_DEFAULT_METRICS', 'Process metrics', true, 'Include process metrics.')),
    otlpEndpoint: restart(
      url(
        'OTEL_EXPORTER_OTLP_ENDPOINT',
        'Trace collector',
        HTTP,
        'Sends traces to this OpenTelemetry collector (OTLP over HTTP, JSON), at its path /v1/traces; unset = no traces.',
        { hasPassword: true },
      ),
    ),
    otlpHeaders: restart(
      secret(
        'OTEL_EXPORTER_OTLP_HEADERS',
        'Headers for the trace collector',
        'Sent with traces: name=value, comma-separated, values percent-encoded.',
      ),
    ),
    otelServiceName: restart(
      str('OTEL_SERVICE_NAME', 'Service name in traces', 'Name of this daemon in traces.', { default: 'streamhub' }),
    ),
    tracesPercent: restart(
      int(
        'STREAMHUB_TRACES_PERCENT',
        'Kept traces, percent',
        100,
        0,
        100,
        'How many of the traces that begin here are sent.',
      ),
    ),
  }),
  ...group('retention', {
    logRetentionDays: live(
      int(
        'LOG_RETENTION_DAYS',
        'Log retention, days',
        30,
        -1_000_000,
        DAYS_MAX,
        'Days that log rows and archives are kept; 0 or less = no age limit.',
      ),
    ),
    logMaxRows: live(
      int('LOG_MAX_ROWS', 'Log rows', 2_000_000, 1000, 100_000_000, 'Maximum number of log rows of any age.'),
    ),
    auditRetentionDays: live(
      int(
        'STREAMHUB_AUDIT_RETENTION_DAYS',
        'Audit retention, days',
        365,
        0,
        DAYS_MAX,
        'Days that audit entries are kept (250,000 entries at most); 0 = no age limit.',
      ),
    ),
    logLevel: restart({
      ...choice('LOG_LEVEL', 'Log level', LOG_LEVELS, 'info', 'Lowest log level, for every output.'),
      flag: 'log-level',
    } as const),
    logMaxBytes: restart(
      int(
        'LOG_MAX_BYTES',
        'Log file size, bytes',
        10_485_760,
        65_536,
        10_737_418_240,
        'Maximum size of a log file before it is rotated.',
      ),
    ),
    logMaxFiles: restart(int('LOG_MAX_FILES', 'Log files', 10, 0, 1000, 'Number of rotated log files to keep.')),
  }),
};
