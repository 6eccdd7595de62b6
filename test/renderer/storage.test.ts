import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { refuseFiles } from '#test/helpers/fs-faults.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

test('the storage of an app', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const chromium = await browser(t);
  const stored = async () => (await daemon.api.get('/apps/live/s3')).body.data;
  const page = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/apps/live/storage' });
  const ui = new ConsolePage(page);
  const endpoint = page
    .getByRole('combobox', { name: 'Endpoint', exact: true })
    .or(page.getByRole('textbox', { name: 'Endpoint', exact: true }));
  await page.getByRole('textbox', { name: 'Bucket' }).waitFor();
  await page.getByText('Recordings of live stay on this machine').waitFor();
  await assertAccessible(page, 'the storage form');

  await t.test('a test says which step failed and what to do, before anything is stored', async () => {
    const before = await stored();
    await page.getByRole('radio', { name: /MinIO/ }).check();
    await page.getByRole('textbox', { name: 'Bucket' }).fill('media');
    await endpoint.fill('http://127.0.0.1:9');
    await ui.button('Test storage').click();
    await page.getByText('Bucket media does not work').waitFor();
    await page.locator('li[data-state="failed"]').getByText('Connect', { exact: true }).waitFor();
    assert.ok(
      (await page.locator('li[data-state="failed"]').innerText()).length > 40,
      'the cure stands under the step',
    );
    await assertAccessible(page, 'a failed test');
    await ui.button('Create bucket').click();
    await ui.alert().getByText('The bucket was not created.').waitFor();
    assert.deepEqual(await stored(), before);
  });

  await t.test('saving lists what changes; credentials go in and never come back', async () => {
    await ui.field('Access key').fill('AKIAEXAMPLEKEY00');
    await page.getByLabel('Secret key', { exact: true }).fill('very-secret-value');
    const changes = page.getByRole('list', { name: 'What saving changes' });
    await changes.getByText('Secret key: none → a new one').waitFor();
    // the bar has room for its buttons, and lets go of what is reached by keyboard
    for (const width of [390, 1024, 1440]) {
      await page.setViewportSize({ width, height: 800 });
      const cut = await ui
        .button('Save storage')
        .evaluate((button) =>
          [...button.querySelectorAll('*')].some((part) => part.scrollWidth > part.clientWidth + 1),
        );
      assert.equal(cut, false, `the button is cut at ${width}`);
      const field = page.getByLabel('Public endpoint');
      await field.focus();
      const [bar, box] = [await changes.locator('..').boundingBox(), await field.boundingBox()];
      assert.ok(bar && box && box.y + box.height <= bar.y, `the bar covers the field at ${width}`);
    }
    await ui.button('Save storage').click();
    await page.getByText('Saved and active').waitFor();
    const view = await stored();
    assert.equal(view.provider, 'minio');
    assert.equal(view.bucket, 'media');
    assert.equal(view.configured, true);
    const html = await page.content();
    assert.ok(!html.includes('very-secret-value'));
    assert.equal(await page.evaluate(() => JSON.stringify({ ...localStorage }).includes('very-secret')), false);
  });

  await t.test('a public address needs consent', async () => {
    await ui.field('Public URL').fill('https://media.example.com');
    await page.getByText('Recordings become public').waitFor();
    assert.equal(await ui.button('Save storage').isDisabled(), true);
    await assertAccessible(page, 'the consent');
    await page.getByLabel('Make the recordings of live public').check();
    await ui.button('Save storage').click();
    await page.getByText('Saved and active').waitFor();
    assert.equal((await stored()).public_url, 'https://media.example.com');
  });

  await t.test('what was typed is there again after another tab, and can be discarded', async () => {
    await page.getByRole('textbox', { name: 'Bucket' }).fill('other');
    await page.getByRole('link', { name: 'Presets' }).click();
    await page.getByRole('heading', { name: 'Low latency' }).waitFor();
    await page.getByRole('link', { name: 'Storage', exact: true }).last().click();
    const bucket = page.getByRole('textbox', { name: 'Bucket' });
    await bucket.waitFor();
    assert.equal(await bucket.inputValue(), 'other');
    await ui.button('Discard changes').click();
    await page.getByText('Nothing changed').waitFor();
    assert.equal(await bucket.inputValue(), 'media');
  });

  await t.test('an operator chooses the machine’s AWS role in place of keys', async () => {
    await page.getByRole('radio', { name: /Amazon S3/ }).check();
    await page.getByRole('radio', { name: 'AWS role of the daemon’s machine' }).check();
    assert.equal(await page.getByLabel(/Access key$/).count(), 0);
    const changes = page.getByRole('list', { name: 'What saving changes' });
    await changes.getByText('Credentials: access keys → the machine’s AWS role').waitFor();
    await assertAccessible(page, 'the choice of the role');
    await ui.button('Save storage').click();
    await page.getByText('Saved and active').waitFor();
    const { provider, credentials, configured } = await stored();
    assert.deepEqual([provider, credentials, configured], ['aws', 'role', true]);
  });

  await t.test('files on the daemon’s machine need nothing, and nothing is asked for', async () => {
    await page.getByRole('radio', { name: /This machine/ }).check();
    await page.getByRole('heading', { name: 'Folder' }).waitFor();
    assert.equal(await page.getByLabel(/Prefix|Public URL|Access key/).count(), 0);
    await ui.button('Save storage').click();
    await page.getByText('Saved and active').waitFor();
    assert.equal((await stored()).keptLocally, true);
    await assertAccessible(page, 'storage on the daemon’s machine');
  });

  await t.test('a config that the daemon cannot write disables the form and says why', async () => {
    const fault = refuseFiles('EROFS', ['access'], /apps\/live(?:\/config\.yaml)?$/);
    t.after(fault.end);
    const isWritable = async () => (await daemon.api.get('/apps/live/config/raw')).body.data.writable as boolean;
    await until('the daemon notices', async () => !(await isWritable()));
    await page.reload();
    await ui.alert().filter({ hasText: 'This config is read-only' }).getByText('EROFS').waitFor();
    assert.equal(await page.getByRole('radio', { name: /MinIO/ }).isDisabled(), true);
    assert.equal(await ui.button('Save storage').count(), 0);
    fault.end();
    await until('the daemon notices', isWritable);
    await page.reload();
    await ui.button('Save storage').waitFor();
  });

  await t.test('a daemon that is not ready says so above every page, until it is ready again', async () => {
    let wrong: string | undefined = 'the disk of the data directory is full';
    daemon.services.health.addCheck('disk space', () => wrong);
    await page.reload();
    const banner = ui.alert().filter({ hasText: 'The daemon is not ready' });
    await banner.getByText('disk space: the disk of the data directory is full').waitFor();
    await assertAccessible(page, 'the banner');
    await ui.statusBar().getByText('The daemon is not ready').waitFor();
    wrong = undefined;
    await page.reload();
    await ui.button('Save storage').waitFor();
    await banner.waitFor({ state: 'hidden' });
  });
});
