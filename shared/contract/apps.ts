import { Type } from 'typebox';
import { PREFIX_HELD_SECONDS } from '../limits.ts';
import {
  AppRecord,
  AppSizes,
  CreateAppBody,
  DeleteAppQuery,
  DeletedApp,
  HeldPrefix,
  PrefixParams,
} from '../schema/apps.ts';
import { AppNameParams, AppParams, envelope, object } from '../schema/common.ts';
import { Job } from '../schema/jobs.ts';
import { operation } from './operation.ts';

const tag = 'Apps';

export const listApps = operation({
  id: 'listApps',
  method: 'GET',
  path: '/apps',
  tag,
  summary: 'List the apps that you may see',
  description:
    'Sorted by name. A global token or a superadmin sees every app. An app token sees only its own app. Everyone else sees the apps of their team.',
  access: { permission: 'app:read' },
  responses: { 200: Type.Array(AppRecord) },
});

export const createApp = operation({
  id: 'createApp',
  method: 'POST',
  path: '/apps',
  tag,
  summary: 'Create an app',
  description: 'Creates apps/<name>/ with config.yaml, app.db, recordings/, snapshots/ and samples/.',
  access: { permission: 'app:create' },
  share: 'work',
  body: CreateAppBody,
  responses: { 201: AppRecord },
  errors: ['APP_EXISTS', 'APP_SLUG_TAKEN', 'ROOM_PREFIX_TAKEN', 'QUOTA_EXCEEDED', 'NO_TENANT'],
  audit: 'app.create',
});

export const getApp = operation({
  id: 'getApp',
  method: 'GET',
  path: '/apps/{name}',
  tag,
  summary: 'Get one app',
  access: { permission: 'app:read' },
  params: AppNameParams,
  responses: { 200: AppRecord },
  errors: ['APP_NOT_FOUND'],
});

export const getAppSizes = operation({
  id: 'getAppSizes',
  method: 'GET',
  path: '/apps/{name}/sizes',
  tag,
  summary: 'Get the storage used by an app',
  access: { permission: 'app:read' },
  params: AppNameParams,
  responses: { 200: envelope(AppSizes) },
  errors: ['APP_NOT_FOUND'],
});

export const getSample = operation({
  id: 'getSample',
  method: 'GET',
  path: '/samples/{app}/{file}',
  tag,
  summary: 'Get a sample page of an app: publish, play or embed',
  access: 'public',
  params: object({
    ...AppParams.properties,
    file: Type.String({ pattern: '^[a-z0-9-]{1,64}\\.html$', examples: ['play.html'] }),
  }),
  responses: { 200: Type.String() },
  produces: 'text/html',
  errors: ['APP_NOT_FOUND', 'SAMPLE_NOT_FOUND'],
});

export const deleteApp = operation({
  id: 'deleteApp',
  method: 'DELETE',
  path: '/apps/{name}',
  tag,
  summary: 'Delete an app',
  description:
    'Without deleteVods, the recordings stay in the bucket and the app’s folder moves to the archive. With deleteVods, every object of the app is deleted first. If the storage refuses an object, the answer says how many and why, and nothing else is deleted. Objects without a recording are removed where possible; otherwise `warnings` says so. If the bucket no longer exists, use `deleteVods=true&leaveObjects=true` to delete the app and leave the objects. The deletion is a job. With `Prefer: respond-async` the answer is 202 with the job; otherwise the answer comes when the job has finished. A second deletion of the same app returns 409 `APP_BUSY` with the `jobId`.',
  access: { permission: 'app:delete' },
  share: 'work',
  params: AppNameParams,
  query: DeleteAppQuery,
  responses: { 200: DeletedApp, 202: envelope(Job) },
  errors: ['APP_NOT_FOUND', 'APP_BUSY', 'APP_DELETE_CANCELLED', 'STORAGE_PURGE_FAILED', 'SHUTTING_DOWN'],
  audit: 'app.delete',
});

export const listHeldPrefixes = operation({
  id: 'listHeldPrefixes',
  method: 'GET',
  path: '/room-prefixes/held',
  tag,
  summary: 'List room prefixes that are kept for teams that gave them up',
  description: `After an app is renamed or deleted, its room prefix is reserved for its team for ${PREFIX_HELD_SECONDS / 86_400} days. Join tokens for its rooms can be valid that long. The team can use the prefix again at any time. Overlapping prefixes of other teams are rejected with \`ROOM_PREFIX_TAKEN\`.`,
  access: 'global',
  responses: { 200: envelope(Type.Array(HeldPrefix)) },
});

export const freePrefix = operation({
  id: 'freePrefix',
  method: 'DELETE',
  path: '/room-prefixes/held/{prefix}',
  tag,
  summary: 'Free a held room prefix for other teams before its time',
  description: 'Join tokens of the earlier team can still open rooms with this prefix.',
  access: 'global',
  params: PrefixParams,
  responses: { 204: null },
  errors: ['PREFIX_NOT_HELD'],
  audit: 'room-prefix.free',
});
