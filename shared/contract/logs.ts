import { AppParams, envelope } from '../schema/common.ts';
import {
  AppLogHistogramQuery,
  AppLogQuery,
  LogHistogram,
  LogHistogramQuery,
  LogPage,
  LogQuery,
} from '../schema/logs.ts';
import { operation } from './operation.ts';

const tag = 'Logs';

export const listLogs = operation({
  id: 'listLogs',
  method: 'GET',
  path: '/logs',
  tag,
  summary: 'Search the server log',
  description:
    'Newest first. `total` counts up to 10,000 rows. `more` is true if there are more, which you reach with `offset`. Without global scope you see only the rows of your apps.',
  access: 'bearer',
  share: 'log-search',
  query: LogQuery,
  responses: { 200: LogPage },
});

export const listAppLogs = operation({
  id: 'listAppLogs',
  method: 'GET',
  path: '/apps/{app}/logs',
  tag,
  summary: 'Search the log of one app',
  access: { permission: 'usage:read' },
  share: 'log-search',
  params: AppParams,
  query: AppLogQuery,
  responses: { 200: LogPage },
  errors: ['APP_NOT_FOUND'],
});

export const countLogs = operation({
  id: 'countLogs',
  method: 'GET',
  path: '/logs/histogram',
  tag,
  summary: 'Count server log lines over time',
  description:
    'Takes the same filters as the search. Without `since` the range starts at the oldest line; without `until` it ends now.',
  access: 'bearer',
  share: 'log-search',
  query: LogHistogramQuery,
  responses: { 200: envelope(LogHistogram) },
  errors: ['OVERLOADED'],
});

export const countAppLogs = operation({
  id: 'countAppLogs',
  method: 'GET',
  path: '/apps/{app}/logs/histogram',
  tag,
  summary: 'Count log lines of one app over time',
  access: { permission: 'usage:read' },
  share: 'log-search',
  params: AppParams,
  query: AppLogHistogramQuery,
  responses: { 200: envelope(LogHistogram) },
  errors: ['APP_NOT_FOUND', 'OVERLOADED'],
});
