import type { ParticipantInfo, Room, TrackInfo, WebhookEvent } from 'livekit-server-sdk';
import type { VideoLayer } from '#shared/schema/ingress.ts';
import { type Egress, readEgress } from './egress.ts';
import { bounded, boundedText, millisecondsOf } from './facts.ts';
import { type Ingress, readIngress } from './ingress.ts';

/** ParticipantInfo.Kind of LiveKit. */
export const INGRESS_KIND = 1;
export const EGRESS_KIND = 2;
/** DisconnectReason of LiveKit's protocol. */
const CONNECTION_TIMEOUT = 14;
export const AGENT_KIND = 4;

/** Someone in a room, as plain data. */
export interface Person {
  sid: string;
  identity: string;
  name: string;
  /** Null where LiveKit does not say. */
  kind: number | null;
  isHidden: boolean;
  isPublisher: boolean;
  /** Sids of the tracks published now; empty where LiveKit does not say. */
  tracks: string[];
  /** It left because its connection was lost. */
  hasTimedOut: boolean;
  /** When its connection began, milliseconds since 1970; null where LiveKit does not say. */
  joinedAt: number | null;
  /** DisconnectReason of LiveKit's protocol; 0 = not told. */
  reason: number;
  /** Region of the node it is connected to; empty where LiveKit does not say. */
  region: string;
  /** What it publishes now; empty where LiveKit does not say. */
  published: Track[];
}

export interface Track {
  sid: string;
  /** `audio`, `video` or `data`. */
  type: string;
  source: string;
  isMuted: boolean;
  /** Of the picture as it is published, pixels; null where LiveKit does not say. */
  size: { width: number; height: number } | null;
  /** For example `H264` or `opus`; empty where LiveKit does not say. */
  codec: string;
}

/** A track, and who publishes it. */
export interface PublishedTrack extends Track {
  identity: string;
}

/** One event of LiveKit, as plain data. */
export interface LiveKitEvent {
  id: string;
  name: string;
  /** Milliseconds since 1970, whole seconds. */
  at: number;
  /** createdAt: when this life of the room began, milliseconds since 1970; null where LiveKit does not say. */
  room: { name: string; sid: string; createdAt: number | null } | null;
  person: Person | null;
  track: Track | null;
  egress: Egress | null;
  ingress: Ingress | null;
  /** Events that LiveKit could not send before this one. */
  dropped: number;
}

const MAX_LAYERS = 24;
const TRACK_TYPES = ['audio', 'video', 'data'] as const;
const SOURCES = ['unknown', 'camera', 'microphone', 'screen_share', 'screen_share_audio'] as const;

/** A time that LiveKit reports in milliseconds; versions before 1.8 report whole seconds only. */
const exactMilliseconds = (ms: bigint, seconds: bigint): number | null =>
  millisecondsOf(Number(ms) / 1000) ?? millisecondsOf(seconds);

/** When a life of a room began, milliseconds since 1970. */
export const createdAtOf = (room: Pick<Room, 'creationTime' | 'creationTimeMs'> | undefined): number | null =>
  room === undefined ? null : exactMilliseconds(room.creationTimeMs, room.creationTime);

export function readPerson(info: ParticipantInfo, isWhole: boolean): Person {
  return {
    sid: info.sid,
    identity: info.identity,
    name: info.name,
    kind: isWhole ? info.kind : null,
    isHidden: info.permission?.hidden ?? false,
    isPublisher: info.isPublisher || info.tracks.length > 0,
    tracks: info.tracks.map((track) => track.sid),
    hasTimedOut: info.disconnectReason === CONNECTION_TIMEOUT,
    joinedAt: exactMilliseconds(info.joinedAtMs, info.joinedAt),
    reason: info.disconnectReason,
    region: boundedText(info.region, 64),
    published: info.tracks.map(readTrack),
  };
}

export function readTrack(info: TrackInfo): Track {
  return {
    sid: info.sid,
    type: TRACK_TYPES[info.type] ?? 'data',
    source: SOURCES[info.source] ?? 'unknown',
    isMuted: info.muted,
    codec: boundedText(info.mimeType, 64).replace(/^\w+\//, ''),
    size: info.width > 1 && info.height > 1 ? { width: info.width, height: info.height } : null,
  };
}

export function readWebhook(event: WebhookEvent): LiveKitEvent {
  const egress = event.egressInfo ? readEgress(event.egressInfo) : null;
  const ingress = event.ingressInfo ? readIngress(event.ingressInfo) : null;
  const roomName = event.room?.name || egress?.room || ingress?.room || '';
  return {
    id: event.id,
    name: event.event,
    at: millisecondsOf(event.createdAt) ?? Date.now(),
    room: roomName === '' ? null : { name: roomName, sid: event.room?.sid ?? '', createdAt: createdAtOf(event.room) },
    // track events name the participant by sid and identity only
    person: event.participant ? readPerson(event.participant, event.event.startsWith('participant_')) : null,
    track: event.track ? readTrack(event.track) : null,
    egress,
    ingress,
    dropped: event.numDropped,
  };
}

/** Sizes that a participant really sends of its pictures, largest first. */
export function readLayers({ tracks }: ParticipantInfo): VideoLayer[] {
  return tracks
    .flatMap((track) => track.layers)
    .flatMap(({ width, height, bitrate }) => {
      const size = [bounded(width, 1, 16_384), bounded(height, 1, 16_384)] as const;
      if (size[0] === null || size[1] === null) return [];
      return [{ width: size[0], height: size[1], bitrate: bounded(bitrate, 1, 1e9) }];
    })
    .slice(0, MAX_LAYERS)
    .sort((a, b) => b.height - a.height);
}
