import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { AudioFrame, AudioSource, LocalAudioTrack, RoomEvent, TrackPublishOptions } from '@livekit/rtc-node';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { blockScope, testDaemon } from '#test/helpers/daemon.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { withoutLongTests } from '#test/helpers/long-tests.ts';
import { moving } from '#test/helpers/media-browsers.ts';
import { startMediaWorker } from '#test/helpers/media-worker.ts';
import { disposeMedia, join } from '#test/helpers/participant.ts';
import { firstAdmin, join as invite } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

after(() => disposeMedia());
const scope = blockScope();
const livekit = noChromium || startLivekit(scope, { tellsDaemon: true });

test('rooms in the console', { skip: typeof livekit === 'string' ? livekit : false }, async (t) => {
  if (typeof livekit === 'string') return;
  await builtConsole();
  const daemon = await testDaemon(t, livekit.env);
  const chromium = await browser(t);
  const page = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/apps/live/rooms' });
  const ui = new ConsolePage(page);
  const enter = async (room: string, identity: string, body: object = {}) => {
    const { data } = (await daemon.api.post('/apps/live/tokens', { room, identity, ...body })).body;
    return join(t, data.wsUrl, data.token);
  };

  await t.test('a room is created with limits', async () => {
    await page.getByRole('heading', { name: 'No open room' }).waitFor();
    await assertAccessible(page, 'no open room');
    await ui.button('Create room').click();
    const panel = ui.dialog('Create a room in live');
    await panel.getByLabel('Name').fill('stage');
    await panel.getByLabel('Maximum participants').fill('40');
    await panel.getByLabel('Empty timeout (s)').fill('600');
    await panel.getByLabel('Metadata').fill('{"topic":"tea"}');
    await assertAccessible(page, 'the form for a room');
    await panel.getByRole('button', { name: 'Create room' }).click();
    await ui.row('live-stage').waitFor();
    const [made] = (await daemon.api.get('/rooms')).body.data;
    assert.deepEqual([made.name, made.maxParticipants, made.emptyTimeoutSeconds], ['live-stage', 40, 600]);
  });

  const ana = await enter('stage', 'ana', { name: 'Ana', metadata: 'first' });
  const camera = await ana.publish();

  await t.test('who comes appears, with tracks, and can be muted, changed and sent a message', async () => {
    await ui.row('live-stage').click();
    await ui.heading('live-stage').waitFor();
    await ui.row('Ana').getByText('publishes').waitFor();
    await ui.row('Ana').getByText('camera', { exact: true }).waitFor();
    await ui.row('Ana').getByText('320 × 240, VP8').waitFor();
    await assertAccessible(page, 'a room');
    await ui.row('Ana').click();
    const panel = ui.dialog('Ana');
    await panel.getByRole('button', { name: 'Mute camera' }).click();
    await panel.getByText('muted', { exact: true }).waitFor();
    await panel.getByRole('button', { name: 'Unmute camera' }).click();
    await panel.getByText('enable_remote_unmute').waitFor();
    await assertAccessible(page, 'a participant');

    await panel.getByRole('switch', { name: 'Send data messages' }).click();
    await until('the right is gone', async () => {
      const { data } = (await daemon.api.get('/apps/live/rooms/stage/participants/ana')).body;
      return data.permissions.canPublishData === false && data.permissions.canPublish === true;
    });
    await panel.getByRole('button', { name: 'Edit…' }).click();
    const form = ui.dialog('Edit Ana');
    await form.getByLabel('Name').fill('Ana B.');
    await form.getByLabel('Attributes').fill('seat=4\nmood=good=fine');
    await form.getByRole('button', { name: 'Save changes' }).click();
    await form.waitFor({ state: 'hidden' });
    const changed = (await daemon.api.get('/apps/live/rooms/stage/participants/ana')).body.data;
    assert.deepEqual([changed.name, changed.metadata], ['Ana B.', 'first']);
    assert.deepEqual(changed.attributes, { seat: '4', mood: 'good=fine' });

    const kept = { seat: '4', mood: 'good=fine', 'a=b': 'first\nsecond' };
    await daemon.api.patch('/apps/live/rooms/stage/participants/ana', { name: 'Ana A.', attributes: kept });
    await ui.dialog('Ana A.').getByRole('button', { name: 'Edit…' }).click();
    const lines = (await form.getByLabel('Attributes').inputValue()).split('\n');
    assert.deepEqual(lines.sort(), ['"a=b"="first\\nsecond"', 'mood=good=fine', 'seat=4']);
    await form.getByLabel('Name').fill('Ana B.');
    await form.getByRole('button', { name: 'Save changes' }).click();
    await form.waitFor({ state: 'hidden' });
    const renamed = (await daemon.api.get('/apps/live/rooms/stage/participants/ana')).body.data;
    assert.deepEqual([renamed.name, renamed.attributes], ['Ana B.', kept]);

    const { promise: heard, resolve } = Promise.withResolvers<string>();
    ana.room.on(RoomEvent.DataReceived, (bytes) => resolve(Buffer.from(bytes).toString()));
    await ui.button('More for Ana B.').click();
    await page.getByRole('menuitem', { name: 'Send data message…' }).click();
    const message = ui.dialog('Send a data message to ana');
    await message.getByLabel('Message').fill('over to you');
    await message.getByRole('button', { name: 'Send message' }).click();
    assert.equal(await heard, 'over to you');

    await ui.button('More for Ana B.').click();
    await page.getByRole('menuitem', { name: 'Move to another room…' }).click();
    const move = ui.dialog('Move Ana B.');
    await move.getByLabel('Other room').fill('hall');
    await move.getByRole('button', { name: 'Move participant' }).click();
    await move.getByText('This LiveKit server can’t move participants').waitFor();
    await move.getByRole('button', { name: 'Cancel' }).click();
    await move.waitFor({ state: 'hidden' });
    await page.keyboard.press('Escape');
    await ui.dialog().first().waitFor({ state: 'hidden' });
  });

  await t.test('staff watch unseen: the picture moves, and nobody is counted', async () => {
    await camera.stop();
    await ana.publish('camera 2');
    await ui.button('Watch').click();
    const watching = page.getByRole('region', { name: 'Watching live-stage' });
    await watching.getByText('Ana B.').waitFor();
    await moving(page, 'section[aria-label="Watching live-stage"] video');
    await watching.getByText(/320 × 240/).waitFor();
    const talk = new AudioSource(48_000, 1);
    const spoken = LocalAudioTrack.createAudioTrack('mic', talk);
    await ana.room.localParticipant?.publishTrack(spoken, new TrackPublishOptions());
    const frame = new AudioFrame(new Int16Array(4800).fill(900), 48_000, 1, 4800);
    const talking = setInterval(() => void talk.captureFrame(frame).catch(() => undefined), 100);
    t.after(() => clearInterval(talking));
    await watching.getByRole('switch', { name: 'Sound' }).click();
    await page.waitForFunction(() => (document.querySelector('audio')?.currentTime ?? 0) > 0, undefined, {
      polling: 200,
    });
    await watching.getByRole('switch', { name: 'Sound' }).click();
    await page.locator('audio').waitFor({ state: 'detached' });
    clearInterval(talking);
    await assertAccessible(page, 'a watched room');
    const { data } = (await daemon.api.get('/apps/live/rooms/stage')).body;
    assert.deepEqual([data.participants, data.publishers, data.viewers], [1, 1, 0]);
    await ui.row('watch-').getByText('hidden').waitFor();
    await ui.button('Stop watching').click();
    await ui.row('watch-').waitFor({ state: 'hidden' });
  });

  await t.test('a recording of the room is started and stopped; without a service it is said why not', async () => {
    await ui.button('Record').click();
    const refused = page.getByRole('alert').filter({ hasText: 'The recording did not start.' });
    await refused.getByText('no egress service accepted the recording').first().waitFor();
    const worker = await startMediaWorker(t, livekit, { cpus: 8 });
    if (typeof worker === 'string') return;
    await ui.button('Record').click();
    await ui.button('Stop recording').waitFor();
    await until('it records', async () => {
      const { data } = (await daemon.api.get('/apps/live/rooms/stage')).body;
      return data.recording && data.recordings[0].status === 'recording';
    });
    await page.locator('#page').getByText('rec', { exact: true }).waitFor();
    assert.equal((await daemon.api.get('/rooms')).body.data[0].recording, true);
    await ui.button('Stop recording').click();
    await ui.button('Record').waitFor();
  });

  await t.test('many participants in five rooms appear without a reload', async () => {
    // fifty take half a minute to join
    const each = withoutLongTests ? 2 : 10;
    await goInside(page, '/rooms');
    await ui.heading('Rooms').waitFor();
    const rooms = ['stage', 'hall', 'lobby', 'attic', 'garden'];
    for (const room of rooms)
      for (let n = room === 'stage' ? 1 : 0; n < each; n += 1) await enter(room, `guest-${n}`, { canPublish: false });
    for (const room of rooms.slice(1)) await ui.row(`live-${room}`).getByText(String(each), { exact: true }).waitFor();
    const { data } = (await daemon.api.get('/rooms')).body;
    const total = data.reduce((sum: number, one: any) => sum + one.participants, 0);
    assert.deepEqual([data.length, total], [5, 5 * each]);
    await assertAccessible(page, 'five rooms');
    await page.getByLabel('Find by name').fill('gard');
    await ui.row('live-attic').waitFor({ state: 'hidden' });
    await ui.row('live-garden').click();
    await page.getByText(`${each} participants`, { exact: true }).first().waitFor();
    await page.getByLabel('Find by identity or name').fill('guest-1');
    await ui.row('guest-0').waitFor({ state: 'hidden' });
    await ui.row('guest-1').click();
    await ui.dialog('guest-1').getByRole('button', { name: 'Remove…' }).click();
    await ui.dialog('Remove guest-1').getByRole('button', { name: 'Remove participant' }).click();
    await ui.row('guest-1').waitFor({ state: 'hidden' });
  });

  await t.test('those without the rights see the room, and what they lack', async () => {
    const admin = await firstAdmin(daemon, 'ana@example.com');
    const viewer = await invite(daemon, admin.api, 'vera@example.com', 'viewer');
    const theirs = await openConsole(t, chromium, daemon.url, {
      token: viewer.api.token ?? '',
      path: '/apps/live/rooms/live-stage?participant=ana',
      size: { width: 390, height: 800 },
    });
    const seen = new ConsolePage(theirs);
    const panel = seen.dialog('Ana B.');
    await panel.locator('button[disabled][title*="room:stop"]', { hasText: 'Remove…' }).waitFor();
    await panel.locator('button[disabled][title*="room:write"]', { hasText: 'Mute' }).first().waitFor();
    await theirs.keyboard.press('Escape');
    await theirs.locator('button[disabled][title*="broadcast:start"]', { hasText: 'Watch' }).waitFor();
    await theirs.context().close();
  });

  await t.test('a room is ended; a room that is gone and LiveKit away are said', async () => {
    await ui.button('More for live-garden').click();
    await page.getByRole('menuitem', { name: 'End room…' }).click();
    await ui.dialog('End the room live-garden').getByRole('button', { name: 'End room' }).click();
    await ui.row('live-stage').waitFor();
    await ui.row('live-garden').waitFor({ state: 'hidden' });
    await goInside(page, '/apps/live/rooms/live-garden');
    await page.getByRole('heading', { name: 'The room live-garden is not open' }).waitFor();
    await assertAccessible(page, 'a room that ended');
    await livekit.pause({ kill: true });
    await goInside(page, '/apps/live/rooms/live-stage');
    await page.getByText('LiveKit is not responding').first().waitFor();
  });
});
