import type { Db } from '#daemon/platform/db/open.ts';
import { iso } from '#shared/instants.ts';
import type { StreamType } from '#shared/schema/streams.ts';
import { livekitMemory, type StreamRecord, streamRepository } from './repository.ts';

/** A change of a stream's row. */
export interface StreamChange {
  kind: 'stream_started' | 'stream_updated' | 'stream_ended';
  stream: StreamRecord;
}

export interface TrackOpened {
  appId: number;
  room: { name: string; sid: string };
  participant: { sid: string; identity: string };
  trackSid: string;
  type: StreamType;
  /** Milliseconds since 1970. */
  at: number;
}

/**
 * A stream row is active from a participant's first track to the last. Events may arrive in any order and more than once:
 * an ended row stays ended. Call inside a transaction.
 */
export function openTrack(db: Db, opened: TrackOpened): StreamChange[] {
  const memory = livekitMemory(db);
  const { participant, room, trackSid } = opened;
  if (memory.isGone(trackSid) || memory.isGone(participant.sid) || memory.isGone(room.sid)) return [];
  const streams = streamRepository(db);
  if (streams.trackRow(trackSid) !== undefined) return [];
  const open = streams.activeOf(participant.sid);
  if (open !== undefined) {
    streams.addTrack(trackSid, open.id);
    return [];
  }
  // the same session went silent and publishes again
  const before = streams.countOf(participant.sid);
  const stream = streams.insert({
    app_id: opened.appId,
    stream_id: before === 0 ? participant.sid : `${participant.sid}-${before + 1}`,
    type: opened.type,
    room: room.name,
    participant: participant.identity,
    status: 'active',
    started_at: iso(opened.at),
    participant_sid: participant.sid,
    room_sid: room.sid === '' ? null : room.sid,
  });
  streams.addTrack(trackSid, stream.id);
  return [{ kind: 'stream_started', stream }];
}

/** The type of a row that was opened before LiveKit named the ingest. Call inside a transaction. */
export function setType(db: Db, stream: StreamRecord, type: StreamType): StreamChange[] {
  if (stream.type === type) return [];
  return [{ kind: 'stream_updated', stream: streamRepository(db).setType(stream.id, type) }];
}

export function closeTrack(db: Db, trackSid: string, at: number): StreamChange[] {
  livekitMemory(db).setGone(trackSid, at);
  const streams = streamRepository(db);
  const row = streams.trackRow(trackSid);
  if (row === undefined) return [];
  streams.removeTrack(trackSid);
  return streams.tracksOf(row).length > 0 ? [] : endRow(db, row, at);
}

export function closeParticipant(db: Db, participantSid: string, at: number): StreamChange[] {
  livekitMemory(db).setGone(participantSid, at);
  const open = streamRepository(db).activeOf(participantSid);
  return open === undefined ? [] : endRow(db, open.id, at);
}

/** The room of this sid is over; rows of a younger room of the same name stay. */
export function closeRoom(db: Db, room: { name: string; sid: string }, at: number): StreamChange[] {
  livekitMemory(db).setGone(room.sid, at);
  return streamRepository(db)
    .activeIn(room.name)
    .filter((stream) => stream.room_sid === null || room.sid === '' || stream.room_sid === room.sid)
    .flatMap((stream) => endRow(db, stream.id, at));
}

export function endRow(db: Db, row: number, at: number): StreamChange[] {
  const streams = streamRepository(db);
  if (streams.get(row)?.status !== 'active') return [];
  return [{ kind: 'stream_ended', stream: streams.end(row, iso(at)) }];
}
