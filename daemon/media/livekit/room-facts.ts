import type { ParticipantInfo, Room, TrackInfo } from 'livekit-server-sdk';
import {
  MAX_METADATA,
  PARTICIPANT_KINDS,
  PARTICIPANT_STATES,
  type ParticipantKind,
  type RoomParticipant,
  type RoomTrack,
  SHORT_METADATA,
  TRACK_SOURCES,
} from '#shared/schema/rooms.ts';
import { bounded, millisecondsOf } from './facts.ts';

/** An open room as LiveKit lists it, as plain data. */
export interface RoomFacts {
  name: string;
  sid: string;
  /** Milliseconds since 1970; null where LiveKit does not say. */
  startedAt: number | null;
  participants: number;
  publishers: number;
  maxParticipants: number | null;
  emptyTimeoutSeconds: number;
  departureTimeoutSeconds: number;
  metadata: string;
}

/** ParticipantInfo.Kind of LiveKit's protocol; 5 and 6 are not used. */
const KINDS: Readonly<Record<number, ParticipantKind>> = {
  ...PARTICIPANT_KINDS.slice(0, 5),
  7: 'connector',
  8: 'bridge',
};
const TYPES = ['audio', 'video', 'data'] as const;
const QUALITIES = ['low', 'medium', 'high', 'off'] as const;
/** ClientInfo.Capability of LiveKit's protocol. */
const CAPABILITIES = ['unused', 'packet_trailer', 'compression_deflate_raw'] as const;
const LARGEST_PX = 16_384;
const MAX_TRACKS = 100;
const MAX_LAYERS = 24;
const MAX_ATTRIBUTES = 200;
const MAX_NAME = 512;

export function readRoom(room: Room): RoomFacts {
  return {
    name: room.name,
    sid: room.sid,
    startedAt: bounded(room.creationTimeMs, 1, Number.MAX_SAFE_INTEGER) ?? millisecondsOf(room.creationTime),
    participants: room.numParticipants,
    publishers: room.numPublishers,
    maxParticipants: room.maxParticipants || null,
    emptyTimeoutSeconds: room.emptyTimeout,
    departureTimeoutSeconds: room.departureTimeout,
    metadata: room.metadata.slice(0, MAX_METADATA),
  };
}

/** @param isShort for a list: cuts long metadata and attributes, and says so */
export function readParticipant(info: ParticipantInfo, isShort: boolean): RoomParticipant {
  const most = isShort ? SHORT_METADATA : MAX_METADATA;
  const given = Object.entries(info.attributes);
  const attributes: Record<string, string> = {};
  let left = most;
  for (const [key, value] of given.slice(0, MAX_ATTRIBUTES)) {
    if (key.length > left) break;
    attributes[key] = value.slice(0, left - key.length);
    left -= key.length + value.length;
  }
  const joinedAt = bounded(info.joinedAtMs, 1, 8.64e15) ?? millisecondsOf(info.joinedAt);
  const { permission } = info;
  return {
    sid: info.sid,
    identity: info.identity.slice(0, MAX_NAME),
    name: info.name.slice(0, MAX_NAME),
    kind: KINDS[info.kind] ?? 'standard',
    state: PARTICIPANT_STATES[info.state] ?? 'active',
    joinedAt: joinedAt === null ? null : new Date(joinedAt).toISOString(),
    publisher: info.isPublisher || info.tracks.length > 0,
    region: info.region || null,
    client: {
      protocol: info.clientProtocol || null,
      capabilities: info.capabilities.flatMap((one) => CAPABILITIES[one] ?? []).slice(0, MAX_LAYERS),
    },
    permissions: {
      canSubscribe: permission?.canSubscribe ?? false,
      canPublish: permission?.canPublish ?? false,
      canPublishData: permission?.canPublishData ?? false,
      canPublishSources: (permission?.canPublishSources ?? []).flatMap((one) => TRACK_SOURCES[one] ?? []).slice(0, 5),
      canUpdateMetadata: permission?.canUpdateMetadata ?? false,
      hidden: permission?.hidden ?? false,
      recorder: permission?.recorder ?? false,
    },
    metadata: info.metadata.slice(0, most),
    attributes,
    cut: info.metadata.length > most || left < 0 || Object.keys(attributes).length < given.length,
    tracks: info.tracks.slice(0, MAX_TRACKS).map(readRoomTrack),
  };
}

export function readRoomTrack(track: TrackInfo): RoomTrack {
  const told = track.layers.length > 0 ? track.layers : (track.codecs[0]?.layers ?? []);
  const layers = told.slice(0, MAX_LAYERS).flatMap(({ quality, width, height, bitrate }) => {
    const size = [bounded(width, 1, LARGEST_PX), bounded(height, 1, LARGEST_PX)] as const;
    if (size[0] === null || size[1] === null) return [];
    const word = QUALITIES[quality] ?? 'high';
    return [{ quality: word, width: size[0], height: size[1], bitrate: bounded(bitrate, 1, 1e9) }];
  });
  const bitrate = layers.reduce((sum, layer) => sum + (layer.bitrate ?? 0), 0);
  return {
    sid: track.sid,
    name: track.name.slice(0, MAX_NAME),
    type: TYPES[track.type] ?? 'data',
    source: TRACK_SOURCES[track.source] ?? 'unknown',
    muted: track.muted,
    codec: /^(?:video|audio)\/([\w.+-]{1,32})$/.exec(track.mimeType)?.[1] ?? null,
    width: bounded(track.width, 2, LARGEST_PX),
    height: bounded(track.height, 2, LARGEST_PX),
    frameRate: null,
    bitrate: bitrate === 0 ? null : bitrate,
    simulcast: track.simulcast || layers.length > 1,
    encrypted: track.encryption !== 0,
    layers: layers.sort((a, b) => b.height - a.height),
  };
}
