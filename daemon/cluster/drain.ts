import type { DesiredState, DrainPhase, NodeDrain, NodeHealth } from '#shared/schema/cluster.ts';
import type { DrainState, NodeEntry } from './node.ts';

export function beginDrain(now: number): DrainState {
  return { startedAt: now, endRoomsAt: null, told: false, phase: 'requested', drainedAt: null };
}

/** The phase after a report of the agent. */
export function advanceDrain(drain: DrainState, livekit: NodeEntry['livekit'], now: number): DrainState {
  if (!drain.told || livekit === null) return drain.told ? drain : { ...drain, told: true };
  const phase = phaseOf(livekit.state);
  if (phase === drain.phase) return drain;
  return { ...drain, phase, drainedAt: phase === 'drained' ? now : null };
}

function phaseOf(state: NonNullable<NodeEntry['livekit']>['state']): DrainState['phase'] {
  if (state === 'stopped' || state === 'failed') return 'drained';
  return state === 'draining' || state === 'stopping' ? 'rooms' : 'clients';
}

/** What the node's agent has to bring about. */
export function desiredState(node: NodeEntry, now: number): DesiredState {
  if (node.status === 'active') return { livekit: 'running', endRoomsInSeconds: null };
  if (node.status === 'disabled') return { livekit: 'stopped', endRoomsInSeconds: null };
  const at = node.drain?.endRoomsAt ?? null;
  return { livekit: 'draining', endRoomsInSeconds: at === null ? null : Math.max(0, (at - now) / 1000) };
}

/** The draining as the API shows it. */
export function describeDrain(node: NodeEntry, drain: DrainState, health: NodeHealth): NodeDrain {
  const managed = node.agent !== null;
  const phase: DrainPhase = managed ? drain.phase : 'mark';
  const { foreignClients: clients = null, rooms = null, participants = null } = node.livekit ?? {};
  return {
    phase,
    managed,
    drained: phase === 'drained',
    started_at: new Date(drain.startedAt).toISOString(),
    drained_at: drain.drainedAt === null ? null : new Date(drain.drainedAt).toISOString(),
    ends_rooms_at: drain.endRoomsAt === null ? null : new Date(drain.endRoomsAt).toISOString(),
    clients,
    rooms,
    participants,
    note: noteOf(phase, { clients, rooms, participants }, health),
  };
}

function noteOf(
  phase: DrainPhase,
  { clients, rooms, participants }: Pick<NodeDrain, 'clients' | 'rooms' | 'participants'>,
  health: NodeHealth,
): string {
  if (phase === 'mark') {
    return 'This node has no agent: StreamHub places no rooms there any more, but LiveKit is not told to shut down.';
  }
  if (phase === 'drained') return 'LiveKit has shut down; you can remove the machine.';
  const silent = health === 'alive' ? '' : ' The agent isn’t reporting at the moment; this is its last report.';
  if (phase === 'requested') return `Clients get other addresses. Waiting for the agent to respond.${silent}`;
  if (phase === 'clients') {
    return `Waiting for clients that signal through this node to rooms on other nodes: ${clients ?? 'an unknown number'} left.${silent}`;
  }
  return `LiveKit accepts no new rooms and exits after the last participant leaves: ${rooms ?? '?'} rooms, ${participants ?? '?'} participants.${silent}`;
}
