import type { ErrorCode } from '../errors.ts';
import { AppParams, envelope, page } from '../schema/common.ts';
import {
  AllRoomsQuery,
  CreateRoomBody,
  JoinToken,
  JoinTokenBody,
  MuteBody,
  OtherRoomBody,
  ParticipantParams,
  PeopleQuery,
  RoomDetail,
  RoomParams,
  RoomParticipant,
  RoomQuery,
  RoomRow,
  RoomTrack,
  SendDataBody,
  TrackParams,
  UpdateParticipantBody,
  UpdateRoomBody,
  WatchToken,
} from '../schema/rooms.ts';
import { operation } from './operation.ts';

const tag = 'Rooms';
const livekit = ['LIVEKIT_NOT_CONFIGURED', 'LIVEKIT_UNREACHABLE', 'LIVEKIT_REFUSED'] as const satisfies ErrorCode[];
const inRoom = ['ROOM_NOT_FOUND', ...livekit] as const satisfies ErrorCode[];
const ofParticipant = ['PARTICIPANT_NOT_FOUND', ...inRoom] as const satisfies ErrorCode[];

export const createJoinToken = operation({
  id: 'createJoinToken',
  method: 'POST',
  path: '/apps/{app}/tokens',
  tag: 'Streams',
  summary: 'Create a token for joining a room',
  description:
    'Returns a LiveKit access token and the address to connect to. If nodes report and the room doesn’t exist yet, it is first placed on an active node. With `webrtc.playout_delay_ms` it is created with that delay. With `canPublish`, returns 429 while the team is at its limit of live streams (`maxConcurrentStreams`).',
  access: { permission: 'stream:write' },
  params: AppParams,
  body: JoinTokenBody,
  bodyOptional: true,
  responses: { 201: envelope(JoinToken) },
  errors: ['LIVEKIT_NOT_CONFIGURED', 'FEATURE_OFF', 'QUOTA_EXCEEDED'],
  // asked for at every join of a viewer: it would bury the changes
  audit: false,
});

export const listAllRooms = operation({
  id: 'listAllRooms',
  method: 'GET',
  path: '/rooms',
  tag,
  summary: 'List the open rooms of every app that you may see',
  description: 'Read from LiveKit, at most a second old. Rooms that belong to no app aren’t listed.',
  access: { permission: 'room:read' },
  query: AllRoomsQuery,
  responses: { 200: page(RoomRow) },
  errors: livekit,
});

export const listRooms = operation({
  id: 'listRooms',
  method: 'GET',
  path: '/apps/{app}/rooms',
  tag,
  summary: 'List an app’s open rooms',
  description: 'Read from LiveKit, at most a second old. A room belongs to the app with the longest matching prefix.',
  access: { permission: 'room:read' },
  params: AppParams,
  query: RoomQuery,
  responses: { 200: page(RoomRow) },
  errors: livekit,
});

export const createRoom = operation({
  id: 'createRoom',
  method: 'POST',
  path: '/apps/{app}/rooms',
  tag,
  summary: 'Create a room with limits',
  description:
    'Rooms open by themselves when someone joins. Create one to set its limits, or to open it on a node beforehand. LiveKit can’t change the limits later.',
  access: { permission: 'room:create' },
  params: AppParams,
  share: 'work',
  body: CreateRoomBody,
  responses: { 201: envelope(RoomRow) },
  errors: ['ROOM_EXISTS', ...livekit],
  audit: 'room.create',
});

export const getRoom = operation({
  id: 'getRoom',
  method: 'GET',
  path: '/apps/{app}/rooms/{room}',
  tag,
  summary: 'Get an open room with its participants and their tracks',
  description:
    '`people` is one page of its participants, publishers first, then by time of joining. It includes hidden participants and recorders.',
  access: { permission: 'room:read' },
  params: RoomParams,
  query: PeopleQuery,
  responses: { 200: envelope(RoomDetail) },
  errors: inRoom,
});

export const updateRoom = operation({
  id: 'updateRoom',
  method: 'PATCH',
  path: '/apps/{app}/rooms/{room}',
  tag,
  summary: 'Change a room’s metadata',
  access: { permission: 'room:write' },
  params: RoomParams,
  body: UpdateRoomBody,
  unknownFields: 'refused',
  responses: { 204: null },
  errors: inRoom,
  audit: 'room.update',
});

export const endRoom = operation({
  id: 'endRoom',
  method: 'DELETE',
  path: '/apps/{app}/rooms/{room}',
  tag,
  summary: 'End a room',
  description: 'Disconnects everyone in it. They can open it again while their tokens are valid.',
  access: { permission: 'room:stop' },
  params: RoomParams,
  responses: { 204: null },
  errors: inRoom,
  audit: 'room.end',
});

export const sendRoomData = operation({
  id: 'sendRoomData',
  method: 'POST',
  path: '/apps/{app}/rooms/{room}/data',
  tag,
  summary: 'Send a data message into a room',
  access: { permission: 'room:write' },
  params: RoomParams,
  body: SendDataBody,
  responses: { 204: null },
  errors: inRoom,
  audit: 'room.send-data',
});

export const watchRoom = operation({
  id: 'watchRoom',
  method: 'POST',
  path: '/apps/{app}/rooms/{room}/watch',
  tag,
  summary: 'Get a token for watching a room unseen',
  description:
    'The participant is hidden, only receives, and never counts as a viewer. It doesn’t need the app’s feature hiddenQc. Each use is written to the audit trail.',
  access: { permission: 'broadcast:start' },
  params: RoomParams,
  responses: { 201: envelope(WatchToken) },
  errors: inRoom,
  audit: 'room.watch',
});

export const getParticipant = operation({
  id: 'getParticipant',
  method: 'GET',
  path: '/apps/{app}/rooms/{room}/participants/{identity}',
  tag,
  summary: 'Get one participant with whole metadata and attributes',
  access: { permission: 'room:read' },
  params: ParticipantParams,
  responses: { 200: envelope(RoomParticipant) },
  errors: ofParticipant,
});

export const updateParticipant = operation({
  id: 'updateParticipant',
  method: 'PATCH',
  path: '/apps/{app}/rooms/{room}/participants/{identity}',
  tag,
  summary: 'Change a participant’s permissions, name, metadata or attributes',
  description: 'Lasts until the participant leaves. After that, the token decides again.',
  access: { permission: 'room:write' },
  params: ParticipantParams,
  body: UpdateParticipantBody,
  unknownFields: 'refused',
  responses: { 200: envelope(RoomParticipant) },
  errors: ofParticipant,
  audit: 'participant.update',
});

export const removeParticipant = operation({
  id: 'removeParticipant',
  method: 'DELETE',
  path: '/apps/{app}/rooms/{room}/participants/{identity}',
  tag,
  summary: 'Remove a participant from a room',
  description: 'The participant can join again while its token is valid.',
  access: { permission: 'room:stop' },
  params: ParticipantParams,
  responses: { 204: null },
  errors: ofParticipant,
  audit: 'participant.remove',
});

export const moveParticipant = operation({
  id: 'moveParticipant',
  method: 'POST',
  path: '/apps/{app}/rooms/{room}/participants/{identity}/move',
  tag,
  summary: 'Move a participant to another room of the app',
  description: 'LiveKit’s open-source server can’t do this. The answer is then 501 `LIVEKIT_UNSUPPORTED`.',
  access: { permission: 'room:write' },
  params: ParticipantParams,
  body: OtherRoomBody,
  responses: { 204: null },
  errors: ['LIVEKIT_UNSUPPORTED', ...ofParticipant],
  audit: 'participant.move',
});

export const forwardParticipant = operation({
  id: 'forwardParticipant',
  method: 'POST',
  path: '/apps/{app}/rooms/{room}/participants/{identity}/forward',
  tag,
  summary: 'Show a participant in another room of the app, too',
  description: 'LiveKit’s open-source server can’t do this. The answer is then 501 `LIVEKIT_UNSUPPORTED`.',
  access: { permission: 'room:write' },
  params: ParticipantParams,
  body: OtherRoomBody,
  responses: { 204: null },
  errors: ['LIVEKIT_UNSUPPORTED', ...ofParticipant],
  audit: 'participant.forward',
});

export const muteTrack = operation({
  id: 'muteTrack',
  method: 'POST',
  path: '/apps/{app}/rooms/{room}/participants/{identity}/tracks/{track}/mute',
  tag,
  summary: 'Mute or unmute a track',
  description: 'LiveKit refuses to unmute unless its config has `room.enable_remote_unmute: true`.',
  access: { permission: 'room:write' },
  params: TrackParams,
  body: MuteBody,
  responses: { 200: envelope(RoomTrack) },
  errors: ['TRACK_NOT_FOUND', 'UNMUTE_REFUSED', ...ofParticipant],
  audit: 'track.mute',
});
