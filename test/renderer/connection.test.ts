import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import {
  assertAccessible,
  browser,
  builtConsole,
  noChromium,
  noSharedWorker,
  openConsole,
  setHidden,
  signInBrowser,
} from '#test/helpers/browser.ts';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

test('a daemon that goes away and comes back', { skip: noChromium }, async (t) => {
  await builtConsole();
  const dataDir = await temporaryDir(t);
  const first = await testDaemon(t, {}, { dataDir });
  const { port } = new URL(first.url);
  const page = await openConsole(t, await browser(t), first.url, { token: first.token, path: '/apps' });
  const ui = new ConsolePage(page);
  await ui.row('live').waitFor();

  await t.test('keeps its last picture with its age, and says what it does', async () => {
    await first.stop();
    await ui.statusBar().getByText('Offline').waitFor();
    await page.getByText(/^This is how the apps looked/).waitFor();
    await page
      .locator('[data-stale]')
      .filter({ has: ui.row('live') })
      .waitFor();
    await ui.statusBar().getByText('Updates paused').waitFor();
    await ui
      .statusBar()
      .getByText(/next try in \d+ s/)
      .waitFor();
    await assertAccessible(page, 'a page of a daemon that is away');
  });

  await t.test('what was not read before says why, with a way to try again', async () => {
    await ui.section('Audit').click();
    // its code may not be here yet either: that is said in its own words
    await ui
      .alert()
      .getByText(/Could not read the audit trail.|This page could not be loaded/)
      .waitFor();
    await assertAccessible(page, 'a page that could not be read');
  });

  await t.test('is there again by itself, with what happened meanwhile', async (t) => {
    const second = await testDaemon(t, { PORT: port }, { dataDir });
    await second.api.post('/apps', { name: 'meanwhile' });
    // by the button or, where its own next try is earlier, without it
    const connected = ui.statusBar().getByText('Connected', { exact: true });
    await Promise.race([
      ui
        .button('Try now')
        .click()
        .catch(() => connected.waitFor()),
      connected.waitFor(),
    ]);
    await connected.waitFor();
    await ui.grid('Audit trail').waitFor();
    await ui.section('Apps').click();
    await ui.row('meanwhile').waitFor();
    await ui.statusBar().getByText('Updates live', { exact: true }).waitFor();
    assert.equal(await page.getByText(/^This is how/).count(), 0);
    assert.equal(await page.locator('[data-stale]').count(), 0, 'nothing is dim any more');
  });
});

test('keys work on every page; eight tabs share the connections of one browser', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const chromium = await browser(t);

  await t.test('over HTTP/1.1, each of eight tabs loads and shows a change', async (t) => {
    const first = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/apps' });
    const tabs = [first];
    for (let more = 1; more < 8; more += 1) {
      const tab = await first.context().newPage();
      await tab.goto(`${daemon.url}/apps`);
      tabs.push(tab);
    }
    const seen = async (name: string) => {
      for (const tab of tabs) await new ConsolePage(tab).row(name).waitFor();
    };
    await seen('live');
    await daemon.api.post('/apps', { name: 'for-all-tabs' });
    await seen('for-all-tabs');
    // hidden, all of them pause; the first one that is shown again learns what was missed
    for (const tab of tabs) await setHidden(tab, true);
    await new ConsolePage(first).statusBar().getByText('Updates paused').waitFor();
    await daemon.api.post('/apps', { name: 'while-hidden' });
    await setHidden(tabs[7] as Page, false);
    await seen('while-hidden');
  });

  await t.test('a browser without shared workers pauses the tabs that it hides', async (t) => {
    const context = await chromium.newContext();
    t.after(() => context.close());
    await context.addInitScript(noSharedWorker);
    await signInBrowser(context, daemon.url, daemon.token);
    const tabs: Page[] = [];
    for (let count = 0; count < 2; count += 1) {
      const hidden = tabs.at(-1);
      if (hidden !== undefined) await setHidden(hidden, true);
      const tab = await context.newPage();
      await tab.goto(`${daemon.url}/apps`);
      await new ConsolePage(tab).statusBar().getByText('Updates live', { exact: true }).waitFor();
      tabs.push(tab);
    }
    await daemon.api.post('/apps', { name: 'only-shown' });
    const [hidden, shown] = tabs as [Page, Page];
    await new ConsolePage(shown).row('only-shown').waitFor();
    await new ConsolePage(hidden).statusBar().getByText('Updates paused').waitFor();
    await setHidden(hidden, false);
    await new ConsolePage(hidden).row('only-shown').waitFor();
  });

  const page = await openConsole(t, chromium, daemon.url, { token: daemon.token });
  const ui = new ConsolePage(page);
  await ui.heading('Overview').waitFor();
  // the page before it is none of the console's: Esc stays
  await page.keyboard.press('Escape');
  await page.keyboard.type('ga');
  await ui.row('live').waitFor();
  await page.keyboard.type('gl');
  await ui.heading('Logs').waitFor();
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder('Search apps, nodes and pages, or run a command').fill('live config');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/apps/live/config');
  await ui.heading('live').waitFor();
  await page.getByRole('textbox', { name: 'config.yaml of live' }).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await ui.dialog('Keyboard shortcuts').waitFor();
  await assertAccessible(page, 'the shortcuts');
  await page.keyboard.press('Escape');
  await ui.dialog().waitFor({ state: 'hidden' });
  assert.match(page.url(), /config$/, 'Esc closes the dialog and leaves the page');
  const documentation = page.getByRole('link', { name: 'Documentation', exact: true });
  assert.equal(await documentation.getAttribute('href'), `${daemon.url}/docs`);
  // its pages are tried in test/integration/start/site.test.ts
  await page.context().route(`${daemon.url}/docs`, (route) => route.fulfill({ body: 'Documentation' }));
  await page.keyboard.press('Control+k');
  await page.getByPlaceholder('Search apps, nodes and pages, or run a command').fill('open the documentation');
  const opened = page.context().waitForEvent('page');
  await page.keyboard.press('Enter');
  await (await opened).waitForURL(`${daemon.url}/docs`);
});
