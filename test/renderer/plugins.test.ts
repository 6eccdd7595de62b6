import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { makeCertificate } from '#test/helpers/certificates.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { installPlugin, packedPlugin, providerCode } from '#test/helpers/plugins.ts';
import { ConsolePage } from './console-page.ts';

const PRESET =
  'id: night\ntitle: Night shift\ndescription: At night.\nuseCase: Guards.\npatch:\n  hls: { list_size: 7 }\n';

test('plugins: how they are and why, their switches, and a reload', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const { dataDir, api } = daemon;
  const contributes = { storageProviders: [{ id: 'shelf', title: 'Shelf' }], presets: ['night.yaml'] };
  const manifest = {
    title: 'Shelf storage',
    version: '2.3.4',
    author: 'Ana',
    license: 'MIT',
    documentation: 'README.md',
    contributes,
  };
  await installPlugin(dataDir, 'shelf', providerCode('shelf', ''), {
    manifest,
    files: { 'night.yaml': PRESET, 'README.md': '# A shelf\n\nIt <b>holds</b> things.\n' },
  });
  await installPlugin(dataDir, 'broken', "throw new Error('the shelf fell down');");
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/plugins' });
  const ui = new ConsolePage(page);

  // what failed comes first, in words, with the way to it
  await page.getByText('broken failed', { exact: true }).waitFor();
  await page.getByText('the shelf fell down').first().waitFor();
  await ui.row('Shelf storage').getByText('running').waitFor();
  await ui.row('Shelf storage').getByText('2.3.4').waitFor();
  await ui.row('Shelf storage').getByText('Night shift, Shelf').waitFor();
  await assertAccessible(page, 'the plugins');

  await ui.row('Shelf storage').click();
  const panel = ui.dialog('Shelf storage');
  await panel.getByText('Its code is running or ready.').waitFor();
  for (const text of [
    'Separate processes, one for each app',
    '256 MiB',
    'Ana',
    'MIT',
    'It can’t write files, start programs',
  ])
    await panel.getByText(text, { exact: false }).first().waitFor();
  await panel.getByText('It <b>holds</b> things.').waitFor();
  await panel.getByText(/Forms and settings: running/).waitFor();
  await assertAccessible(page, 'a plugin');

  // the effect is told before it is disabled, and it is off immediately
  await panel.getByRole('button', { name: 'Disable plugin' }).click();
  const question = ui.dialog('Disable Shelf storage');
  await question.getByText('Apps that keep recordings with Shelf keep their settings', { exact: false }).waitFor();
  await question.getByRole('button', { name: 'Disable plugin' }).click();
  await panel.getByText('It isn’t used until you enable it.').waitFor();
  assert.equal((await api.get('/plugins/shelf')).body.data.enabled, false);
  // what another operator does is seen without a reload of the page
  await api.post('/plugins/shelf/enable');
  await panel.getByText('Its code is running or ready.').waitFor();
  // what failed with one plugin is not shown with the next
  await api.post('/plugins/shelf/disable');
  await page.route('**/plugins/shelf/enable', (route) => route.fulfill({ status: 500, body: 'out of order' }));
  await panel.getByRole('button', { name: 'Enable plugin' }).click();
  const failure = page.getByText('is not from a StreamHub daemon', { exact: false });
  await failure.waitFor();
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
  await api.post('/plugins/shelf/enable');

  // its author mends the broken one, and it is tried again
  await writeFile(path.join(dataDir, 'plugins/broken/index.mjs'), providerCode('broken', ''));
  await page.getByRole('button', { name: 'Show plugin' }).click();
  const mended = ui.dialog('broken');
  await mended.waitFor();
  assert.equal(await failure.count(), 0);
  await mended.getByRole('button', { name: 'Try plugin again' }).click();
  await mended.getByText('running').first().waitFor();
  await page.keyboard.press('Escape');
  await mended.waitFor({ state: 'hidden' });

  // a new one is there with a reload
  await writeFile(
    path.join(dataDir, 'plugins/evening.yaml'),
    PRESET.replace('id: night', 'id: evening').replace('Night shift', 'Evening'),
  );
  await ui.button('Reload plugins').click();
  await ui.row('Evening').first().getByText('verified').waitFor();

  // one from a file, with what is wrong at its field; then another version, and back
  const choose = async (file: Buffer) => {
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByText('Choose file').click()]);
    await chooser.setFiles({ name: 'crate.tgz', mimeType: 'application/gzip', buffer: file });
  };
  const release = (version: string) =>
    packedPlugin('crate', providerCode('crate', ''), { manifest: { version, title: 'Crate' } });
  await ui.button('Install plugin…').click();
  const install = ui.dialog('Install a plugin');
  await choose(await release('1.0.0'));
  await install.getByLabel('SHA-256').fill('0'.repeat(64));
  await install.getByRole('button', { name: 'Install plugin' }).click();
  await install.getByText(/but 0+ was expected/).waitFor();
  await assertAccessible(page, 'installing a plugin');
  await install.getByLabel('SHA-256').fill('');
  await install.getByRole('button', { name: 'Install plugin' }).click();
  const crate = page.getByRole('dialog', { name: 'Crate', exact: true });
  await crate.getByText('1.0.0').waitFor();
  await crate.getByRole('button', { name: 'Update plugin…' }).click();
  const update = ui.dialog('Update Crate');
  await choose(await release('2.0.0'));
  await update.getByRole('button', { name: 'Update plugin' }).click();
  await crate.getByText('2.0.0').waitFor();
  await crate.getByRole('button', { name: 'Roll back plugin' }).click();
  await ui.dialog('Roll back Crate').getByRole('button', { name: 'Roll back plugin' }).click();
  await crate.getByText('1.0.0').waitFor();

  // the apps that use it are named before it is removed
  const put = await api.put('/apps/live/s3', { provider: 'crate', bucket: 'x', key: 'k', secret: 's' });
  assert.equal(put.status, 200, put.text);
  await page.reload();
  await crate.getByRole('button', { name: 'Remove plugin' }).click();
  const removal = ui.dialog('Remove Crate');
  await removal.getByText('These apps use its storage: live', { exact: false }).waitFor();
  await removal.getByRole('button', { name: 'Remove plugin anyway' }).click();
  await crate.waitFor({ state: 'hidden' });
  assert.equal((await api.get('/plugins/crate')).status, 404);

  // and once more from an address, whose certificate the server trusts
  const file = await release('1.0.0');
  const certificate = await makeCertificate('localhost', { authority: false });
  const trusted = tls.getCACertificates('default');
  tls.setDefaultCACertificates([...trusted, certificate.cert]);
  const site = https.createServer(certificate, (_request, response) => response.end(file)).listen(0, '127.0.0.1');
  t.after(() => {
    tls.setDefaultCACertificates(trusted);
    site.close();
  });
  await once(site, 'listening');
  await ui.button('Install plugin…').click();
  await install.getByText('Address', { exact: true }).click();
  const address = `https://127.0.0.1:${(site.address() as AddressInfo).port}/crate-1.0.0.tgz`;
  await install.getByRole('textbox', { name: 'Address' }).fill(address.replace('https', 'http'));
  await install.getByLabel('SHA-256').fill(createHash('sha256').update(file).digest('hex'));
  await install.getByRole('button', { name: 'Install plugin' }).click();
  await install.getByText(/must begin with https/).waitFor();
  await install.getByRole('textbox', { name: 'Address' }).fill(address);
  await install.getByRole('button', { name: 'Install plugin' }).click();
  await crate.getByText('1.0.0').waitFor();
});
