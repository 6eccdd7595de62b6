import { NODE_LEAST_PARTICIPANTS, QUALITY_LIMITS } from './quality.ts';

/** How bad an incident is. */
export const SEVERITIES = ['warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** A value that a rule compares with its own limit. */
export interface Threshold {
  /** What is compared, for people. */
  what: string;
  unit: string;
  /** `below`: wrong while the value is smaller, and only a warning above a third of the limit. `from`: wrong from the limit on. */
  is: 'below' | 'from';
  default: number;
  min: number;
  max: number;
}

/** A page of the console where something is repaired. */
export interface Place {
  label: string;
  path: string;
  search?: Record<string, string>;
}

/** Something that can go wrong. Default rules, documents, API and console derive from this table. */
export interface Condition {
  /** As a list of rules names it. */
  title: string;
  /** Where the daemon knows it from. */
  reads: string;
  /** What an incident is about. */
  subject: 'installation' | 'app' | 'node' | 'team' | 'job' | 'plugin' | 'channel' | 'address' | 'warning';
  threshold?: Threshold;
  /** Seconds that it must last before an incident opens. */
  forSeconds: number;
  /** The highest that an incident gets. */
  severity: Severity;
  /** Something that happens rather than lasts: seconds until the incident closes, unless it ends sooner. */
  keptSeconds?: number;
  /** It follows from LiveKit being away, and isn't told separately then. */
  followsLiveKit?: true;
  /** What teams that may not see the installation are told; without it they are told nothing. */
  teamText?: string;
  /** Several subjects in one line, after their number. */
  many: string;
  /** What is said when it is over. */
  closed: string;
  /** Where it is repaired. @param subject id of the subject */
  place?: (subject: string) => Place;
}

const define = <K extends string>(table: Record<K, Condition>): Readonly<Record<K, Condition>> => table;

/** Free share of a disk below which it counts as nearly full, and as full. Prometheus’ rules use it, too. */
export const DISK_LOW = { warn: 0.1, danger: 0.033 } as const;

const page =
  (label: string, path: string, parameter?: string) =>
  (subject: string): Place => ({
    label,
    path,
    ...(parameter === undefined ? {} : { search: { [parameter]: subject } }),
  });
const tab =
  (label: string, name: string) =>
  (app: string): Place => ({ label, path: `/apps/${app}/${name}` });
const DAY = 86_400;
const settings = page('Show settings', '/settings');

/** What can open an incident, by id. */
export const CONDITIONS = define({
  'livekit-away': {
    title: 'LiveKit is away',
    reads: 'every request to LiveKit, and a probe every 10 seconds',
    subject: 'installation',
    forSeconds: 0,
    severity: 'critical',
    teamText: 'LiveKit is unavailable, so nothing can be streamed. Ask an administrator',
    many: 'LiveKit servers are away',
    closed: 'LiveKit is responding again',
    place: () => ({ label: 'Check LiveKit', path: '/settings', search: { connect: 'livekit' } }),
  },
  'redis-away': {
    title: 'Redis is away',
    reads: 'a sign-in to the Redis of the settings every 30 seconds, if an address is set',
    subject: 'installation',
    forSeconds: 60,
    severity: 'critical',
    many: 'Redis servers are away',
    closed: 'Redis is responding again',
    place: () => ({ label: 'Show settings', path: '/settings', search: { q: 'REDIS' } }),
  },
  'not-ready': {
    title: 'The daemon is not ready',
    reads: 'the checks of GET /ready',
    subject: 'installation',
    forSeconds: 0,
    severity: 'critical',
    teamText: 'The daemon is not ready, so changes can fail. Ask an administrator',
    many: 'checks fail',
    closed: 'The daemon is ready again',
    place: page('Show log', '/logs'),
  },
  'node-away': {
    title: 'A node is away',
    reads: 'heartbeats; a stale node is a warning, a node that is down is critical',
    subject: 'node',
    forSeconds: 0,
    severity: 'critical',
    many: 'nodes need attention',
    closed: 'The node is reporting again',
    place: page('Show node', '/cluster', 'node'),
  },
  'node-livekit-failed': {
    title: 'LiveKit on a node isn’t running',
    reads: 'heartbeats of the edge agent',
    subject: 'node',
    forSeconds: 0,
    severity: 'critical',
    many: 'nodes have no running LiveKit',
    closed: 'LiveKit on the node is running again',
    place: page('Show node', '/cluster', 'node'),
  },
  'node-old-keys': {
    title: 'A node uses old LiveKit keys',
    reads: 'heartbeats of the edge agent',
    subject: 'node',
    forSeconds: 0,
    severity: 'warning',
    many: 'nodes use old LiveKit keys',
    closed: 'The node uses the current LiveKit keys',
    place: page('Show node', '/cluster', 'node'),
  },
  'node-duplicated': {
    title: 'Two machines report as one node',
    reads: 'heartbeats that were refused',
    subject: 'node',
    forSeconds: 0,
    severity: 'critical',
    many: 'nodes are reported by two machines',
    closed: 'One machine reports as the node',
    place: page('Show node', '/cluster', 'node'),
  },
  'node-slow': {
    title: 'LiveKit on a node is slow',
    reads: 'how long a packet takes through LiveKit, from heartbeats',
    subject: 'node',
    threshold: {
      what: 'Time to pass on a packet',
      unit: 'ms',
      is: 'from',
      default: QUALITY_LIMITS.forwardMs,
      min: 1,
      max: 10_000,
    },
    forSeconds: 60,
    severity: 'warning',
    followsLiveKit: true,
    many: 'nodes pass on packets slowly',
    closed: 'LiveKit on the node passes on packets in time',
    place: page('Show node', '/cluster', 'node'),
  },
  'node-quality': {
    title: 'Quality on a node is bad',
    reads: `LiveKit’s quality score of the connections on a node with at least ${NODE_LEAST_PARTICIPANTS} participants, from heartbeats`,
    subject: 'node',
    threshold: {
      what: 'Quality score',
      unit: 'of 4.5',
      is: 'below',
      default: QUALITY_LIMITS.score,
      min: 1,
      max: 4.5,
    },
    forSeconds: 300,
    severity: 'warning',
    followsLiveKit: true,
    many: 'nodes have bad quality',
    closed: 'Quality on the node is good again',
    place: page('Show quality', '/cluster/quality', 'node'),
  },
  'disk-low': {
    title: 'A disk is nearly full',
    reads: 'the disk of the data directory, and the disks of nodes from heartbeats',
    subject: 'node',
    threshold: { what: 'Free space', unit: '%', is: 'below', default: 100 * DISK_LOW.warn, min: 1, max: 90 },
    forSeconds: 0,
    severity: 'critical',
    many: 'disks are nearly full',
    closed: 'The disk has space again',
    place: (subject) =>
      subject === 'daemon'
        ? { label: 'See what takes space', path: '/storage' }
        : { label: 'Show node', path: '/cluster', search: { node: subject } },
  },
  'memory-low': {
    title: 'Memory is nearly used up',
    reads: 'the memory of the daemon’s machine, and that of nodes from heartbeats',
    subject: 'node',
    threshold: { what: 'Free memory', unit: '%', is: 'below', default: 5, min: 1, max: 90 },
    forSeconds: 300,
    severity: 'critical',
    many: 'machines have little free memory',
    closed: 'The machine has free memory again',
    place: (subject) =>
      subject === 'daemon'
        ? { label: 'Show load', path: '/' }
        : { label: 'Show node', path: '/cluster', search: { node: subject } },
  },
  'certificate-ending': {
    title: 'A certificate ends soon',
    reads: 'the certificates of the daemon, its public address and LiveKit; addresses are looked at every 6 hours',
    subject: 'address',
    threshold: { what: 'Days that are left', unit: 'days', is: 'below', default: 21, min: 1, max: 365 },
    forSeconds: 0,
    severity: 'critical',
    many: 'certificates end soon',
    closed: 'The certificate was renewed',
    place: settings,
  },
  'quota-ending': {
    title: 'A team has nearly used up a quota',
    reads: 'the usage of each team, looked at every 10 minutes',
    subject: 'team',
    threshold: { what: 'Used share', unit: '%', is: 'from', default: 90, min: 1, max: 100 },
    forSeconds: 0,
    severity: 'warning',
    many: 'quotas are nearly used up',
    closed: 'The team is within its quota',
    place: page('Show usage', '/access'),
  },
  'clocks-apart': {
    title: 'Clocks are apart',
    reads: 'the time in LiveKit’s answers and webhooks',
    subject: 'installation',
    threshold: { what: 'Difference', unit: 's', is: 'from', default: 5, min: 1, max: 3600 },
    forSeconds: 60,
    severity: 'warning',
    many: 'clocks are apart',
    closed: 'The clocks agree',
    place: settings,
  },
  'clock-jumped': {
    title: 'The clock of the daemon’s machine jumped',
    reads: 'the wall clock, compared with the monotonic one',
    subject: 'installation',
    forSeconds: 0,
    severity: 'warning',
    keptSeconds: 3600,
    many: 'clocks jumped',
    closed: 'The clock has been steady for an hour',
    place: page('Show log', '/logs'),
  },
  'storage-away': {
    title: 'A bucket is away',
    reads: 'the last use of the app’s storage by a recording, a test or a playback',
    subject: 'app',
    forSeconds: 0,
    severity: 'critical',
    many: 'apps can’t use their storage',
    closed: 'The storage works again',
    place: tab('Test storage', 'storage'),
  },
  'storage-provider-missing': {
    title: 'The storage provider of an app is missing',
    reads: 'the app’s config and the installed plugins',
    subject: 'app',
    forSeconds: 0,
    severity: 'critical',
    many: 'apps have no storage provider',
    closed: 'The storage provider is installed',
    place: tab('Show storage', 'storage'),
  },
  'callbacks-away': {
    title: 'A callback receiver is away',
    reads: 'the deliveries of callbacks',
    subject: 'app',
    forSeconds: 120,
    severity: 'warning',
    many: 'callback receivers are away',
    closed: 'Callbacks are delivered again',
    place: tab('Show deliveries', 'callbacks'),
  },
  'mqtt-away': {
    title: 'An MQTT broker is away',
    reads: 'the app’s connection to its broker',
    subject: 'app',
    forSeconds: 60,
    severity: 'warning',
    many: 'MQTT brokers are away',
    closed: 'The MQTT broker is connected again',
    place: tab('Show connection', 'callbacks'),
  },
  'config-invalid': {
    title: 'The config of an app is not active',
    reads: 'the app’s config.yaml',
    subject: 'app',
    forSeconds: 0,
    severity: 'critical',
    many: 'configs are not active',
    closed: 'The config is active again',
    place: tab('Edit config', 'config'),
  },
  'app-files-unusable': {
    title: 'The files of an app can’t be used',
    reads: 'the rights on the app’s folder and database',
    subject: 'app',
    forSeconds: 0,
    severity: 'warning',
    many: 'apps have files that can’t be used',
    closed: 'The files of the app can be used again',
    place: tab('Edit config', 'config'),
  },
  'room-prefix-overlaps': {
    title: 'Rooms of an app belong to another team',
    reads: 'the room prefixes of all apps',
    subject: 'app',
    forSeconds: 0,
    severity: 'warning',
    many: 'room prefixes overlap',
    closed: 'The room prefix is free of overlaps',
    place: tab('Edit config', 'config'),
  },
  'latency-high': {
    title: 'Viewers of an app are behind',
    reads: 'the delay of live HLS and of nodes, compared with latency_alert of the app’s config',
    subject: 'app',
    forSeconds: 0,
    severity: 'warning',
    followsLiveKit: true,
    many: 'apps have viewers that are behind',
    closed: 'Viewers are no longer behind',
    place: tab('Show streams', 'streams'),
  },
  'recording-failed': {
    title: 'A recording failed',
    reads: 'the end of each recording; one that succeeds closes the incident',
    subject: 'app',
    forSeconds: 0,
    severity: 'critical',
    keptSeconds: DAY,
    followsLiveKit: true,
    many: 'apps have failed recordings',
    closed: 'Recordings work again',
    place: tab('Show recordings', 'recordings'),
  },
  'ingest-dropped': {
    title: 'An ingest dropped',
    reads: 'ingests that end with an error or are lost; the next start closes the incident',
    subject: 'app',
    forSeconds: 0,
    severity: 'warning',
    keptSeconds: 3600,
    followsLiveKit: true,
    many: 'ingests dropped',
    closed: 'The ingest is back, or was not missed',
    place: (subject) => ({ label: 'Show ingests', path: `/apps/${subject.split(' ', 1)[0]}/ingests` }),
  },
  'job-failed': {
    title: 'A job was given up, or fails again and again',
    reads: 'jobs that failed within a day, and those that failed three times and are tried again',
    subject: 'job',
    forSeconds: 0,
    severity: 'warning',
    many: 'jobs failed',
    closed: 'The job is done, or was given up a day ago',
    place: page('Show job', '/jobs', 'job'),
  },
  'plugin-failed': {
    title: 'A plugin failed',
    reads: 'the state of each plugin',
    subject: 'plugin',
    forSeconds: 0,
    severity: 'warning',
    many: 'plugins failed',
    closed: 'The plugin works again',
    place: page('Show plugin', '/plugins', 'plugin'),
  },
  'addresses-banned': {
    title: 'Many addresses were banned',
    reads: 'automatic bans of the last hour',
    subject: 'installation',
    threshold: { what: 'Bans within an hour', unit: 'bans', is: 'from', default: 5, min: 1, max: 10_000 },
    forSeconds: 0,
    severity: 'warning',
    many: 'waves of bans',
    closed: 'Few addresses are banned now',
    place: page('Show bans', '/security'),
  },
  'sign-ins-failed': {
    title: 'Many sign-ins fail',
    reads: 'requests with a wrong credential within ten minutes, from all addresses',
    subject: 'installation',
    threshold: {
      what: 'Refused within ten minutes',
      unit: 'requests',
      is: 'from',
      default: 100,
      min: 1,
      max: 1_000_000,
    },
    forSeconds: 0,
    severity: 'warning',
    many: 'waves of failed sign-ins',
    closed: 'Few sign-ins fail now',
    place: page('Show access rules', '/security'),
  },
  'installation-warning': {
    title: 'The installation needs attention',
    reads: 'warnings about settings, files and the machine',
    subject: 'warning',
    forSeconds: 0,
    severity: 'warning',
    many: 'warnings about the installation',
    closed: 'The warning no longer applies',
    place: settings,
  },
  'backup-missing': {
    title: 'Backups fail, or are missing',
    reads: 'the last backup, its verification, the monthly test and the schedule; missing means 6 hours late',
    subject: 'installation',
    forSeconds: 0,
    severity: 'critical',
    many: 'backups failed',
    closed: 'A backup was made, and can be read',
    place: page('Show backups', '/backups'),
  },
  'channel-failing': {
    title: 'Alerts can’t be delivered',
    reads: 'the answers of the channels’ receivers',
    subject: 'channel',
    forSeconds: 0,
    severity: 'warning',
    many: 'channels can’t deliver alerts',
    closed: 'Alerts are delivered again',
    place: page('Show channels', '/alerts/channels'),
  },
});
export type ConditionId = keyof typeof CONDITIONS;
export const CONDITION_IDS = Object.keys(CONDITIONS) as ConditionId[];

export const conditionOf = (id: ConditionId): Condition => CONDITIONS[id];

/** Is the value beyond the limit, and is it only a warning? undefined = it is within. */
export function judge(threshold: Threshold, value: number, limit: number): { isMild: boolean } | undefined {
  if (threshold.is === 'from') return value >= limit ? { isMild: false } : undefined;
  return value < limit ? { isMild: value >= limit / 3 } : undefined;
}
