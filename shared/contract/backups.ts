import { Type } from 'typebox';
import {
  Backup,
  BackupParams,
  BackupPlan,
  BackupPlanBody,
  BackupStorageBody,
  BackupStorageView,
  CreateBackupBody,
  DownloadHeaders,
  RestoreBackupBody,
  VerifyBackupBody,
} from '../schema/backups.ts';
import { envelope } from '../schema/common.ts';
import { FileBytes } from '../schema/files.ts';
import { Job } from '../schema/jobs.ts';
import { S3TestResult } from '../schema/s3.ts';
import { operation } from './operation.ts';

const tag = 'Backups';
const about = { tag, access: 'global' } as const;
const one = { ...about, params: BackupParams } as const;

export const listBackups = operation({
  ...about,
  id: 'listBackups',
  method: 'GET',
  path: '/backups',
  summary: 'List backups of the data directory, newest first',
  responses: { 200: envelope(Type.Array(Backup)) },
});

export const createBackup = operation({
  ...about,
  id: 'createBackup',
  method: 'POST',
  path: '/backups',
  summary: 'Make a backup',
  description:
    'Copies the whole data directory while the daemon runs: databases, configs, secrets and plugins; recordings by choice. The file is compressed with zstd, encrypted with age and a passphrase, and verified by reading it. The work is a job.',
  share: 'work',
  body: CreateBackupBody,
  responses: { 202: envelope(Job) },
  errors: ['BACKUP_BUSY', 'BACKUP_PASSPHRASE_MISSING', 'BACKUP_DESTINATION_UNUSABLE'],
  audit: 'backup.create',
});

export const getBackupPlan = operation({
  ...about,
  id: 'getBackupPlan',
  method: 'GET',
  path: '/backups/plan',
  summary: 'Get the schedule of backups, and what a backup lacks',
  responses: { 200: envelope(BackupPlan) },
});

export const updateBackupPlan = operation({
  ...about,
  id: 'updateBackupPlan',
  method: 'PATCH',
  path: '/backups/plan',
  summary: 'Change the schedule of backups, retention and passphrase',
  body: BackupPlanBody,
  responses: { 200: envelope(BackupPlan) },
  errors: ['BACKUP_PASSPHRASE_MISSING', 'BACKUP_DESTINATION_UNUSABLE'],
  audit: 'backup-plan.change',
});

const providerErrors = ['STORAGE_PROVIDER_UNKNOWN', 'STORAGE_PROVIDER_UNAVAILABLE', 'PLUGIN_FAILED'] as const;

export const getBackupStorage = operation({
  ...about,
  id: 'getBackupStorage',
  method: 'GET',
  path: '/backups/storage',
  summary: 'Get the storage that only backups use, with masked credentials',
  responses: { 200: envelope(BackupStorageView) },
});

export const putBackupStorage = operation({
  ...about,
  id: 'putBackupStorage',
  method: 'PUT',
  path: '/backups/storage',
  summary: 'Set the storage that only backups use',
  description:
    'A bucket of any storage provider, with credentials of its own. Fields that you leave out keep their values. Backups that are in the bucket already are added to the list: this is how another machine finds them. Backups in an earlier bucket stay there, and StreamHub keeps its credentials for them.',
  share: 'work',
  body: BackupStorageBody,
  responses: { 200: envelope(BackupStorageView) },
  errors: providerErrors,
  audit: 'backup-storage.change',
});

export const testBackupStorage = operation({
  ...about,
  id: 'testBackupStorage',
  method: 'POST',
  path: '/backups/storage/test',
  summary: 'Test the storage of backups, step by step',
  description: 'With a body, tests those settings instead of the stored ones, without storing them.',
  share: 'connection-test',
  body: BackupStorageBody,
  bodyOptional: true,
  responses: { 200: envelope(S3TestResult) },
  errors: [...providerErrors, 'OVERLOADED'],
  audit: 'backup-storage.test',
});

export const deleteBackupStorage = operation({
  ...about,
  id: 'deleteBackupStorage',
  method: 'DELETE',
  path: '/backups/storage',
  summary: 'Forget the storage of backups',
  description: 'Backups that are in it stay there and in the list.',
  responses: { 204: null },
  errors: ['BACKUP_STORAGE_IN_USE'],
  audit: 'backup-storage.remove',
});

export const cancelRestore = operation({
  ...about,
  id: 'cancelRestore',
  method: 'DELETE',
  path: '/backups/pending-restore',
  summary: 'Cancel a prepared restore before the next start',
  responses: { 204: null },
  errors: ['RESTORE_NOT_PENDING'],
  audit: 'backup.cancel-restore',
});

export const getBackup = operation({
  ...one,
  id: 'getBackup',
  method: 'GET',
  path: '/backups/{id}',
  summary: 'Get one backup',
  responses: { 200: envelope(Backup) },
  errors: ['BACKUP_UNKNOWN'],
});

export const deleteBackup = operation({
  ...one,
  id: 'deleteBackup',
  method: 'DELETE',
  path: '/backups/{id}',
  summary: 'Delete a backup',
  responses: { 204: null },
  errors: ['BACKUP_UNKNOWN', 'BACKUP_BUSY', 'BACKUP_DESTINATION_UNUSABLE'],
  audit: 'backup.delete',
});

export const downloadBackup = operation({
  ...one,
  id: 'downloadBackup',
  method: 'GET',
  path: '/backups/{id}/file',
  summary: 'Download a backup',
  description:
    'The encrypted file, also of a backup in a storage. Supports `HEAD` and one `Range`, so that a download can be continued.',
  share: 'download',
  headers: DownloadHeaders,
  responses: { 200: FileBytes, 206: FileBytes },
  produces: 'application/octet-stream',
  errors: ['BACKUP_UNKNOWN', 'BACKUP_STORAGE_FAILED', 'FILE_MISSING', 'RANGE_NOT_SATISFIABLE', 'OVERLOADED'],
});

export const verifyBackup = operation({
  ...one,
  id: 'verifyBackup',
  method: 'POST',
  path: '/backups/{id}/verify',
  summary: 'Verify a backup by reading it',
  description: 'Compares every checksum and checks every database. The work is a job.',
  share: 'work',
  body: VerifyBackupBody,
  bodyOptional: true,
  responses: { 202: envelope(Job) },
  errors: ['BACKUP_UNKNOWN', 'BACKUP_BUSY', 'BACKUP_PASSPHRASE_MISSING'],
  audit: 'backup.verify',
});

export const restoreBackup = operation({
  ...one,
  id: 'restoreBackup',
  method: 'POST',
  path: '/backups/{id}/restore',
  summary: 'Restore everything, or one app',
  description:
    'Everything: a job unpacks and checks the backup. It replaces the data at the next start of the daemon. The replaced files are kept in the folder `replaced`. One app: it is added while the daemon runs, under its name or a new one. The work is a job.',
  share: 'work',
  body: RestoreBackupBody,
  bodyOptional: true,
  responses: { 202: envelope(Job) },
  errors: [
    'BACKUP_UNKNOWN',
    'BACKUP_BUSY',
    'BACKUP_PASSPHRASE_MISSING',
    'APP_EXISTS',
    'APP_SLUG_TAKEN',
    'ROOM_PREFIX_TAKEN',
    'QUOTA_EXCEEDED',
  ],
  audit: 'backup.restore',
});
