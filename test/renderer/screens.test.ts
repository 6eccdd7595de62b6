import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

/** Every page of a daemon by its heading, and what shows that its data is there. */
const SCREENS: readonly [path: string, heading: string, sign: string][] = [
  ['/', 'Overview', 'Connected'],
  ['/apps', 'Apps', 'live'],
  ['/apps/live', 'live', 'Nothing is live'],
  ['/apps/live/rooms', 'live', 'LiveKit is not set up'],
  ['/rooms', 'Rooms', 'LiveKit is not set up'],
  ['/apps/live/recordings', 'live', 'No recordings yet'],
  ['/apps/live/sessions', 'live', 'No sessions yet'],
  ['/sessions', 'Sessions', 'No sessions yet'],
  ['/sessions?view=figures', 'Sessions', 'Last 14 days'],
  ['/apps/live/config', 'live', 'valid'],
  ['/apps/live/delivery', 'live', 'WebRTC'],
  ['/apps/live/features', 'live', 'Latency alert'],
  ['/apps/live/callback-settings', 'live', 'MQTT'],
  ['/apps/live/presets', 'live', 'Low latency'],
  ['/apps/live/storage', 'live', 'MinIO'],
  ['/apps/live/logs', 'live', 'Nothing was logged in this time'],
  ['/apps/live/callbacks', 'live', 'Callbacks are off'],
  ['/apps/live/join', 'live', 'LiveKit is not set up'],
  ['/cluster', 'Cluster', 'Clustering is off'],
  ['/cluster/quality', 'Cluster', 'Nothing was measured in this time'],
  ['/logs', 'Logs', 'Time'],
  ['/storage', 'Storage', 'none, on this disk'],
  ['/usage', 'Usage', 'Participant minutes'],
  ['/jobs', 'Jobs', 'No jobs yet'],
  ['/alerts', 'Alerts', 'LiveKit'],
  ['/alerts/rules', 'Alerts', 'A disk is nearly full'],
  ['/alerts/channels', 'Alerts', 'Desktop notifications'],
  ['/compare', 'Compare', 'Both sides are the same app'],
  ['/plugins', 'Plugins', 'Delivery presets'],
  ['/livekit', 'LiveKit', 'The daemon starts a LiveKit server'],
  ['/livekit/settings', 'LiveKit', 'For a LiveKit that others run'],
  ['/backups', 'Backups', 'No backups yet'],
  ['/configuration', 'Configuration', 'No roll-back points yet'],
  ['/gpu', 'GPU', 'No GPU found'],
  ['/settings', 'Settings', 'Public base URL'],
  ['/check', 'Check installation', 'Not checked yet'],
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
  const answers = await heldAnswers(page);
  const waits = page.locator(WAITS).filter({ visible: true });
  await ui.heading('Overview').waitFor();
  for (const [path, heading, sign] of SCREENS) {
    await t.test(path, async () => {
      const content = page.locator('#page').getByText(sign).filter({ visible: true });
      answers.hold();
      await goInside(page, path);
      // what isn't here yet is said to be on its way
      await waits.or(content).first().waitFor();
      answers.release();
      await ui.heading(heading).waitFor();
      await content.first().waitFor();
      assert.deepEqual(await oddWords(page), []);
      await assertAccessible(page, path);
      await page.emulateMedia({ colorScheme: 'dark' });
      await page.locator('html[data-mantine-color-scheme="dark"]').waitFor();
      // dark, the page differs in its colours only
      await assertAccessible(page, `${path}, dark`, ['color-contrast']);
      await page.emulateMedia({ colorScheme: 'light' });
    });
  }

  await t.test('the check of the installation, what fails first', async () => {
    await goInside(page, '/check');
    await page.getByRole('button', { name: 'Check now' }).click();
    await page.getByRole('button', { name: 'Check again' }).waitFor();
    const first = page.locator('#page li[data-state]').first();
    assert.equal(await first.getAttribute('data-state'), 'failed');
    await page.getByText('LIVEKIT_API_KEY and LIVEKIT_API_SECRET are not set.').waitFor();
    await assertAccessible(page, 'the check of the installation');
  });

  await t.test('the form of the whole config', async () => {
    await goInside(page, '/apps/live/config');
    await page.getByText('Form', { exact: true }).click();
    await page.getByText('WebRTC', { exact: true }).waitFor();
    await page.getByText('RTMP', { exact: true }).waitFor();
    assert.deepEqual(await oddWords(page), []);
  });

  await t.test('whatever is pressed shows that it is under way', async () => {
    const shows = async (press: () => Promise<unknown>): Promise<void> => {
      answers.hold();
      await press();
      await waits.first().waitFor();
      answers.release();
      await waits.first().waitFor({ state: 'hidden' });
    };
    await goInside(page, '/gpu');
    const probedAt = async () => (await daemon.api.get('/system/gpu')).body.checkedAt;
    for (let time = 0; time < 2; time += 1) {
      const before = await probedAt();
      await shows(() => ui.button('Probe again').click());
      assert.ok((await probedAt()) > before, 'each press probes');
    }
    await goInside(page, '/settings');
    const signIn = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Sign-in', exact: true }) });
    await signIn.getByLabel('Open sign-up').check();
    await shows(() => signIn.getByRole('button', { name: 'Save settings' }).click());
    await signIn.getByRole('button', { name: 'Undo change' }).waitFor();
    await shows(() => signIn.getByRole('button', { name: 'Undo change' }).click());
    await goInside(page, '/apps');
    await ui.button('Create app').click();
    await ui.dialog().getByLabel('Name', { exact: true }).fill('slow');
    await shows(() => ui.dialog().getByRole('button', { name: 'Create app' }).click());
    await goInside(page, '/access/tokens');
    await ui.button('Create token').click();
    await ui.dialog().getByLabel('Name').fill('slow');
    await shows(() => ui.dialog().getByRole('button', { name: 'Create token' }).click());
    await ui.dialog().getByRole('button', { name: 'Done' }).click();
    await ui.button('Revoke slow').click();
    await shows(() => ui.dialog().getByRole('button', { name: 'Revoke token' }).click());
  });
});

/** What says that something is on its way: of the frame, of a page, of a button. */
const WAITS =
  '[role="progressbar"]:is([aria-label="Waiting for the daemon"], [aria-label="Loading"]), button[data-loading]';

/** Answers of the API that stay away for as long as a test wants. */
async function heldAnswers(page: Page): Promise<{ hold(): void; release(): void }> {
  let gate: PromiseWithResolvers<void> | undefined;
  await page.route('**/api/v1/**', async (route) => {
    await gate?.promise;
    // the page may have given up
    await route.continue().catch(() => {});
  });
  return {
    hold() {
      gate = Promise.withResolvers();
    },
    release() {
      gate?.resolve();
      gate = undefined;
    },
  };
}

/** Short words as keys have them, literal backticks, and ligatures, in texts and in hover help. */
const oddWords = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const odd =
      /\b(?:Web[Rr]tc|Rtmps?|Mqtt|Hls|Cdn|Vods?|Urls?|Apis?|Gpus?|Cpus?|Smtp|Whip|Livekit|Ffmpeg|Json|Yaml|Https?|Tls|Ttl|Qos|Abr|Rtc|Sdk|Ip)\b|`/;
    const found: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      // what people write themselves is theirs
      if (element.closest('script, style, .cm-content')) continue;
      const own = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
      const texts = own.map(({ textContent }) => textContent ?? '');
      for (const name of ['title', 'aria-label', 'placeholder', 'alt', 'data-tip'])
        texts.push(element.getAttribute(name) ?? '');
      for (const text of texts) if (odd.test(text)) found.push(text.trim());
      if (own.length > 0 && getComputedStyle(element).fontVariantLigatures !== 'none')
        found.push(`ligatures: ${texts[0]}`);
    }
    return found;
  });

test('a page that does not exist says so', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/nowhere' });
  await page.getByRole('heading', { name: 'No such page' }).waitFor();
  await page.getByRole('link', { name: 'Go to the overview' }).click();
  await new ConsolePage(page).heading('Overview').waitFor();
});
