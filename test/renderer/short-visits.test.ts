// Short visits to pages of one daemon, in one browser: each continues where the last one stopped.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

test('pages of a daemon', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t, { STREAMHUB_SMTP_HOST: 'mail.example.com' });
  const chromium = await browser(t);
  const page = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/alerts' });
  const ui = new ConsolePage(page);

  await t.test('alerts: an incident is acknowledged, a rule changed, a channel added and tried', async (t) => {
    const receiver = await callbackReceiver(t);
    const text = 'LiveKit is not connected';

    await t.test('an open incident needs a person until someone works on it', async () => {
      await ui.statusBar().getByText(text).waitFor();
      await ui.row(text).click();
      const panel = ui.dialog('LiveKit is away');
      await panel.getByRole('link', { name: 'Check LiveKit' }).waitFor();
      await assertAccessible(page, 'an incident');
      await panel.getByRole('button', { name: 'Acknowledge' }).click();
      await panel.getByText('acknowledged', { exact: true }).waitFor();
      await panel.getByRole('button', { name: 'Silence', exact: true }).click();
      await panel.getByRole('button', { name: 'End silence' }).waitFor();
      await page.keyboard.press('Escape');
      await ui.statusBar().getByText(text).waitFor({ state: 'hidden' });
    });

    await t.test('a rule has its limit, and gets its default back', async () => {
      await page.getByRole('link', { name: 'Rules', exact: true }).click();
      await ui.row('A disk is nearly full').click();
      const panel = ui.dialog('A disk is nearly full');
      await panel.getByLabel('Free space (%)').fill('25');
      await assertAccessible(page, 'the form of a rule');
      await panel.getByRole('button', { name: 'Save rule' }).click();
      await ui.row('A disk is nearly full').getByText('below 25 %').waitFor();
      await ui.row('A disk is nearly full').click();
      // Esc closes the question only, and what was typed below it stays
      await panel.getByLabel('Free space (%)').fill('33');
      await panel.getByRole('button', { name: 'Restore defaults' }).click();
      await ui.dialog(/^Restore the defaults/).waitFor();
      await page.keyboard.press('Escape');
      await ui.dialog(/^Restore the defaults/).waitFor({ state: 'hidden' });
      assert.equal(await panel.getByLabel('Free space (%)').inputValue(), '33');
      await page.keyboard.press('Control+k');
      await page.getByPlaceholder('Search apps, nodes and pages, or run a command').waitFor();
      await page.keyboard.press('Escape');
      await page.getByPlaceholder('Search apps, nodes and pages, or run a command').waitFor({ state: 'hidden' });
      assert.equal(await panel.getByLabel('Free space (%)').inputValue(), '33');
      await panel.getByRole('button', { name: 'Restore defaults' }).click();
      await ui
        .dialog(/^Restore the defaults/)
        .getByRole('button', { name: 'Restore defaults' })
        .click();
      await ui.row('A disk is nearly full').getByText('below 10 %').waitFor();
    });

    await t.test('a channel tells what its receiver answered', async () => {
      await page.getByRole('link', { name: 'Channels', exact: true }).click();
      await ui.button('Add channel').click();
      const add = ui.dialog('Add channel');
      await add.getByLabel('Kind').selectOption('slack');
      await add.getByLabel('Name').fill('Ops');
      await add.getByLabel('URL of the incoming webhook').fill(receiver.url);
      await assertAccessible(page, 'the form of a channel');
      await add.getByRole('button', { name: 'Add channel' }).click();
      await ui.row('Ops').click();
      receiver.behave((_, response) => response.writeHead(200).end('ok from Slack'));
      await ui.dialog('Ops').getByRole('button', { name: 'Send test' }).click();
      await ui.dialog('Ops').getByText('The receiver answered: ok from Slack').waitFor();
      assert.match((await receiver.next()).body.text, /^Test/);
      const { data } = (await daemon.api.get('/alerts/channels')).body;
      assert.equal(
        data.find(({ name }: { name: string }) => name === 'Ops').address,
        `${new URL(receiver.url).origin}/…`,
      );
      await until('the test is noted', async () => {
        const { body } = await daemon.api.get('/alerts/channels');
        return body.data.find(({ name }: { name: string }) => name === 'Ops').lastSentAt;
      });
    });
  });

  await t.test('presets show what they would change, then do exactly that', async () => {
    await goInside(page, '/apps/live/presets');
    const card = page.getByRole('article').filter({ has: page.getByRole('heading', { name: 'Low latency' }) });
    await card.getByText(/changes \d+ keys/).waitFor();
    await assertAccessible(page, 'the presets');
    await card.getByRole('button', { name: 'Preview changes' }).click();
    const panel = ui.dialog('Low latency on live');
    await panel.getByRole('region', { name: 'Changes' }).waitFor();
    await assertAccessible(page, 'the preview of a preset');
    const before = (await daemon.api.get('/apps/live/config/raw')).body.data.yaml;
    const preview = (await daemon.api.get('/apps/live/presets/low-latency/preview')).body.data;
    const shown = await panel.locator('[data-mark="+"] code').allInnerTexts();
    const added = preview.diff.split('\n').filter((line: string) => line.startsWith('+ '));
    assert.deepEqual(
      shown.map((line) => line.replace(/^added:\s/, '')),
      added.map((line: string) => line.slice(2)),
    );
    assert.equal((await daemon.api.get('/apps/live/config/raw')).body.data.yaml, before, 'a preview writes nothing');
    const words = panel.getByRole('region', { name: 'What viewers get' });
    assert.deepEqual(
      await words.locator('ins').allInnerTexts(),
      preview.delivery.after.filter((line: string) => !preview.delivery.before.includes(line)),
    );
    await panel.getByRole('button', { name: 'Apply preset' }).click();
    await page.getByText(/Low latency is applied: \d+ keys changed and active/).waitFor();
    await card.getByText('matches this app').waitFor();
    assert.equal((await daemon.api.get('/apps/live/presets/low-latency/preview')).body.data.diff, '');
    await page.getByRole('link', { name: 'Undo in the history' }).click();
    await page.getByRole('complementary', { name: 'History' }).getByText('Preset applied: low-latency').waitFor();
    await page.getByRole('link', { name: 'Delivery', exact: true }).click();
    await page.getByText('Players wait 0 ms to smooth playback').waitFor();
    await page.getByText('LiveKit always encodes RTMP again').waitFor();
    await assertAccessible(page, 'the delivery plan');
  });

  await t.test('callbacks: what was sent, what was given up, and sending it again', async (t) => {
    let status = 410;
    const receiver = http.createServer((_request, response) => response.writeHead(status).end());
    receiver.listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    t.after(() => receiver.close());
    const address = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
    await daemon.api.patch('/apps/live', { callbackUrl: address });
    await goInside(page, '/apps/live/callbacks');
    await page.getByText(address).waitFor();
    await ui.button('Send a test').click();
    await ui.row('test').getByText('given up').waitFor();
    await assertAccessible(page, 'a callback that was given up');
    status = 200;
    await ui.row('test').click();
    const panel = ui.dialog('test');
    await panel.getByRole('region', { name: 'message' }).waitFor();
    await assertAccessible(page, 'a delivery');
    await panel.getByRole('button', { name: 'Send again' }).click();
    await panel.getByText('delivered').first().waitFor();
    await page.keyboard.press('Escape');
    await ui.row('test').getByText('delivered').waitFor();
  });

  await t.test('API tokens', async (t) => {
    await goInside(page, '/access/tokens');
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

  await t.test('a token of one app sees only its app, and learns which permission it lacks', async (t) => {
    const { body: app } = await daemon.api.get('/apps/live');
    const { body: made } = await daemon.api.post('/tokens', { name: 'one', scope: 'app', appId: app.id });
    const page = await openConsole(t, chromium, daemon.url, { token: made.token, path: '/apps' });
    const ui = new ConsolePage(page);
    await ui.row('live').waitFor();
    assert.equal(await ui.button('Create app').isDisabled(), true);
    await ui.section('Cluster').click();
    await page.getByText('This needs a credential with global scope.').waitFor();
    await assertAccessible(page, 'a page without permission');
    for (const [section, actions] of [
      ['Cluster', ['Add node']],
      ['Plugins', ['Install plugin…', 'Reload plugins']],
    ] as const) {
      await ui.section(section).click();
      for (const action of actions) await ui.button(action).and(page.locator('[title^="Needs "]:disabled')).waitFor();
    }
  });

  await t.test('a change of LiveKit’s settings outlives the page until it is saved or discarded', async () => {
    await goInside(page, '/livekit/settings');
    await page.getByLabel('logging.level').selectOption('debug');
    await page.getByText('level: debug').first().waitFor();
    await goInside(page, '/apps');
    await ui.row('live').waitFor();
    await page.goto(`${daemon.url}/livekit/settings`);
    await page.getByText('level: debug').first().waitFor();
    await ui.button('Discard change').click();
    await page.getByText('level: debug').first().waitFor({ state: 'hidden' });
    assert.notEqual(await page.getByLabel('logging.level').inputValue(), 'debug');
  });

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
