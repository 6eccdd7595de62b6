import { Type } from 'typebox';
import { AppRecord, AppSizes, CreateAppBody, DeleteAppQuery, DeletedApp } from '../schema/apps.ts';
import { AppNameParams, AppParams, envelope, object } from '../schema/common.ts';
import { Job } from '../schema/jobs.ts';
import { operation } from './operation.ts';

const tag = 'Apps';

export const listApps = operation({
  id: 'listApps',
  method: 'GET',
  path: '/apps',
  tag,
  summary: 'List the apps that the caller may see',
  description:
    'Ordered by name. A global token or a superadmin sees every app, a token of one app only that app, anyone else those of their team.',
  access: { permission: 'app:read' },
  responses: { 200: Type.Array(AppRecord) },
});

export const createApp = operation({
  id: 'createApp',
  method: 'POST',
  path: '/apps',
  tag,
  summary: 'Create an app',
  description: 'Scaffolds apps/<name>/ with config.yaml, app.db, recordings/, snapshots/ and samples/.',
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
  summary: 'Storage footprint of an app',
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
  summary: 'A sample page of an app: publish, play or embed',
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
    'Without deleteVods the recordings in the bucket stay and the app’s folder moves to the archive. With it every object of the app goes first; when one is refused, the answer says how many and why, and nothing else is touched. Objects that no recording names are removed where possible; otherwise `warnings` says so. If the bucket is gone for good, `deleteVods=true&leaveObjects=true` deletes the app and leaves the objects. The work is a job: with `Prefer: respond-async` the answer is 202 and the job, else it comes when all is done. While a deletion is under way, another one is 409 `APP_BUSY` with its `jobId`.',
  access: { permission: 'app:delete' },
  share: 'work',
  params: AppNameParams,
  query: DeleteAppQuery,
  headers: object({
    prefer: Type.Optional(Type.String({ description: '`respond-async` does not wait for the end.' })),
  }),
  responses: { 200: DeletedApp, 202: envelope(Job) },
  errors: ['APP_NOT_FOUND', 'APP_BUSY', 'APP_DELETE_CANCELLED', 'STORAGE_PURGE_FAILED', 'SHUTTING_DOWN'],
  audit: 'app.delete',
});
