import { type Static, Type } from 'typebox';
import { APP_NAME_PATTERN, GivenName, Instant, nullable, object, oneOf, ROOM_PREFIX_PATTERN } from './common.ts';

/** An app as the registry knows it. */
export const AppRecord = object(
  {
    id: Type.Integer({ description: 'Never reused.' }),
    name: Type.String({ description: 'Lowercase slug, unique on the installation.', examples: ['live'] }),
    displayName: Type.String(),
    livekitRoomPrefix: Type.String({ description: 'Room names of the app are this prefix or start with `<prefix>-`.' }),
    createdAt: Instant,
    updatedAt: Instant,
    settingsJson: nullable(Type.String()),
    problems: Type.Optional(
      Type.Array(
        object({
          code: oneOf(
            [
              'CONFIG_INVALID',
              'FILES_UNUSABLE',
              'ROOM_PREFIX_OVERLAPS',
              'MQTT_AWAY',
              'LATENCY_HIGH',
              'STORAGE_PROVIDER_MISSING',
            ],
            {
              description:
                '`CONFIG_INVALID`: the config file on disk is invalid and not active. `FILES_UNUSABLE`: the daemon cannot access the app’s files. `ROOM_PREFIX_OVERLAPS`: an older app of another team owns some or all of its rooms. `MQTT_AWAY`: there is no connection to its MQTT broker. `LATENCY_HIGH`: its viewers are further behind than `latency_alert` allows. `STORAGE_PROVIDER_MISSING`: the plugin of its storage provider is removed, disabled or broken, so nothing is recorded.',
            },
          ),
          message: Type.String(),
          since: Instant,
        }),
        { description: 'A problem that keeps the app from working as configured; absent if there is none.' },
      ),
    ),
  },
  { title: 'App' },
);
export type AppRecord = Static<typeof AppRecord>;

export const CreateAppBody = object({
  name: Type.String({
    pattern: APP_NAME_PATTERN,
    'x-hint': '3 to 32 of a-z, 0-9 and -, neither beginning nor ending with -',
    description: '3 to 32 lowercase letters, digits and dashes; no dash at either end.',
    examples: ['demo'],
  }),
  displayName: Type.Optional(GivenName(100, { description: 'Display name. Default: the name.' })),
  roomPrefix: Type.Optional(
    Type.String({
      maxLength: 40,
      description: `Converted to lowercase, then must match \`${ROOM_PREFIX_PATTERN}\`. Default: the name. Unique. Prefixes of different teams must not contain each other.`,
    }),
  ),
});
export type CreateAppBody = Static<typeof CreateAppBody>;

export const AppSizes = object({
  app: Type.String(),
  dbSizeBytes: Type.Integer({ description: 'app.db with its WAL and shared-memory file.' }),
  vodTotalBytes: Type.Integer({ description: 'Total size of all VOD rows, with their ladders.' }),
  vodLadderBytes: Type.Integer({ description: 'Of that, HLS ladders and WebM files.' }),
  vodCount: Type.Integer({ description: 'VOD rows with any status.' }),
  vodFailed: Type.Integer({ description: 'VOD rows that failed.' }),
});
export type AppSizes = Static<typeof AppSizes>;

export const DeleteAppQuery = object({
  deleteVods: Type.Optional(Type.Boolean({ description: 'Also delete the recordings: rows, objects and files.' })),
  leaveObjects: Type.Optional(
    Type.Boolean({
      description:
        'With deleteVods: leave the objects in the storage and don’t contact it, for example because the bucket no longer exists.',
    }),
  ),
});

export const DeletedApp = object({
  deleted: Type.Literal(true),
  name: Type.String(),
  warnings: Type.Optional(Type.Array(Type.String(), { description: 'What could not be cleaned up or was left.' })),
});

export const HeldPrefix = object({
  prefix: Type.String({ description: 'The room prefix that was given up.' }),
  tenantId: Type.String({ description: 'Team that it is kept for.' }),
  app: Type.String({ description: 'App that had it.' }),
  releasedAt: Instant,
  heldUntil: Instant,
});
export type HeldPrefix = Static<typeof HeldPrefix>;
export const PrefixParams = object({ prefix: Type.String({ pattern: ROOM_PREFIX_PATTERN }) });
