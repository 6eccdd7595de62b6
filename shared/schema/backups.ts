import { type Static, Type } from 'typebox';
import { APP_NAME_PATTERN, Instant, nullable, object, oneOf, ROOM_PREFIX_PATTERN, RowId } from './common.ts';
import { S3View, TestS3Body } from './s3.ts';

/** `destination` of backups in the storage that only backups use; no app has this name. */
export const OWN_STORAGE = '@storage';

/** What a backup leaves out. `code` is stable; `text` is a sentence. */
export const BackupLack = object({
  code: Type.String({ description: 'Stable word.', examples: ['recordings'] }),
  text: Type.String({ description: 'What is missing, in a sentence.' }),
});
export type BackupLack = Static<typeof BackupLack>;

const passphrase = Type.Optional(
  Type.String({
    minLength: 8,
    maxLength: 1024,
    description: 'Passphrase of the backup. If absent, the stored one is used. Never returned.',
  }),
);

const choices = {
  destination: Type.Optional(
    Type.String({
      maxLength: 64,
      description:
        'Empty: the folder `backups` of the data directory. `@storage`: the storage of backups (PUT /backups/storage). Otherwise the name of an app: the backup is stored in the storage of that app, below `streamhub-backups/`.',
      examples: ['', '@storage', 'live'],
    }),
  ),
  recordings: Type.Optional(
    Type.Boolean({ description: 'Also copies recordings and snapshots that are on this machine. Default: false.' }),
  ),
  logs: Type.Optional(Type.Boolean({ description: 'Also copies the folder `logs`. Default: true.' })),
};

export const Backup = object({
  id: RowId(),
  name: Type.String({ description: 'Name of the file.' }),
  state: oneOf(['writing', 'ready', 'failed'], { description: '`ready`: written, and verified by reading it.' }),
  origin: oneOf(['request', 'schedule', 'found'], {
    description:
      '`found`: a file in the folder `backups`, or in the storage of backups, that the registry didn’t know.',
  }),
  destination: Type.String({
    description:
      'Empty: the folder `backups`. `@storage`: the storage of backups. Otherwise the app whose storage has it.',
  }),
  place: Type.String({ description: 'Where it is, in words.' }),
  sizeBytes: Type.Integer(),
  version: nullable(Type.String(), { description: 'Version of StreamHub that wrote it. `null`: not known.' }),
  apps: Type.Array(Type.String(), { description: 'Names of the apps in it.' }),
  files: Type.Integer({ description: 'Number of files in it.' }),
  recordings: Type.Boolean(),
  logs: Type.Boolean(),
  lacks: Type.Array(BackupLack, { description: 'What it doesn’t have.' }),
  error: nullable(Type.String(), { description: 'Why it failed.' }),
  createdAt: Instant,
  finishedAt: nullable(Instant),
  verifiedAt: nullable(Instant, { description: 'When it was last read as a whole without a fault.' }),
  verifyError: nullable(Type.String(), { description: 'What the last verification found.' }),
  jobId: nullable(Type.Integer(), { description: 'The job that works on it, or did last.' }),
});
export type Backup = Static<typeof Backup>;

export const BackupParams = object({ id: RowId({ description: 'Id of the backup.' }) });

export const CreateBackupBody = object({ ...choices, passphrase });
export type CreateBackupBody = Static<typeof CreateBackupBody>;

export const VerifyBackupBody = object({ passphrase });
export type VerifyBackupBody = Static<typeof VerifyBackupBody>;

export const RestoreBackupBody = object({
  passphrase,
  app: Type.Optional(
    Type.String({ maxLength: 64, description: 'Restores only this app. If absent, everything is restored.' }),
  ),
  as: Type.Optional(
    Type.String({ pattern: APP_NAME_PATTERN, description: 'Name of the restored app. Default: the name that it had.' }),
  ),
  roomPrefix: Type.Optional(
    Type.String({
      pattern: ROOM_PREFIX_PATTERN,
      description: 'Room prefix of the restored app. Default: with `as`, the new name; otherwise the one that it had.',
    }),
  ),
});
export type RestoreBackupBody = Static<typeof RestoreBackupBody>;

/** When backups are made, how long they are kept, and what is under way. */
export const BackupPlan = object({
  cron: nullable(Type.String(), { description: 'When backups are made, as a cron text in UTC. `null`: never.' }),
  destination: Type.String(),
  recordings: Type.Boolean(),
  logs: Type.Boolean(),
  keepLast: Type.Integer({ description: 'So many scheduled backups are kept, even older ones.' }),
  keepDays: Type.Integer({ description: 'Scheduled backups are deleted after so many days. 0: by number only.' }),
  monthlyTest: Type.Boolean({ description: 'Once a month, the newest backup is restored to a temporary folder.' }),
  hasPassphrase: Type.Boolean({ description: 'A passphrase is stored.' }),
  nextAt: nullable(Instant, { description: 'Time of the next scheduled backup.' }),
  lastTest: nullable(
    object({
      at: Instant,
      backup: Type.String({ description: 'Name of the backup.' }),
      ok: Type.Boolean(),
      text: Type.String({ description: 'What was read, or why it failed.' }),
    }),
    { description: 'The last monthly test.' },
  ),
  lacks: Type.Array(BackupLack, { description: 'What a backup made now wouldn’t have.' }),
  pendingRestore: nullable(object({ backup: Type.String(), createdAt: Instant, preparedAt: Instant }), {
    description: 'A backup that replaces everything at the next start of the daemon.',
  }),
});
export type BackupPlan = Static<typeof BackupPlan>;

export const BackupPlanBody = object({
  cron: Type.Optional(
    nullable(Type.String({ maxLength: 100 }), {
      description: 'Minute, hour, day, month and weekday in UTC, e.g. `0 3 * * *`. `null` ends the schedule.',
    }),
  ),
  ...choices,
  keepLast: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
  keepDays: Type.Optional(Type.Integer({ minimum: 0, maximum: 3650 })),
  monthlyTest: Type.Optional(Type.Boolean()),
  passphrase: Type.Optional(
    nullable(Type.String({ minLength: 8, maxLength: 1024 }), {
      description:
        'Stored in the secret store, for scheduled backups and for verifying. `null` removes it. Keep a copy elsewhere: without it no backup can be opened.',
    }),
  ),
});
export type BackupPlanBody = Static<typeof BackupPlanBody>;

/** The storage that only backups use, without secrets. */
export const BackupStorageView = object({
  ...Type.Pick(S3View, ['provider', 'bucket', 'region', 'endpoint', 'forcePathStyle', 'options', 'credentials'])
    .properties,
  prefix: Type.String({ description: 'Folder of the backups in the bucket.' }),
  keyMasked: Type.String({ description: 'Access key, masked.' }),
  hasKey: Type.Boolean(),
  hasSecret: Type.Boolean(),
  configured: Type.Boolean({ description: 'A bucket is set.' }),
  warnings: Type.Array(Type.String(), { description: 'Notes on these settings.' }),
});
export type BackupStorageView = Static<typeof BackupStorageView>;

/** Settings of the storage of backups; what is absent stays as it is. Credentials are never returned. */
export const BackupStorageBody = TestS3Body;
export type BackupStorageBody = Static<typeof BackupStorageBody>;

export const DownloadHeaders = object({
  range: Type.Optional(
    Type.String({ maxLength: 100, description: 'One range of bytes, e.g. `bytes=1000-`, to continue a download.' }),
  ),
  'if-range': Type.Optional(
    Type.String({ maxLength: 300, description: 'The ETag of the download that is continued.' }),
  ),
});
