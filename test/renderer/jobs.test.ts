import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

test('deleting an app is said, named, and done as a job', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  await daemon.api.post('/apps', { name: 'short-lived' });
  const page = await openConsole(t, await browser(t), daemon.url, {
    token: daemon.token,
    path: '/apps/short-lived/streams',
  });
  const ui = new ConsolePage(page);
  await ui.button('Actions for short-lived').click();
  await page.getByRole('menuitem', { name: 'Delete app…' }).click();
  const dialog = ui.dialog('Delete app short-lived');
  await dialog.getByText('It has no recordings.').waitFor();
  const button = dialog.getByRole('button', { name: 'Delete app' });
  await dialog.getByLabel(/to go on/).fill('short');
  assert.equal(await button.isDisabled(), true);
  await assertAccessible(page, 'the question before deleting');
  await dialog.getByLabel(/to go on/).fill('short-lived');
  await button.click();
  await page.waitForURL('**/apps');
  await ui.row('live').first().waitFor();
  await ui.row('short-lived').waitFor({ state: 'hidden' });
  await ui.section('Jobs').click();
  const row = ui.row('short-lived');
  await row.getByText('Done').waitFor();
  await assertAccessible(page, 'the jobs');
  await row.click();
  await ui.dialog().getByText('1 of', { exact: false }).first().waitFor();
  await assertAccessible(page, 'a job');
  assert.equal((await daemon.api.get('/apps/short-lived')).status, 404);
});
