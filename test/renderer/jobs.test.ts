import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { giveBucket } from '#test/helpers/bucket.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { addVods, keysOf, type SampleVod } from '#test/helpers/recordings.ts';
import { s3Gate } from '#test/helpers/s3-gate.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
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
  await ui.dialog().getByText('1, no limit').waitFor();
  await assertAccessible(page, 'a job');
  assert.equal((await daemon.api.get('/apps/short-lived')).status, 404);
});

test('a purge of a real bucket: how far, how fast, what stopped it, and when it goes on', {
  skip: noChromium,
}, async (t) => {
  const s3 = startS3Server('s3-server', { own: true });
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(() => s3.stop());
  await builtConsole();
  const daemon = await testDaemon(t);
  const gate = await s3Gate(t, s3.endpoint);
  await daemon.api.post('/apps', { name: 'summer' });
  await giveBucket(daemon.api, 'summer', s3, { endpoint: gate.endpoint });
  const vods = (app: string, length: number): SampleVod[] =>
    Array.from({ length }, (_, n) => ({ key: `streamhub/${app}/part-${n}.mp4` }));
  // objects that are gone count as deleted: they need not be there
  addVods(daemon.dataDir, 'summer', vods('summer', 5000));
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/apps' });
  const ui = new ConsolePage(page);
  await ui.row('summer').waitFor();
  const tray = ui.statusBar().getByRole('button', { name: /^\d+ jobs?/ });
  const begin = (app: string) =>
    daemon.api.delete(`/apps/${app}?deleteVods=true`, { prefer: 'respond-async' }).then(({ status }) => status);

  await t.test('the tray tells it on every page, with rate and time left', async () => {
    assert.equal(await begin('summer'), 202);
    await tray.waitFor();
    await tray.click();
    const open = ui.dialog(/^1 job/);
    // two requests of 1,000 keys each are under way at the same time
    for (let n = 0; n < 2; n += 1) gate.pass();
    await open.getByText('2,000 of 5,000 objects').first().waitFor();
    await ui.statusBar().getByText('1 job 40 %').waitFor();
    await assertAccessible(page, 'the jobs tray');
    for (let n = 0; n < 2; n += 1) gate.pass();
    await open
      .getByText(/4,000 of 5,000 objects, [\d,]+\/(?:s|min), .+ left/)
      .first()
      .waitFor();
    await ui
      .statusBar()
      .getByText(/1 job 80 % *\S+ \S+ left/)
      .waitFor();
    await open.getByRole('link', { name: 'Delete the app summer and its recordings' }).click();
    const panel = ui.dialog('Delete the app summer and its recordings');
    await panel.getByText('Running').waitFor();
    await panel.getByRole('progressbar', { name: /4,000 of 5,000 objects/ }).waitFor();
    await assertAccessible(page, 'a running job');
    gate.open();
    await panel.getByText('Done').waitFor();
    await page.keyboard.press('Escape');
    await ui.row('summer').getByText('Done').waitFor();
    await tray.waitFor({ state: 'hidden' });
  });

  await t.test('one that the bucket refuses has failed and says why; run again, it ends well', async () => {
    await daemon.api.post('/apps', { name: 'trial' });
    const refusing = await giveBucket(daemon.api, 'trial', s3);
    addVods(daemon.dataDir, 'trial', vods('trial', 2));
    await s3.put(refusing, keysOf(vods('trial', 2)));
    await s3.denyDelete(refusing, 'streamhub/trial');
    // who waits for the answer gets it; it is not tried again by itself
    assert.equal((await daemon.api.delete('/apps/trial?deleteVods=true')).status, 502);
    await ui.row('trial').getByText('Failed').waitFor();
    await ui.row('trial').click();
    const panel = ui.dialog('Delete the app trial');
    await panel.getByText('STORAGE_PURGE_FAILED').waitFor();
    await assertAccessible(page, 'a failed job');
    await s3.denyDelete(refusing, null);
    await panel.getByRole('button', { name: 'Retry now' }).click();
    await panel.getByText('Done').waitFor();
    await page.keyboard.press('Escape');
    assert.deepEqual(await s3.keys(refusing), []);
  });

  await t.test('one whose bucket is away says when it is tried again', async () => {
    await daemon.api.post('/apps', { name: 'winter' });
    const away = await giveBucket(daemon.api, 'winter', s3);
    // an app without recordings would be deleted without its bucket
    addVods(daemon.dataDir, 'winter', vods('winter', 2));
    await s3.put(away, keysOf(vods('winter', 2)));
    await s3.pause();
    assert.equal(await begin('winter'), 202);
    await ui.row('winter').getByText('Retrying').waitFor();
    await ui
      .row('winter')
      .getByText(/^Retry(?: in \d+ s|ing now)$/)
      .waitFor();
    await assertAccessible(page, 'a waiting job');
    await s3.resume();
    await ui.row('winter').click();
    await ui.dialog('Delete the app winter').getByRole('button', { name: 'Retry now' }).click();
    await ui.dialog('Delete the app winter').getByText('Done').waitFor();
  });
});
