import { bytes } from '../format.ts';
import type { Connection } from '../ipc/connections.ts';
import { CONNECTION_CONDITIONS, connectionSentence } from './connections.ts';
import type { Findings } from './findings.ts';
import { nodeSentence, nodesInNeed, nodesInNeedWords, type Urgency } from './nodes.ts';

/** Something that needs a person: in words, with the page where it is repaired and the name of that step. */
export interface Problem {
  /** Stable while the problem lasts, unique within its daemon. */
  id: string;
  urgency: Urgency;
  text: string;
  since?: string | undefined;
  /** `path` is below the daemon's own pages of the console. */
  action?: { label: string; path: string; search?: Record<string, string> };
}

/** A failed job is worth a word for this long, milliseconds. */
const FAILED_JOB_MS = 86_400_000;
/** A job that failed so often in a row is worth a word although it is tried again. */
const WORRYING_ATTEMPTS = 3;
/** More problems of one kind than this are told in one line. */
const LISTED = 3;
/** Free share of the disk below which it counts as nearly full, and as full. */
export const DISK_LOW = { warn: 0.1, danger: 0.03 } as const;

/**
 * Everything that needs a person, the most urgent first. Pure: the same findings give the same problems, so that tray,
 * status bar, overview and the list of all daemons agree.
 * @param now wall-clock milliseconds
 */
export function problemsOf(state: Connection['state'], findings: Findings, now: number): Problem[] {
  const { stats, livekit, nodes, failedJobs, waitingJobs, plugins, apps, warnings, checks } = findings;
  return [
    ...connectionProblems(state),
    ...readinessProblems(checks ?? []),
    ...livekitProblems(stats, livekit),
    ...diskProblems(stats),
    ...nodeProblems(nodes ?? []),
    ...appProblems(apps ?? []),
    ...jobProblems(failedJobs ?? [], now),
    ...waitingProblems(waitingJobs ?? []),
    ...pluginProblems(plugins ?? []),
    ...installationProblems(warnings ?? []),
  ].sort((a, b) => Number(a.urgency === 'warn') - Number(b.urgency === 'warn'));
}

function connectionProblems(state: Connection['state']): Problem[] {
  const { urgency } = CONNECTION_CONDITIONS[state.status];
  if (urgency === null) return [];
  const isSignIn = state.status === 'signed-out' || state.status === 'locked';
  return [
    {
      id: 'connection',
      urgency,
      text: connectionSentence(state),
      since: state.since,
      ...(isSignIn ? { action: { label: 'Sign in', path: '/' } } : {}),
    },
  ];
}

/** Id of the problem that the console shows as a banner, too. */
export const NOT_READY = 'not-ready';

function readinessProblems(checks: NonNullable<Findings['checks']>): Problem[] {
  const wrong = checks.filter(({ ok }) => !ok);
  if (wrong.length === 0) return [];
  const reasons = wrong.map(({ name, detail }) => (detail === undefined ? name : `${name}: ${detail}`));
  return [
    {
      id: NOT_READY,
      urgency: 'danger',
      text: `The daemon is not ready, so changes can fail. ${reasons.join('; ')}`,
      action: { label: 'Show log', path: '/logs' },
    },
  ];
}

/** Without LiveKit nothing is streamed, so it comes before everything but the daemon itself. */
function livekitProblems(stats: Findings['stats'], livekit: Findings['livekit']): Problem[] {
  if (!stats || stats.livekitReachable || livekit === undefined) return [];
  if (livekit === null)
    return [
      {
        id: 'livekit',
        urgency: 'danger',
        text: 'LiveKit is unavailable, so nothing can be streamed. Ask an administrator',
      },
    ];
  if (!livekit.apiKeySet)
    return [
      {
        id: 'livekit',
        urgency: 'danger',
        text: 'LiveKit is not connected, so nothing can be streamed',
        action: { label: 'Connect LiveKit', path: '/settings', search: { connect: 'livekit' } },
      },
    ];
  return [
    {
      id: 'livekit',
      urgency: 'danger',
      text: `LiveKit at ${livekit.url} isn’t responding`,
      action: { label: 'Check settings', path: '/settings', search: { connect: 'livekit' } },
    },
  ];
}

function diskProblems(stats: Findings['stats']): Problem[] {
  if (!stats?.disk || stats.disk.totalBytes <= 0) return [];
  const { freeBytes, totalBytes } = stats.disk;
  if (freeBytes / totalBytes >= DISK_LOW.warn) return [];
  return [
    {
      id: 'disk',
      urgency: freeBytes / totalBytes < DISK_LOW.danger ? 'danger' : 'warn',
      text: `The disk is nearly full: ${bytes(freeBytes)} free`,
      action: { label: 'See what takes space', path: '/storage' },
    },
  ];
}

function nodeProblems(nodes: NonNullable<Findings['nodes']>): Problem[] {
  const inNeed = nodesInNeed(nodes);
  const [first] = inNeed;
  if (first === undefined || inNeed.length <= LISTED)
    return inNeed.map(({ node, state }) => ({
      id: `node:${node.id}`,
      urgency: state.urgency as Urgency,
      text: nodeSentence(node.name, state),
      since: node.last_seen_at ?? node.created_at,
      action: { label: 'Show node', path: '/cluster', search: { node: node.id } },
    }));
  const names = inNeed.slice(0, 2).map(({ node }) => node.name);
  return [
    {
      id: 'nodes',
      urgency: first.state.urgency as Urgency,
      text: `${nodesInNeedWords(inNeed.length)}: ${names.join(', ')} and ${inNeed.length - 2} more`,
      action: { label: 'Show nodes', path: '/cluster' },
    },
  ];
}

/** Where a problem of an app is repaired, unless in its config. */
const APP_ACTIONS: Readonly<Record<string, (app: string) => NonNullable<Problem['action']>>> = {
  MQTT_AWAY: (app) => ({ label: 'Show connection', path: `/apps/${app}/callbacks` }),
  STORAGE_PROVIDER_MISSING: (app) => ({ label: 'Show storage', path: `/apps/${app}/storage` }),
  LATENCY_HIGH: (app) => ({ label: 'Show streams', path: `/apps/${app}/streams` }),
};

const appProblems = (apps: NonNullable<Findings['apps']>): Problem[] => {
  const found = apps.flatMap(({ name, problems = [] }) => problems.map((problem) => ({ app: name, ...problem })));
  const lines = found.slice(0, LISTED).map(
    ({ app, code, message, since }): Problem => ({
      id: `app:${app}:${code}`,
      urgency: code === 'CONFIG_INVALID' || code === 'STORAGE_PROVIDER_MISSING' ? 'danger' : 'warn',
      text: code === 'CONFIG_INVALID' ? `The config of ${app} is not active: ${message}` : `${app}: ${message}`,
      since,
      action: APP_ACTIONS[code]?.(app) ?? { label: 'Edit config', path: `/apps/${app}/config` },
    }),
  );
  const more = found.length - lines.length;
  if (more > 0)
    lines.push({
      id: 'apps',
      urgency: 'warn',
      text: `${more} more ${more === 1 ? 'problem' : 'problems'} of apps`,
      action: { label: 'Show apps', path: '/apps' },
    });
  return lines;
};

type Job = NonNullable<Findings['failedJobs'] | Findings['waitingJobs']>[number];

const jobProblem = (job: Job, what: string): Problem => ({
  id: `job:${job.id}`,
  urgency: 'warn',
  text: `${job.title} ${what}: ${job.error?.message ?? 'no reason was given'}`,
  since: job.updatedAt,
  action: { label: 'Show job', path: '/jobs', search: { job: String(job.id) } },
});

const jobProblems = (failed: NonNullable<Findings['failedJobs']>, now: number): Problem[] =>
  failed
    .filter((job) => now - Date.parse(job.updatedAt) < FAILED_JOB_MS)
    .slice(0, LISTED)
    .map((job) => jobProblem(job, 'failed'));

const waitingProblems = (waiting: NonNullable<Findings['waitingJobs']>): Problem[] =>
  waiting
    .filter((job) => job.attempts >= WORRYING_ATTEMPTS)
    .slice(0, LISTED)
    .map((job) => jobProblem(job, `failed ${job.attempts} times and is tried again`));

const pluginProblems = (plugins: NonNullable<Findings['plugins']>): Problem[] =>
  plugins
    .filter(({ state }) => state === 'failed' || state === 'quarantined')
    .map(({ id, title, state, reason, since }) => ({
      id: `plugin:${id}`,
      urgency: 'warn',
      text: `Plugin ${title} ${state === 'failed' ? 'failed' : 'is quarantined'}${reason ? `: ${reason}` : ''}`,
      since,
      action: { label: 'Show plugin', path: '/plugins', search: { plugin: id } },
    }));

const installationProblems = (warnings: NonNullable<Findings['warnings']>): Problem[] =>
  warnings.slice(0, LISTED).map(({ code, subject, message }) => ({
    id: `installation:${code}:${subject}`,
    urgency: 'warn',
    text: message,
    action: { label: 'Show settings', path: '/settings' },
  }));
