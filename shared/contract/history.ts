import { envelope } from '../schema/common.ts';
import { HistoryQuery, LoadHistory, NodeHistories, NodeHistoryQuery } from '../schema/history.ts';
import { operation } from './operation.ts';

export const getLoadHistory = operation({
  id: 'getLoadHistory',
  method: 'GET',
  path: '/stats/history',
  tag: 'Stats and settings',
  summary: 'Load of the daemon’s machine over the last day',
  description:
    'A mean a minute, kept for 24 hours and over restarts. The minute that runs is not in it; `GET /stats` tells now. Times in which the daemon did not run are null. `streams` and `rooms` count those of all teams, so only global callers get them.',
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
  summary: 'Load of nodes over the last day, from their heartbeats',
  description:
    'As `/stats/history`. A node that was not heard of has nulls; one that was never heard of is absent. At most 1,000 nodes are kept.',
  access: 'global',
  query: NodeHistoryQuery,
  responses: { 200: envelope(NodeHistories) },
});
