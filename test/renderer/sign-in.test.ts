import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

test('signing in to the console', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const chromium = await browser(t);

  await t.test('with a token; a wrong one is refused in the daemon’s words', async (t) => {
    const page = await openConsole(t, chromium, daemon.url);
    const ui = new ConsolePage(page);
    await page.getByText('API token').first().click();
    await ui.field('API token').and(page.locator('input[type=password]')).fill('sk_wrong');
    await ui.button('Sign in').click();
    await ui.alert().getByText('A valid credential is required').waitFor();
    await assertAccessible(page, 'the sign-in page');
    await page.locator('input[type=password]').fill(daemon.token);
    await page.keyboard.press('Enter');
    await ui.heading('Overview').waitFor();
    const { bytes, names } = await page.evaluate(() => {
      const loaded = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
      const assets = loaded.filter(({ name }) => name.includes('/assets/'));
      return {
        bytes: assets.reduce((sum, one) => sum + one.encodedBodySize, 0),
        names: assets.map(({ name }) => name),
      };
    });
    t.diagnostic(`up to the first overview, fonts and all: ${Math.round(bytes / 1000)} KB in ${names.length} files`);
    assert.ok(bytes > 100_000 && bytes < 400_000, `${bytes} bytes`);
    assert.deepEqual(
      names.filter((name) => /yaml-editor|ssh-terminal|xterm|schema-form|livekit/.test(name)),
      [],
    );
    // a reload stays signed in, another tab does not
    await page.reload();
    await ui.heading('Overview').waitFor();
    const other = await openConsole(t, chromium, daemon.url);
    await other.getByRole('heading', { name: 'Sign in to StreamHub' }).waitFor();
  });

  await t.test('a revoked token asks to sign in again over the page, which keeps what was typed', async (t) => {
    const { body } = await daemon.api.post('/tokens', { name: 'soon gone', scope: 'global' });
    const page = await openConsole(t, chromium, daemon.url, { token: body.token, path: '/apps' });
    const ui = new ConsolePage(page);
    await ui.button('Create app').click();
    await ui.dialog().getByLabel('Name', { exact: true }).fill('not-lost');
    await daemon.api.delete(`/tokens/${body.id}`);
    // the end of the event stream may have told the page before the press does, and its question is over the form then
    await ui.dialog().getByRole('button', { name: 'Create app' }).dispatchEvent('click');
    const again = ui.dialog(/^Sign in again/);
    await again.waitFor();
    await again.locator('input[type=password]').fill(daemon.token);
    await again.getByRole('button', { name: 'Sign in' }).click();
    await again.waitFor({ state: 'hidden' });
    const name = ui.dialog().getByLabel('Name', { exact: true });
    assert.equal(await name.inputValue(), 'not-lost');
    await ui.dialog().getByRole('button', { name: 'Create app' }).click();
    await page.waitForURL('**/apps/not-lost/**');
    assert.equal((await daemon.api.get('/apps/not-lost')).status, 200);
  });

  await t.test('signing out takes the pages away', async (t) => {
    const page = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/apps' });
    const ui = new ConsolePage(page);
    await ui.heading('Apps').waitFor();
    await ui.button(/^Signed in as/).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to StreamHub' }).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.getItem('streamhub.credential')), null);
  });
});
