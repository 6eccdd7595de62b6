import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

test('presets show what they would change, then do exactly that', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const chromium = await browser(t);
  const page = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/apps/live/presets' });
  const ui = new ConsolePage(page);
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
