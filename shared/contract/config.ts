import { Type } from 'typebox';
import { PatchAppBody, PatchStreamingBody } from '../config/patch.ts';
import { AppNameParams, AppParams, envelope } from '../schema/common.ts';
import {
  AppConfigView,
  BackupParams,
  ConfigBackup,
  ConfigText,
  ConfigWritten,
  IfMatchHeaders,
  PreviewBody,
  PreviewResult,
  PutRawBody,
  RawConfig,
  RevertBody,
  StreamingView,
  ValidateBody,
  ValidateResult,
} from '../schema/config.ts';
import { operation } from './operation.ts';

const tag = 'App config';
/** A text of 100,000 characters may take several times as many bytes as JSON. */
const RAW_LIMIT = 1_048_576;
const REFUSALS = [
  'APP_NOT_FOUND',
  'APP_BUSY',
  'CONFIG_INVALID',
  'ROOM_PREFIX_TAKEN',
  'STORAGE_PUBLIC_UNCONFIRMED',
  'PRECONDITION_FAILED',
  'TASK_TIMEOUT',
  'TASK_FAILED',
  'OVERLOADED',
] as const;

export const patchApp = operation({
  id: 'patchApp',
  method: 'PATCH',
  path: '/apps/{name}',
  tag: 'Apps',
  summary: 'Change the main settings of an app',
  description:
    'Only the fields that are sent are written, in place: the rest of config.yaml stays byte for byte. The answer masks secrets.',
  access: { permission: 'config:write' },
  share: 'work',
  params: AppNameParams,
  headers: IfMatchHeaders,
  body: PatchAppBody,
  responses: { 200: AppConfigView },
  errors: [...REFUSALS, 'CONFIG_UNREADABLE'],
  audit: 'config.patch',
});

export const getConfig = operation({
  id: 'getConfig',
  method: 'GET',
  path: '/apps/{app}/config',
  tag,
  summary: 'Streaming settings of an app, as they are in force',
  access: { permission: 'config:read' },
  params: AppParams,
  responses: { 200: StreamingView },
  errors: ['APP_NOT_FOUND', 'CONFIG_MISSING'],
});

export const patchConfig = operation({
  id: 'patchConfig',
  method: 'PATCH',
  path: '/apps/{app}/config',
  tag,
  summary: 'Change the streaming settings of an app',
  description: 'Only the fields that are sent are written, in place.',
  access: { permission: 'config:write' },
  share: 'work',
  params: AppParams,
  headers: IfMatchHeaders,
  body: PatchStreamingBody,
  responses: { 200: StreamingView },
  errors: [...REFUSALS, 'CONFIG_UNREADABLE'],
  audit: 'config.patch',
});

export const getRawConfig = operation({
  id: 'getRawConfig',
  method: 'GET',
  path: '/apps/{name}/config/raw',
  tag,
  summary: 'Text of config.yaml',
  description:
    'Byte for byte. A caller without config:write sees secrets masked, and nothing of a text that cannot be read.',
  access: { permission: 'config:read' },
  params: AppNameParams,
  responses: { 200: envelope(RawConfig) },
  errors: ['APP_NOT_FOUND', 'CONFIG_MISSING'],
});

export const putRawConfig = operation({
  id: 'putRawConfig',
  method: 'PUT',
  path: '/apps/{name}/config/raw',
  tag,
  summary: 'Replace config.yaml',
  description:
    'Validates, backs the current text up, writes atomically, reloads. Nothing is written when the text is invalid or equal to the current one.',
  access: { permission: 'config:write' },
  share: 'work',
  params: AppNameParams,
  headers: IfMatchHeaders,
  body: PutRawBody,
  bodyLimit: RAW_LIMIT,
  responses: { 200: envelope(ConfigWritten) },
  errors: REFUSALS,
  audit: 'config.write',
});

export const validateConfig = operation({
  id: 'validateConfig',
  method: 'POST',
  path: '/apps/{name}/config/raw/validate',
  tag,
  summary: 'Check a text and compare it with the current one',
  description: 'Nothing is written. A bad text is an answer, not an error.',
  access: { permission: 'config:read' },
  share: 'work',
  params: AppNameParams,
  body: ValidateBody,
  bodyLimit: RAW_LIMIT,
  responses: { 200: envelope(ValidateResult) },
  errors: ['APP_NOT_FOUND', 'TASK_TIMEOUT', 'TASK_FAILED', 'OVERLOADED'],
});

export const previewConfig = operation({
  id: 'previewConfig',
  method: 'POST',
  path: '/apps/{name}/config/preview',
  tag,
  summary: 'What a structured change would do to config.yaml',
  description: 'Takes the bodies of both PATCH routes. Nothing is written.',
  access: { permission: 'config:read' },
  share: 'work',
  params: AppNameParams,
  body: PreviewBody,
  responses: { 200: envelope(PreviewResult) },
  errors: ['APP_NOT_FOUND', 'CONFIG_UNREADABLE', 'TASK_TIMEOUT', 'TASK_FAILED', 'OVERLOADED'],
});

export const listConfigBackups = operation({
  id: 'listConfigBackups',
  method: 'GET',
  path: '/apps/{name}/config/backups',
  tag,
  summary: 'Earlier texts of config.yaml, newest first',
  description: 'The newest 20 are kept, each with who replaced it, when and how.',
  access: { permission: 'config:read' },
  params: AppNameParams,
  responses: { 200: envelope(Type.Array(ConfigBackup)) },
  errors: ['APP_NOT_FOUND'],
});

export const getConfigBackup = operation({
  id: 'getConfigBackup',
  method: 'GET',
  path: '/apps/{name}/config/backups/{ts}',
  tag,
  summary: 'Text of one backup',
  description: 'Masked, or not shown, as the text in force is.',
  access: { permission: 'config:read' },
  params: BackupParams,
  responses: { 200: envelope(ConfigText) },
  errors: ['APP_NOT_FOUND', 'BACKUP_NOT_FOUND'],
});

export const revertConfig = operation({
  id: 'revertConfig',
  method: 'POST',
  path: '/apps/{name}/config/backups/{ts}/revert',
  tag,
  summary: 'Go back to a backup',
  description: 'The current text is backed up first; the backup stays in the list.',
  access: { permission: 'config:write' },
  share: 'work',
  params: BackupParams,
  headers: IfMatchHeaders,
  body: RevertBody,
  bodyOptional: true,
  responses: { 200: envelope(ConfigWritten) },
  errors: [...REFUSALS, 'BACKUP_NOT_FOUND'],
  audit: 'config.revert',
});

export const reloadConfig = operation({
  id: 'reloadConfig',
  method: 'POST',
  path: '/apps/{name}/reload',
  tag,
  summary: 'Read config.yaml again',
  description: 'An unreadable text is no error: `reloaded` is false, and the last valid config stays in force.',
  access: { permission: 'config:write' },
  share: 'work',
  params: AppNameParams,
  responses: { 200: envelope(ConfigWritten) },
  errors: ['APP_NOT_FOUND', 'APP_BUSY'],
  audit: 'config.reload',
});

export const getConfigSchema = operation({
  id: 'getConfigSchema',
  method: 'GET',
  path: '/config/schema',
  tag,
  summary: 'JSON Schema of config.yaml',
  description: 'For completion and hints in editors. Marks: x-unit, x-reload, x-secret, x-usual, x-template.',
  access: 'public',
  responses: { 200: Type.Record(Type.String(), Type.Unknown()) },
});
