import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessToken } from 'livekit-server-sdk';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { event, LIVEKIT_KEYS, sendWebhook } from '#test/helpers/livekit-webhook.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

const HOUR_AGO = Date.now() - 3_600_000;

test('sessions of an app: the list, a timeline, a person, figures', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t, { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' });
  /** An event so many seconds after the beginning. */
  const tell = async (name: string, at: number, life: string, who?: object, more: object = {}) => {
    const answer = await sendWebhook(daemon.url, {
      ...event(name, {
        room: { name: `live-${life}`, sid: `RM_${life}`, creationTimeMs: String(HOUR_AGO) },
        ...(who === undefined
          ? {}
          : { participant: { joinedAtMs: String(HOUR_AGO + 1000), kind: 'STANDARD', ...who } }),
        ...more,
      }),
      createdAt: String(Math.floor(HOUR_AGO / 1000) + at),
    });
    assert.equal(answer.status, 200, answer.text);
  };
  const ana = { identity: 'ana', name: 'Ana Lima' };
  for (const life of ['one', 'two']) await tell('participant_joined', 1, life, { ...ana, sid: `PA_${life}` });
  const track = { sid: 'TR_one', type: 'VIDEO', source: 'CAMERA', mimeType: 'video/VP8', width: 1280, height: 720 };
  await tell('track_published', 2, 'one', { identity: 'ana', sid: 'PA_one' }, { track });
  await tell('participant_joined', 1, 'one', { identity: 'bob', sid: 'PA_bob' });
  await tell('participant_left', 300, 'one', {
    identity: 'bob',
    sid: 'PA_bob',
    disconnectReason: 'CONNECTION_TIMEOUT',
  });
  await tell('participant_left', 600, 'one', { ...ana, sid: 'PA_one', disconnectReason: 'CLIENT_INITIATED' });
  await tell('room_finished', 600, 'one');

  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/apps/live/sessions' });
  const ui = new ConsolePage(page);
  const participants = page.getByRole('list', { name: 'Participants' });

  await t.test('the list is filtered, and kept current', async () => {
    await ui.row('live-one').waitFor();
    await ui.row('live-two').getByText('running').waitFor();
    await assertAccessible(page, 'the list of sessions');
    await page.getByLabel('With errors').check();
    await ui.row('live-two').waitFor({ state: 'hidden' });
    await ui.row('live-one').waitFor();
    await page.getByLabel('With errors').uncheck();
    await ui.field('Room or identity begins with').fill('live-tw');
    await ui.row('live-one').waitFor({ state: 'hidden' });
    await ui.field('Room or identity begins with').fill('');
    await tell('room_started', 1, 'three');
    await ui.row('live-three').waitFor();
  });

  await t.test('an identity of digits in an address stays as it is', async () => {
    const identity = '12345678901234567890';
    const list = page.url();
    const given = async (search: string): Promise<string> => {
      await page.goto(`${daemon.url}/apps/live/sessions?identity=${search}`);
      return ui.field('Identity, exact').inputValue();
    };
    assert.equal(await given(identity), identity);
    // as the console writes it
    assert.equal(await given(encodeURIComponent(JSON.stringify(identity))), identity);
    await page.goto(list);
  });

  await t.test('a connection shows what its client measured, in words and over time', async () => {
    const token = new AccessToken(LIVEKIT_KEYS.LIVEKIT_API_KEY, LIVEKIT_KEYS.LIVEKIT_API_SECRET, { identity: 'ana' });
    token.addGrant({ room: 'live-two', roomJoin: true });
    const api = daemon.api.as(await token.toJwt());
    const [{ id }] = (await daemon.api.get('/apps/live/sessions?room=live-two')).body.data;
    await page.goto(`${daemon.url}/apps/live/sessions/${id}`);
    await page.getByText('How to measure it').click();
    await page.getByText('StreamHubTelemetry.watch(room').waitFor();
    const samples = [20, 10, 0].map((secondsAgo) => ({
      secondsAgo,
      ice: 'turn-tcp',
      rttMs: 40,
      up: { bps: 500_000, lossPercent: 3, width: 1280, height: 720, fps: 25, codec: 'VP8' },
    }));
    const told = await api.post('/apps/live/telemetry', { participantSid: 'PA_two', samples });
    assert.equal(told.status, 200, told.text);
    await page.getByText('1 connection with bad quality, 1 measured').waitFor();
    await page.getByText(/^3 % loss upstream, on TCP through TURN from/).waitFor();
    await page.getByRole('button', { name: 'ana', exact: true }).click();
    const panel = page.getByRole('dialog');
    await panel.getByText('500 kbit/s, 1280 × 720, 25 pictures a second, VP8').waitFor();
    await panel.getByText('Bitrate', { exact: true }).waitFor();
    await assertAccessible(page, 'the quality of a connection');
    await page.goto(`${daemon.url}/apps/live/sessions`);
  });

  await t.test('a timeline has a bar for each participant, and says why one left', async () => {
    await ui.row('live-one').click();
    await ui.heading('live-one').waitFor();
    const bob = participants.getByRole('button').filter({ hasText: 'bob' });
    await bob.getByText('The connection was lost.').waitFor();
    await participants.getByRole('img', { name: 'camera, VP8, 1280 × 720' }).waitFor();
    // he was there for the first half
    const bar = participants.getByRole('img', { name: /^bob, / });
    const width = async () => (await bar.boundingBox())?.width ?? 0;
    const before = await width();
    await ui.button('Zoom in').click();
    await ui.button('Earlier').click();
    await until('the bar is longer', async () => (await width()) > before * 1.3);
    await ui.button('Show all').click();
    await page.keyboard.down('Control');
    await bar.hover();
    await page.mouse.wheel(0, -300);
    await until('the wheel zooms', async () => (await width()) > before * 1.1);
    await page.keyboard.up('Control');
    await ui.button('Show all').click();
    await until('the bar is as before', async () => Math.abs((await width()) - before) < 2);
    await assertAccessible(page, 'a timeline');
    await bob.click();
    await ui.dialog().getByText('The connection was lost.').waitFor();
    await page.keyboard.press('Escape');
    await ui.dialog().waitFor({ state: 'hidden' });
  });

  await t.test('a person is followed across sessions', async () => {
    await participants.getByRole('button').filter({ hasText: 'Ana Lima' }).click();
    await ui.dialog().getByRole('button', { name: 'All connections of ana' }).click();
    await ui.dialog('ana').getByText('2 connections').waitFor();
    await assertAccessible(page, 'the connections of a person');
    await ui.dialog('ana').getByRole('link', { name: 'live-two' }).click();
    await ui.heading('live-two').waitFor();
  });

  await t.test('two thousand participants keep a page of some dozen rows', async () => {
    const db = daemon.services.databases.get('live');
    const { id } = db.prepare("SELECT id FROM room_sessions WHERE sid = 'RM_three'").get() as { id: number };
    const add = db.prepare(
      `INSERT INTO room_stays (sid, session_id, identity, is_hidden, is_counted, has_published, joined_at, reason)
       VALUES (?, ?, ?, 0, 1, 0, ?, 0)`,
    );
    db.transaction(() => {
      for (let n = 0; n < 2100; n += 1)
        add.run(`PA_many_${n}`, id, `viewer-${String(n).padStart(4, '0')}`, HOUR_AGO + n);
    })();
    await goInside(page, `/apps/live/sessions/${id}`);
    await page.getByText('2,100 connections').waitFor();
    await participants.getByText('viewer-0000').waitFor();
    const scroller = participants.locator('..');
    await until('the last one is in sight', async () => {
      await scroller.evaluate((box) => box.scrollTo(0, box.scrollHeight));
      return participants.getByText('viewer-2099').isVisible();
    });
    assert.ok((await participants.getByRole('listitem').count()) < 80);
    await ui.field('Find a participant').fill('viewer-0042');
    await page.getByText('1 connection', { exact: true }).waitFor();
    await participants.getByText('viewer-0042').waitFor();
  });

  await t.test('figures of 14 days', async () => {
    await goInside(page, '/sessions?view=figures');
    await page.getByRole('list', { name: 'Sessions a day' }).waitFor();
    await page.getByRole('link', { name: 'live-one' }).waitFor();
    await assertAccessible(page, 'the figures');
  });
});
