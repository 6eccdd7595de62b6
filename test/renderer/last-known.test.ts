import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, noChromium } from '#test/helpers/browser.ts';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { builtRenderer, desktopHost, QUICK } from '#test/helpers/desktop-host.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

const CLUSTER_TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';

test('one of several daemons that is away keeps its last picture, over a reload of the window too', {
  skip: noChromium,
  timeout: 180_000,
}, async (t) => {
  await builtRenderer();
  const dataDir = await temporaryDir(t);
  const env = { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN };
  const paris = await testDaemon(t);
  const berlin = await testDaemon(t, env, { dataDir });
  const { port } = new URL(berlin.url);
  const joined = await berlin.api
    .as(null)
    .post('/cluster/join', { name: 'edge-1', ip: '203.0.113.7' }, { 'x-cluster-token': CLUSTER_TOKEN });
  assert.ok(joined.status < 300, joined.text);
  const host = await desktopHost(t, { timing: QUICK });
  const ids: Record<string, string> = {};
  for (const [name, { url, token }] of Object.entries({ Paris: paris, Berlin: berlin })) {
    const credential = { kind: 'token', token };
    const added = await host.core.dispatch('connections:add', { url, name, credential, keep: 'session' });
    assert.ok(added.ok, name);
    ids[name] = (added.value as { id: string }).id;
  }
  const snapshot = async () => {
    const told = await host.core.dispatch('connections:snapshot', { id: ids['Berlin'] });
    return told.ok ? (told.value as { stats: unknown; nodes: unknown[] | null } | null) : null;
  };
  // the app has looked at it, node and all
  await until('the node is in the picture', async () =>
    JSON.stringify((await snapshot())?.nodes ?? null).includes('edge-1'),
  );
  const page = await (await browser(t)).newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  page.setDefaultTimeout(60_000);
  await page.addInitScript(host.bridgeScript);
  const ui = new ConsolePage(page);
  const cluster = `${host.url}/d/${ids['Berlin']}/cluster`;
  const dimmed = (text: string) => page.locator('[data-stale]').filter({ hasText: text });
  await page.goto(cluster);
  await ui.row('edge-1').waitFor();
  assert.equal(await dimmed('edge-1').count(), 0);

  await t.test('the open page is dimmed and says its age', async () => {
    await berlin.stop();
    await page.getByText(/^This is how the nodes looked/).waitFor();
    await page.locator('time[datetime]').first().waitFor();
    await dimmed('edge-1').waitFor();
  });

  await t.test('after a reload the picture is there again, from the app’s own memory', async () => {
    await page.goto(cluster);
    await page.getByText(/^This is how the nodes looked/).waitFor();
    await dimmed('edge-1').waitFor();
    await assertAccessible(page, 'the nodes of a daemon that is away');
    await page.goto(`${host.url}/`);
    await ui.row('Berlin').getByText('Offline').waitFor();
    await ui.row('Berlin').locator('[title^="data from"]').filter({ hasText: '%' }).first().waitFor();
    await ui.row('Paris').getByText('%').first().waitFor();
    assert.equal(await ui.row('Paris').locator('[title^="data from"]').count(), 0, 'the other one is of now');
  });

  await t.test('it recovers by itself when the daemon is back', async (t) => {
    await page.goto(cluster);
    await dimmed('edge-1').waitFor();
    await testDaemon(t, { ...env, PORT: port }, { dataDir });
    await page
      .getByRole('navigation', { name: 'Daemons' })
      .getByRole('link', { name: /Berlin, Connected/ })
      .waitFor();
    await page.getByText(/^This is how the nodes looked/).waitFor({ state: 'hidden' });
    await ui.row('edge-1').waitFor();
    assert.equal(await dimmed('edge-1').count(), 0);
  });
});
