import { IconDatabase } from '@tabler/icons-react';
import { getAppSizes } from '#shared/contract/apps.ts';
import { getS3, listStorageProviders } from '#shared/contract/s3.ts';
import { getStats } from '#shared/contract/system.ts';
import { type Feature, screen } from '../feature.ts';

export const storage: Feature = {
  pages: [screen('/storage', () => import('./storage-page.tsx'), 'StoragePage')],
  section: { id: 'storage', label: 'Storage', path: '/storage', key: 's', Icon: IconDatabase, group: 'work' },
  live: {
    refreshes: {
      apps: [getAppSizes],
      config: [getS3],
      vods: [getAppSizes, getStats],
      plugins: [listStorageProviders],
    },
  },
};
