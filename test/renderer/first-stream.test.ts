// First steps: from a daemon without anything to a stream that a second browser watches.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { assertAccessible, builtConsole, noChromium } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { managedMachine } from '#test/helpers/managed-livekit.ts';
import { moving, person } from '#test/helpers/media-browsers.ts';

test('from an empty daemon to a stream that someone else watches', { skip: noChromium }, async (t) => {
  const livekit = startLivekit(t, { tellsDaemon: true });
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
  await click(
    page
      .getByRole('listitem')
      .filter({ hasText: 'It carries all media' })
      .getByRole('button', { name: 'Connect LiveKit' }),
  );
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

test('from an empty machine with livekit-server on PATH to a stream in a second browser', {
  skip: noChromium,
}, async (t) => {
  const scope = endings();
  const machine = await managedMachine(scope);
  if (typeof machine === 'string') return t.skip(machine);
  const { PATH } = process.env;
  process.env['PATH'] = machine.env.PATH;
  const daemon = await testDaemon(scope, { PORT: machine.env.PORT }, { dataDir: machine.dataDir });
  t.after(async () => {
    await scope.end();
    process.env['PATH'] = PATH;
  });
  await builtConsole();
  const open = await person(t, true);
  const openViewer = await person(t, false);
  const page = await open(daemon.firstStart.setup?.url ?? '');
  await page.getByLabel('Email address').fill('ana@example.com');
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
  await page.getByRole('button', { name: 'Create account' }).click();

  let clicks = 0;
  const click = async (name: string, on: Page): Promise<void> => {
    clicks += 1;
    await on.getByRole('button', { name, exact: true }).click();
  };
  await click('Run LiveKit on this machine', page);
  const step = page.getByRole('listitem').filter({ hasText: 'Connect LiveKit' });
  await step.getByRole('img', { name: 'done' }).waitFor();
  const popup = page.context().waitForEvent('page');
  await click('Open publish page', page);
  const studio = await popup;
  await click('Go live', studio);
  await studio.getByRole('button', { name: 'Stop', exact: true }).waitFor();
  assert.equal(clicks, 3);
  // the link that the console and the publish page copy
  const { playUrl } = (await daemon.api.post('/apps/live/tokens', { canPublish: false })).body.data;
  const friend = await openViewer(playUrl);
  await moving(friend, '#tiles video');
  await friend.context().close();

  // the page of LiveKit shows its programs, and what is missing with its command
  await page.getByRole('link', { name: 'LiveKit', exact: true }).first().click();
  await page.getByRole('heading', { name: 'LiveKit', exact: true }).waitFor();
  await page.getByText('LiveKit server').waitFor();
  await page.getByText('Without egress: recordings and live HLS').waitFor();
  await page.getByRole('region', { name: 'command for Egress' }).waitFor();
  await assertAccessible(page, 'LiveKit on this machine');
  await page.getByRole('button', { name: 'Stop LiveKit' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop LiveKit' }).click();
  // someone is in a room
  await page.getByText('finishing open rooms').waitFor();
  await page.getByRole('button', { name: 'Stop now' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop LiveKit' }).click();
  await page.getByRole('button', { name: 'Start LiveKit' }).waitFor();
  await studio.close();
  await page.getByRole('button', { name: 'Start LiveKit' }).click();
  await page.getByRole('button', { name: 'Restart LiveKit' }).waitFor();

  // its settings as a form, whose change is shown as text before it is saved
  await page.getByRole('link', { name: 'Settings', exact: true }).last().click();
  await page.getByLabel('logging.level').selectOption('debug');
  await page.getByText('level: debug').first().waitFor();
  await assertAccessible(page, 'a change of LiveKit’s settings');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await page.getByRole('grid', { name: 'Revisions' }).waitFor();
  const stored = (await daemon.api.get('/livekit/settings')).body.data;
  assert.deepEqual([stored.revision, stored.text], [1, 'logging:\n  level: debug\n']);
});

/** What is ended in the reverse order, before the test's other endings. */
function endings() {
  const steps: (() => unknown)[] = [];
  return {
    after: (step: () => unknown) => void steps.push(step),
    async end() {
      for (const step of steps.reverse()) await step();
    },
  };
}
