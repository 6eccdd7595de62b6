import type { ComponentType } from 'react';

export interface AppTab {
  id: string;
  label: string;
  /** More words that the palette finds the tab by. */
  keywords: string;
  /** The body scrolls by itself. */
  fills?: boolean;
  /** Loads the tab's code when it is first opened. */
  load: () => Promise<{ default: ComponentType<{ app: string }> }>;
}

/** The tabs of an app's page, in their order. A new tab is a component and an entry here. */
export const appTabs: readonly AppTab[] = [
  {
    id: 'streams',
    label: 'Streams',
    keywords: 'live',
    fills: true,
    load: async () => ({ default: (await import('../streams/streams-tab.tsx')).StreamsTab }),
  },
  {
    id: 'rooms',
    label: 'Rooms',
    keywords: 'participants viewers tracks watch',
    fills: true,
    load: async () => ({ default: (await import('../rooms/rooms-tab.tsx')).RoomsTab }),
  },
  {
    id: 'ingests',
    label: 'Ingests',
    keywords: 'rtmp whip obs encoder stream key',
    fills: true,
    load: async () => ({ default: (await import('../ingests/ingests-tab.tsx')).IngestsTab }),
  },
  {
    id: 'recordings',
    label: 'Recordings',
    keywords: 'vods',
    fills: true,
    load: async () => ({ default: (await import('../streams/recordings-tab.tsx')).RecordingsTab }),
  },
  {
    id: 'sessions',
    label: 'Sessions',
    keywords: 'history rooms participants who was there',
    fills: true,
    load: async () => ({ default: (await import('../sessions/sessions-page.tsx')).SessionsTab }),
  },
  {
    id: 'config',
    label: 'Config',
    keywords: 'yaml edit history',
    fills: true,
    load: async () => ({ default: (await import('../config/config-tab.tsx')).ConfigTab }),
  },
  {
    id: 'delivery',
    label: 'Delivery',
    keywords: 'quality bitrate hls cdn viewers plan',
    load: async () => ({ default: (await import('../delivery/delivery-tab.tsx')).DeliveryTab }),
  },
  {
    id: 'features',
    label: 'Features',
    keywords: 'chat screen share player latency alert switches',
    fills: true,
    load: async () => ({ default: (await import('../config/block-tabs.tsx')).FeaturesTab }),
  },
  {
    id: 'callback-settings',
    label: 'Webhooks',
    keywords: 'callbacks mqtt url events settings',
    fills: true,
    load: async () => ({ default: (await import('../config/block-tabs.tsx')).WebhooksTab }),
  },
  {
    id: 'presets',
    label: 'Presets',
    keywords: '',
    load: async () => ({ default: (await import('../presets/presets-tab.tsx')).PresetsTab }),
  },
  {
    id: 'storage',
    label: 'Storage',
    keywords: 's3 bucket',
    load: async () => ({ default: (await import('../storage/storage-tab.tsx')).StorageTab }),
  },
  {
    id: 'logs',
    label: 'Logs',
    keywords: 'errors',
    fills: true,
    load: async () => ({ default: (await import('../logs/logs-page.tsx')).AppLogsTab }),
  },
  {
    id: 'callbacks',
    label: 'Callbacks',
    keywords: 'webhooks',
    fills: true,
    load: async () => ({ default: (await import('../callbacks/callbacks-tab.tsx')).CallbacksTab }),
  },
  {
    id: 'join',
    label: 'Join',
    keywords: 'tokens',
    load: async () => ({ default: (await import('../streams/join-tab.tsx')).JoinTab }),
  },
];
