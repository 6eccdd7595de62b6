import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import {
  assertAccessible,
  browser,
  builtConsole,
  goInside,
  noChromium,
  noSharedWorker,
  openConsole,
} from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

const TEXT = `name: live
display_name: Live
room_prefix: live
recording:
  enabled: true
  split_minutes: 30 # half an hour
webrtc:
  adaptive: true
transcoding:
  enabled: false
`;

class ConfigScreen extends ConsolePage {
  readonly editor = this.page.getByRole('textbox', { name: /^config\.yaml of/ });
  /** The editor's text; it shows as many lines as fit, and these texts fit. */
  async text(): Promise<string> {
    return (await this.page.locator('.cm-content').first().locator('.cm-line').allInnerTexts())
      .map((line) => line.replace(/\n$/, ''))
      .join('\n');
  }
  async replaceAll(text: string): Promise<void> {
    await this.editor.click();
    await this.page.keyboard.press('Control+a');
    await this.page.keyboard.insertText(text);
  }
  /** Clicks into the line and moves to its end. */
  async endOf(line: string): Promise<void> {
    await this.page.locator('.cm-line', { hasText: line }).first().click();
    await this.page.keyboard.press('End');
  }
}

test('the config editor', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const file = path.join(daemon.dataDir, 'apps', 'live', 'config.yaml');
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token });
  const ui = new ConfigScreen(page);
  /** Opens the editor again, with the text that each test begins with. */
  const open = async (): Promise<void> => {
    const put = await daemon.api.put('/apps/live/config/raw', { yaml: TEXT });
    assert.equal(put.status, 200);
    await goInside(page, '/apps');
    await ui.heading('Apps').waitFor();
    await goInside(page, '/apps/live/config');
    await ui.editor.waitFor();
    await until('the editor has the text', async () => (await ui.text()) === TEXT);
  };

  await t.test('shows the daemon’s findings as one types, and the way to their line', async () => {
    await open();
    await page.getByText('valid', { exact: true }).waitFor();
    await ui.endOf('adaptive: true');
    await page.keyboard.insertText('x');
    const problems = page.getByRole('region', { name: 'Problems' });
    await problems.getByText('webrtc.adaptive').waitFor();
    await page.getByText('1 error').waitFor();
    await page.locator('.cm-lintRange-error').waitFor();
    await assertAccessible(page, 'the editor with a problem');
    await problems.getByRole('button').first().click();
    await page.locator('.cm-activeLine', { hasText: 'adaptive: truex' }).waitFor();
    // a text that is wrong cannot be saved
    await ui.button('Review').click();
    await ui.alert().getByText('This text cannot be saved').waitFor();
    assert.equal(await ui.button('Save config').isDisabled(), true);
    await ui.button('Back to editing').click();
    await ui.button('Discard draft').click();
    await page.getByText('valid', { exact: true }).waitFor();
    assert.equal(await ui.text(), TEXT);
  });

  await t.test('a change is reviewed, saved, listed in the history and taken back', async () => {
    await open();
    await page.getByText('valid', { exact: true }).waitFor();
    await ui.endOf('split_minutes');
    for (let n = 0; n < '30 # half an hour'.length; n += 1) await page.keyboard.press('Backspace');
    await page.keyboard.insertText('15 # a quarter');
    await page.keyboard.press('Control+s');
    await page.getByRole('heading', { name: 'Review the changes to live' }).waitFor();
    await page
      .getByRole('list', { name: '1 changed key' })
      .getByText('applies to the next stream or recording')
      .waitFor();
    await page.locator('.cm-merge-b .cm-changedLine', { hasText: 'split_minutes: 15' }).waitFor();
    await assertAccessible(page, 'the review');
    // the key does what the button does, once the text is checked
    await page.locator('button:enabled', { hasText: 'Save config' }).waitFor();
    await page.keyboard.press('Control+Enter');
    await page.getByText('Saved and active').waitFor();
    assert.equal(await readFile(file, 'utf8'), TEXT.replace('30 # half an hour', '15 # a quarter'));
    const history = page.getByRole('complementary', { name: 'History' });
    await history.getByText('active', { exact: true }).waitFor();
    await history
      .getByRole('button', { name: /recording\.split_minutes/ })
      .first()
      .click();
    await ui.dialog().locator('.cm-merge-a .cm-changedLine', { hasText: '30 # half an hour' }).waitFor();
    await assertAccessible(page, 'two versions');
    await ui.dialog().getByRole('button', { name: 'Restore this version' }).click();
    await ui.dialog().waitFor({ state: 'hidden' });
    await page.locator('.cm-line', { hasText: 'split_minutes: 30 # half an hour' }).waitFor();
    assert.equal(await readFile(file, 'utf8'), TEXT);
  });

  await t.test('the history gets the version that somebody else saves', async () => {
    await open();
    const history = page.getByRole('complementary', { name: 'History' });
    await page.getByText('valid', { exact: true }).waitFor();
    const newest = history.getByRole('listitem').first();
    await page.getByTitle('Changes appear as they happen.').waitFor();
    const changed = TEXT.replace('split_minutes: 30 # half an hour', 'split_minutes: 47');
    assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml: changed })).status, 200);
    await page.locator('.cm-line', { hasText: 'split_minutes: 47' }).waitFor();
    await newest.getByText('recording.split_minutes').waitFor();
    assert.equal(
      (await daemon.api.put('/apps/live/config/raw', { yaml: changed.replace('adaptive: true', 'adaptive: false') }))
        .status,
      200,
    );
    await newest.getByText('webrtc.adaptive').waitFor();
    // an older version is compared with the active one, and says what else it undoes
    await history
      .getByRole('button', { name: /recording\.split_minutes/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Restoring undoes 2 changes').waitFor();
    assert.equal(await dialog.getByRole('combobox', { name: 'Right' }).inputValue(), 'current');
    const undone = dialog.getByRole('list', { name: 'What restoring undoes' }).getByRole('listitem');
    assert.deepEqual(await undone.locator('code').allInnerTexts(), ['webrtc.adaptive', 'recording.split_minutes']);
    await dialog.locator('.cm-merge-b .cm-changedLine', { hasText: 'split_minutes: 47' }).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  });

  /** Enter counts once the list has been there for a moment (75 ms): the editor takes an earlier one for a line end. */
  const choose = async (page: Page, name: RegExp): Promise<void> => {
    await page.getByRole('option', { name }).waitFor();
    const shown = await page.evaluate(() => performance.now());
    await page.waitForFunction((since) => performance.now() - since > 100, shown);
    await page.keyboard.press('Enter');
  };

  await t.test('completes keys and values from the schema', async () => {
    await open();
    await page.locator('[data-completes]').waitFor();
    await ui.endOf('split_minutes');
    await page.keyboard.press('Enter');
    await page.keyboard.type('mo');
    await choose(page, /^mode/);
    await page.keyboard.type('part');
    await choose(page, /^participant/);
    await page.locator('.cm-line', { hasText: /^ {2}mode: participant$/ }).waitFor();
    await ui.button('Discard draft').click();
  });

  await t.test('the form edits the same text in place', async () => {
    await open();
    await page.getByText('Form', { exact: true }).click();
    const minutes = page.locator('#field-recording\\.split_minutes');
    await minutes.fill('45');
    await minutes.fill('');
    await minutes.blur();
    assert.match(await minutes.inputValue(), /^45/, 'what is still set is shown');
    await page.locator('#field-recording\\.enabled').locator('..').click();
    await assertAccessible(page, 'the form');
    await page.getByText('Text', { exact: true }).click();
    await page.locator('.cm-line', { hasText: 'split_minutes: 45 # half an hour' }).waitFor();
    assert.equal(await ui.text(), TEXT.replace('enabled: true', 'enabled: false').replace('30 #', '45 #'));
    await ui.button('Discard draft').click();
  });

  await t.test('features and webhooks have forms in their own tabs, which change only their keys', async () => {
    await open();
    await page.getByRole('link', { name: 'Features', exact: true }).click();
    await page.locator('#field-features\\.public_playback').locator('..').click();
    await page.getByRole('link', { name: 'Webhooks', exact: true }).click();
    await page.locator('#field-callbacks\\.url').fill('https://hooks.example.com/live');
    const events = page.locator('#field-mqtt\\.events');
    await events.fill('');
    await events.pressSequentially('room_started, room_finished,');
    assert.equal(await events.inputValue(), 'room_started, room_finished,');
    await events.blur();
    assert.equal(await events.inputValue(), 'room_started, room_finished');
    // one draft for all of them
    await ui.button('Review').click();
    await ui.button('Save config').click();
    await page.getByText('Saved and active').waitFor();
    const now = await readFile(file, 'utf8');
    assert.ok(now.startsWith(TEXT), now);
    assert.match(now, /^callbacks:\n {2}url: https:\/\/hooks\.example\.com\/live$/m);
    assert.match(
      now,
      /^mqtt:\n {2}events: ?(\n {4}- room_started\n {4}- room_finished|\[ ?room_started, room_finished ?\])$/m,
    );
    assert.match(now, /^features:\n {2}public_playback: false$/m);
  });

  await t.test('a draft outlives a reload and another tab of the app', async () => {
    await open();
    await ui.endOf('display_name');
    await page.keyboard.insertText(' and kept');
    await page.getByRole('link', { name: 'Presets' }).click();
    await page.getByRole('heading', { name: 'Low latency' }).waitFor();
    await page.locator('#page').getByRole('link', { name: 'Config' }).click();
    await page.locator('.cm-line', { hasText: 'Live and kept' }).waitFor();
    await page.reload();
    await page.locator('.cm-line', { hasText: 'Live and kept' }).waitFor();
    await ui.button('Discard draft').click();
    await page.locator('.cm-line', { hasText: /^display_name: Live$/ }).waitFor();
  });

  await t.test('a change made elsewhere appears at once, and meets a draft in a three-way view', async () => {
    await open();
    const elsewhere = await daemon.api.put('/apps/live/config/raw', {
      yaml: TEXT.replace('adaptive: true', 'adaptive: false'),
    });
    assert.equal(elsewhere.status, 200);
    await page.locator('.cm-line', { hasText: 'adaptive: false' }).waitFor();
    await ui.endOf('split_minutes');
    await page.keyboard.insertText(', mine');
    await ui.endOf('display_name');
    await page.keyboard.insertText(' of mine');
    const base = TEXT.replace('adaptive: true', 'adaptive: false');
    await daemon.api.put('/apps/live/config/raw', {
      yaml: base.replace('display_name: Live', 'display_name: Theirs').replace('enabled: false', 'enabled: true'),
    });
    await page.getByText('The config was changed elsewhere since you began this draft').waitFor();
    await ui.button('Bring together').click();
    await page.getByText('1 place to decide').waitFor();
    assert.equal(await ui.button('Use this text').isDisabled(), true);
    await assertAccessible(page, 'the conflict');
    await page.getByText('Take yours').click();
    await ui.button('Use this text').click();
    await page.getByRole('heading', { name: 'Review the changes to live' }).waitFor();
    await ui.button('Save config').click();
    await page.getByText('Saved and active').waitFor();
    const wanted = base
      .replace('display_name: Live', 'display_name: Live of mine')
      .replace('enabled: false', 'enabled: true')
      .replace('half an hour', 'half an hour, mine');
    assert.equal(await readFile(file, 'utf8'), wanted);
  });

  await t.test(
    'a draft that became active by other means ends its review; the next one begins in the editor',
    async () => {
      await open();
      await ui.endOf('display_name');
      await page.keyboard.insertText(' again');
      await page.getByText('valid', { exact: true }).waitFor();
      await ui.button('Review').click();
      await page.getByRole('heading', { name: 'Review the changes to live' }).waitFor();
      await daemon.api.put('/apps/live/config/raw', {
        yaml: TEXT.replace('display_name: Live', 'display_name: Live again'),
      });
      await ui.editor.waitFor();
      await ui.endOf('display_name');
      await page.keyboard.insertText(' and again');
      await page.getByText(/^Draft, /).waitFor();
      assert.equal(await ui.editor.isVisible(), true);
      await ui.button('Discard draft').click();
    },
  );

  await t.test('a file broken on the disk is said, with what stays active', async () => {
    await open();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(file, `${TEXT}recording: [\n`);
    await ui.alert().getByText('The file is not active').waitFor();
    await page.getByText('last good config active').waitFor();
    await writeFile(file, TEXT);
    await page.getByText('last good config active').waitFor({ state: 'hidden' });
  });

  await t.test('a save that comes too late opens the same view instead of an error', async () => {
    await open();
    // the event is kept away, so that the page learns of the other change from the refused save alone
    await page.addInitScript(noSharedWorker);
    await page.route('**/api/v1/events', (route) => route.abort());
    await page.reload();
    await ui.editor.waitFor();
    await ui.endOf('display_name');
    await page.keyboard.insertText(' again');
    await page.getByText('valid', { exact: true }).waitFor();
    await ui.button('Review').click();
    await page.getByRole('heading', { name: 'Review the changes to live' }).waitFor();
    await daemon.api.put('/apps/live/config/raw', { yaml: TEXT.replace('adaptive: true', 'adaptive: false') });
    await ui.button('Save config').click();
    await page.getByRole('heading', { name: 'Resolve conflict' }).waitFor();
    await ui.button('Use this text').click();
    await ui.button('Save config').click();
    await page.getByText('Saved and active').waitFor();
    const wanted = TEXT.replace('adaptive: true', 'adaptive: false').replace(
      'display_name: Live',
      'display_name: Live again',
    );
    assert.equal(await readFile(file, 'utf8'), wanted);
  });
});
