import { iso } from '#shared/instants.ts';
import { leaveReason } from '#shared/rules/leave-reasons.ts';
import type { ParticipantKind, SessionRow, SessionStay, SessionTrack } from '#shared/schema/sessions.ts';
import type { SessionWithTime } from './reading.ts';
import type { SessionRecord, StayRecord, TrackRecord } from './repository.ts';

const instant = (at: number | null): string | null => (at === null ? null : iso(at));
const between = (from: number | null, to: number | null) =>
  from === null || to === null || from >= to ? null : { from: iso(from), to: iso(to) };

/** LiveKit's numbers; 5 and 6 are not used by it. */
const KINDS: Readonly<Record<number, ParticipantKind>> = {
  0: 'standard',
  1: 'ingress',
  2: 'egress',
  3: 'sip',
  4: 'agent',
  7: 'connector',
  8: 'bridge',
};

const kindOf = (kind: number | null): ParticipantKind => (kind === null ? undefined : KINDS[kind]) ?? 'unknown';

export function sessionRow(app: string, session: SessionWithTime): SessionRow {
  return {
    id: session.id,
    app,
    room: session.room,
    roomSid: session.sid,
    node: session.node,
    startedAt: iso(session.started_at),
    startKnown: session.is_start_known === 1,
    endedAt: instant(session.ended_at),
    endedBetween: between(session.ended_from, session.ended_at),
    durationSeconds: seconds(session.duration_ms),
    participants: session.participants,
    connections: session.stays,
    publishers: session.publishers,
    peak: session.peak,
    participantSeconds: seconds(Math.max(0, session.participant_ms)),
    errors: session.errors,
  };
}

const seconds = (ms: number): number => Math.round(ms) / 1000;

/** Who was there at the end of a room left then, and who came later by its own time left when it came. */
const leftAtOf = (stay: StayRecord, session: SessionRecord): number | null =>
  stay.left_at ?? (session.ended_at === null ? null : Math.max(session.ended_at, stay.joined_at));

/** A connection without its tracks. */
export function stayRow(stay: StayRecord, session: SessionRecord): Omit<SessionStay, 'tracks'> {
  const leftAt = leftAtOf(stay, session);
  const hasLeft = stay.left_at !== null;
  const reason = leaveReason(stay.reason);
  return {
    id: stay.id,
    sid: stay.sid,
    identity: stay.identity,
    name: stay.name,
    kind: kindOf(stay.kind),
    hidden: stay.is_hidden === 1,
    counted: stay.is_counted === 1,
    published: stay.has_published === 1,
    joinedAt: iso(stay.joined_at),
    joinedBetween: between(stay.joined_from, stay.joined_at),
    leftAt: instant(leftAt),
    leftBetween: hasLeft ? between(stay.left_from, stay.left_at) : between(session.ended_from, leftAt),
    reason: leftAt === null ? null : reason.id,
    reasonText: leftAt === null ? null : reason.words,
    isFault: reason.isFault,
    client: stay.client,
    region: stay.region,
  };
}

/** A track ends with the connection that published it, at the latest. */
export function trackRow(track: TrackRecord, stay: StayRecord, session: SessionRecord): SessionTrack {
  const last = leftAtOf(stay, session);
  const isOwnEnd = track.ended_at !== null && (last === null || track.ended_at <= last);
  const end = isOwnEnd ? track.ended_at : last;
  const from = isOwnEnd ? track.ended_from : stay.left_at === null ? session.ended_from : stay.left_from;
  return {
    sid: track.sid,
    kind: track.kind,
    source: track.source,
    codec: track.codec,
    width: track.width,
    height: track.height,
    startedAt: iso(track.published_at),
    startedBetween: between(track.published_from, track.published_at),
    endedAt: end === null ? null : iso(Math.max(end, track.published_at)),
    endedBetween: between(from, end),
  };
}
