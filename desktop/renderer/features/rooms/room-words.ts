import type { ResultOf } from '#shared/contract/operation.ts';
import type { getRoom, listAllRooms } from '#shared/contract/rooms.ts';
import type { ParticipantKind } from '#shared/schema/rooms.ts';
import { bitrate } from '../../ui/words/format.ts';

export type Room = ResultOf<typeof listAllRooms>['data'][number];
export type RoomDetail = ResultOf<typeof getRoom>['data'];
export type Participant = RoomDetail['people']['data'][number];
export type Track = Participant['tracks'][number];

export const KIND_WORDS: Readonly<Record<ParticipantKind, string>> = {
  standard: 'person',
  ingress: 'ingest',
  egress: 'recorder',
  sip: 'SIP',
  agent: 'agent',
  connector: 'connector',
  bridge: 'bridge',
};

export const SOURCE_WORDS: Readonly<Record<Track['source'], string>> = {
  unknown: 'track',
  camera: 'camera',
  microphone: 'microphone',
  screen_share: 'screen',
  screen_share_audio: 'screen sound',
};

export const nameOf = ({ name, identity }: Pick<Participant, 'name' | 'identity'>): string => name || identity;

/** `1280 × 720, 30 frames/s, VP8, 3 layers`. */
export function trackWords({ width, height, frameRate, codec, layers }: Track): string {
  const parts = [
    width !== null && height !== null ? `${width} × ${height}` : undefined,
    frameRate === null ? undefined : `${frameRate} frames/s`,
    codec ?? undefined,
    layers.length > 1 ? `${layers.length} layers` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(', ');
}

/** Announced bits a second of everything that someone publishes; undefined = unknown. */
export function announcedBitrate(tracks: readonly Track[]): string | undefined {
  const sum = tracks.reduce((all, track) => all + (track.muted ? 0 : (track.bitrate ?? 0)), 0);
  return sum === 0 ? undefined : bitrate(sum);
}

export const roomPath = (app: string, room: string): string => `/apps/${app}/rooms/${encodeURIComponent(room)}`;
