import type { AppEntry } from '#daemon/apps/registry/registry.ts';
import type { Db } from '#daemon/platform/db/open.ts';
import type { StreamType } from '#shared/schema/streams.ts';
import { isPassedOn, livekitPayload } from '../callbacks/payloads.ts';
import { ingressSessions } from '../ingress/repository.ts';
import { endSession, startSession } from '../ingress/sessions.ts';
import { EGRESS_KIND, INGRESS_KIND, type LiveKitEvent } from '../livekit/event.ts';
import type { MediaTransaction } from '../media-store.ts';
import type { SessionRecorder } from '../sessions/recorder.ts';
import { livekitMemory, streamRepository } from '../streams/repository.ts';
import type { RoomDirectory } from '../streams/room-directory.ts';
import { closeParticipant, closeRoom, closeTrack, openTrack, setType } from '../streams/stream-lifecycle.ts';
import { applyEgress } from '../vods/vod-lifecycle.ts';

/** LiveKit itself remembers ended recordings for a day. */
const MEMORY_MS = 2 * 86_400_000;
/** LiveKit's clock has whole seconds; an event this young happened just now. */
const FRESH_MS = 2000;

/** When an event happened, as exactly as can be told. */
export function timeOf(event: LiveKitEvent, now: number): number {
  return Math.abs(now - event.at) < FRESH_MS ? now : event.at;
}

/**
 * Carries out an event on an app's rows, inside the media store's transaction.
 * @returns false when the event was carried out before
 */
export function applyEvent(
  tx: MediaTransaction,
  app: AppEntry,
  event: LiveKitEvent,
  { directory, sessions }: { directory: RoomDirectory; sessions: SessionRecorder },
): boolean {
  const { db, now } = tx;
  const memory = livekitMemory(db);
  if (event.id !== '' && !memory.remember(event.id, now)) return false;
  memory.forgetBefore(now - MEMORY_MS);
  const at = timeOf(event, now);
  sessions.event(tx, event, at);
  if (isPassedOn(event.name)) {
    tx.callback({ event: event.name, room: event.room?.name ?? null, data: livekitPayload(event) });
  }
  const { room, person, track } = event;
  switch (event.name) {
    case 'track_published':
      if (room === null || person === null || track === null) break;
      if (directory.hasLeft(room.name, person.sid)) break;
      tx.note(
        openTrack(db, {
          appId: app.id,
          room,
          participant: person,
          trackSid: track.sid,
          type: streamType(
            directory.kindOf(room.name, person.sid),
            ingressSessions(db).typeIn(room.name, person.identity),
          ),
          at,
        }),
      );
      break;
    case 'track_unpublished':
      if (track !== null) tx.note(closeTrack(db, track.sid, at));
      break;
    case 'participant_left':
    case 'participant_connection_aborted':
      if (person !== null) tx.note(closeParticipant(db, person.sid, at));
      if (person !== null && isOfRecorder(event) && person.hasTimedOut)
        memory.setRecorder(person.identity, 'lost', now);
      break;
    case 'participant_joined':
      if (person !== null && isOfRecorder(event)) memory.setRecorder(person.identity, 'joined', now);
      break;
    case 'room_finished':
      if (room !== null) tx.note(closeRoom(db, room, at));
      break;
    case 'ingress_started':
      if (event.ingress !== null) {
        const { room: name, participant, type } = event.ingress;
        tx.note(startSession(db, event.ingress, { at, now, eventId: event.id }));
        for (const stream of streamRepository(db).activeIn(name)) {
          if (stream.participant === participant) tx.note(setType(db, stream, type));
        }
      }
      break;
    case 'ingress_ended':
      if (event.ingress !== null) tx.note(endSession(db, event.ingress, { at, now, eventId: event.id }));
      break;
    case 'egress_started':
    case 'egress_updated':
    case 'egress_ended':
      if (event.egress !== null) {
        tx.note(applyEgress(db, event.egress, tx.owner, at));
      }
      break;
  }
  return true;
}

/**
 * @param kind of the participant, if LiveKit has told it
 * @param ingest type of the ingest that publishes as this participant, if one is known
 */
export function streamType(kind: number | undefined, ingest: StreamType | undefined): StreamType {
  if (kind === undefined) return ingest ?? 'webrtc';
  return kind === INGRESS_KIND ? (ingest ?? 'rtmp') : 'webrtc';
}

/** A recorder is a participant that is called like its recording. */
export const isOfRecorder = ({ person }: LiveKitEvent): boolean => person?.kind === EGRESS_KIND;

/** Does the event change more rows than those of a session? What only viewers do does not. */
export function touchesRows(db: Db, event: LiveKitEvent): boolean {
  switch (event.name) {
    case 'room_started':
      return false;
    case 'participant_joined':
      return isOfRecorder(event);
    case 'participant_left':
    case 'participant_connection_aborted':
      return (
        event.person !== null &&
        (event.person.isPublisher ||
          isOfRecorder(event) ||
          streamRepository(db).activeOf(event.person.sid) !== undefined)
      );
    default:
      return true;
  }
}

/** Updates who is in which room; what ended in the rows stays ended. */
export function showEvent(db: Db, directory: RoomDirectory, event: LiveKitEvent): void {
  const { room, person, track, at } = event;
  if (room === null) return;
  if (person !== null && livekitMemory(db).isGone(person.sid)) {
    directory.left(room.name, person.sid);
    return;
  }
  switch (event.name) {
    case 'room_started':
      directory.opened(room.name, room.sid);
      break;
    case 'room_finished':
      directory.finished(room.name, room.sid);
      break;
    case 'participant_joined':
      if (person !== null) directory.joined(room, person, at);
      break;
    case 'participant_left':
    case 'participant_connection_aborted':
      if (person !== null) directory.left(room.name, person.sid);
      break;
    case 'track_published':
      if (person !== null && track !== null) directory.published(room, person, track.sid, at);
      break;
    case 'track_unpublished':
      if (person !== null && track !== null) directory.unpublished(room.name, person.sid, track.sid);
      break;
  }
}
