import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';

test('settings are edited in the console', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t, { STREAMHUB_SMTP_HOST: 'mail.example.com' });
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token });
  await t.test('settings are changed, undone, and locked where the environment sets them', async () => {
    await goInside(page, '/settings');
    const panel = (title: string) =>
      page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
    const signIn = panel('Sign-in');
    await signIn.getByLabel('Open sign-up').check();
    await signIn.getByLabel('Sign-in attempts', { exact: true }).fill('a few');
    await signIn.getByRole('button', { name: 'Save settings' }).click();
    await signIn.getByText('must be a whole number').waitFor();
    await signIn.getByLabel('Sign-in attempts', { exact: true }).fill('25');
    await signIn.getByRole('button', { name: 'Save settings' }).click();
    await signIn.getByRole('button', { name: 'Undo change' }).click();
    await signIn.getByLabel('Open sign-up').and(page.locator(':not(:checked)')).waitFor();
    assert.equal((await daemon.api.get('/auth/config')).body.data.allowSignup, false);
    const locked = panel('Mail').getByLabel('SMTP server');
    assert.equal(await locked.isDisabled(), true);
    await panel('Mail').getByText('Locked: set by STREAMHUB_SMTP_HOST in the environment.').waitFor();
    await panel('Logs and retention').getByLabel('Log files', { exact: true }).fill('4');
    await panel('Logs and retention').getByRole('button', { name: 'Save settings' }).click();
    await page.getByText('Restart the daemon to apply all settings').waitFor();
    await assertAccessible(page, 'the settings');
  });
});
