import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

test('the apps screen', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token });
  const ui = new ConsolePage(page);
  /** Comes from another page. */
  const open = async () => {
    await goInside(page, '/');
    await ui.heading('Overview').waitFor();
    await goInside(page, '/apps');
    await ui.row('live').waitFor();
  };

  await t.test('creates an app, checking its name as it is typed', async () => {
    await open();
    await ui.button('Create app').click();
    const panel = ui.dialog('Create an app');
    const name = panel.getByLabel('Name', { exact: true });
    await name.fill('live');
    await panel.getByText('An app with this name exists.').waitFor();
    await name.fill('a');
    await panel.getByText('At least 3 characters.').waitFor();
    assert.equal(await panel.getByRole('button', { name: 'Create app' }).isDisabled(), true);
    await name.fill('stage');
    await panel.getByLabel('Room prefix').fill('live');
    await panel.getByText('It belongs to the app live.').waitFor();
    await panel.getByLabel('Room prefix').fill('stage-rooms');
    await assertAccessible(page, 'the form for a new app');
    await panel.getByRole('button', { name: 'Create app' }).click();
    await page.waitForURL('**/apps/stage/config');
    assert.equal((await daemon.api.get('/apps/stage')).body.livekitRoomPrefix, 'stage-rooms');
  });

  await t.test('an app made elsewhere appears without a reload', async () => {
    await open();
    await ui.statusBar().getByText('Updates live', { exact: true }).waitFor();
    await daemon.api.post('/apps', { name: 'elsewhere' });
    await ui.row('elsewhere').waitFor();
  });

  await t.test('finds among many, by keyboard', async () => {
    for (let n = 0; n < 120; n += 1) await daemon.api.post('/apps', { name: `many-${String(n).padStart(3, '0')}` });
    await open();
    await ui.row('many-000').waitFor();
    const drawn = await page.locator('[role="row"][data-index]').count();
    assert.ok(drawn < 60, `only the rows in sight are in the page, not ${drawn}`);
    await page.keyboard.press('/');
    await page.keyboard.type('many-11');
    await ui.row('many-117').waitFor();
    assert.match(page.url(), /q=many-11/);
    await until('the others are gone', async () => (await page.locator('[role="row"][data-index]').count()) === 10);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Escape');
    await ui.row('live').waitFor();
    await ui.row('elsewhere').focus();
    await page.keyboard.press('End');
    await page.locator('[role="row"]:focus', { hasText: 'stage' }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/apps/stage**');
  });

  await t.test('says what was searched when nothing is found', async () => {
    await open();
    await ui.field('Find by name or prefix').fill('nothing-like-it');
    await page.getByText('No app matches “nothing-like-it”').waitFor();
    await ui.button('Clear the filter').last().click();
    await ui.row('live').waitFor();
  });

  await t.test('the focus returns to the menu of a row, and to the next row when that one is deleted', async () => {
    await open();
    const menu = ui.button('Actions for elsewhere');
    await menu.press('Enter');
    await page.getByRole('menuitem', { name: 'Rename…' }).press('Enter');
    await ui.dialog().getByLabel('Display name').waitFor();
    await page.keyboard.press('Escape');
    await ui.dialog().waitFor({ state: 'hidden' });
    await menu.and(page.locator(':focus')).waitFor();
    await menu.press('Enter');
    await page.getByRole('menuitem', { name: 'Delete app…' }).press('Enter');
    await ui
      .dialog()
      .getByLabel(/to go on/)
      .fill('elsewhere');
    await page.keyboard.press('Enter');
    await ui.row('elsewhere').waitFor({ state: 'hidden' });
    await page.locator('[role="row"]:focus', { hasText: 'live' }).waitFor();
  });

  await t.test('a config that is not reloaded is said', async () => {
    await goInside(page, '/apps/stage');
    await page.route('**/api/v1/apps/stage/reload', (route) => route.fulfill({ status: 500, body: 'out of order' }));
    await ui.button('Actions for stage').click();
    await page.getByRole('menuitem', { name: 'Reload config from disk…' }).click();
    const dialog = ui.dialog('Reload the config of stage');
    await dialog.getByRole('button', { name: 'Reload config' }).click();
    await dialog.getByRole('alert').waitFor();
    await page.unroute('**/api/v1/apps/stage/reload');
    await dialog.getByRole('button', { name: 'Reload config' }).click();
    await dialog.waitFor({ state: 'hidden' });
  });

  await t.test('is accessible, light and dark', async () => {
    await open();
    await assertAccessible(page, 'the apps');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor();
    await assertAccessible(page, 'the apps in the dark');
  });
});
