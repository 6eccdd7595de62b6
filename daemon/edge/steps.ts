import type { LivekitState } from '#shared/schema/cluster.ts';

/** What the agent knows of its LiveKit server at one moment. Times in seconds. */
export interface Observation {
  /** The process is running. */
  isRunning: boolean;
  /** Since the agent saw the process for the first time. */
  upSeconds: number;
  /** Its metrics were read; null = they do not answer. */
  numbers: { participants: number; foreignClients: number } | null;
  /** Since its metrics last answered. */
  silentSeconds: number;
  /** Looks in a row at which no client from another machine was connected to it. */
  clearReadings: number;
  /** How many SIGTERMs this process was sent. */
  signals: number;
  sinceSignal: number;
  /** Since the last start, and how many starts in a row ended early. */
  sinceStart: number;
  failedStarts: number;
  /** The last of them had answered before it ended. */
  hadAnswered: boolean;
}

export interface Target {
  livekit: 'running' | 'draining' | 'stopped';
  /** Until the remaining rooms are ended; null = never, 0 or less = now. */
  endRoomsInSeconds: number | null;
}

/** `terminate` sends SIGTERM: after the first, LiveKit waits for its rooms to end; the second ends them. */
export type Step = 'none' | 'start' | 'terminate' | 'kill';

/** LiveKit ignores a signal in its first moments. */
const MIN_UP = 1;
/** LiveKit checks every 5 s whether its last participant has left. A server that is empty for longer missed the signal. */
const MISSED_SIGNAL = 20;
const BEFORE_FORCE = 1;
const BEFORE_KILL = 10;
/** Without metrics the agent can't tell who would be disconnected. After this time it no longer waits. */
const BLIND_SECONDS = 60;
const CLEAR_READINGS = 2;

/** The next step toward the target. Pure. */
export function nextStep(target: Target, seen: Observation): Step {
  if (!seen.isRunning) {
    if (target.livekit !== 'running') return 'none';
    return seen.sinceStart >= backoff(seen.failedStarts) ? 'start' : 'none';
  }
  // a LiveKit that is draining can't be stopped from it: it ends, and is then started again
  if (target.livekit === 'running') return 'none';
  if (seen.upSeconds < MIN_UP) return 'none';
  const isOver = target.livekit === 'stopped' || (target.endRoomsInSeconds !== null && target.endRoomsInSeconds <= 0);
  if (isOver) return force(seen);
  if (seen.signals === 0) return isClear(seen) ? 'terminate' : 'none';
  const missed = seen.numbers?.participants === 0 && seen.sinceSignal >= MISSED_SIGNAL;
  return missed ? 'terminate' : 'none';
}

function force(seen: Observation): Step {
  if (seen.signals === 0) return 'terminate';
  if (seen.signals === 1) return seen.sinceSignal >= BEFORE_FORCE ? 'terminate' : 'none';
  return seen.sinceSignal >= BEFORE_KILL ? 'kill' : 'none';
}

function isClear(seen: Observation): boolean {
  if (seen.numbers === null) return seen.silentSeconds >= BLIND_SECONDS;
  return seen.numbers.foreignClients === 0 && seen.clearReadings >= CLEAR_READINGS;
}

/** Seconds to wait before the next start: 0, 1, 2, 4 … 30. */
export const backoff = (failedStarts: number): number =>
  failedStarts === 0 ? 0 : Math.min(30, 2 ** (failedStarts - 1));

/** The state as reported. */
export function stateOf(target: Target, seen: Observation): LivekitState {
  const isFailing = seen.failedStarts >= 3;
  const failedOrStarting = isFailing ? 'failed' : 'starting';
  if (!seen.isRunning) return target.livekit === 'running' ? failedOrStarting : 'stopped';
  if (seen.signals > 1) return 'stopping';
  if (seen.signals === 1) return 'draining';
  // one that answers for a moment and crashes again is not believed before it has lasted
  const isBelieved = !(isFailing && seen.hadAnswered && target.livekit === 'running');
  if ((seen.numbers !== null && isBelieved) || seen.upSeconds >= BLIND_SECONDS) return 'running';
  // the next try of a server that crashes again and again; a draining that finds it failed would be over
  return target.livekit === 'running' ? failedOrStarting : 'starting';
}
