import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

const PASSPHRASE = 'correct horse battery staple';

test('a backup is made, verified, restored and planned in the console', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  await daemon.api.patch('/apps/live', { displayName: 'Live as it was' });
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/backups' });
  const ui = new ConsolePage(page);

  // what is wrong is said at its field
  await ui.button('Schedule').click();
  const plan = ui.dialog('Schedule');
  await plan.getByRole('textbox', { name: 'Schedule' }).fill('every night');
  await plan.getByRole('textbox', { name: 'Passphrase' }).fill(PASSPHRASE);
  await plan.getByRole('button', { name: 'Save schedule' }).click();
  await plan.locator('[id$="-error"]').first().waitFor();
  await plan.getByRole('textbox', { name: 'Schedule' }).fill('0 3 * * *');
  await plan.getByRole('button', { name: 'Save schedule' }).click();
  await plan.waitFor({ state: 'detached' });
  await page.getByText('0 3 * * *').waitFor();
  await page.getByText('stored', { exact: true }).waitFor();

  // a bucket for backups alone; nothing listens there
  await ui.button('Storage').click();
  const storage = ui.dialog('Storage of backups');
  await storage.getByRole('textbox', { name: /Bucket/ }).fill('safe');
  await storage.getByLabel(/^Endpoint/).fill('http://127.0.0.1:1');
  await storage.getByLabel(/^Access key/).fill('KEY');
  await storage.getByLabel('Secret key', { exact: true }).fill('not-shown');
  await storage.getByRole('button', { name: 'Test storage' }).click();
  await storage.getByText('Bucket safe does not work').waitFor();
  await assertAccessible(page, 'the storage of backups');
  await storage.getByRole('button', { name: 'Save storage' }).click();
  await storage.waitFor({ state: 'detached' });
  assert.equal((await daemon.api.get('/backups/storage')).body.data.bucket, 'safe');

  // with the stored passphrase; the list shows it without a reload
  await ui.button('Make backup').click();
  const make = ui.dialog('Make backup');
  await make
    .getByRole('combobox', { name: 'Place' })
    .getByText('Storage of backups: safe')
    .waitFor({ state: 'attached' });
  await assertAccessible(page, 'making a backup');
  await make.getByRole('button', { name: 'Make backup' }).click();
  const row = page.locator('[role="row"][data-opens]').first();
  await row.getByText('ready').waitFor();
  await row.click();
  const details = page.getByRole('dialog').last();
  await details.getByText('Not in this backup').waitFor();
  await details.getByRole('button', { name: 'Verify' }).click();
  await until('it was verified again', async () => {
    const { data } = (await daemon.api.get('/jobs')).body as { data: { kind: string; state: string }[] };
    return data.some(({ kind, state }) => kind === 'backup-verify' && state === 'succeeded');
  });
  const link = details.getByRole('link', { name: 'Download' });
  const file = await page.request.get((await link.getAttribute('href')) as string);
  assert.equal(file.status(), 200);
  assert.match((await file.body()).subarray(0, 30).toString(), /^age-encryption\.org\/v1/);
  await assertAccessible(page, 'a backup');

  // one app comes back under another name
  await details.getByLabel('What to restore').selectOption('live');
  await details.getByRole('textbox', { name: 'Name' }).fill('live-again');
  await details.getByRole('button', { name: 'Restore app' }).click();
  await until('the app is there', async () => (await daemon.api.get('/apps/live-again')).status === 200);
  assert.equal((await daemon.api.get('/apps/live-again')).body.displayName, 'Live as it was');

  // a restore that fails is told where it was asked for
  if (!(await details.isVisible())) await row.click();
  await details.getByLabel('Passphrase').fill('not the passphrase');
  await details.getByRole('button', { name: 'Prepare restore' }).click();
  await ui.alert().getByText('The passphrase doesn’t open this backup.', { exact: false }).waitFor();
  await assertAccessible(page, 'a failed restore');

  // everything, at the next start, and taken back
  await row.click();
  await details.getByRole('button', { name: 'Prepare restore' }).click();
  await page.getByText('A backup replaces everything at the next start of the daemon').waitFor();
  assert.equal(await ui.alert().count(), 0);
  await ui.button('Cancel restore').click();
  await page.getByText('A backup replaces everything').waitFor({ state: 'detached' });

  await row.click();
  await details.getByRole('button', { name: 'Delete backup' }).click();
  const question = page.getByRole('dialog', { name: /Delete the backup/ });
  const name = (await question.innerText()).match(/streamhub\S+\.age|\S+\.age\S*/)?.[0] ?? '';
  await question.getByRole('button', { name: 'Delete backup' }).click();
  await page.getByText('No backups yet').waitFor();
  assert.equal(existsSync(path.join(daemon.dataDir, 'backups', name)) && name !== '', false);
});
