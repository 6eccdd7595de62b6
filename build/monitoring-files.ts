import { stringify } from 'yaml';
import { FAMILIES, type Family, type MetricAlert, SECTIONS } from '#daemon/operations/metrics/families.ts';

const NOTE = 'Made by `npm run docs` from daemon/operations/metrics/families.ts; do not edit.';
const JOB = 'streamhub';
/** Columns of Grafana's grid, and the rows of a panel. */
const WIDTH = 24;
const HEIGHT = 8;

const families = Object.entries<Family>(FAMILIES);
const fullName = (name: string): string => `streamhub_${name}`;

/** Files for Prometheus and Grafana: path below the repository's root → text. */
export function monitoringFiles(): Record<string, string> {
  return {
    'build/monitoring/prometheus.yml': scrapeConfig(),
    'build/monitoring/streamhub-alerts.yml': `# ${NOTE}\n${stringify({ groups: alertGroups() }, { lineWidth: 0 })}`,
    'build/monitoring/grafana-streamhub.json': dashboard('streamhub', 'StreamHub', families, []),
    'build/monitoring/grafana-streamhub-app.json': dashboard(
      'streamhub-app',
      'StreamHub: one app',
      families.filter(([, { labels }]) => labels.includes('app')),
      ['app'],
    ),
  };
}

/** Alerts as Prometheus evaluates them; the first one notices that the daemon itself is away. */
export function alertGroups(): { name: string; rules: object[] }[] {
  const away: MetricAlert = {
    name: 'StreamHubAway',
    expr: `up{job="${JOB}"} == 0`,
    for: '2m',
    severity: 'critical',
    summary: 'The daemon at {{ $labels.instance }} does not answer.',
  };
  const rules = families.flatMap(([name, { alerts = [] }]) =>
    alerts.map((one) => ({ ...one, expr: one.expr.replaceAll('FAMILY', fullName(name)) })),
  );
  return [{ name: JOB, rules: [away, ...rules].map(prometheusRule) }];
}

const prometheusRule = ({ name, expr, for: held, severity, summary }: MetricAlert): object => ({
  alert: name,
  expr,
  for: held,
  labels: { severity },
  annotations: { summary },
});

function scrapeConfig(): string {
  return `# ${NOTE}
# Put METRICS_TOKEN of the daemon into the file metrics-token beside this one, readable by Prometheus only.
rule_files: [streamhub-alerts.yml]
scrape_configs:
  - job_name: ${JOB}
    metrics_path: /metrics
    # https for a daemon on another machine
    scheme: http
    authorization: { credentials_file: metrics-token }
    static_configs: [{ targets: ['127.0.0.1:3020'] }]
`;
}

/**
 * A dashboard with a section for each group of families and a panel for each family.
 * @param variables labels that a person chooses from at the top
 */
function dashboard(
  uid: string,
  title: string,
  shown: readonly (readonly [string, Family])[],
  variables: readonly string[],
): string {
  const filter = ['job=~"$job"', 'instance=~"$instance"', ...variables.map((label) => `${label}=~"$${label}"`)].join(
    ', ',
  );
  const panels: object[] = [];
  let y = 0;
  for (const section of SECTIONS) {
    const own = shown.filter(([, family]) => family.section === section);
    if (own.length === 0) continue;
    panels.push({
      type: 'row',
      title: section,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: WIDTH, x: 0, y },
      id: panels.length + 1,
    });
    y += 1;
    for (const [index, [name, family]] of own.entries()) {
      const x = (index % 2) * (WIDTH / 2);
      panels.push({
        ...panel(name, family, filter, variables),
        id: panels.length + 1,
        gridPos: { h: HEIGHT, w: WIDTH / 2, x, y: y + Math.floor(index / 2) * HEIGHT },
      });
    }
    y += Math.ceil(own.length / 2) * HEIGHT;
  }
  const first = fullName(shown[0]?.[0] ?? '');
  const chosen = ['job', 'instance', ...variables].map((label) => ({
    name: label,
    label,
    type: 'query',
    datasource: DATASOURCE,
    query: {
      query: `label_values(${label === 'job' || label === 'instance' ? FIRST : first}, ${label})`,
      refId: label,
    },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    current: { text: 'All', value: '$__all' },
  }));
  const source = { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' };
  return `${JSON.stringify(
    {
      uid,
      title,
      description: NOTE,
      tags: ['streamhub'],
      editable: true,
      refresh: '30s',
      schemaVersion: 39,
      time: { from: 'now-6h', to: 'now' },
      timezone: 'browser',
      templating: { list: [source, ...chosen] },
      panels,
    },
    null,
    2,
  )}\n`;
}

const DATASOURCE = { type: 'prometheus', uid: `\${datasource}` };
/** A family that each daemon has, so that jobs and instances are found by it. */
const FIRST = fullName('http_requests_in_flight');

function panel(name: string, family: Family, filter: string, variables: readonly string[]): object {
  const selector = `${fullName(name)}${family.type === 'histogram' ? '_bucket' : ''}{${filter}}`;
  const labels = family.labels.filter((label) => !variables.includes(label));
  return {
    type: 'timeseries',
    title: family.help.replace(/[.:;].*$/s, ''),
    description: `${fullName(name)}: ${family.help}`,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: { unit: unitOf(family), min: 0, custom: { showPoints: 'never', fillOpacity: 8 } },
      overrides: [],
    },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries(family, selector, labels).map(({ expr, legend }, index) => ({
      expr,
      legendFormat: legend,
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
    })),
  };
}

/** What a panel asks of Prometheus, by the type of the family. */
function queries(family: Family, selector: string, labels: readonly string[]): { expr: string; legend: string }[] {
  if (family.type === 'histogram')
    return [0.5, 0.95, 0.99].map((share) => ({
      expr: `histogram_quantile(${share}, sum by (le) (rate(${selector}[$__rate_interval])))`,
      legend: `p${share * 100}`,
    }));
  const by = labels.length === 0 ? ['instance'] : labels;
  const value = family.type === 'counter' ? `rate(${selector}[$__rate_interval])` : selector;
  return [{ expr: `sum by (${by.join(', ')}) (${value})`, legend: by.map((label) => `{{${label}}}`).join(' · ') }];
}

const unitOf = ({ type, unit }: Family): string =>
  unit === undefined ? (type === 'counter' ? 'cps' : 'short') : unit === 'bytes' && type === 'counter' ? 'Bps' : unit;
