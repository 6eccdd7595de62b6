import { type Static, Type } from 'typebox';
import { Instant, nullable, object } from './common.ts';

export const SearchQuery = object({
  q: Type.String({
    minLength: 1,
    maxLength: 128,
    description:
      'Part of the name of an app or of an open room, in upper or lower case. Or the beginning of an identity, or of a room that is over, with or without the app’s prefix.',
    examples: ['hall'],
  }),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 50, default: 10, description: 'Maximum number of results of each kind.' }),
  ),
});
export type SearchQuery = Static<typeof SearchQuery>;

const app = Type.String({ description: 'Name of the app.' });
const session = nullable(Type.Integer(), { description: 'Id of the newest session; null: none is kept.' });

export const SearchResult = object({
  apps: Type.Array(object({ app })),
  rooms: Type.Array(
    object({
      app,
      room: Type.String(),
      open: Type.Boolean({ description: 'It exists now.' }),
      participants: Type.Integer({ description: 'In it now.' }),
      session,
      at: nullable(Instant, { description: 'When the newest session started.' }),
    }),
    { description: 'Open rooms first. Without the right `room:read` and `session:read` the list is shorter.' },
  ),
  people: Type.Array(
    object({
      app,
      identity: Type.String(),
      present: Type.Boolean({ description: 'In the room now.' }),
      room: Type.String({ description: 'The last room.' }),
      session: Type.Integer({ description: 'Id of the last session.' }),
      at: Instant,
    }),
    { description: 'From the history of sessions, newest first. Needs the right `session:read`.' },
  ),
  more: Type.Boolean({ description: 'There may be more: a longer text finds less.' }),
});
export type SearchResult = Static<typeof SearchResult>;
