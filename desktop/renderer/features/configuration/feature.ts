import { IconFileDiff } from '@tabler/icons-react';
import { listRollbackPoints } from '#shared/contract/declared.ts';
import { type Feature, screen } from '../feature.ts';

const ended = [listRollbackPoints];

export const configuration: Feature = {
  pages: [screen('/configuration', () => import('./configuration-page.tsx'), 'ConfigurationPage')],
  section: {
    id: 'configuration',
    label: 'Configuration',
    path: '/configuration',
    key: 'f',
    Icon: IconFileDiff,
    group: 'server',
  },
  palette: ({ go }) => [
    {
      id: 'apply-configuration',
      label: 'Apply a configuration folder',
      group: 'Actions',
      run: () => go('/configuration'),
    },
  ],
  live: {
    refreshes: { 'job.started': ended, 'job.succeeded': ended, 'job.failed': ended, 'job.cancelled': ended },
  },
};
