import { type Static, Type } from 'typebox';
import { APP_NAME_PATTERN, Instant, nullable, object, oneOf, queryFlag, ROOM_PREFIX_PATTERN } from './common.ts';

/** An app as the registry knows it. */
export const AppRecord = object({
  id: Type.Integer({ description: 'Never reused.' }),
  name: Type.String({ description: 'Lowercase slug, unique on the installation.', examples: ['live'] }),
  displayName: Type.String(),
  livekitRoomPrefix: Type.String({ description: 'Rooms of the app are named by this prefix or `<prefix>-…`.' }),
  createdAt: Instant,
  updatedAt: Instant,
  settingsJson: nullable(Type.String()),
  problems: Type.Optional(
    Type.Array(
      object({
        code: oneOf(['CONFIG_INVALID', 'FILES_UNUSABLE', 'ROOM_PREFIX_OVERLAPS'], {
          description:
            '`CONFIG_INVALID`: the file on the disk is not in force. `FILES_UNUSABLE`: the daemon may not use the app’s files. `ROOM_PREFIX_OVERLAPS`: an older app of another team has some or all of its rooms.',
        }),
        message: Type.String(),
        since: Instant,
      }),
      { description: 'What keeps the app from working as it is set up; absent when there is nothing.' },
    ),
  ),
});
export type AppRecord = Static<typeof AppRecord>;

export const CreateAppBody = object({
  name: Type.String({
    pattern: APP_NAME_PATTERN,
    'x-hint': '3 to 32 of a-z, 0-9 and -, neither beginning nor ending with -',
    description: '3 to 32 characters: lowercase letters, digits, dashes inside.',
    examples: ['demo'],
  }),
  displayName: Type.Optional(Type.String({ maxLength: 100, description: 'Shown to people; the name unless given.' })),
  roomPrefix: Type.Optional(
    Type.String({
      maxLength: 40,
      description: `Lower-cased, then \`${ROOM_PREFIX_PATTERN}\`; the name unless given. Unique; prefixes of different teams must not contain one another.`,
    }),
  ),
});
export type CreateAppBody = Static<typeof CreateAppBody>;

export const AppSizes = object({
  app: Type.String(),
  dbSizeBytes: Type.Integer({ description: 'app.db with its WAL and shared memory file.' }),
  vodTotalBytes: Type.Integer({ description: 'Sum over the VOD rows.' }),
  vodCount: Type.Integer({ description: 'VOD rows of any status.' }),
});
export type AppSizes = Static<typeof AppSizes>;

export const DeleteAppQuery = object({
  deleteVods: Type.Optional(queryFlag('Deletes the recordings too: rows, objects and files.')),
  leaveObjects: Type.Optional(
    queryFlag(
      'With deleteVods: leaves the objects in the storage where they are and does not contact it, e.g. because the bucket is gone for good.',
    ),
  ),
});

export const DeletedApp = object({
  deleted: Type.Literal(true),
  name: Type.String(),
  warnings: Type.Optional(Type.Array(Type.String(), { description: 'What could not be cleaned up, or was left.' })),
});
