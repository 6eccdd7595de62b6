import { IconArchive } from '@tabler/icons-react';
import { getBackup, getBackupPlan, getBackupStorage, listBackups } from '#shared/contract/backups.ts';
import { type Feature, screen } from '../feature.ts';

export const backups: Feature = {
  pages: [screen('/backups', () => import('./backups-page.tsx'), 'BackupsPage')],
  section: { id: 'backups', label: 'Backups', path: '/backups', key: 'k', Icon: IconArchive, group: 'server' },
  live: { refreshes: { 'backup.changed': [listBackups, getBackup, getBackupPlan, getBackupStorage] } },
};
