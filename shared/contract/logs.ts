import { AppParams, envelope } from '../schema/common.ts';
import {
  AppLogHistogramQuery,
  AppLogQuery,
  LogErrorQuery,
  LogErrors,
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

export const listErrors = operation({
  id: 'listErrors',
  method: 'GET',
  path: '/logs/errors',
  tag,
  summary: 'List errors of the log, each once',
  description:
    'The newest lines of the levels error and fatal. Lines that say the same about the same app are one entry with a count.',
  access: 'bearer',
  share: 'log-search',
  query: LogErrorQuery,
  responses: { 200: envelope(LogErrors) },
  errors: ['OVERLOADED'],
});
