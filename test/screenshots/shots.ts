import type { Page } from 'playwright-core';

/** One picture, in all sizes and both schemes. */
export interface Shot {
  name: string;
  path: string;
  /** Whose page; the world's own daemon by default. */
  of?: 'world' | 'fresh' | 'crowded' | 'managed' | 'viewer' | 'nobody' | 'desktop' | 'desktop-empty';
  /** Text that shows that the data has come. */
  sign?: string;
  prepare?: (page: Page) => Promise<unknown>;
}

const button = (name: string | RegExp) => (page: Page) => page.getByRole('button', { name }).first().click();
const row = (text: string) => (page: Page) =>
  page.locator('[role="row"][data-index]').filter({ hasText: text }).first().click();

export const SHOTS: readonly Shot[] = [
  { name: 'overview', path: '/', sign: 'Connected' },
  {
    name: 'overview-test',
    path: '/',
    sign: 'Connected',
    prepare: async (page) => {
      await button('Test LiveKit')(page);
      await page.getByText('The key is accepted').waitFor();
    },
  },
  { name: 'apps', path: '/apps', sign: 'Press room' },
  {
    name: 'apps-create',
    path: '/apps',
    sign: 'Press room',
    prepare: async (page) => {
      await button('Create app')(page);
      await page.getByRole('dialog').getByRole('textbox').first().fill('keynote');
    },
  },
  { name: 'app-streams', path: '/apps/keynote', sign: 'camera-1' },
  { name: 'app-ingests', path: '/apps/keynote/ingests', sign: 'Camera 1' },
  { name: 'app-ingest', path: '/apps/keynote/ingests', sign: 'Camera 1', prepare: row('Camera 1') },
  { name: 'app-ingest-create', path: '/apps/keynote/ingests?create=yes', sign: 'Identity' },
  { name: 'app-recordings', path: '/apps/keynote/recordings', sign: 'stage' },
  { name: 'app-recording', path: '/apps/keynote/recordings', sign: 'stage', prepare: row('180 KiB') },
  { name: 'app-recordings-many', path: '/apps/sports/recordings', sign: 'sports-' },
  { name: 'app-config', path: '/apps/keynote/config', sign: 'valid' },
  {
    name: 'app-config-problem',
    path: '/apps/keynote/config',
    sign: 'valid',
    prepare: async (page) => {
      await page.locator('.cm-content').click();
      await page.keyboard.press('Control+End');
      await page.keyboard.type('\nrecordin:\n  split_minutes: many\n');
      await page.getByText('did you mean').first().waitFor();
    },
  },
  {
    name: 'app-config-review',
    path: '/apps/keynote/config',
    sign: 'valid',
    prepare: async (page) => {
      await page.locator('.cm-content').click();
      await page.keyboard.press('Control+End');
      await page.keyboard.type('\n# reviewed by ana\n');
      await button(/Review/)(page);
      await page.getByRole('button', { name: 'Save config' }).waitFor();
    },
  },
  { name: 'app-presets', path: '/apps/keynote/presets', sign: 'Low latency' },
  {
    name: 'app-presets-diff',
    path: '/apps/keynote/presets',
    sign: 'Low latency',
    prepare: async (page) => {
      await page
        .locator('#page')
        .getByRole('radio')
        .or(page.locator('#page').getByRole('button', { name: /Show|Preview|Choose/ }))
        .nth(1)
        .click({ force: true });
    },
  },
  { name: 'app-storage', path: '/apps/keynote/storage', sign: 'MinIO' },
  {
    name: 'app-storage-test',
    path: '/apps/keynote/storage',
    sign: 'MinIO',
    prepare: async (page) => {
      await button('Test storage')(page);
      await page.locator('li[data-state]').filter({ hasText: 'Delete' }).first().waitFor();
    },
  },
  { name: 'app-logs', path: '/apps/keynote/logs', sign: 'stream' },
  { name: 'app-callbacks', path: '/apps/keynote/callbacks', sign: 'stream_started' },
  { name: 'app-join', path: '/apps/keynote/join', sign: 'Identity' },
  {
    name: 'app-delete',
    path: '/apps/sports',
    sign: 'drone',
    prepare: async (page) => {
      await button(/Actions for/)(page);
      await page.getByRole('menuitem', { name: /Delete app/ }).click();
      await page.getByRole('dialog').getByText('recordings').first().waitFor();
    },
  },
  { name: 'app-delivery', path: '/apps/keynote/delivery', sign: 'WebRTC' },
  { name: 'app-features', path: '/apps/keynote/features', sign: 'Latency alert' },
  { name: 'app-webhooks', path: '/apps/keynote/callback-settings', sign: 'MQTT' },
  { name: 'app-rooms', path: '/apps/keynote/rooms', sign: 'keynote-stage' },
  { name: 'rooms', path: '/rooms', sign: 'keynote-stage' },
  { name: 'room', path: '/rooms', sign: 'keynote-stage', prepare: row('keynote-stage') },
  { name: 'sessions', path: '/sessions', sign: 'keynote-stage' },
  { name: 'session', path: '/sessions', sign: 'keynote-stage', prepare: row('keynote-stage') },
  { name: 'sessions-figures', path: '/sessions?view=figures', sign: 'Last 14 days' },
  { name: 'usage', path: '/usage', sign: 'Participant minutes' },
  { name: 'alerts', path: '/alerts', sign: 'edge-sgp-1' },
  { name: 'alert-rules', path: '/alerts/rules', sign: 'A disk is nearly full' },
  { name: 'alert-rule', path: '/alerts/rules', sign: 'A disk is nearly full', prepare: row('A disk is nearly full') },
  { name: 'alert-channels', path: '/alerts/channels', sign: 'Desktop notifications' },
  {
    name: 'alert-channel-create',
    path: '/alerts/channels',
    sign: 'Desktop notifications',
    prepare: button(/Add channel|Create channel|New channel/),
  },
  { name: 'cluster', path: '/cluster', sign: 'edge-fra-1' },
  { name: 'cluster-node', path: '/cluster', sign: 'edge-fra-1', prepare: row('edge-fra-1') },
  {
    name: 'cluster-drain',
    path: '/cluster',
    sign: 'edge-fra-1',
    prepare: async (page) => {
      await row('edge-nyc-1')(page);
      await button('Drain node…')(page);
      await page.getByText('End them now').waitFor();
    },
  },
  { name: 'cluster-add', path: '/cluster', sign: 'edge-fra-1', prepare: button('Add node') },
  { name: 'cluster-placement', path: '/cluster', sign: 'edge-fra-1', prepare: button('Preview placement') },
  { name: 'cluster-quality', path: '/cluster/quality', sign: 'edge-fra-1' },
  { name: 'livekit', path: '/livekit', of: 'managed', sign: 'running' },
  { name: 'livekit-settings', path: '/livekit/settings', of: 'managed', sign: 'own settings' },
  { name: 'livekit-elsewhere', path: '/livekit', sign: 'LiveKit' },
  { name: 'backups', path: '/backups', sign: 'ready' },
  { name: 'backup', path: '/backups', sign: 'ready', prepare: row('ready') },
  {
    name: 'backup-create',
    path: '/backups',
    sign: 'verified',
    prepare: (page) => page.getByRole('button', { name: 'Make backup' }).click(),
  },
  { name: 'logs', path: '/logs', sign: 'the newest' },
  { name: 'logs-line', path: '/logs?level=error', sign: 'refused', prepare: row('refused') },
  { name: 'logs-empty', path: '/logs?q=nothing%20like%20it', sign: 'No line matches' },
  { name: 'storage', path: '/storage', sign: 'keynote' },
  { name: 'jobs', path: '/jobs', sign: 'summer-2024' },
  { name: 'job', path: '/jobs', sign: 'summer-2024', prepare: row('summer-2024') },
  { name: 'job-running', path: '/jobs', sign: 'autumn-2025', prepare: row('autumn-2025') },
  { name: 'job-failed', path: '/jobs', sign: 'trial-event', prepare: row('trial-event') },
  { name: 'job-waiting', path: '/jobs', sign: 'old-studio', prepare: row('old-studio') },
  { name: 'jobs-tray', path: '/apps', sign: 'Press room', prepare: button(/^\d+ jobs?/) },
  { name: 'compare', path: '/compare?left=keynote&right=press', sign: 'Compare' },
  { name: 'plugins', path: '/plugins', sign: 'Delivery presets' },
  { name: 'gpu', path: '/gpu', sign: 'No GPU found' },
  { name: 'check', path: '/check', sign: 'Not checked yet' },
  {
    name: 'check-done',
    path: '/check',
    sign: 'Not checked yet',
    prepare: async (page) => {
      await button('Check now')(page);
      await page.getByRole('button', { name: 'Check again' }).waitFor({ timeout: 60_000 });
    },
  },
  { name: 'settings', path: '/settings', sign: 'Public base URL' },
  { name: 'access-tokens', path: '/access', sign: 'CI pipeline' },
  {
    name: 'access-create-token',
    path: '/access',
    sign: 'CI pipeline',
    prepare: button(/Create token|New token/),
  },
  { name: 'access-team', path: '/access/team', sign: 'Usage and limits' },
  { name: 'access-people', path: '/access/people', sign: 'li.wei' },
  { name: 'access-teams', path: '/access/teams', sign: 'regional-broadcasters' },
  { name: 'network', path: '/security', sign: 'Paris office' },
  { name: 'audit', path: '/audit', sign: 'Outcome' },
  { name: 'audit-entry', path: '/audit', sign: 'Outcome', prepare: row('Change storage') },
  { name: 'account', path: '/account', sign: 'ana.moreau' },
  {
    name: 'palette',
    path: '/',
    sign: 'Connected',
    prepare: async (page) => {
      await page.keyboard.press('Control+K');
      await page
        .getByRole('dialog')
        .getByRole('combobox')
        .or(page.getByRole('dialog').getByRole('textbox'))
        .first()
        .fill('key');
    },
  },
  { name: 'shortcuts', path: '/', sign: 'Connected', prepare: (page) => page.keyboard.press('?') },
  { name: 'not-found', path: '/nowhere', sign: 'No such page' },
  { name: 'no-app', path: '/apps/nothere' },
  { name: 'viewer-overview', path: '/', of: 'viewer', sign: 'Overview' },
  { name: 'viewer-settings', path: '/settings', of: 'viewer' },
  { name: 'viewer-access', path: '/access', of: 'viewer' },
  { name: 'viewer-config', path: '/apps/keynote/config', of: 'viewer' },
  { name: 'fresh-overview', path: '/', of: 'fresh', sign: 'Connected' },
  { name: 'fresh-streams', path: '/apps/live', of: 'fresh', sign: 'Nothing is live' },
  { name: 'fresh-ingests', path: '/apps/live/ingests', of: 'fresh', sign: 'LiveKit is not set up' },
  { name: 'fresh-cluster', path: '/cluster', of: 'fresh', sign: 'Clustering is off' },
  { name: 'fresh-jobs', path: '/jobs', of: 'fresh', sign: 'No jobs yet' },
  { name: 'fresh-join', path: '/apps/live/join', of: 'fresh' },
  { name: 'crowded-apps', path: '/apps', of: 'crowded', sign: 'venue-' },
  { name: 'crowded-overview', path: '/', of: 'crowded', sign: 'Connected' },
  { name: 'crowded-storage', path: '/storage', of: 'crowded', sign: 'venue-' },
  { name: 'sign-in', path: '/', of: 'nobody', sign: 'Sign in' },
  { name: 'desktop-first-run', path: '/', of: 'desktop-empty', sign: 'Welcome' },
  { name: 'desktop-add', path: '/add', of: 'desktop-empty', sign: 'Address' },
  { name: 'desktop-preferences', path: '/preferences', of: 'desktop-empty', sign: 'Look' },
  { name: 'desktop-all', path: '/', of: 'desktop', sign: 'Berlin' },
  { name: 'desktop-overview', path: '/d/:Paris/', of: 'desktop', sign: 'Connected' },
  { name: 'desktop-offline', path: '/d/:Archive/', of: 'desktop' },
];
