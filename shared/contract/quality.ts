import { NodeParams } from '../schema/cluster.ts';
import { envelope } from '../schema/common.ts';
import { HistoryQuery } from '../schema/history.ts';
import { NodeQuality, NodesQuality, NodesQualityQuery } from '../schema/quality.ts';
import { operation } from './operation.ts';

export const getNodeQuality = operation({
  id: 'getNodeQuality',
  method: 'GET',
  path: '/cluster/nodes/{id}/quality',
  tag: 'Cluster',
  summary: 'Get how well media travelled through a node over the last day',
  description:
    'From LiveKit’s metrics, as the node’s agent reports them: one average per minute, kept for 24 hours. A figure that was never measured is left out, and a value is null while nothing was measured. `findings` says in words what was beyond its limit for two steps or longer.',
  access: 'global',
  params: NodeParams,
  query: HistoryQuery,
  responses: { 200: envelope(NodeQuality) },
  errors: ['NODE_NOT_FOUND'],
});

export const compareNodeQuality = operation({
  id: 'compareNodeQuality',
  method: 'GET',
  path: '/cluster/quality',
  tag: 'Cluster',
  summary: 'Compare the quality of all nodes',
  description:
    'The averages of each figure over the whole time, and the line of one figure, for each node side by side. A node without a figure in this time is left out. Covers up to 1,000 nodes.',
  access: 'global',
  query: NodesQualityQuery,
  responses: { 200: envelope(NodesQuality) },
});
