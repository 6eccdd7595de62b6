import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

test('API tokens', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/access/tokens' });
  const ui = new ConsolePage(page);
  let secret = '';

  await t.test('one for an app is made, shown once and works', async () => {
    await ui.button('Create token').click();
    const panel = ui.dialog('Create an API token');
    await panel.getByLabel('Name').fill('ci');
    await panel.getByLabel('Allowed addresses').fill('127.0.0.0/8, ::1');
    await assertAccessible(page, 'the form for a token');
    await panel.getByRole('button', { name: 'Create token' }).click();
    await panel.getByText('Shown this once').waitFor();
    secret = await panel.getByRole('region', { name: 'token' }).innerText();
    assert.match(secret, /^sk_/);
    await assertAccessible(page, 'a new token');
    assert.equal((await daemon.api.as(secret).get('/apps/live')).status, 200);
    await panel.getByRole('button', { name: 'Done' }).click();
    await ui.row('ci').getByText('app live').waitFor();
    assert.ok(!(await page.content()).includes(secret), 'the text is gone from the page');
  });

  await t.test('a wrong address is refused at its field', async () => {
    await ui.button('Create token').click();
    const panel = ui.dialog('Create an API token');
    await panel.getByLabel('Name').fill('wrong');
    await panel.getByLabel('Allowed addresses').fill('nowhere');
    await panel.getByRole('button', { name: 'Create token' }).click();
    await panel.locator('.mantine-InputWrapper-error').waitFor();
    await page.keyboard.press('Escape');
  });

  await t.test('revoking says what ends, and ends it', async () => {
    await ui.button('Revoke ci').click();
    await ui.dialog('Revoke token ci').getByRole('button', { name: 'Revoke token' }).click();
    await ui.row('ci').waitFor({ state: 'hidden' });
    assert.equal((await daemon.api.as(secret).get('/apps/live')).status, 401);
    await page.getByText('Include revoked').click();
    await ui.row('ci').getByText('revoked').waitFor();
  });
});

test('a token of one app sees what is its own, and is told what it lacks', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const { body: app } = await daemon.api.get('/apps/live');
  const { body: made } = await daemon.api.post('/tokens', { name: 'one', scope: 'app', appId: app.id });
  const page = await openConsole(t, await browser(t), daemon.url, { token: made.token, path: '/apps' });
  const ui = new ConsolePage(page);
  await ui.row('live').waitFor();
  assert.equal(await ui.button('Create app').isDisabled(), true);
  await ui.section('Cluster').click();
  await page.getByText('This needs a credential with global scope.').waitFor();
  await assertAccessible(page, 'a page without permission');
});
