import { FAMILIES, type Family, SECTIONS } from '#daemon/operations/metrics/families.ts';
import { alertGroups } from './monitoring-files.ts';

const cell = (text: string): string => text.replace(/\|/g, '\\|');

/** docs/monitoring.md: how to set up Prometheus and Grafana, what is measured, and which alerts there are. */
export function monitoringDoc(): string {
  const sections = SECTIONS.map((section) => {
    const rows = Object.entries<Family>(FAMILIES)
      .filter(([, family]) => family.section === section)
      .map(
        ([name, { type, labels, help }]) =>
          `| \`streamhub_${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${cell(help)} |`,
      );
    return `### ${section}\n\n| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
  });
  const rules = alertGroups()
    .flatMap((group) => group.rules as Rule[])
    .map(
      ({ alert, for: held, labels, annotations }) =>
        `| \`${alert}\` | ${labels.severity} | ${held === '0m' ? 'immediately' : `after ${held}`} | ${cell(words(annotations.summary))} |`,
    );
  return `# Metrics and traces

## Prometheus and Grafana

Set \`METRICS_TOKEN\`, and \`GET /metrics\` (at the server's root) tells Prometheus what the daemon measures. Prometheus sends the token as Bearer. Without the
setting the route returns 404.

The folder \`build/monitoring\` has what you need:

| file | what it is |
| --- | --- |
| \`prometheus.yml\` | a config for Prometheus that asks the daemon and loads the alert rules; change the address |
| \`streamhub-alerts.yml\` | the alert rules below |
| \`grafana-streamhub.json\` | a dashboard of everything: import it in Grafana, and choose your Prometheus |
| \`grafana-streamhub-app.json\` | a dashboard of the apps that you choose |

1. Copy \`prometheus.yml\` and \`streamhub-alerts.yml\` to the folder of Prometheus' config.
2. Write \`METRICS_TOKEN\` into the file \`metrics-token\` in that folder, and let only Prometheus read it.
3. Restart Prometheus. Its page *Alerts* lists the rules.
4. In Grafana, open *Dashboards*, *New*, *Import*, and upload both dashboards.

Alerts from Prometheus need its Alertmanager.

## Traces

Set \`OTEL_EXPORTER_OTLP_ENDPOINT\` to the address of an OpenTelemetry collector, for example \`http://127.0.0.1:4318\`. The daemon then sends a span for each
request, each attempt of a job, each task of a worker and each call of LiveKit. Reports are OTLP over HTTP, as JSON, at the path \`/v1/traces\`. A request
with the header \`traceparent\` continues the trace of its client. Each job has its own trace.

Spans name routes, tasks and apps, never addresses, texts or secrets. \`STREAMHUB_TRACES_PERCENT\` says how many traces are sent. Without the setting the
libraries aren't loaded. If the collector doesn't answer, spans are dropped, and the log says \`TRACES_NOT_SENT\`.

## Alerts

| alert | severity | tells | meaning |
| --- | --- | --- | --- |
${rules.join('\n')}

## Metrics

Gauges are read at each request, and are a few seconds old at most. Counters begin with the start of the daemon. Bytes sent to viewers aren't measured, so
\`streamhub_tenant_usage\` has no \`egress_gb_month\`. In \`streamhub_http_requests_total\`, the status 499 means that the client left before the response
started. \`METRICS_DEFAULT_METRICS\` adds figures of the process.

${sections.join('\n\n')}
`;
}

interface Rule {
  alert: string;
  for: string;
  labels: { severity: string };
  annotations: { summary: string };
}

/** A summary for people: what Prometheus fills in, in words. */
const words = (summary: string): string =>
  summary.replace(/\{\{ \$labels\.(\w+) \}\}/g, '*$1*').replace(/\{\{ \$value \}\}/g, '*Some*');
