import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import {
  assertAccessible,
  browser,
  builtConsole,
  goInside,
  noChromium,
  OTHER_HOST,
  openConsole,
} from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { firstAdmin, MANY_ATTEMPTS, PASSWORD, signIn } from '#test/helpers/people.ts';
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
    assert.ok(bytes > 100_000 && bytes < 420_000, `${bytes} bytes`);
    assert.deepEqual(
      names.filter((name) => /yaml-editor|ssh-terminal|xterm|schema-form|livekit-client/.test(name)),
      [],
    );
    // a reload and another tab stay signed in, and no page can read by what
    await page.reload();
    await ui.heading('Overview').waitFor();
    assert.ok(!(await readable(page)).includes(daemon.token));
    const tab = await page.context().newPage();
    await page.close();
    await tab.goto(`${daemon.url}/apps`);
    await new ConsolePage(tab).heading('Apps').waitFor();
  });

  await t.test('another browser is not signed in; a tab that an earlier version signed in gets a cookie', async (t) => {
    const page = await openConsole(t, chromium, daemon.url);
    await page.getByRole('heading', { name: 'Sign in to StreamHub' }).waitFor();
    await page.evaluate((token) => sessionStorage.setItem('streamhub.credential', token), daemon.token);
    await page.reload();
    await new ConsolePage(page).heading('Overview').waitFor();
    assert.ok(!(await readable(page)).includes(daemon.token));
    await page.reload();
    await new ConsolePage(page).heading('Overview').waitFor();
  });

  await t.test(
    'an ended session asks to sign in again over the page; the same account finds what it typed',
    async (t) => {
      const root = await firstAdmin(daemon);
      const page = await openConsole(t, chromium, daemon.url, { path: '/apps' });
      const ui = new ConsolePage(page);
      await page.getByText('Password').first().click();
      await ui.field('Email address or admin name').fill(root.email);
      await page.locator('input[type=password]').fill(PASSWORD);
      await ui.button('Sign in').click();
      await ui.button('Create app').click();
      const name = ui.dialog().getByLabel('Name', { exact: true });
      await name.fill('not-lost');
      await root.api.delete('/auth/sessions');
      // the end of the event stream may have told the page before the press does, and its question is over the form then
      await ui.dialog().getByRole('button', { name: 'Create app' }).dispatchEvent('click');
      const again = ui.dialog(/^Sign in again/);
      await again.getByLabel('Email address or admin name').fill(root.email);
      await again.locator('input[type=password]').fill(PASSWORD);
      await again.getByRole('button', { name: 'Sign in' }).click();
      await again.waitFor({ state: 'hidden' });
      assert.equal(await name.inputValue(), 'not-lost');
      await ui.dialog().getByRole('button', { name: 'Create app' }).click();
      await page.waitForURL('**/apps/not-lost/**');
      assert.equal((await daemon.api.get('/apps/not-lost')).status, 200);
      // another account gets a fresh page
      await goInside(page, '/apps/live/config');
      await page.locator('.cm-line', { hasText: /^display_name/ }).click();
      await page.keyboard.press('End');
      await page.keyboard.insertText(' of root');
      await page.getByText(/^Draft, /).waitFor();
      await root.api.delete('/auth/sessions');
      await again.getByText('API token').first().click();
      await again.locator('input[type=password]').fill(daemon.token);
      await again.getByRole('button', { name: 'Sign in' }).click();
      await again.waitFor({ state: 'hidden' });
      await page.locator('.cm-line', { hasText: /^display_name/ }).waitFor();
      assert.equal(await page.getByText(' of root').count(), 0);
      assert.equal(await ui.button('Discard draft').count(), 0);
    },
  );

  await t.test('at an address of plain HTTP in the network, dialogs open and texts are copied', async (t) => {
    const { port } = new URL(daemon.url);
    const page = await openConsole(t, chromium, `http://${OTHER_HOST}:${port}`, { path: '/access' });
    const ui = new ConsolePage(page);
    await page.getByText('API token').first().click();
    await page.locator('input[type=password]').fill(daemon.token);
    await ui.button('Sign in').click();
    await ui.button('Create token').click();
    await ui.dialog().getByLabel('Name').fill('copied');
    await ui.dialog().getByText('Global', { exact: true }).click();
    await ui.dialog().getByRole('button', { name: 'Create token' }).click();
    await ui.dialog().getByRole('button', { name: 'Copy token' }).click();
    await page.getByRole('tooltip', { name: 'Copied' }).waitFor();
    const token = await ui.dialog().locator('pre').textContent();
    await ui.button('Done').click();
    await ui.button('Revoke copied').click();
    await ui
      .dialog(/^Revoke token copied/)
      .getByRole('button', { name: 'Cancel' })
      .click();
    await ui.field('Find by name or app').press('ControlOrMeta+V');
    assert.equal(await ui.field('Find by name or app').inputValue(), token);
  });

  await t.test('signing out takes the pages away', async (t) => {
    const page = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/apps' });
    const ui = new ConsolePage(page);
    await ui.heading('Apps').waitFor();
    await ui.button(/^Signed in as/).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in to StreamHub' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in to StreamHub' }).waitFor();
  });
});

test('a person’s tabs share the session; kept, it outlives the browser; signing out reaches them all', {
  skip: noChromium,
}, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t, MANY_ATTEMPTS);
  const chromium = await browser(t);
  const root = await firstAdmin(daemon);
  const page = await openConsole(t, chromium, daemon.url, { path: '/apps' });
  const ui = new ConsolePage(page);
  await page.getByText('Password').first().click();
  await ui.field('Email address or admin name').fill(root.email);
  await page.locator('input[type=password]').fill(PASSWORD);
  await ui.field(/^Keep me signed in/).check();
  await page.getByText('For 30 days after your last visit').waitFor();
  await ui.button('Sign in').click();
  await ui.heading('Apps').waitFor();
  const [cookie] = (await page.context().cookies()).filter(({ name }) => name.startsWith('streamhub-'));
  assert.deepEqual([cookie?.httpOnly, cookie?.sameSite], [true, 'Strict']);
  assert.ok((cookie?.expires ?? 0) > Date.now() / 1000 + 29 * 86_400);
  // a closed browser keeps what has an end
  const kept = (await page.context().cookies()).filter(({ expires }) => expires > 0);
  const later = await openConsole(t, chromium, daemon.url, { cookies: kept, path: '/account' });
  await later.getByText('kept signed in').waitFor();
  const second = await page.context().newPage();
  await second.goto(`${daemon.url}/apps`);
  await new ConsolePage(second).heading('Apps').waitFor();
  // of another device: the tab stays as it is and asks to sign in again
  const program = await signIn(daemon, root.email);
  await program.api.delete('/auth/sessions');
  for (const tab of [page, second, later]) await tab.getByRole('dialog', { name: /^Sign in again/ }).waitFor();
  const again = ui.dialog(/^Sign in again/);
  await again.getByLabel('Email address or admin name').fill(root.email);
  await again.locator('input[type=password]').fill(PASSWORD);
  await again.getByRole('button', { name: 'Sign in' }).click();
  // one sign-in is good for both tabs of the browser
  for (const tab of [page, second]) await tab.getByRole('dialog').waitFor({ state: 'hidden' });
  await ui.button(/^Signed in as/).click();
  await page.getByRole('menuitem', { name: 'End all sessions' }).click();
  await ui.dialog().getByRole('button', { name: 'Sign out everywhere' }).click();
  for (const tab of [page, second]) await tab.getByRole('heading', { name: 'Sign in to StreamHub' }).waitFor();
  assert.equal((await program.api.get('/auth/me')).status, 401, 'programs of the account are out too');
  assert.equal((await page.context().cookies()).filter(({ name }) => name.startsWith('streamhub-')).length, 0);
});

/** All that a script in the page can read. */
const readable = (page: Page): Promise<string> =>
  page.evaluate(() => JSON.stringify([{ ...localStorage, ...sessionStorage }, document.cookie]));
