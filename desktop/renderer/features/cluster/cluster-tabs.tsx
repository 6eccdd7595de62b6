import { TabLinks } from '../../ui/layout/tab-links.tsx';

const TABS = [
  { id: 'nodes', label: 'Nodes', to: '/cluster' },
  { id: 'quality', label: 'Quality', to: '/cluster/quality' },
] as const;

/** The parts of the cluster. */
export function ClusterTabs({ current }: { current: (typeof TABS)[number]['id'] }) {
  return <TabLinks label="Parts of the cluster" tabs={TABS} current={current} />;
}
