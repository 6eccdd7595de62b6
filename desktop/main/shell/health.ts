import type { Connection, Snapshot } from '#shared/ipc/connections.ts';
import { CONNECTION_CONDITIONS } from '#shared/rules/connections.ts';
import { findingsOf } from '#shared/rules/findings.ts';
import { problemsOf } from '#shared/rules/problems.ts';

export type Level = 'none' | 'ok' | 'attention' | 'trouble';

export interface DaemonHealth {
  id: string;
  name: string;
  /** Place in the person's own order, from 0. */
  position: number;
  level: Level;
  /** In a few words, for a menu. */
  text: string;
}

export interface OverallHealth {
  level: Level;
  /** One line over all daemons. */
  text: string;
  daemons: DaemonHealth[];
}

const RANK: Record<Level, number> = { none: 0, ok: 1, attention: 2, trouble: 3 };

/** How everything is, over all daemons: what the tray shows at a glance, the worst first. */
export function overallHealth(
  connections: readonly Connection[],
  snapshotOf: (id: string) => Snapshot | null,
): OverallHealth {
  const daemons = connections.map((connection, position) => ({
    ...healthOf(connection, snapshotOf(connection.id)),
    position,
  }));
  daemons.sort((a, b) => RANK[b.level] - RANK[a.level]);
  const level = daemons[0]?.level ?? 'none';
  const online = connections.filter(({ state }) => state.status === 'online').length;
  const text =
    connections.length === 0
      ? 'No daemon added yet'
      : level === 'ok'
        ? `${online} of ${connections.length} connected, all well`
        : `${online} of ${connections.length} connected`;
  return { level, text, daemons };
}

/** The problems that the console lists for the daemon, cut to a level and a few words. */
function healthOf({ id, name, state }: Connection, snapshot: Snapshot | null): Omit<DaemonHealth, 'position'> {
  if (state.status === 'connecting') return { id, name, level: 'none', text: 'connecting' };
  // of a daemon that is away, the picture is old: only the connection counts
  const findings = state.status === 'online' && snapshot ? findingsOf(snapshot) : {};
  const [worst, ...others] = problemsOf(state, findings);
  if (worst === undefined) return { id, name, level: 'ok', text: 'well' };
  const text = state.status === 'online' ? worst.text : CONNECTION_CONDITIONS[state.status].word.toLowerCase();
  return {
    id,
    name,
    level: worst.urgency === 'danger' ? 'trouble' : 'attention',
    text: others.length === 0 ? text : `${text} (+${others.length})`,
  };
}
