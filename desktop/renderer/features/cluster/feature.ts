import { IconServer2 } from '@tabler/icons-react';
import {
  getClusterInfo,
  getClusterSettings,
  getNode,
  listJoinCodes,
  listNodes,
  previewPlacement,
} from '#shared/contract/cluster.ts';
import { compareNodeQuality, getNodeQuality } from '#shared/contract/quality.ts';
import { nodesInNeed, nodesInNeedWords } from '#shared/rules/nodes.ts';
import { counter, type Feature, screen } from '../feature.ts';

/** Reports of nodes come all the time; the list is read again at most this often, and only where it is shown. */
const NODES_EVERY_MS = 10_000;
/** Quality is written down by the minute. */
const QUALITY_EVERY_MS = 30_000;

export const cluster: Feature = {
  pages: [
    screen('/cluster', () => import('./cluster-page.tsx'), 'ClusterPage'),
    screen('/cluster/quality', () => import('./quality-page.tsx'), 'QualityPage'),
  ],
  section: {
    id: 'cluster',
    label: 'Cluster',
    path: '/cluster',
    key: 'c',
    Icon: IconServer2,
    group: 'work',
    count: counter(listNodes, (nodes) => {
      const inNeed = nodesInNeed(nodes).length;
      return {
        count: String(nodes.length),
        ...(inNeed > 0 ? { alert: { count: inNeed, title: nodesInNeedWords(inNeed) } } : {}),
      };
    }),
  },
  palette: ({ go, known }) => [
    { id: 'node-quality', group: 'Pages', label: 'Quality of the nodes', run: () => go('/cluster/quality') },
    ...(known(listNodes) ?? []).map(({ id, name, region }) => ({
      id: `node-${id}`,
      group: 'Nodes',
      label: name,
      hint: region ?? '',
      run: () => go('/cluster', { node: id }),
    })),
  ],
  live: {
    refreshes: {
      nodes: [
        listNodes,
        listJoinCodes,
        getNode,
        getClusterInfo,
        previewPlacement,
        getClusterSettings,
        getNodeQuality,
        compareNodeQuality,
      ],
    },
    patches: {
      'node.stats': (cache) => {
        cache.refreshAtMost(listNodes, NODES_EVERY_MS);
        for (const read of [getNodeQuality, compareNodeQuality]) cache.refreshAtMost(read, QUALITY_EVERY_MS);
        return true;
      },
    },
  },
};
