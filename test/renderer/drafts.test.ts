import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

const hasValue = (field: Locator, value: string) =>
  until(`the field has ${value}`, async () => (await field.inputValue()) === value);

test('half-filled forms, while others change the same, and for those who sign in next', {
  skip: noChromium,
}, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/settings' });
  const ui = new ConsolePage(page);
  const panel = (title: string): Locator =>
    page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
  const elsewhere = async (values: object): Promise<void> => {
    const { etag } = (await daemon.api.get('/system/settings')).body.data;
    assert.equal((await daemon.api.patch('/system/settings', { values }, { 'if-match': etag })).status, 200);
  };
  const stored = async (name: string): Promise<unknown> =>
    (await daemon.api.get('/system/settings')).body.data.settings.find((one: { name: string }) => one.name === name)
      .value;

  await t.test('saving one setting keeps what others saved in its group', async () => {
    const signIn = panel('Sign-in');
    const days = signIn.getByLabel('Days that browsers stay signed in', { exact: true });
    const attempts = signIn.getByLabel('Sign-in attempts', { exact: true });
    await days.fill('45');
    await elsewhere({ AUTH_RATE_LIMIT_MAX: '77', STREAMHUB_SESSION_MAX_DAYS: '120' });
    await hasValue(attempts, '77');
    await ui.section('Jobs').click();
    await ui.heading('Jobs').waitFor();
    await elsewhere({ AUTH_RATE_LIMIT_MAX: '78', STREAMHUB_SESSION_DAYS: '20' });
    await goInside(page, '/settings');
    await hasValue(attempts, '78');
    assert.equal(await days.inputValue(), '45');
    await signIn.getByText('Changed elsewhere to “20” in the meantime. Saving replaces it.').waitFor();
    // the search shows other fields, and the changed one
    await ui.field('Find a setting or variable').fill('AUTH_RATE');
    await signIn.getByLabel('Open sign-up').waitFor({ state: 'hidden' });
    assert.equal(await days.inputValue(), '45');
    await signIn.getByRole('button', { name: 'Save settings' }).click();
    await until('it is saved', async () => (await stored('STREAMHUB_SESSION_DAYS')) === 45);
    assert.equal(await stored('AUTH_RATE_LIMIT_MAX'), 78);
    assert.equal(await stored('STREAMHUB_SESSION_MAX_DAYS'), 120);
  });

  /** Keeps requests of a page back until the returned function is called. */
  const holdBack = async (method: string, place: string): Promise<() => void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    await page.route(
      `**/api/v1${place}`,
      async (route) => {
        if (route.request().method() === method) await promise;
        await route.continue();
      },
      { times: 1 },
    );
    return resolve;
  };

  await t.test('what is typed while a form is saved stays, as a change of what is stored then', async () => {
    await goInside(page, '/settings');
    const signIn = panel('Sign-in');
    const days = signIn.getByLabel('Days that browsers stay signed in', { exact: true });
    const attempts = signIn.getByLabel('Sign-in attempts', { exact: true });
    await days.fill('46');
    const letGo = await holdBack('PATCH', '/system/settings');
    await signIn.getByRole('button', { name: 'Save settings' }).click();
    await attempts.fill('79');
    letGo();
    await until('the first is saved', async () => (await stored('STREAMHUB_SESSION_DAYS')) === 46);
    await signIn.getByRole('button', { name: 'Save settings' }).click();
    await until('the second is saved', async () => (await stored('AUTH_RATE_LIMIT_MAX')) === 79);
    await signIn.getByRole('button', { name: 'Cancel' }).waitFor({ state: 'detached' });
    assert.deepEqual([await days.inputValue(), await attempts.inputValue()], ['46', '79']);
  });

  await t.test('a change of LiveKit’s settings is brought together with what others saved', async () => {
    const saved = async () => (await daemon.api.get('/livekit/settings')).body.data;
    const put = async (text: string): Promise<void> => {
      const { etag } = await saved();
      const body = { text, rollOut: 'next-start' };
      assert.equal((await daemon.api.put('/livekit/settings', body, { 'if-match': etag })).status, 200);
    };
    await put('logging:\n  level: info\nroom:\n  empty_timeout: 300\n');
    await goInside(page, '/livekit/settings');
    await page.getByLabel('logging.level').selectOption('debug');
    await page.getByText('level: debug').first().waitFor();
    await put('logging:\n  level: info\nroom:\n  empty_timeout: 400\n');
    await ui.button('Bring together').click();
    await page.getByText('No conflicts').waitFor();
    await ui.button('Use this text').click();
    const letGo = await holdBack('PUT', '/livekit/settings');
    await ui.button('Save settings').click();
    await page.getByLabel('room.empty_timeout').fill('500');
    await page.getByText('empty_timeout: 500').first().waitFor();
    letGo();
    const first = 'logging:\n  level: debug\nroom:\n  empty_timeout: 400\n';
    await until('the first is saved', async () => (await saved()).text === first);
    await page.locator('button:enabled', { hasText: 'Save settings' }).click();
    await until('the second is saved', async () => (await saved()).text === first.replace('400', '500'));
    await ui.button('Save settings').waitFor({ state: 'detached' });
  });

  await t.test('a rule and a team are saved without the fields that nobody changed', async () => {
    await goInside(page, '/alerts/rules?rule=disk-low');
    const rule = ui.dialog('A disk is nearly full');
    await rule.getByLabel('For how long (s)').waitFor();
    assert.equal(await rule.getByRole('button', { name: 'Save rule' }).isDisabled(), true);
    await rule.getByLabel('For how long (s)').fill('90');
    assert.equal((await daemon.api.patch('/alerts/disk-low', { threshold: 33 })).status, 200);
    await rule.getByRole('button', { name: 'Save rule' }).click();
    await rule.waitFor({ state: 'detached' });
    const rules = (await daemon.api.get('/alerts')).body.data;
    const { threshold, forSeconds } = rules.find(({ id }: { id: string }) => id === 'disk-low');
    assert.deepEqual([threshold, forSeconds], [33, 90]);

    const { tenant } = (await daemon.api.post('/tenants', { name: 'Studio' })).body.data;
    await goInside(page, `/access/teams?team=${tenant.id}`);
    const team = ui.dialog('Studio');
    await team.getByLabel('Apps', { exact: true }).fill('5');
    assert.equal((await daemon.api.patch(`/tenants/${tenant.id}`, { quotas: { maxStorageGb: 9 } })).status, 200);
    await team.getByRole('button', { name: 'Save team' }).click();
    await team.waitFor({ state: 'detached' });
    const teams = (await daemon.api.get('/tenants')).body.data;
    const { quotas } = teams.find(({ id }: { id: string }) => id === tenant.id);
    assert.deepEqual([quotas.maxApps, quotas.maxStorageGb], [5, 9]);
  });

  await t.test(
    'who signs in next does not see what was typed; a draft of the config waits for its author',
    async () => {
      const open = async (): Promise<void> => {
        await goInside(page, '/apps/live/config');
        await page.locator('.cm-line', { hasText: /^display_name/ }).waitFor();
      };
      const signOutAndIn = async (token: string): Promise<void> => {
        await ui.button(/^Signed in as/).click();
        await page.getByRole('menuitem', { name: 'Sign out' }).click();
        await page.getByText('API token').first().click();
        await page.locator('input[type=password]').fill(token);
        await ui.button('Sign in').click();
        await ui.button(/^Signed in as/).waitFor();
      };
      await open();
      await page.locator('.cm-line', { hasText: /^display_name/ }).click();
      await page.keyboard.press('End');
      await page.keyboard.insertText(' of the first');
      await page.getByText(/^Draft, /).waitFor();
      await goInside(page, '/settings');
      const secret = panel('Mail').getByLabel('Password', { exact: true });
      await secret.fill('typed-secret');
      const { body } = await daemon.api.post('/tokens', { name: 'next', scope: 'global' });
      await signOutAndIn(body.token);
      await goInside(page, '/settings');
      await hasValue(secret, '');
      await open();
      assert.equal(await page.getByText(' of the first').count(), 0);
      await signOutAndIn(daemon.token);
      await open();
      await page.getByText(' of the first').waitFor();
      await goInside(page, '/settings');
      await hasValue(secret, '');
    },
  );
});
