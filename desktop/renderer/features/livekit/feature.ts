import { IconBroadcast } from '@tabler/icons-react';
import { getLiveKitSettings, getManagedLiveKit } from '#shared/contract/livekit.ts';
import { type Feature, screen } from '../feature.ts';

export const livekit: Feature = {
  pages: [
    screen('/livekit', () => import('./livekit-page.tsx'), 'LiveKitPage'),
    screen('/livekit/settings', () => import('./settings-page.tsx'), 'LiveKitSettingsPage'),
  ],
  section: { id: 'livekit', label: 'LiveKit', path: '/livekit', key: 'v', Icon: IconBroadcast, group: 'server' },
  live: { refreshes: { system: [getManagedLiveKit, getLiveKitSettings] } },
};
