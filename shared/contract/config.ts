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
    'Writes only the fields that you send; the rest of config.yaml doesn’t change by a byte. Secrets in the answer are masked.',
  access: { permission: 'config:write' },
  share: 'work',
  params: AppNameParams,
  headers: IfMatchHeaders,
  body: PatchAppBody,
  hasEtag: true,
  responses: { 200: AppConfigView },
  errors: [...REFUSALS, 'CONFIG_UNREADABLE'],
  audit: 'config.patch',
});

export const getConfig = operation({
  id: 'getConfig',
  method: 'GET',
  path: '/apps/{app}/config',
  tag,
  summary: 'Get the active streaming settings of an app',
  access: { permission: 'config:read' },
  params: AppParams,
  hasEtag: true,
  responses: { 200: StreamingView },
  errors: ['APP_NOT_FOUND', 'CONFIG_MISSING'],
});

export const patchConfig = operation({
  id: 'patchConfig',
  method: 'PATCH',
  path: '/apps/{app}/config',
  tag,
  summary: 'Change the streaming settings of an app',
  description: 'Writes only the fields that you send.',
  access: { permission: 'config:write' },
  share: 'work',
  params: AppParams,
  headers: IfMatchHeaders,
  body: PatchStreamingBody,
  hasEtag: true,
  responses: { 200: StreamingView },
  errors: [...REFUSALS, 'CONFIG_UNREADABLE'],
  audit: 'config.patch',
});

export const getRawConfig = operation({
  id: 'getRawConfig',
  method: 'GET',
  path: '/apps/{name}/config/raw',
  tag,
  summary: 'Get the text of config.yaml',
  description:
    'Returned byte for byte. Without config:write, secrets are masked, and a text that cannot be parsed is not shown.',
  access: { permission: 'config:read' },
  params: AppNameParams,
  hasEtag: true,
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
    'Validates the text, backs up the current one, writes the file atomically and reloads it. Writes nothing if the text is invalid or unchanged.',
  access: { permission: 'config:write' },
  share: 'work',
  params: AppNameParams,
  headers: IfMatchHeaders,
  body: PutRawBody,
  bodyLimit: RAW_LIMIT,
  hasEtag: true,
  responses: { 200: envelope(ConfigWritten) },
  errors: REFUSALS,
  audit: 'config.write',
});

export const validateConfig = operation({
  id: 'validateConfig',
  method: 'POST',
  path: '/apps/{name}/config/raw/validate',
  tag,
  summary: 'Validate a text and compare it with the current one',
  description: 'Writes nothing. An invalid text is a result, not an error.',
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
  summary: 'Preview what a structured change would do to config.yaml',
  description: 'Accepts the bodies of both PATCH routes. Writes nothing.',
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
  summary: 'List the backups of config.yaml, newest first',
  description: 'Keeps the newest 20, each with who replaced it, when and how.',
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
  summary: 'Get the text of one backup',
  description: 'Secrets are masked, or the text is hidden, by the same rules as for the active text.',
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
  summary: 'Restore a backup',
  description: 'Backs up the current text first. The restored backup stays in the list.',
  access: { permission: 'config:write' },
  share: 'work',
  params: BackupParams,
  headers: IfMatchHeaders,
  body: RevertBody,
  bodyOptional: true,
  hasEtag: true,
  responses: { 200: envelope(ConfigWritten) },
  errors: [...REFUSALS, 'BACKUP_NOT_FOUND'],
  audit: 'config.revert',
});

export const reloadConfig = operation({
  id: 'reloadConfig',
  method: 'POST',
  path: '/apps/{name}/reload',
  tag,
  summary: 'Reload config.yaml from disk',
  description: 'If the text cannot be read, `reloaded` is false and the last valid config stays active.',
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
  summary: 'Get the JSON Schema of config.yaml',
  description: 'For completion and hints in editors. Extensions: x-unit, x-reload, x-secret, x-usual, x-template.',
  access: 'public',
  responses: { 200: Type.Record(Type.String(), Type.Unknown()) },
});
