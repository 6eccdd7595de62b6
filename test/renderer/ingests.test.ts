// On a real LiveKit server with no ingress service, which cannot be had here. What that service would write of a state is
// written where it writes it: into LiveKit's Redis.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { IngressState, IngressState_Status } from '@livekit/protocol';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { blockScope, testDaemon } from '#test/helpers/daemon.ts';
import { type LivekitServer, startLivekit } from '#test/helpers/livekit.ts';
import { firstAdmin, join } from '#test/helpers/people.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

const scope = blockScope();
const livekit = noChromium || startLivekit(scope);

/** Says what the ingress service would say of an ingest. */
async function tell({ redisUrl }: LivekitServer, id: string, state: IngressState): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const args = ['-p', new URL(redisUrl).port, '-x', 'SET', `{ingress}_state:${id}`];
    const child = execFile('redis-cli', args, (error) => (error ? reject(error) : resolve()));
    child.stdin?.end(Buffer.from(state.toBinary()));
  });
}

test('ingests without LiveKit say what is missing and where it is set', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/apps/live/ingests' });
  await page.getByRole('heading', { name: 'LiveKit is not set up' }).waitFor();
  await assertAccessible(page, 'ingests without LiveKit');
  await page.getByRole('link', { name: 'How to set it up' }).click();
  await new ConsolePage(page).heading('Settings').waitFor();
});

test('ingests of an app', { skip: typeof livekit === 'string' ? livekit : false }, async (t) => {
  await builtConsole();
  const server = livekit as LivekitServer;
  const daemon = await testDaemon(t, { ...server.env });
  const admin = await firstAdmin(daemon, 'ana@example.com');
  const viewer = await join(daemon, admin.api, 'vera@example.com', 'viewer');
  const chromium = await browser(t);
  const page = await openConsole(t, chromium, daemon.url, { token: daemon.token, path: '/apps/live' });
  const ui = new ConsolePage(page);
  let key = '';
  let id = '';

  await t.test('an empty list says what an ingest is; the palette makes one', async () => {
    await page.getByRole('link', { name: 'Ingests' }).click();
    await page.getByRole('heading', { name: 'No ingest yet' }).waitFor();
    await assertAccessible(page, 'no ingest');
    await page.keyboard.press('Control+k');
    await page.getByPlaceholder('Search apps, nodes and pages, or run a command').fill('create ingest');
    await page.getByText('Create an ingest in live').waitFor();
    await page.keyboard.press('Enter');
    const panel = ui.dialog('Create an ingest in live');
    await panel.getByLabel('Room').fill('with space');
    await panel.getByRole('button', { name: 'Create ingest' }).click();
    await panel.locator('.mantine-InputWrapper-error').waitFor();
    await assertAccessible(page, 'the form for an ingest');
    await panel.getByLabel('Name').fill('Camera 1');
    await panel.getByLabel('Room').fill('stage');
    await panel.getByLabel('Identity').fill('camera-1');
    await panel.getByRole('button', { name: 'Create ingest' }).click();
    await panel.getByText('Anyone with the key can publish').waitFor();
    assert.equal(await panel.getByRole('region', { name: 'server URL' }).innerText(), 'rtmp://127.0.0.1:1935/live');
    key = await panel.getByRole('region', { name: 'stream key' }).innerText();
    await panel.getByText('where it does not run, the encoder gets no connection').waitFor();
    await assertAccessible(page, 'a new ingest');
    const [made] = (await daemon.api.get('/apps/live/ingress')).body.data;
    id = made.id;
    assert.deepEqual([made.name, made.room, made.participant], ['Camera 1', 'live-stage', 'camera-1']);
    assert.equal((await daemon.api.get(`/apps/live/ingress/${id}/key`)).body.data.streamKey, key);
    await panel.getByRole('button', { name: 'Close' }).last().click();
    await ui.row('Camera 1').getByText('waiting for encoder').waitFor();
    assert.ok(!(await page.content()).includes(key), 'the key is gone from the page');
  });

  await t.test('its key is shown to those who may change it, when they ask', async () => {
    await ui.row('Camera 1').click();
    const panel = ui.dialog('Camera 1');
    await panel.getByText(`${key.slice(0, 4)}…`).waitFor();
    await panel.getByRole('button', { name: 'Show key' }).click();
    assert.equal(await panel.getByRole('region', { name: 'stream key' }).innerText(), key);
    await assertAccessible(page, 'an ingest with its key');
    await panel.getByRole('button', { name: 'Hide key' }).click();
    await panel.getByRole('button', { name: 'Show key' }).waitFor();
    assert.ok(!(await page.content()).includes(key), 'a hidden key is not in the page');
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });

    const theirs = await openConsole(t, chromium, daemon.url, {
      token: viewer.api.token ?? '',
      path: `/apps/live/ingests?ingest=${id}`,
    });
    const seen = new ConsolePage(theirs);
    await seen.dialog('Camera 1').getByText('rtmp://127.0.0.1:1935/live').waitFor();
    for (const name of ['Show key', 'Delete ingest…']) {
      await seen.dialog('Camera 1').locator('button[disabled]', { hasText: name }).waitFor();
    }
    await theirs.keyboard.press('Escape');
    await theirs.locator('button[disabled][title*="ingress:create"]', { hasText: 'Create ingest' }).waitFor();
    await theirs.context().close();
  });

  await t.test('a source that no ingress service fetches: said so, with what to do, and nothing is lost', async () => {
    await ui.button('Create ingest').click();
    const panel = ui.dialog('Create an ingest in live');
    await panel.getByLabel('URL', { exact: false }).first().check();
    await panel.getByLabel('Source').fill('https://example.com/live.m3u8');
    await panel.getByRole('button', { name: 'Create ingest' }).click();
    const alert = panel.getByRole('alert');
    await alert.getByText('no ingress service accepted it').waitFor();
    await alert.getByText('start LiveKit’s ingress service with the same Redis').waitFor();
    await assertAccessible(page, 'a source that nobody fetches');
    assert.equal(await panel.getByLabel('Source').inputValue(), 'https://example.com/live.m3u8');
    await panel.getByRole('button', { name: 'Cancel' }).click();
    await panel.waitFor({ state: 'hidden' });
    assert.equal((await daemon.api.get('/apps/live/ingress')).body.total, 1);
  });

  await t.test('what it does and since when stands in the list; deleting says what ends', async () => {
    const startedAt = BigInt(Date.now() - 7 * 60_000) * 1_000_000n;
    const video = { mimeType: 'video/H264', width: 1280, height: 720, framerate: 29.97 };
    const audio = { mimeType: 'audio/aac', channels: 2, sampleRate: 48_000 };
    const status = IngressState_Status.ENDPOINT_PUBLISHING;
    await tell(server, id, new IngressState({ status, startedAt, video, audio }));
    const other = (await daemon.api.post('/apps/live/ingress', { type: 'whip', identity: 'w'.repeat(120) })).body.data;
    const error = 'unsupported codec';
    await tell(server, other.id, new IngressState({ status: IngressState_Status.ENDPOINT_ERROR, error }));
    await page.reload();
    await ui.row('Camera 1').getByText('live', { exact: true }).waitFor();
    await ui.row('Camera 1').getByText('7 min ago').waitFor();
    await ui.row('WHIP').getByText('failed').waitFor();
    await assertAccessible(page, 'the ingests');
    await ui.row('WHIP').click();
    await ui.dialog(/^w+$/).getByText(error).waitFor();
    await page.keyboard.press('Escape');
    await ui.row('Camera 1').click();
    const panel = ui.dialog('Camera 1');
    await panel.getByText('1280 × 720, 29.97 frames/s, H264').waitFor();
    await panel.getByText('aac, 2 channels, 48 kHz').waitFor();
    await assertAccessible(page, 'a live ingest');
    await panel.getByRole('switch', { name: 'Accept encoders' }).click();
    const pause = ui.dialog('Pause ingest Camera 1');
    await pause.getByText('The key stays valid').waitFor();
    await pause.getByRole('button', { name: 'Pause ingest' }).click();
    await pause.waitFor({ state: 'hidden' });
    await until('the ingest is paused', async () => {
      const { data } = (await daemon.api.get(`/apps/live/ingress/${id}`)).body;
      return data.enabled === false;
    });
    // its service is not there to say that nothing is sent any more
    await tell(
      server,
      id,
      new IngressState({ status: IngressState_Status.ENDPOINT_INACTIVE, startedAt, video, audio }),
    );
    await page.reload();
    await ui.row('Camera 1').getByText('paused').waitFor();
    await panel.getByRole('switch', { name: 'Accept encoders' }).click();
    await ui.row('Camera 1').getByText('waiting for encoder').waitFor();
    await tell(server, id, new IngressState({ status, startedAt, video, audio }));
    await page.reload();
    await panel.getByRole('button', { name: 'Delete ingest…' }).click();
    const question = ui.dialog('Delete ingest Camera 1');
    await question.getByText('It sends now').waitFor();
    await question.getByText('Its key stops working').waitFor();
    await question.getByRole('button', { name: 'Delete ingest' }).click();
    await ui.row('Camera 1').waitFor({ state: 'hidden' });
    assert.equal((await daemon.api.get(`/apps/live/ingress/${id}`)).status, 404);
  });

  await t.test('more of them than are read at once are found', async () => {
    for (let n = 0; n < 210; n += 10) {
      const names = Array.from({ length: 10 }, (_, k) => `Door ${String(n + k).padStart(3, '0')}`);
      const made = await Promise.all(
        names.map((name) => daemon.api.post('/apps/live/ingress', { type: 'rtmp', name })),
      );
      assert.deepEqual([...new Set(made.map(({ status, text }) => (status === 201 ? '' : text)))], ['']);
    }
    await page.getByText('211 ingests').waitFor();
    await ui.field('Find by name, participant or room').fill('door 209');
    await ui.row('Door 209').waitFor();
    await ui.field('Find by name, participant or room').fill('nothing like it');
    await ui.button('Clear the search').click();
    await ui.row('Door 000').waitFor();
  });

  await t.test(
    'a LiveKit that is away: the last list stays, a first one is refused in words, both can be read again',
    async () => {
      await daemon.api.post('/apps', { name: 'other' });
      await server.pause({ kill: true });
      await goInside(page, '/apps/other/ingests');
      await ui.alert().getByText('Could not read the ingests.').waitFor();
      await ui.alert().getByText('LiveKit is not responding').waitFor();
      await assertAccessible(page, 'ingests while LiveKit is away');
      await goInside(page, '/apps/live/ingests');
      await page.getByText(/^This is how the ingests looked/).waitFor();
      await ui.row('Door 000').waitFor();
      await server.resume();
      await ui.button('Retry').click();
      await page.getByRole('heading', { name: 'No ingest yet' }).waitFor();
    },
  );
});
