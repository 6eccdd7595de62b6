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
    await panel.getByLabel('Single permissions').check();
    await panel.getByText('Only what you choose, nothing else.').waitFor();
    assert.equal(await panel.getByRole('button', { name: 'Create token' }).isDisabled(), true, 'none is chosen yet');
    await panel.getByPlaceholder('Choose at least one').fill('app:read');
    await page.getByRole('option', { name: 'app:read', exact: true }).click();
    await page.keyboard.press('Tab');
    await panel.getByLabel('Expires').selectOption({ label: 'In 30 days' });
    await assertAccessible(page, 'the form for a token');
    await panel.getByRole('button', { name: 'Create token' }).click();
    await panel.getByText('Shown this once').waitFor();
    secret = await panel.getByRole('region', { name: 'token' }).innerText();
    assert.match(secret, /^sk_/);
    await assertAccessible(page, 'a new token');
    assert.equal((await daemon.api.as(secret).get('/apps/live')).status, 200);
    await panel.getByRole('button', { name: 'Done' }).click();
    const row = ui.row('ci');
    await row.getByText('app live').waitFor();
    await row.getByText('app:read').waitFor();
    const { body } = await daemon.api.get('/tokens');
    const made = body.find((one: { name: string }) => one.name === 'ci');
    const days = (Date.parse(made.expiresAt) - Date.parse(made.createdAt)) / 86_400_000;
    assert.ok(days > 29 && days < 31, made.expiresAt);
    assert.deepEqual(made.permissions, ['app:read']);
    const refused = await daemon.api.as(secret).patch('/apps/live', { displayName: 'Other' });
    assert.deepEqual([refused.status, refused.body.code], [403, 'TOKEN_LIMITED']);
    // the request above is its last use
    await page.reload();
    await row.getByTitle('from 127.0.0.1').waitFor();
    assert.ok(!(await page.content()).includes(secret), 'the text is gone from the page');
  });

  await t.test('a read-only one ends with a date, and the list says both', async () => {
    await ui.button('Create token').click();
    const panel = ui.dialog('Create an API token');
    await panel.getByLabel('Name').fill('reader');
    await panel.getByLabel('Read-only').check();
    await panel.getByLabel('Expires').selectOption({ label: 'At the end of a date (UTC)' });
    await panel.getByLabel('Date').fill('2099-12-31');
    await panel.getByRole('button', { name: 'Create token' }).click();
    const reader = daemon.api.as(await panel.getByRole('region', { name: 'token' }).innerText());
    assert.equal((await reader.get('/apps/live')).status, 200);
    assert.equal((await reader.patch('/apps/live', { displayName: 'Other' })).body.code, 'TOKEN_LIMITED');
    await panel.getByRole('button', { name: 'Done' }).click();
    await ui.row('reader').getByText('read-only').waitFor();
    await ui.row('reader').getByText('2099').waitFor();
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
