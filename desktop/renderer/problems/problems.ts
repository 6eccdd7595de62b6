import { create } from 'zustand';
import type { listNodes } from '#shared/contract/cluster.ts';
import type { ResultOf } from '#shared/contract/operation.ts';
import type { listPlugins } from '#shared/contract/plugins.ts';
import type { getSettings, getStats } from '#shared/contract/system.ts';
import type { Connection } from '#shared/ipc/connections.ts';
import type { Job } from '../api/jobs.ts';
import { useMaybeDaemon } from '../daemon/daemon-context.tsx';
import type { Tone } from '../ui/feedback/state.tsx';
import { bytes, plural } from '../ui/words/format.ts';

/** Something that needs a person: in words, with the page where it is repaired and the name of that step. */
export interface ProblemLine {
  id: string;
  connectionId: string;
  tone: Extract<Tone, 'danger' | 'warn'>;
  text: string;
  since?: string | undefined;
  action?: { label: string; path: string; search?: Record<string, string> };
}

/** What is wrong with each daemon, as its watcher found it. */
const useFound = create<Record<string, readonly ProblemLine[]>>(() => ({}));

export function setProblems(connectionId: string, lines: readonly ProblemLine[]): void {
  const before = useFound.getState()[connectionId];
  if (JSON.stringify(before) !== JSON.stringify(lines)) useFound.setState({ [connectionId]: lines });
}

/** The problems of the daemon at hand; on pages about all daemons those of all, the worst first. */
export function useProblems(): readonly ProblemLine[] {
  const daemon = useMaybeDaemon();
  const found = useFound();
  const lines = daemon === undefined ? Object.values(found).flat() : (found[daemon.id] ?? []);
  return lines.toSorted((a, b) => Number(a.tone === 'warn') - Number(b.tone === 'warn'));
}

/** What a daemon tells of itself, as far as it was read. */
export interface Findings {
  stats?: ResultOf<typeof getStats> | undefined;
  settings?: ResultOf<typeof getSettings>['data'] | undefined;
  nodes?: ResultOf<typeof listNodes>['data'] | undefined;
  failedJobs?: readonly Job[] | undefined;
  plugins?: ResultOf<typeof listPlugins>['data'] | undefined;
  /** Apps whose file on the disk is not in force. */
  brokenConfigs?: readonly { app: string; message: string; since: string }[] | undefined;
}

const DAY = 86_400_000;
const LISTED = 3;

/** Reads the problems out of what is known. Pure: the same findings give the same lines. */
export function problemsOf(connection: Connection, findings: Findings, now: number): ProblemLine[] {
  const { id: connectionId, state } = connection;
  const lines: ProblemLine[] = [];
  const add = (id: string, tone: ProblemLine['tone'], text: string, more: Partial<ProblemLine> = {}): void => {
    lines.push({ id: `${connectionId}:${id}`, connectionId, tone, text, ...more });
  };
  if (state.status === 'offline')
    add('connection', 'danger', `The daemon does not answer${state.error ? `: ${state.error.message}` : ''}`, {
      since: state.since,
    });
  if (state.status === 'signed-out' || state.status === 'locked')
    add('connection', 'warn', state.error?.message ?? 'Signed out', {
      since: state.since,
      action: { label: 'Sign in', path: '/' },
    });
  if (state.status === 'untrusted')
    add('connection', 'danger', 'Its certificate is not the one that was trusted', { since: state.since });
  if (state.status === 'unusable')
    add('connection', 'danger', state.error?.message ?? 'What answers there is no daemon that this app can use', {
      since: state.since,
    });

  const { stats, settings, nodes, failedJobs, plugins, brokenConfigs } = findings;
  if (stats && settings?.livekit.apiKeySet && !stats.livekitReachable) {
    add('livekit', 'danger', `LiveKit at ${settings.livekit.url} does not answer`, {
      action: { label: 'Check settings', path: '/settings', search: { q: 'LIVEKIT' } },
    });
  }
  if (stats?.disk && stats.disk.totalBytes > 0) {
    const free = stats.disk.freeBytes / stats.disk.totalBytes;
    if (free < 0.1)
      add('disk', free < 0.03 ? 'danger' : 'warn', `The disk is nearly full: ${bytes(stats.disk.freeBytes)} free`, {
        action: { label: 'See what takes space', path: '/storage' },
      });
  }
  const sick = (nodes ?? []).filter(
    (node) =>
      node.status !== 'disabled' && node.health !== 'never' && (node.stale || node.agent?.livekit.state === 'failed'),
  );
  for (const node of sick.length > LISTED ? [] : sick) {
    const text = node.stale ? `Node ${node.name} does not report` : `LiveKit on node ${node.name} does not run`;
    const tone = node.health === 'down' || !node.stale ? 'danger' : 'warn';
    const action = { label: 'Show node', path: '/cluster', search: { node: node.id } };
    add(`node:${node.id}`, tone, text, { since: node.last_seen_at ?? undefined, action });
  }
  if (sick.length > LISTED) {
    const tone = sick.some((node) => node.health === 'down') ? 'danger' : 'warn';
    const names = `${sick
      .slice(0, 2)
      .map((node) => node.name)
      .join(', ')} and ${sick.length - 2} more`;
    add('nodes', tone, `${plural(sick.length, 'node')} do not report: ${names}`, {
      action: { label: 'Show nodes', path: '/cluster' },
    });
  }
  for (const broken of brokenConfigs ?? []) {
    add(`config:${broken.app}`, 'danger', `The config of ${broken.app} is not in force: ${broken.message}`, {
      since: broken.since,
      action: { label: 'Edit config', path: `/apps/${broken.app}/config` },
    });
  }
  const recent = (failedJobs ?? []).filter((job) => now - Date.parse(job.updatedAt) < DAY);
  for (const job of recent.slice(0, LISTED)) {
    add(`job:${job.id}`, 'warn', `${job.title} failed: ${job.error?.message ?? 'no reason was given'}`, {
      since: job.updatedAt,
      action: { label: 'Show job', path: '/jobs', search: { job: String(job.id) } },
    });
  }
  for (const plugin of plugins ?? []) {
    if (plugin.state !== 'failed' && plugin.state !== 'quarantined') continue;
    const what = plugin.state === 'failed' ? 'failed' : 'is quarantined';
    add(`plugin:${plugin.id}`, 'warn', `Plugin ${plugin.title} ${what}${plugin.reason ? `: ${plugin.reason}` : ''}`, {
      since: plugin.since,
      action: { label: 'Show plugin', path: '/plugins', search: { plugin: plugin.id } },
    });
  }
  return lines;
}
