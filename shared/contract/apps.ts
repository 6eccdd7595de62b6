import { Type } from 'typebox';
import { AppRecord, AppSizes, CreateAppBody } from '../schema/apps.ts';
import { AppNameParams, envelope } from '../schema/common.ts';
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
