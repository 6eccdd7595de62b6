import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertAccessible,
  browser,
  builtConsole,
  noChromium,
  noSharedWorker,
  openConsole,
  setHidden,
} from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

test('the log', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t, { LOG_LEVEL: 'info' });
  const log = daemon.services.log.child({ source: 'jobs' });
  const chromium = await browser(t);
  for (let n = 0; n < 400; n += 1) log.info({ step: n }, `purged part ${n}`);
  daemon.services.log
    .child({ source: 'storage', app: 'live' })
    .error({ bucket: 'media' }, 'the bucket refused the object');
  await until('the line is stored', async () => (await daemon.api.get('/logs?q=refused')).body.total > 0);
  const page = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/logs' });
  const ui = new ConsolePage(page);

  await t.test('shows lines with their fields, reading more as one scrolls', async () => {
    await ui.row('the bucket refused the object').getByText('bucket=media').waitFor();
    await assertAccessible(page, 'the log');
    assert.ok((await page.locator('[role="row"][data-index]').count()) < 80);
    await page.locator('[role="row"][data-index]').first().focus();
    // each end reads more, until there is no more
    while (!(await ui.row('purged part 0').isVisible())) {
      await page.keyboard.press('End');
      await page.locator('[role="row"]:focus').waitFor();
    }
  });

  await t.test('finds by level and text, and says what it looked for', async () => {
    await page.getByRole('radiogroup', { name: 'Level' }).getByText('error', { exact: true }).click();
    await page.getByText('1 line', { exact: true }).waitFor();
    await ui.field('Words in message or fields').fill('media');
    await page.getByText('1 line', { exact: true }).waitFor();
    await ui.field('Words in message or fields').fill('nothing like it');
    await page.getByText('Searched last 24 hours for level error, text “nothing like it”.').waitFor();
    await ui.button('Clear the filter').first().click();
    await ui.row('the bucket refused').waitFor();
    await ui.field('Words in message or fields').fill('nothing like it');
    await page.getByText('Searched last 24 hours for text “nothing like it”.').waitFor();
    await ui.section('Logs').click();
    await ui.row('the bucket refused').waitFor();
    assert.equal(await ui.field('Words in message or fields').inputValue(), '');
  });

  await t.test('a line opens with everything around it', async () => {
    await ui.row('the bucket refused').click();
    const panel = ui.dialog('Log line');
    await panel.getByText('media', { exact: true }).waitFor();
    await panel.getByRole('region', { name: 'All lines' }).getByText('purged part 399').waitFor();
    await assertAccessible(page, 'a log line');
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
  });

  await t.test('a stretch picked in the histogram becomes the time', async () => {
    const bars = page.getByRole('img', { name: / lines from / });
    const box = await bars.boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + box.width * 0.2, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 30, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/since=.*until=/);
    await page.getByText('No line matches').waitFor();
    await page.goBack();
    await ui.row('the bucket refused').waitFor();
  });

  await t.test('follows live, holds back while paused', async () => {
    await page.getByRole('switch', { name: 'Live' }).check({ force: true });
    await page.getByRole('status').getByText('Live').waitFor();
    log.warn('arrives live');
    await ui.row('arrives live').waitFor();
    await ui.button('Pause').click();
    log.warn('held back');
    await page.getByText('Paused, 1 line held back').waitFor();
    assert.equal(await ui.row('held back').count(), 0);
    await assertAccessible(page, 'the live log');
    await ui.button('Go on').click();
    await ui.row('held back').waitFor();
  });

  await t.test('a live log has what was written while its tab was hidden, also before its first line', async (t) => {
    const other = await openConsole(t, chromium, daemon.url, { token: daemon.token });
    await other.addInitScript(noSharedWorker);
    const hasBegun = other.waitForResponse(/logs\?.*limit=1&/);
    await other.goto(`${daemon.url}/logs?live=yes&q=unseen`);
    await hasBegun;
    const its = new ConsolePage(other);
    for (const line of ['unseen first', 'unseen second']) {
      await other.getByRole('status').getByText('Live', { exact: true }).waitFor();
      await setHidden(other, true);
      await other.getByRole('status').getByText('Connecting…').waitFor();
      log.warn(line);
      await until('the line is stored', async () => (await daemon.api.get(`/logs?q=${line}`)).body.total > 0);
      await setHidden(other, false);
      await its.row(line).waitFor();
    }
    assert.equal(await its.row('unseen first').count(), 1);
    assert.equal(await its.row('arrives live').count(), 0);
  });

  await t.test('the newest lines are there, although the clock of the browser is slow', async (t) => {
    const late = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/logs' });
    await late.clock.install({ time: Date.now() - 15 * 60_000 });
    await late.goto(`${daemon.url}/logs?range=15m`);
    await new ConsolePage(late).row('the bucket refused the object').waitFor();
  });

  await t.test('the log of one app holds its lines only', async () => {
    await page.goto(`${daemon.url}/apps/live/logs`);
    await ui.row('the bucket refused').waitFor();
    await page.getByText('1 line', { exact: true }).waitFor();
  });

  await t.test('exports what was found', async () => {
    const [file] = await Promise.all([page.waitForEvent('download'), ui.button('Export').click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    const rows = Buffer.concat(chunks)
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(file.suggestedFilename(), 'streamhub-log-live.jsonl');
    assert.deepEqual(
      rows.map(({ message }) => message),
      ['the bucket refused the object'],
    );
  });
});
