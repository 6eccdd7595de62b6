import { AppParams, page } from '../schema/common.ts';
import { AppLogQuery, LogQuery, LogRow } from '../schema/logs.ts';
import { operation } from './operation.ts';

const tag = 'Logs';

export const listLogs = operation({
  id: 'listLogs',
  method: 'GET',
  path: '/logs',
  tag,
  summary: 'Search the server’s log',
  description:
    'Newest first. `total` counts every row that matches. A caller without global scope sees the rows of the team’s apps only.',
  access: 'bearer',
  query: LogQuery,
  responses: { 200: page(LogRow) },
});

export const listAppLogs = operation({
  id: 'listAppLogs',
  method: 'GET',
  path: '/apps/{app}/logs',
  tag,
  summary: 'Search one app’s log',
  access: { permission: 'usage:read' },
  params: AppParams,
  query: AppLogQuery,
  responses: { 200: page(LogRow) },
  errors: ['APP_NOT_FOUND'],
});
