import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

/** Every page of a daemon by its heading, and what shows that its data is there. */
const SCREENS: readonly [path: string, heading: string, sign: string][] = [
  ['/', 'Overview', 'Connected'],
  ['/apps', 'Apps', 'live'],
  ['/apps/live', 'live', 'Nothing is live'],
  ['/apps/live/recordings', 'live', 'No recordings yet'],
  ['/apps/live/config', 'live', 'valid'],
  ['/apps/live/presets', 'live', 'Low latency'],
  ['/apps/live/storage', 'live', 'MinIO'],
  ['/apps/live/logs', 'live', 'Nothing was logged in this time'],
  ['/apps/live/callbacks', 'live', 'Callbacks are off'],
  ['/apps/live/join', 'live', 'LiveKit is not set up'],
  ['/cluster', 'Cluster', 'Clustering is off'],
  ['/logs', 'Logs', 'Time'],
  ['/storage', 'Storage', 'none, on this disk'],
  ['/jobs', 'Jobs', 'No jobs yet'],
  ['/compare', 'Compare', 'Both sides are the same app'],
  ['/plugins', 'Plugins', 'Delivery presets'],
  ['/gpu', 'GPU', 'No GPU found'],
  ['/settings', 'Settings', 'Public base URL'],
  ['/access', 'Access', 'STREAMHUB_API_TOKEN'],
  ['/access/team', 'Access', 'Usage and limits'],
  ['/access/people', 'Access', 'Nobody yet'],
  ['/access/teams', 'Access', 'platform'],
  ['/security', 'Network', 'No banned addresses'],
  ['/audit', 'Audit', 'Outcome'],
];

test('every screen of a fresh daemon says what it is and is accessible, light and dark', {
  skip: noChromium,
}, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token });
  const ui = new ConsolePage(page);
  await ui.heading('Overview').waitFor();
  for (const [path, heading, sign] of SCREENS) {
    await t.test(path, async () => {
      await goInside(page, path);
      await ui.heading(heading).waitFor();
      await page.locator('#page').getByText(sign).filter({ visible: true }).first().waitFor();
      await assertAccessible(page, path);
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.locator('html[data-mantine-color-scheme="dark"]').waitFor();
      // dark, the page differs in its colours only
      await assertAccessible(page, `${path}, dark`, ['color-contrast']);
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }
});

test('a page that does not exist says so', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/nowhere' });
  await page.getByRole('heading', { name: 'No such page' }).waitFor();
  await page.getByRole('link', { name: 'Go to the overview' }).click();
  await new ConsolePage(page).heading('Overview').waitFor();
});
