import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible, browser, noChromium } from '#test/helpers/browser.ts';
import { type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { builtRenderer, type DesktopHost, desktopHost, QUICK } from '#test/helpers/desktop-host.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';
import { layoutFaults } from '#test/helpers/widths.ts';
import { ConsolePage } from './console-page.ts';

type T = { after(fn: () => unknown): void };

async function open(t: T, host: DesktopHost, place = '/'): Promise<{ page: Page; ui: ConsolePage }> {
  const page = await (await browser(t)).newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  page.setDefaultTimeout(60_000);
  await page.addInitScript(host.bridgeScript);
  await page.goto(host.url + place);
  return { page, ui: new ConsolePage(page) };
}

test('many daemons in one window, over the real core', { skip: noChromium }, async (t) => {
  await builtRenderer();
  const env = { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' };
  const daemons: TestDaemon[] = [await testDaemon(t, env), await testDaemon(t, env)];
  const [paris, berlin] = daemons as [TestDaemon, TestDaemon];
  const joins = (daemon: TestDaemon, name: string, identity: string) =>
    sendWebhook(daemon.url, event('participant_joined', { room: room(name), participant: participant(identity) }), {
      key: LIVEKIT_KEYS.LIVEKIT_API_KEY,
      secret: LIVEKIT_KEYS.LIVEKIT_API_SECRET,
    });
  await joins(paris, 'live-hall', 'ana');
  await joins(berlin, 'live-hall', 'anton');
  await joins(berlin, 'live-foyer', 'bea');
  const host = await desktopHost(t, { timing: QUICK });
  const { page, ui } = await open(t, host);
  const rail = page.getByRole('navigation', { name: 'Daemons' });

  await t.test('the first run says what this is', async () => {
    await ui.heading('Welcome to StreamHub').waitFor();
    await assertAccessible(page, 'the first run');
  });

  await t.test('a daemon is tested step by step and added', async () => {
    await rail.getByRole('link', { name: 'Add a daemon' }).click();
    await ui.field('Address').fill(paris.url.replace('http://', ''));
    await ui.field('Name').fill('Paris');
    await page.getByText('This machine has no keychain').waitFor();
    await page.getByText('you stay signed in until the app ends').waitFor();
    await page.getByLabel('Token', { exact: true }).fill('sk_wrong');
    await ui.button('Test connection').click();
    await page.getByText('5. Sign in').waitFor();
    await page.getByRole('img', { name: 'failed' }).waitFor();
    await assertAccessible(page, 'a failed connection test');
    await page.getByLabel('Token', { exact: true }).fill(paris.token);
    await ui.button('Test connection').click();
    await page.getByText('All well; it can be added').waitFor();
    await ui.button('Add daemon').click();
    await ui.heading('Overview').waitFor();
    await rail.getByRole('link', { name: /Paris, Connected/ }).waitFor();
    const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    assert.ok(!stored.includes(paris.token), 'the renderer keeps no credential');
  });

  await t.test('what is typed for one daemon is not shown for another', async () => {
    const days = ui.field('Days that browsers stay signed in');
    await ui.section('Settings').click();
    await days.fill('45');
    await rail.getByRole('link', { name: 'Add a daemon' }).click();
    await ui.field('Address').fill(berlin.url);
    await ui.field('Name').fill('Berlin');
    await page.getByLabel('Token', { exact: true }).fill(berlin.token);
    await ui.button('Add daemon').click();
    await ui.heading('Overview').waitFor();
    await ui.section('Settings').click();
    assert.equal(await days.inputValue(), '');
    await rail.getByRole('link', { name: /Paris, Connected/ }).click();
    await ui.section('Settings').click();
    assert.equal(await days.inputValue(), '45');
  });

  await t.test('all daemons stand in one list, an unreachable one with its last picture', async () => {
    await rail.getByRole('link', { name: 'All daemons' }).click();
    await ui.row('Paris').getByText('Connected').waitFor();
    await ui.row('Berlin').getByText('Connected').waitFor();
    const problem = page.getByRole('region', { name: 'Problems' });
    await problem.getByText('LiveKit at ws://127.0.0.1:9 isn’t responding').first().waitFor();
    await ui.row('Berlin').getByText('%').first().waitFor();
    await assertAccessible(page, 'all daemons');
    const totals = page.getByRole('region', { name: 'All daemons together' });
    const total = (label: string, value: string) =>
      totals.locator('div').filter({ hasText: label }).getByText(value, { exact: true }).waitFor();
    await total('Sessions in 14 days', '3');
    await total('Participants now', '3');
    await total('Recordings', '0');
    const incidents = async (daemon: TestDaemon) => (await daemon.api.get('/incidents?open=true')).body.total;
    await until('the incidents of both are added up', async () => {
      const shown = await totals.locator('div').filter({ hasText: 'Open incidents' }).locator('dd').innerText();
      return Number(shown) === (await incidents(paris)) + (await incidents(berlin));
    });

    const box = page.getByRole('textbox', { name: 'Find an app, room or person on any daemon' });
    const of = (name: string) =>
      page.locator('section').filter({ has: page.getByRole('heading', { name, exact: true }) });
    await box.fill('hal');
    await of('Paris').getByRole('link', { name: 'live-hall' }).waitFor();
    await of('Berlin').getByText('open, 1 participant').waitFor();
    await assertAccessible(page, 'what was found');
    await box.fill('an');
    await of('Paris').getByRole('link', { name: 'ana' }).waitFor();
    await of('Berlin').getByRole('link', { name: 'anton' }).waitFor();
    assert.equal(await of('Berlin').getByRole('link', { name: 'live-hall' }).count(), 0, 'of the last text only');
    await page.setViewportSize({ width: 390, height: 844 });
    await until('the results fit a phone', async () => (await page.evaluate(layoutFaults)).length === 0);
    await page.setViewportSize({ width: 1280, height: 800 });
    await of('Berlin').getByRole('link', { name: 'anton' }).click();
    await ui.dialog('anton').getByText('live-hall').first().waitFor();
    assert.match(page.url(), /\/d\/[^/]+\/apps\/live\/sessions\?person=anton$/);
    await page.goBack();
    await box.fill('');
    await total('Sessions in 14 days', '3');
    await page.setViewportSize({ width: 390, height: 844 });
    await until('the totals fit a phone', async () => (await page.evaluate(layoutFaults)).length === 0);
    await page.setViewportSize({ width: 1280, height: 800 });
    await berlin.stop();
    await totals.getByText('Not included: Berlin (Offline)').waitFor();
    await total('Sessions in 14 days', '1');
    await box.fill('hall');
    await of('Paris').getByRole('link', { name: 'live-hall' }).waitFor();
    await of('Berlin').getByText('not searched').waitFor();
    await box.fill('');
    await problem.getByText('The daemon isn’t responding').waitFor();
    await ui.row('Berlin').getByText('Offline').waitFor();
    await ui.statusBar().getByText('1 of 2 connected').waitFor();
    await ui.row('Berlin').getByText('%').first().waitFor();
    await assertAccessible(page, 'a daemon that is away');
  });

  await t.test('a connection is renamed, moved and removed', async () => {
    await ui.button('Actions for Berlin').click();
    await page.getByRole('menuitem', { name: 'Move up' }).click();
    await page.waitForFunction(() =>
      document
        .querySelector('nav[aria-label="Daemons"] a[href^="/d/"]')
        ?.getAttribute('aria-label')
        ?.includes('Berlin'),
    );
    await ui.button('Actions for Berlin').click();
    await page.getByRole('menuitem', { name: 'Rename, colour…' }).click();
    await ui.dialog().getByLabel('Name').fill('Berlin old');
    await ui.dialog().getByRole('radio').nth(3).check({ force: true });
    await assertAccessible(page, 'renaming a connection');
    await ui.button('Save').click();
    await ui.row('Berlin old').waitFor();
    await ui.button('Actions for Berlin old').click();
    await page.getByRole('menuitem', { name: 'Remove…' }).click();
    await ui.dialog('Remove Berlin old').getByRole('button', { name: 'Remove daemon' }).click();
    await ui.row('Berlin old').waitFor({ state: 'hidden' });
  });

  await t.test('a revoked token asks to sign in again where one is', async () => {
    const { body } = await paris.api.post('/tokens', { name: 'desktop', scope: 'global' });
    await ui.row('Paris').getByRole('link', { name: 'Paris' }).click();
    await ui.heading('Overview').waitFor();
    const id = /\/d\/([^/]+)/.exec(page.url())?.[1] ?? '';
    const outcome = await host.core.dispatch('connections:signIn', {
      id,
      credential: { kind: 'token', token: body.token },
      keep: 'session',
    });
    assert.ok(outcome.ok);
    await ui.section('Apps').click();
    await ui.row('live').waitFor();
    await paris.api.delete(`/tokens/${body.id}`);
    const again = ui.dialog(/^Sign in again/);
    await again.waitFor();
    await assertAccessible(page, 'signing in again');
    await again.locator('input[type=password]').fill(paris.token);
    await again.getByRole('button', { name: 'Sign in' }).click();
    await again.waitFor({ state: 'hidden' });
    await ui.row('live').waitFor();
  });

  await t.test('compares an app of two daemons and copies a section with its diff', async () => {
    const lagos = await testDaemon(t);
    await lagos.api.post('/apps', { name: 'stage' });
    await paris.api.post('/apps', { name: 'stage' });
    const raw = (await paris.api.get('/apps/stage/config/raw')).body.data.yaml as string;
    await paris.api.put('/apps/stage/config/raw', { yaml: raw.replace(/split_minutes: 0/, 'split_minutes: 45') });
    const added = await host.core.dispatch('connections:add', {
      url: lagos.url,
      name: 'Lagos',
      credential: { kind: 'token', token: lagos.token },
      keep: 'session',
    });
    assert.ok(added.ok);
    await ui.section('Compare').click();
    await ui.field('App on the left').selectOption('stage');
    await ui.field('Daemon on the right').selectOption('Lagos');
    await ui.field('App on the right').selectOption('stage');
    await page.getByText('1 section differs').waitFor();
    await page.getByLabel('recording').check();
    await page.locator('.cm-merge-b .cm-changedLine', { hasText: 'split_minutes: 45' }).waitFor();
    await assertAccessible(page, 'the comparison');
    await ui.button('Copy to the right').click();
    await ui.dialog().getByRole('button', { name: 'Copy sections' }).click();
    await page.getByText('recording copied to stage on Lagos and active').waitFor();
    assert.match((await lagos.api.get('/apps/stage/config/raw')).body.data.yaml, /split_minutes: 45/);
  });

  await t.test('the shell’s commands lead to their pages', async () => {
    await host.command({ kind: 'settings' });
    await ui.heading('Settings of this app').waitFor();
    await assertAccessible(page, 'the settings of the app');
    await ui.button('Copy report').click();
    await page.getByText('On the clipboard').waitFor();
    const report = (await host.recorded()).copied.at(-1) ?? '';
    assert.match(report, /^StreamHub 0\.0\.0-test on \w+/);
    assert.match(report, /Keychain: none/);
    assert.ok(report.includes(`Paris <${paris.url}>`), report);
    assert.match(report, /online since \S+Z, last seen \S+Z, version \d/);
    for (const { token } of daemons) assert.ok(!report.includes(token));
    await host.command({ kind: 'palette' });
    await page.getByPlaceholder('Search apps, nodes and pages, or run a command').fill('lagos');
    await assertAccessible(page, 'the palette');
    await page.keyboard.press('Enter');
    await ui.heading('Overview').waitFor();
    await page.getByText('Lagos').first().waitFor();
  });
});
