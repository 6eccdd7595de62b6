import type { Connection, Snapshot } from '#shared/ipc/connections.ts';

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
const WORDS: Partial<Record<Connection['state']['status'], string>> = {
  offline: 'cannot be reached',
  unusable: 'is no daemon that this app speaks to',
  untrusted: 'shows an unknown certificate',
  'signed-out': 'needs a sign-in',
  locked: 'waits for the keychain',
};

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

function healthOf({ id, name, state }: Connection, snapshot: Snapshot | null): Omit<DaemonHealth, 'position'> {
  const word = WORDS[state.status];
  if (word !== undefined) {
    const isTrouble = state.status === 'offline' || state.status === 'unusable' || state.status === 'untrusted';
    return { id, name, level: isTrouble ? 'trouble' : 'attention', text: word };
  }
  if (state.status === 'connecting') return { id, name, level: 'none', text: 'connecting' };
  const nodes = Array.isArray(snapshot?.nodes) ? (snapshot.nodes as { stale?: unknown; status?: unknown }[]) : [];
  const stale = nodes.filter((node) => node.stale === true && node.status !== 'disabled').length;
  if (stale > 0) return { id, name, level: 'attention', text: `${stale} stale node${stale === 1 ? '' : 's'}` };
  return { id, name, level: 'ok', text: 'well' };
}
