import { Type } from 'typebox';
import { AppParams, envelope } from '../schema/common.ts';
import { AppUsage, MonthUsage, NodeUsage, UsageQuery } from '../schema/usage.ts';
import { operation } from './operation.ts';

const tag = 'Usage';
const WHERE_FROM =
  'Days that are over are kept for good. Bytes sent are known by node only: LiveKit does not tell them by room, so not by app or team.';

export const getMonthUsage = operation({
  id: 'getMonthUsage',
  method: 'GET',
  path: '/usage',
  tag,
  summary: 'Get what the apps that you may see used in a month, by app and team',
  description: WHERE_FROM,
  access: { permission: 'usage:read' },
  refusesAppTokens: true,
  share: 'work',
  query: UsageQuery,
  responses: { 200: envelope(MonthUsage) },
});

export const exportMonthUsage = operation({
  id: 'exportMonthUsage',
  method: 'GET',
  path: '/usage/export',
  tag,
  summary: 'Get a month’s usage as CSV, a row for each app',
  description: 'An app whose database can’t be read has a row without figures.',
  access: { permission: 'usage:read' },
  refusesAppTokens: true,
  share: 'work',
  query: UsageQuery,
  responses: { 200: Type.String() },
  produces: 'text/csv',
});

export const getNodeUsage = operation({
  id: 'getNodeUsage',
  method: 'GET',
  path: '/usage/nodes',
  tag,
  summary: 'Get the bytes that each node sent and received in a month, by day',
  access: 'global',
  query: UsageQuery,
  responses: { 200: envelope(NodeUsage) },
});

export const getAppUsage = operation({
  id: 'getAppUsage',
  method: 'GET',
  path: '/apps/{app}/usage',
  tag,
  summary: 'Get what an app used in a month, by day',
  description: WHERE_FROM,
  access: { permission: 'usage:read' },
  share: 'work',
  params: AppParams,
  query: UsageQuery,
  responses: { 200: envelope(AppUsage) },
});
