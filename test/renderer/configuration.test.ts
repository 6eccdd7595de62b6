// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as a folder has them
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { zip } from '#desktop/renderer/features/configuration/zip.ts';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

test('a folder is planned, applied and taken back in the console', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/configuration' });
  const ui = new ConsolePage(page);

  // the export is a zip archive, which changes nothing when it comes back
  const download = page.waitForEvent('download');
  await ui.button('Export configuration').click();
  const saved = await (await download).path();
  await page
    .locator('input[type="file"]')
    .first()
    .setInputFiles({
      name: 'studio.zip',
      mimeType: 'application/zip',
      buffer: await readFile(saved),
    });
  await ui.button('Show plan').click();
  await page.getByText('Nothing to change').waitFor();
  await ui.button('Done').click();

  // faults have their place
  await page.getByText('Text', { exact: true }).click();
  await page.getByRole('textbox', { name: 'Text of the file' }).fill('strategie: spread\n');
  await ui.button('Show plan').click();
  await page
    .getByText(/did you mean strategy/)
    .first()
    .waitFor();
  await ui.button('Choose other files').click();

  // secrets that are missing are asked for, and deletions are marked
  const files = [
    ['cluster.yaml', 'strategy: same-region\n'],
    ['alert-channels.yaml', '- name: On call\n  kind: webhook\n  url: ${secret:HOOK_URL}\n'],
    ['tokens.yaml', '- name: deploy\n  scope: global\n- name: STREAMHUB_API_TOKEN\n  scope: global\n'],
  ] as const;
  await page.getByText('Zip or files', { exact: true }).click();
  await page
    .locator('input[type="file"]')
    .first()
    .setInputFiles(files.map(([name, text]) => ({ name, mimeType: 'text/yaml', buffer: Buffer.from(text) })));
  await ui.button('Show plan').click();
  await page.getByLabel('HOOK_URL').fill('https://hooks.example.org/very-secret');
  await assertAccessible(page, 'the plan');
  await ui.button('Use secrets').click();
  await page.getByText('1 secret without a value').waitFor({ state: 'detached' });
  await page.getByRole('list', { name: 'Changes' }).getByText('token deploy').waitFor();
  assert.ok(!(await page.locator('#page').innerText()).includes('very-secret'));
  await ui.button('Apply 3 changes').click();

  // the point comes without a reload, and has the new token once
  const row = page.locator('[role="row"][data-opens]').first();
  await row.getByText('applied').waitFor();
  const outcome = page.getByRole('status').filter({ hasText: '3 changes applied' });
  await outcome.getByText('shows new tokens and links once').waitFor();
  await outcome.getByRole('button', { name: /^Open roll-back point/ }).click();
  const details = page.getByRole('dialog').last();
  await details.getByRole('button', { name: 'Show tokens and links' }).click();
  const text = await details.getByText(/sk_/).first().innerText();
  const token = /sk_[\w-]+/.exec(text)?.[0] as string;
  assert.equal((await daemon.api.as(token).get('/apps')).status, 200);
  await assertAccessible(page, 'a roll-back point');
  await details.getByRole('button', { name: 'Plan roll-back' }).click();
  await page.getByText('0 to create, 1 to change, 2 to delete').waitFor();
  await ui.button('Apply 3 changes').click();
  await until('the token is gone', async () => (await daemon.api.as(token).get('/apps')).status === 401);
  await page.getByText('Apply a folder').waitFor();

  // a zip, whose apply fails: a foreign folder is in the way of its app
  await mkdir(path.join(daemon.dataDir, 'apps/blocked'));
  const archive = Buffer.from(zip([{ path: 'apps/blocked/app.yaml', text: 'secrets: {}\n' }]));
  await page
    .locator('input[type="file"]')
    .first()
    .setInputFiles({ name: 'studio.zip', mimeType: 'application/zip', buffer: archive });
  await ui.button('Show plan').click();
  await ui.button('Apply 1 change').click();
  const failed = page.getByRole('status').filter({ hasText: 'The apply failed: 0 of 1 change made' });
  await failed
    .getByText(/Stopped|stopped|blocked/)
    .first()
    .waitFor();
  await assertAccessible(page, 'a failed apply');
});
