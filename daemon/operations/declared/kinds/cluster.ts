import type { ClusterService } from '#daemon/cluster/service.ts';
import { type ClusterSettings, PatchClusterSettingsBody } from '#shared/schema/cluster.ts';
import type { Kind } from '../kind.ts';
import { singleKind } from './single.ts';

/** How the cluster places rooms. */
export const clusterKind = ({ cluster }: { cluster: ClusterService }): Kind =>
  singleKind({
    id: 'cluster',
    file: 'cluster.yaml',
    schema: PatchClusterSettingsBody,
    read: () => ({ ...cluster.settings }),
    check: () => {},
    apply: ({ after }, { actor }) => {
      if (after !== null) cluster.changeSettings(after as Partial<ClusterSettings>, actor);
    },
  });
