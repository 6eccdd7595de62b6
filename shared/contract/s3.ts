import { Type } from 'typebox';
import { AppNameParams, envelope } from '../schema/common.ts';
import { IfMatchHeaders } from '../schema/config.ts';
import {
  PutS3Body,
  S3BucketResult,
  S3CorsResult,
  S3TestResult,
  S3View,
  StorageProvider,
  TestS3Body,
} from '../schema/s3.ts';
import { operation } from './operation.ts';

const tag = 'App storage';

export const getS3 = operation({
  id: 'getS3',
  method: 'GET',
  path: '/apps/{name}/s3',
  tag,
  summary: 'Get the storage of an app, with masked credentials',
  access: { permission: 's3:read' },
  params: AppNameParams,
  responses: { 200: envelope(S3View) },
  errors: ['APP_NOT_FOUND'],
});

export const putS3 = operation({
  id: 'putS3',
  method: 'PUT',
  path: '/apps/{name}/s3',
  tag,
  summary: 'Set the storage of an app',
  description:
    'Fields that you leave out keep their values. Settings are written to config.yaml, credentials to the secret store. A rejected call writes neither. The next operation uses the new values.',
  access: { permission: 's3:write' },
  share: 'work',
  params: AppNameParams,
  headers: IfMatchHeaders,
  body: PutS3Body,
  hasEtag: true,
  responses: { 200: envelope(S3View) },
  errors: [
    'APP_NOT_FOUND',
    'APP_BUSY',
    'STORAGE_PROVIDER_UNKNOWN',
    'STORAGE_PROVIDER_UNAVAILABLE',
    'PLUGIN_FAILED',
    'STORAGE_PUBLIC_UNCONFIRMED',
    'STORAGE_ROLE_OPERATOR_ONLY',
    'CONFIG_MISSING',
    'CONFIG_UNREADABLE',
    'CONFIG_INVALID',
    'PRECONDITION_FAILED',
  ],
  audit: 's3.write',
});

/** Of operations that use the stored settings, or those of the body without storing them. */
const tried = {
  access: { permission: 's3:write' },
  share: 'connection-test',
  params: AppNameParams,
  body: TestS3Body,
  bodyOptional: true,
} as const;
const triedErrors = [
  'APP_NOT_FOUND',
  'STORAGE_PROVIDER_UNKNOWN',
  'STORAGE_PROVIDER_UNAVAILABLE',
  'PLUGIN_FAILED',
  'STORAGE_ROLE_OPERATOR_ONLY',
  'OVERLOADED',
] as const;

export const testS3 = operation({
  id: 'testS3',
  method: 'POST',
  path: '/apps/{name}/s3/test',
  tag,
  summary: 'Test the storage of an app, step by step',
  description:
    'Resolves the endpoint, connects and sends a signed request. Then does what recordings need with two test objects: writes one, and one in parts. Reads, opens a signed link, lists, and deletes both in one call. With a body, tests those settings instead of the stored ones, without storing them.',
  ...tried,
  responses: { 200: envelope(S3TestResult) },
  errors: triedErrors,
  audit: 's3.test',
});

export const createS3Bucket = operation({
  id: 'createS3Bucket',
  method: 'POST',
  path: '/apps/{name}/s3/bucket',
  tag,
  summary: 'Create the bucket of an app',
  description:
    'Creates the bucket that the stored settings name. With a body, those settings are used instead, without storing them. Only S3 providers can create buckets.',
  ...tried,
  responses: { 200: envelope(S3BucketResult) },
  errors: [...triedErrors, 'APP_BUSY', 'STORAGE_BUCKET_NOT_CREATED'],
  audit: 's3.create-bucket',
});

export const allowS3Pages = operation({
  id: 'allowS3Pages',
  method: 'POST',
  path: '/apps/{name}/s3/cors',
  tag,
  summary: 'Let pages of any site read the bucket of an app',
  description:
    'Browsers need it to play HLS. Adds a CORS rule to the bucket of the stored settings: any origin, GET and HEAD. Its other rules stay. Objects stay as private as they are. With a body, those settings are used instead, without storing them. Only S3 providers can do it.',
  ...tried,
  responses: { 200: envelope(S3CorsResult) },
  errors: [...triedErrors, 'APP_BUSY', 'STORAGE_CORS_NOT_SET'],
  audit: 's3.allow-pages',
});

export const listStorageProviders = operation({
  id: 'listStorageProviders',
  method: 'GET',
  path: '/storage/providers',
  tag,
  summary: 'List storage providers with the schema of their settings',
  description: 'Built-in providers and those of plugins, with everything needed to show a form.',
  access: 'bearer',
  responses: { 200: envelope(Type.Array(StorageProvider)) },
});
