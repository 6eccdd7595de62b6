import type { Command } from 'commander';
import * as ops from '#shared/contract/rooms.ts';
import { group } from '../usage.ts';
import { operationCommand } from './command.ts';

/** `streamhub rooms …` */
export const command = (): Command =>
  group('rooms', 'List and change rooms, and the participants in them', [
    operationCommand('ls', ops.listAllRooms, {
      summary: 'List the rooms of all apps, or of one',
      positional: ['[app]'],
      columns: ['app', 'name', 'participants', 'publishers', 'viewers', 'recording', 'node', 'startedAt'],
    }),
    operationCommand('get', ops.getRoom, {
      summary: 'Get one room with its participants',
      without: ['limit', 'q'],
      pick: ({ people, ...room }) => ({ ...room, people: people.data }),
    }),
    operationCommand('people', ops.getRoom, {
      summary: 'List the participants of a room',
      pick: ({ people }) => people.data,
      columns: ['identity', 'name', 'kind', 'state', 'publisher', 'joinedAt'],
    }),
    operationCommand('create', ops.createRoom, {
      positional: ['room'],
      done: (_values, { name }) => `Created ${name}.`,
    }),
    operationCommand('end', ops.endRoom, {
      confirm: ({ room }) => `End ${room} and disconnect everyone in it?`,
      done: ({ room }) => `Ended ${room}.`,
    }),
    operationCommand('remove', ops.removeParticipant, {
      confirm: ({ room, identity }) => `Disconnect ${identity} from ${room}?`,
      done: ({ room, identity }) => `Disconnected ${identity} from ${room}.`,
    }),
    operationCommand('mute', ops.muteTrack, {
      extra: async ({ off }) => ({ muted: off !== true }),
      adds: (command) => command.option('--off', 'Unmute it.'),
      without: ['muted'],
      done: ({ track }) => `Changed ${track}.`,
    }),
    operationCommand('send', ops.sendRoomData, { positional: ['data'], done: ({ room }) => `Sent to ${room}.` }),
  ]);
