import type { Db } from '#daemon/platform/db/open.ts';
import { type Ingress, isLive } from '../livekit/ingress.ts';
import { livekitMemory, streamRepository } from '../streams/repository.ts';
import { type IngressSession, ingressSessions } from './repository.ts';

/**
 * - `stopped`: the encoder said goodbye, or the source is over. `error`: it failed.
 * - `taken_over`: another encoder came with the same key. `deleted`, `paused`: by an operator.
 * - `lost`: LiveKit says that it is over, and it isn't known how.
 */
export type IngressEndReason = 'stopped' | 'error' | 'taken_over' | 'deleted' | 'paused' | 'lost';

/** An encoder or a source became live, or stopped. */
export interface IngressChange {
  kind: 'ingress_started' | 'ingress_ended';
  ingest: Pick<IngressSession, 'ingress_id' | 'resource_id' | 'type' | 'room' | 'participant' | 'is_transcoding'>;
  reason: IngressEndReason | null;
  /** In words. */
  error: string | null;
  /** Of LiveKit's own event; null where LiveKit sends none. */
  eventId: string | null;
  /** Milliseconds since 1970. */
  at: number;
}

/** When and by which LiveKit event it is reported. */
interface Told {
  at: number;
  /** By our clock. */
  now: number;
  eventId: string | null;
}

/**
 * An encoder or source is live. An earlier one on the same ingest has been cut off, which LiveKit doesn't report.
 * Events can be late, repeated or lost: each session begins once and ends once. Call inside a transaction.
 */
export function startSession(db: Db, ingress: Ingress, { at, now, eventId }: Told): IngressChange[] {
  const memory = livekitMemory(db);
  const sessions = ingressSessions(db);
  const { id, resourceId } = ingress;
  const startedAt = ingress.startedAt ?? at;
  if (memory.isGone(resourceId)) return [];
  const open = sessions.get(id);
  if (open !== undefined && resourceId !== '') {
    if (open.resource_id === resourceId) return [];
    if (open.started_at > startedAt) {
      // taken over before its start was reported
      memory.setGone(resourceId, now);
      return [];
    }
  }
  const before = open === undefined || resourceId === '' ? [] : close(db, open, 'taken_over', { at, now });
  const session = sessionOf(ingress, startedAt, now);
  sessions.put(session);
  return [...before, { kind: 'ingress_started', ingest: session, reason: null, error: null, eventId, at }];
}

/** LiveKit says that a session is over, or that it failed before it was live. Call inside a transaction. */
export function endSession(db: Db, ingress: Ingress, { at, now, eventId }: Told): IngressChange[] {
  const memory = livekitMemory(db);
  const { id, resourceId, error } = ingress;
  if (memory.isGone(resourceId)) return [];
  memory.setGone(resourceId, now);
  const startedAt = ingress.startedAt ?? at;
  const open = ingressSessions(db).get(id);
  const isOpen = open !== undefined && (open.resource_id === resourceId || resourceId === '');
  // an earlier one that was taken over; a later one that was refused leaves the live one alone
  if (open !== undefined && !isOpen && open.started_at > startedAt) return [];
  if (isOpen) ingressSessions(db).remove(id);
  const expected = isOpen ? (open.end_reason as IngressEndReason | null) : null;
  return [
    {
      kind: 'ingress_ended',
      ingest: sessionOf(ingress, startedAt, now),
      reason: expected ?? (error === '' ? 'stopped' : 'error'),
      error: error || null,
      eventId,
      at,
    },
  ];
}

/** Ends the session of an ingest whose end LiveKit won't report. Call inside a transaction. */
export function closeSession(
  db: Db,
  ingressId: string,
  reason: IngressEndReason,
  times: { at: number; now: number },
): IngressChange[] {
  const open = ingressSessions(db).get(ingressId);
  return open === undefined ? [] : close(db, open, reason, times);
}

/**
 * Compares the sessions of an app with LiveKit's list of its ingests: events can get lost, and others can delete ingests.
 * @param askedAt when LiveKit was asked, by our clock: rows stored since then are newer than the list
 */
export function compareSessions(
  { db, now }: { db: Db; now: number },
  ingests: readonly Ingress[],
  askedAt: number,
): IngressChange[] {
  const byId = new Map(ingests.map((one) => [one.id, one]));
  const changes: IngressChange[] = [];
  for (const open of ingressSessions(db).all()) {
    // one from the future was stored before the clock was set back
    if (open.seen_at >= askedAt && open.seen_at <= now) continue;
    const one = byId.get(open.ingress_id);
    if (one === undefined) changes.push(...close(db, open, 'deleted', { at: now, now }));
    else if (isLive(one.status) && one.resourceId !== open.resource_id) continue;
    else if (one.resourceId === open.resource_id && !isLive(one.status)) {
      changes.push(...endSession(db, one, { at: one.endedAt ?? now, now, eventId: null }));
    } else if (one.resourceId !== open.resource_id && !isPresent(db, open)) {
      changes.push(...close(db, open, 'lost', { at: now, now }));
    }
  }
  for (const one of ingests) {
    if (one.isPublishing) changes.push(...startSession(db, one, untold(one, now)));
  }
  return changes;
}

/** For a start that is seen in a list, without an event. */
export const untold = ({ startedAt }: Ingress, now: number): Told => ({ at: startedAt ?? now, now, eventId: null });

/** What it publishes is still in the room: an attempt of another encoder has left its state with the ingest. */
const isPresent = (db: Db, { room, participant }: IngressSession): boolean =>
  streamRepository(db)
    .activeIn(room)
    .some((stream) => stream.participant === participant);

function close(
  db: Db,
  open: IngressSession,
  reason: IngressEndReason,
  { at, now }: { at: number; now: number },
): IngressChange[] {
  livekitMemory(db).setGone(open.resource_id, now);
  ingressSessions(db).remove(open.ingress_id);
  return [{ kind: 'ingress_ended', ingest: open, reason, error: null, eventId: null, at }];
}

const sessionOf = (ingress: Ingress, startedAt: number, now: number): IngressSession => ({
  ingress_id: ingress.id,
  resource_id: ingress.resourceId,
  type: ingress.type,
  room: ingress.room,
  participant: ingress.participant,
  is_transcoding: ingress.isTranscoding ? 1 : 0,
  started_at: startedAt,
  seen_at: now,
  end_reason: null,
});
