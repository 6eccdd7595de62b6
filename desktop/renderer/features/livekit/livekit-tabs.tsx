import { TabLinks } from '../../ui/layout/tab-links.tsx';

const TABS = [
  { id: 'programs', label: 'This machine', to: '/livekit' },
  { id: 'settings', label: 'Settings', to: '/livekit/settings' },
] as const;

/** The parts of the page of LiveKit. */
export function LiveKitTabs({ current }: { current: (typeof TABS)[number]['id'] }) {
  return <TabLinks label="Parts of LiveKit" tabs={TABS} current={current} />;
}
