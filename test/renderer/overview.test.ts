import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import { linkIn, linkToken, mailbox, PASSWORD } from '#test/helpers/people.ts';
import { ConsolePage } from './console-page.ts';

const CLUSTER_TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';

/** Minutes that the daemon would have written: all of the last six hours but a quarter of an hour. */
function writePast(dataDir: string, subject: string): void {
  const db = new Database(path.join(dataDir, 'data', 'history.db'), { timeout: 5000 });
  const insert = db.prepare(
    'INSERT INTO samples (subject, minute, cpu, memory, streams, rooms, participants, tx) VALUES (?, ?, 0.25, 0.5, 2, 1, 8, 1e6)',
  );
  const now = Math.floor(Date.now() / 60_000);
  db.transaction(() => {
    for (let ago = 360; ago > 0; ago -= 1) if (ago < 30 || ago > 45) insert.run(subject, now - ago);
  })();
  db.close();
}

test('what was, what is, and what to do first', { skip: noChromium }, async (t) => {
  await builtConsole();
  const box = await mailbox(t, { user: 'streamhub', pass: 'mail-word' });
  const daemon = await testDaemon(t, {
    ...box.env,
    ...LIVEKIT_KEYS,
    LOG_LEVEL: 'info',
    LIVEKIT_URL: 'ws://127.0.0.1:9',
    STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN,
    STREAMHUB_CLUSTER_REDIS_URL: 'redis://:redis-word@127.0.0.1:6390',
  });
  await daemon.api.post('/apps', { name: 'arena' });
  await daemon.api.post('/apps', { name: 'museum', displayName: 'Museum '.repeat(14) });
  const joined = await daemon.api
    .as(null)
    .post('/cluster/join', { name: 'edge-1', ip: '203.0.113.1' }, { 'x-cluster-token': CLUSTER_TOKEN });
  const { nodeId } = joined.body.data as { nodeId: string };
  writePast(daemon.dataDir, 'server');
  writePast(daemon.dataDir, nodeId);
  const parts = { room: room('arena-hall'), participant: participant('camera-1') };
  await sendWebhook(daemon.url, event('track_published', { ...parts, track: track('TR_1') }));
  const chromium = await browser(t);
  const page = await openConsole(t, chromium, daemon.url, { token: daemon.token });
  const ui = new ConsolePage(page);
  const chart = (name: string) => page.getByRole('img', { name: new RegExp(`^${name} over time; now `) });

  await t.test('the load of the last hours is drawn, with its values under the crosshair', async () => {
    await chart('Load').waitFor();
    await chart('Live').waitFor();
    await assertAccessible(page, 'the charts');
    await page.getByText('6 h', { exact: true }).click();
    const box = await chart('Load').locator('.u-over').boundingBox();
    if (box === null) throw new Error('the chart is not drawn');
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
    await page.locator('figcaption').first().getByText('25 %').filter({ visible: true }).waitFor();
    await page.locator('figcaption').first().getByText('50 %').filter({ visible: true }).waitFor();
    // the crosshair of the other chart is at the same time
    await page
      .locator('figcaption')
      .nth(1)
      .locator('time')
      .getByText(/^\d\d:\d\d$/)
      .waitFor();
  });

  await t.test('a team sees the load, and no chart of what is not its own', async (t) => {
    const email = 'host-owner@example.com';
    await daemon.api.post('/tenants', { name: 'host', ownerEmail: email });
    const invite = { token: linkToken(linkIn(await box.next(email))), password: PASSWORD };
    const { token } = (await daemon.api.as(null).post('/auth/invite/accept', invite)).body.data;
    const theirs = await openConsole(t, chromium, daemon.url, { token });
    await theirs.getByRole('img', { name: /^Load over time; now / }).waitFor();
    assert.equal(await theirs.getByRole('figure').count(), 1);
  });

  await t.test('the Redis address for joining nodes is shown', async () => {
    await page.getByText('127.0.0.1:6390').waitFor();
  });

  await t.test('first steps are ticked by what is true', async () => {
    const step = (title: string) => page.getByRole('listitem').filter({ hasText: title });
    await step('Publish a first stream').getByRole('img', { name: 'done' }).waitFor();
    await step('Add a second server').getByRole('img', { name: 'done' }).waitFor();
    await step('Connect a storage bucket').getByRole('img', { name: 'open' }).waitFor();
  });

  await t.test(
    'what the daemon works with is tested in its line, in steps with the cure under the one that failed',
    async () => {
      await daemon.api.put('/apps/arena/s3', {
        provider: 'minio',
        endpoint: 'http://127.0.0.1:9',
        bucket: 'media-eu',
        key: 'AKIDEXAMPLE',
        secret: 'secret-example-1',
      });
      const line = (what: string) =>
        page.getByRole('listitem').filter({ has: ui.button(new RegExp(`(Test|Hide the test of) ${what}$`)) });
      await ui.button('Test LiveKit').click();
      const livekit = line('LiveKit').getByRole('status');
      await livekit.getByText('127.0.0.1, port 9: the connection was refused.').waitFor();
      await livekit.getByText(/^Start the server, open port/).waitFor();
      await ui.button('Test Mail').click();
      await line('Mail').getByText('The server accepts user and password.').waitFor();
      await ui.button('Test the bucket of arena').click();
      await line('the bucket of arena').getByRole('img', { name: 'failed' }).waitFor();
      await assertAccessible(page, 'the tests of connections');
      await ui.button('Hide the test of LiveKit').click();
      await livekit.waitFor({ state: 'hidden' });
    },
  );

  await t.test('what is live and what was changed stands in words', async () => {
    await page.getByRole('listitem').filter({ hasText: '1 stream' }).getByRole('link', { name: 'arena' }).waitFor();
    await page.getByRole('link', { name: 'Create app' }).first().click();
    await ui.dialog('Create app').getByText('app.create').waitFor();
    await page.keyboard.press('Escape');
    await ui.dialog().waitFor({ state: 'hidden' });
  });

  await t.test('apps are narrowed to those in use', async () => {
    await goInside(page, '/apps');
    await ui.row('museum').waitFor();
    await ui.field('Which apps').selectOption('live');
    await ui.row('museum').waitFor({ state: 'hidden' });
    await ui.row('arena').getByText('1', { exact: true }).waitFor();
    await ui.field('Which apps').selectOption('failed');
    await page.getByText('No app is with failed recordings').waitFor();
    await ui.button('Clear the filter').click();
    await ui.row('museum').waitFor();
    await assertAccessible(page, 'the apps');
  });

  await t.test('a node has its past beside it', async () => {
    await goInside(page, `/cluster?node=${nodeId}`);
    const panel = ui.dialog('edge-1');
    await panel.getByRole('img', { name: /^Load over time; now CPU 25 %/ }).waitFor();
    await panel.getByRole('img', { name: /^Participants over time; now Participants 8/ }).waitFor();
    await assertAccessible(page, 'a node and its past');
  });

  await t.test('what is not there is said inside the frame', async () => {
    await goInside(page, '/apps/nothere');
    await page.getByText('No app is named nothere').waitFor();
    await assertAccessible(page, 'an app that is not there');
    await goInside(page, '/no/such/page');
    await page.getByRole('heading', { name: 'No such page' }).waitFor();
    await ui.section('Apps').click();
    await ui.heading('Apps').waitFor();
  });

  await t.test('a failure can be copied with what finds it again, and no secret', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await goInside(page, '/apps/arena/ingests');
    await ui.alert().getByText('Could not read the ingests.').waitFor();
    await ui.alert().getByRole('button', { name: 'Copy details' }).click();
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).includes('request id: '));
    const details = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(details, /^LiveKit is not responding.*\ncode: LIVEKIT_UNREACHABLE \(HTTP 502\)\n/);
    assert.match(details, /\nrequest: GET \/api\/v1\/apps\/arena\/ingress\S*\ntime: \d{4}-\S+Z\nrequest id: \w+-\w+$/);
    assert.ok(!details.includes(daemon.token));
    await ui.alert().getByRole('link', { name: 'Show settings' }).waitFor();

    // what was copied finds its line, which shows its request and app first
    await goInside(page, '/logs');
    await ui.field('Words in message or fields').fill(details);
    await ui.row('Could not list an app’s ingests').first().click();
    const panel = ui.dialog('Log line');
    await panel.getByText('arena', { exact: true }).waitFor();
    await panel.getByText(/^Check that LiveKit runs/).waitFor();
    await panel.getByRole('region', { name: 'Same app: arena' }).waitFor();
    await panel.getByRole('region', { name: 'All lines' }).waitFor();
    await assertAccessible(page, 'a log line of a failure');
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });

    // the overview tells it as a sentence, once
    await goInside(page, '/');
    const errors = page.getByRole('listitem').filter({ hasText: 'Could not list an app’s ingests' });
    await errors.first().waitFor();
    assert.equal(await errors.count(), 1);
  });

  await t.test('the signing secret of callbacks goes in and never comes back', async () => {
    await daemon.api.patch('/apps/arena', { callbackUrl: 'http://127.0.0.1:9/hook' });
    await goInside(page, '/apps/arena/callbacks');
    await ui.button('Set secret…').click();
    const panel = ui.dialog('Signing secret of arena');
    await panel.getByRole('button', { name: 'Generate secret' }).click();
    await assertAccessible(page, 'the signing secret');
    await panel.getByRole('button', { name: 'Set secret' }).click();
    await panel.waitFor({ state: 'hidden' });
    await page.getByText('signed with the secret').waitFor();
    await ui.button('Replace secret…').waitFor();
  });
});
