import {
  IconActivity,
  IconApps,
  IconArrowsDiff,
  IconClipboardList,
  IconCpu,
  IconDatabase,
  IconFileText,
  IconKey,
  IconLayoutDashboard,
  IconPlugConnected,
  IconServer2,
  IconSettings,
  IconShieldLock,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';

export interface Section {
  id: string;
  label: string;
  path: string;
  /** Second key after `g`. */
  key: string;
  Icon: ComponentType<{ size?: number | string; stroke?: number }>;
  group: 'work' | 'server' | 'people';
}

/** The pages of a daemon, in the order of the second column. */
export const sections: readonly Section[] = [
  { id: 'overview', label: 'Overview', path: '/', key: 'o', Icon: IconLayoutDashboard, group: 'work' },
  { id: 'apps', label: 'Apps', path: '/apps', key: 'a', Icon: IconApps, group: 'work' },
  { id: 'cluster', label: 'Cluster', path: '/cluster', key: 'c', Icon: IconServer2, group: 'work' },
  { id: 'logs', label: 'Logs', path: '/logs', key: 'l', Icon: IconFileText, group: 'work' },
  { id: 'storage', label: 'Storage', path: '/storage', key: 's', Icon: IconDatabase, group: 'work' },
  { id: 'jobs', label: 'Jobs', path: '/jobs', key: 'j', Icon: IconActivity, group: 'work' },
  { id: 'compare', label: 'Compare', path: '/compare', key: 'd', Icon: IconArrowsDiff, group: 'work' },
  { id: 'plugins', label: 'Plugins', path: '/plugins', key: 'p', Icon: IconPlugConnected, group: 'server' },
  { id: 'gpu', label: 'GPU', path: '/gpu', key: 'g', Icon: IconCpu, group: 'server' },
  { id: 'settings', label: 'Settings', path: '/settings', key: 'e', Icon: IconSettings, group: 'server' },
  { id: 'access', label: 'Access', path: '/access', key: 't', Icon: IconKey, group: 'people' },
  { id: 'security', label: 'Network', path: '/security', key: 'n', Icon: IconShieldLock, group: 'people' },
  { id: 'audit', label: 'Audit', path: '/audit', key: 'u', Icon: IconClipboardList, group: 'people' },
];
