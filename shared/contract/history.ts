import { envelope } from '../schema/common.ts';
import { HistoryQuery, LoadHistory, NodeHistories, NodeHistoryQuery } from '../schema/history.ts';
import { operation } from './operation.ts';

export const getLoadHistory = operation({
  id: 'getLoadHistory',
  method: 'GET',
  path: '/stats/history',
  tag: 'Stats and settings',
  summary: 'Get the load of the daemon’s machine over the last day',
  description:
    'One average per minute, kept for 24 hours, also across restarts. The current minute is not included; use `GET /stats` for the current values. Values are null while the daemon was not running. `streams` and `rooms` count all teams, so only global callers get them.',
  access: 'bearer',
  refusesAppTokens: true,
  query: HistoryQuery,
  responses: { 200: envelope(LoadHistory) },
});

export const getNodeHistory = operation({
  id: 'getNodeHistory',
  method: 'GET',
  path: '/cluster/history',
  tag: 'Cluster',
  summary: 'Get the load of the nodes over the last day',
  description:
    'Built from heartbeats, in the format of `/stats/history`. Values are null while a node sent none. A node that never sent one is left out. Covers up to 1,000 nodes.',
  access: 'global',
  query: NodeHistoryQuery,
  responses: { 200: envelope(NodeHistories) },
});
