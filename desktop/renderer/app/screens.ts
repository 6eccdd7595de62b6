import type { ComponentType } from 'react';

export interface Screen {
  path: string;
  load: () => Promise<{ default: ComponentType }>;
}

const screen = <K extends string>(path: string, load: () => Promise<Record<K, ComponentType>>, name: K): Screen => ({
  path,
  load: async () => ({ default: (await load())[name] }),
});

/** Pages of one daemon, each loaded when it is first opened. */
export const daemonScreens: readonly Screen[] = [
  screen('/', () => import('../features/overview/overview-page.tsx'), 'OverviewPage'),
  screen('/apps', () => import('../features/apps/apps-page.tsx'), 'AppsPage'),
  screen('/apps/$app', () => import('../features/app/app-page.tsx'), 'AppPage'),
  screen('/apps/$app/$tab', () => import('../features/app/app-page.tsx'), 'AppPage'),
  screen('/jobs', () => import('../features/jobs/jobs-page.tsx'), 'JobsPage'),
  screen('/access', () => import('../features/access/access-page.tsx'), 'AccessPage'),
  screen('/access/$tab', () => import('../features/access/access-page.tsx'), 'AccessPage'),
  screen('/account', () => import('../features/account/account-page.tsx'), 'AccountPage'),
  screen('/security', () => import('../features/security/security-page.tsx'), 'SecurityPage'),
  screen('/audit', () => import('../features/audit/audit-page.tsx'), 'AuditPage'),
  screen('/cluster', () => import('../features/cluster/cluster-page.tsx'), 'ClusterPage'),
  screen('/logs', () => import('../features/logs/logs-page.tsx'), 'LogsPage'),
  screen('/gpu', () => import('../features/gpu/gpu-page.tsx'), 'GpuPage'),
  screen('/settings', () => import('../features/settings/settings-page.tsx'), 'SettingsPage'),
  screen('/compare', () => import('../features/compare/compare-page.tsx'), 'ComparePage'),
  screen('/plugins', () => import('../features/plugins/plugins-page.tsx'), 'PluginsPage'),
  screen('/storage', () => import('../features/storage/storage-page.tsx'), 'StoragePage'),
];

/** Pages before anyone is signed in, opened by links; only in a browser. */
export const doors: readonly Screen[] = [
  screen('/setup', () => import('../features/sign-in/link-pages.tsx'), 'SetupPage'),
  screen('/invite', () => import('../features/sign-in/link-pages.tsx'), 'InvitePage'),
  screen('/magic', () => import('../features/sign-in/link-pages.tsx'), 'MagicPage'),
];

/** Pages about all daemons and about the app itself; only on a desktop. */
export const desktopScreens: readonly Screen[] = [
  screen('/', () => import('../features/daemons/all-daemons-page.tsx'), 'AllDaemonsPage'),
  screen('/add', () => import('../features/daemons/add-daemon-page.tsx'), 'AddDaemonPage'),
  screen('/preferences', () => import('../features/preferences/preferences-page.tsx'), 'PreferencesPage'),
];
