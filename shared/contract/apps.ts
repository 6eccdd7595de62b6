import { Type } from 'typebox';
import { AppRecord, AppSizes, CreateAppBody } from '../schema/apps.ts';
import { AppNameParams, AppParams, envelope, object } from '../schema/common.ts';
import { operation } from './operation.ts';

const tag = 'Apps';

export const listApps = operation({
  id: 'listApps',
  method: 'GET',
  path: '/apps',
  tag,
  summary: 'List the apps that the caller may see',
  description: 'Ordered by name. A global token or a superadmin sees every app, anyone else those of their own team.',
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
