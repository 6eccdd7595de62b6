import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { callbackReceiver } from '#test/helpers/callback-receiver.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

test('alerts: an incident is acknowledged, a rule changed, a channel added and tried', {
  skip: noChromium,
}, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const receiver = await callbackReceiver(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/alerts' });
  const ui = new ConsolePage(page);
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
