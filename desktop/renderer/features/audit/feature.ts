import { IconClipboardList } from '@tabler/icons-react';
import { listAudit } from '#shared/contract/audit.ts';
import { type Feature, screen } from '../feature.ts';

export const audit: Feature = {
  pages: [screen('/audit', () => import('./audit-page.tsx'), 'AuditPage')],
  section: { id: 'audit', label: 'Audit', path: '/audit', key: 'u', Icon: IconClipboardList, group: 'people' },
  live: {
    // events that follow from what a person or a token did
    refreshes: {
      access: [listAudit],
      apps: [listAudit],
      config: [listAudit],
      'cluster.settings': [listAudit],
      'ingress.created': [listAudit],
      'ingress.deleted': [listAudit],
      'ingress.updated': [listAudit],
      'node.joined': [listAudit],
      'node.removed': [listAudit],
      'node.updated': [listAudit],
      'plugin.disabled': [listAudit],
      'plugin.enabled': [listAudit],
      'plugin.installed': [listAudit],
      'plugin.reloaded': [listAudit],
      'plugin.removed': [listAudit],
      'vod.deleted': [listAudit],
    },
  },
};
