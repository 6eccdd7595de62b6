// First steps: from a daemon without anything to a stream that a second browser watches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { assertAccessible, builtConsole, noChromium } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { moving, person } from '#test/helpers/media-browsers.ts';

test('from an empty daemon to a stream that someone else watches', { skip: noChromium }, async (t) => {
  const livekit = await startLivekit(t, { tellsDaemon: true });
  if (typeof livekit === 'string') return t.skip(livekit);
  const openPublisher = await person(t, true);
  const openViewer = await person(t, false);
  await builtConsole();
  const empty = await testDaemon(t, { PORT: livekit.env['PORT'] ?? '' });
  const begun = performance.now();
  let clicks = 0;
  const click = async (target: Locator): Promise<void> => {
    clicks += 1;
    await target.click();
  };
  const opened = async (page: Page, target: Locator): Promise<Page> => {
    const popup = page.context().waitForEvent('page');
    await click(target);
    return popup;
  };
  const page = await openPublisher(empty.firstStart.setup?.url ?? '');
  const button = (name: string, on: Page = page) => on.getByRole('button', { name, exact: true });
  await page.getByLabel('Email address').fill('ana@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await click(button('Create account'));

  // what is missing comes first, and nothing says that all is well
  const problems = page.getByRole('region', { name: 'Problems' });
  await problems.getByText('LiveKit is not connected').waitFor();
  assert.match((await problems.getByRole('listitem').first().textContent()) ?? '', /LiveKit is not connected/);
  await click(page.getByRole('listitem').filter({ hasText: 'It carries all media' }).getByRole('button'));
  const panel = page.getByRole('dialog', { name: 'Connect LiveKit' });
  await panel.getByLabel('Address').fill(livekit.url);
  await panel.getByLabel('API key').fill(livekit.apiKey);
  await panel.getByRole('textbox', { name: 'API secret' }).fill('d'.repeat(43));
  await panel.getByRole('button', { name: 'Test and save' }).click();
  await panel.getByText('the API key or secret is not accepted').waitFor();
  await assertAccessible(page, 'a connection that failed its test');
  await panel.getByRole('textbox', { name: 'API secret' }).fill(livekit.apiSecret);
  await click(panel.getByRole('button', { name: 'Test and save' }));
  await panel.waitFor({ state: 'hidden' });
  const step = (title: string) => page.getByRole('listitem').filter({ hasText: title });
  await step('Connect LiveKit').getByRole('img', { name: 'done' }).waitFor();
  await problems.getByText('LiveKit is not connected').waitFor({ state: 'hidden' });

  const studio = await opened(page, button('Open publish page'));
  await click(button('Go live', studio));
  await button('Stop', studio).waitFor();
  const own = await opened(page, button('Open watch page'));
  await moving(own, '#tiles video');
  const friend = await openViewer(own.url());
  await moving(friend, '#tiles video');
  assert.ok(clicks <= 8, `${clicks} clicks`);
  t.diagnostic(
    `${clicks} clicks, ${Math.round((performance.now() - begun) / 1000)} s from sign-up to a watched stream`,
  );

  // ticked by what is true
  await step('Publish a first stream').getByRole('img', { name: 'done' }).waitFor();
  await step('Watch it').getByRole('img', { name: 'done' }).waitFor();
  await step('Record a stream').getByRole('img', { name: 'open' }).waitFor();
});
