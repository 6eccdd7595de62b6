import type { IngressInfo, ParticipantInfo, TrackInfo, WebhookEvent } from 'livekit-server-sdk';
import { INGRESS_STATUSES, type IngressStatus } from '#shared/schema/ingress.ts';
import { type Egress, readEgress } from './egress.ts';
import { milliseconds, millisecondsOf } from './facts.ts';

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
}

interface Track {
  sid: string;
  /** `audio`, `video` or `data`. */
  type: string;
  source: string;
  isMuted: boolean;
  /** Of the picture as it is published, pixels; null where LiveKit does not say. */
  size: { width: number; height: number } | null;
}

/** A track, and who publishes it. */
export interface PublishedTrack extends Track {
  identity: string;
}

export interface Ingress {
  id: string;
  /** `RTMP_INPUT`, `WHIP_INPUT` or `URL_INPUT` as `rtmp`, `whip`, `rtsp`. */
  type: 'rtmp' | 'whip' | 'rtsp';
  room: string;
  participant: string;
  isPublishing: boolean;
  /** It is encoded again on its way in. */
  isTranscoding: boolean;
}

/** An ingest with what an encoder needs; never part of an event. */
export interface IngressDetails extends Ingress {
  name: string;
  /** Where to send to, as LiveKit's own configuration says; empty = it does not. Of a source, the source. */
  url: string;
  streamKey: string;
  status: IngressStatus;
  error: string;
  /** Milliseconds since 1970; null = nothing was sent yet. */
  startedAt: number | null;
}

/** One event of LiveKit, as plain data. */
export interface LiveKitEvent {
  id: string;
  name: string;
  /** Milliseconds since 1970, whole seconds. */
  at: number;
  room: { name: string; sid: string } | null;
  person: Person | null;
  track: Track | null;
  egress: Egress | null;
  ingress: Ingress | null;
  /** Events that LiveKit could not send before this one. */
  dropped: number;
}

const TRACK_TYPES = ['audio', 'video', 'data'] as const;
const SOURCES = ['unknown', 'camera', 'microphone', 'screen_share', 'screen_share_audio'] as const;
const INPUTS = ['rtmp', 'whip', 'rtsp'] as const;

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
  };
}

export function readIngress(info: IngressInfo): Ingress {
  return {
    id: info.ingressId,
    type: INPUTS[info.inputType] ?? 'rtmp',
    room: info.roomName,
    participant: info.participantIdentity,
    // ENDPOINT_PUBLISHING
    isPublishing: info.state?.status === 2,
    isTranscoding: info.enableTranscoding ?? !info.bypassTranscoding,
  };
}

export function readIngressDetails(info: IngressInfo): IngressDetails {
  return {
    ...readIngress(info),
    name: info.name,
    url: info.url,
    streamKey: info.streamKey,
    status: INGRESS_STATUSES[info.state?.status ?? 0] ?? 'inactive',
    error: info.state?.error ?? '',
    // the ingress service writes nanoseconds
    startedAt: milliseconds(info.state?.startedAt),
  };
}

export function readTrack(info: TrackInfo): Track {
  return {
    sid: info.sid,
    type: TRACK_TYPES[info.type] ?? 'data',
    source: SOURCES[info.source] ?? 'unknown',
    isMuted: info.muted,
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
    room: roomName === '' ? null : { name: roomName, sid: event.room?.sid ?? '' },
    // track events name the participant by sid and identity only
    person: event.participant ? readPerson(event.participant, event.event.startsWith('participant_')) : null,
    track: event.track ? readTrack(event.track) : null,
    egress,
    ingress,
    dropped: event.numDropped,
  };
}
