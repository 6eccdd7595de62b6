import assert from 'node:assert/strict';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { findProgram } from '#daemon/platform/programs.ts';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { makeFilm } from '#test/helpers/films.ts';
import { recordFilm, untilTranscoded, wantLadder } from '#test/helpers/ladders.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

test('streams, recordings and join tokens of an app', { skip: noChromium }, async (t) => {
  await builtConsole();
  // LiveKit's webhooks are signed as LiveKit signs them; no LiveKit answers at this address
  const daemon = await testDaemon(t, { ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9', TRANSCODING_NICE: '0' });
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/apps/live' });
  const ui = new ConsolePage(page);
  await page.getByText('Nothing is live').waitFor();

  await t.test('a stream appears when someone publishes, and goes to the ended ones', async () => {
    const parts = { room: room('live-stage'), participant: participant('camera-1') };
    const published = await sendWebhook(daemon.url, event('track_published', { ...parts, track: track('TR_1') }));
    assert.equal(published.status, 200);
    await ui.row('camera-1').getByText('live', { exact: true }).waitFor();
    await ui.row('camera-1').getByText('live-stage').waitFor();
    await assertAccessible(page, 'a live stream');
    // staff watch hidden, on the room's page
    await ui.button('Watch live-stage').click();
    await ui.heading('live-stage').waitFor();
    await page
      .getByRole('region', { name: 'Watching live-stage' })
      .getByRole('alert')
      .getByText('LiveKit')
      .first()
      .waitFor();
    await page.goBack();
    await ui.button('End the stream of camera-1').click();
    await ui.dialog().getByRole('button', { name: 'End stream' }).click();
    await ui.dialog().getByRole('alert').getByText('LiveKit').first().waitFor();
    await ui.dialog().getByRole('button', { name: 'Cancel' }).click();
    await sendWebhook(daemon.url, event('participant_left', parts));
    await ui.row('camera-1').waitFor({ state: 'hidden' });
    await page.getByText('Ended', { exact: true }).click();
    await ui.row('camera-1').getByText('ended').waitFor();
  });

  await t.test('what live HLS costs is said before it starts', async () => {
    const yaml =
      'name: live\nroom_prefix: live\ntranscoding:\n  enabled: true\ndistribution:\n  mode: cdn\nhls:\n  auto: false\n';
    assert.equal((await daemon.api.put('/apps/live/config/raw', { yaml })).status, 200);
    await page.getByRole('radiogroup', { name: 'Which streams' }).getByText('Live').click();
    const parts = { room: room('live-hall'), participant: participant('camera-2') };
    await sendWebhook(daemon.url, event('track_published', { ...parts, track: track('TR_2') }));
    await ui.button('Start HLS of camera-2').click();
    await ui
      .dialog()
      .getByText(/3 encoders × 2 CPUs of LiveKit’s egress service \(720p, 480p, 240p\)/)
      .waitFor();
    await assertAccessible(page, 'the cost of live HLS');
    await ui.dialog().getByRole('button', { name: 'Start live HLS' }).click();
    await ui.dialog().getByRole('alert').getByText('LiveKit').first().waitFor();
    await ui.dialog().getByRole('button', { name: 'Cancel' }).click();
    // no egress service runs it here: the answers of the daemon say that it is live, and that it isn't stopped
    await page.route(/\/apps\/live\/streams\?/, async (route) => {
      const response = await route.fetch();
      const json = await response.json();
      for (const stream of json.data)
        stream.hls = { state: 'live', delaySeconds: 6, url: null, error: null, rungs: [] };
      await route.fulfill({ response, json });
    });
    await page.route('**/hls/stop', (route) => route.fulfill({ status: 500, body: 'out of order' }));
    await page.reload();
    await ui.button('Stop HLS of camera-2').click();
    await ui.dialog().getByRole('button', { name: 'Stop live HLS' }).click();
    await ui.dialog().getByRole('alert').waitFor();
    await ui.dialog().getByRole('button', { name: 'Cancel' }).click();
    await page.unrouteAll();
    await sendWebhook(daemon.url, event('participant_left', parts));
  });

  await t.test('recordings are listed, searched and explained', async () => {
    addVods(daemon.dataDir, 'live', [
      { key: 'streamhub/live/one.mp4', place: { provider: 'minio', bucket: 'media' } },
      {},
      {},
    ]);
    await page.getByRole('link', { name: 'Recordings' }).click();
    await page.getByText('3 recordings').waitFor();
    await ui.row('recording').first().waitFor();
    await assertAccessible(page, 'the recordings');
    await ui.field('State').selectOption('failed');
    await page.getByText('No recording matches').waitFor();
    await ui.button('Clear the filter').click();
    await ui.row('media').click();
    await ui.dialog('recording').getByText('streamhub/live/one.mp4').waitFor();
    await assertAccessible(page, 'a recording');
    await page.keyboard.press('Escape');
    await ui.dialog().waitFor({ state: 'hidden' });
  });

  await t.test('a ladder shows its progress, and plays with a choice of qualities', async (t) => {
    if ((await findProgram('ffmpeg')) === undefined) return t.skip('there is no ffmpeg here');
    await wantLadder(daemon.api, 'live', { vodRenditions: [180, 144] });
    const folder = path.join(daemon.dataDir, 'apps/live/recordings');
    await mkdir(folder, { recursive: true });
    const file = await makeFilm(folder, 'film.mp4', { width: 320, height: 180, seconds: 2, times: 20 });
    const { id } = await recordFilm(daemon, 'live', { file });
    const jobId = () => daemon.api.get(`/apps/live/vods/${id}`).then(({ body }) => body.transcoding?.jobId);
    await until('it encodes', async () => {
      const job = (await daemon.api.get(`/jobs/${await jobId()}`)).body.data;
      return job?.progress?.phase === 'encode' && job.progress.done > 0;
    });
    const encoders = await processesWith(path.join('.transcoding', String(id)));
    for (const pid of encoders) process.kill(pid, 'SIGSTOP');
    await ui.row('film').click();
    const panel = ui.dialog(/film/);
    await panel.getByText('Transcoding', { exact: true }).waitFor();
    await panel.getByRole('progressbar', { name: /film/ }).waitFor();
    await panel.getByText(/ left/).waitFor();
    await assertAccessible(page, 'a recording that is transcoded');
    // the file plays while another recording changes, which brings other links, and while the ladder becomes ready
    const film = panel.locator('video');
    await film.evaluate((video: HTMLVideoElement) => {
      video.muted = true;
      video.addEventListener('emptied', () => video.setAttribute('data-emptied', ''));
      return video.play();
    });
    await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 1.2);
    const { data } = (await daemon.api.get('/apps/live/vods?q=recording')).body;
    const read = page.waitForResponse((answer) => new URL(answer.url()).pathname.endsWith(`/vods/${id}`));
    assert.equal((await daemon.api.delete(`/apps/live/vods/${data[0].id}`)).status, 204);
    await (await read).finished();
    for (const pid of encoders) process.kill(pid, 'SIGCONT');
    assert.equal((await untilTranscoded(daemon.api, 'live', id)).transcoding.state, 'ready');
    await panel.getByText('rendition 180 lines hls').waitFor();
    await panel.getByText('rendition 144 lines hls').waitFor();
    assert.equal(await film.getAttribute('data-emptied'), null, 'it plays on');
    assert.ok(await film.evaluate((video: HTMLVideoElement) => video.currentTime > 1.2));
    await page.keyboard.press('Escape');
    await ui.dialog().waitFor({ state: 'hidden' });
    await ui.row('film').click();
    const quality = panel.getByLabel('Quality');
    await quality.waitFor();
    assert.deepEqual(await quality.locator('option').allInnerTexts(), ['Auto', '180p', '144p']);
    await assertAccessible(page, 'a recording with a ladder');
    await quality.selectOption('144p');
    await panel.locator('video').evaluate((video: HTMLVideoElement) => {
      video.muted = true;
      return video.play();
    });
    await page.waitForFunction(() => {
      const video = document.querySelector('video');
      return video !== null && video.videoHeight === 144 && video.currentTime > 0;
    });
    await page.keyboard.press('Escape');
    await ui.dialog().waitFor({ state: 'hidden' });
  });

  await t.test('a long list is sorted over all its rows, or says that it is not', async () => {
    addVods(daemon.dataDir, 'live', [{ name: 'largest', bytes: 9e9 }, ...Array.from({ length: 300 }, () => ({}))]);
    await page.goto(`${daemon.url}/apps/live/recordings`);
    await ui.button('Size').click();
    await page.locator('[role="row"][data-index="0"]').getByText('largest').waitFor();
    await page.getByRole('columnheader', { name: 'Size' }).and(page.locator('[aria-sort="descending"]')).waitFor();
    addVods(
      daemon.dataDir,
      'live',
      Array.from({ length: 800 }, () => ({})),
    );
    await page.reload();
    await page.getByText('Not sorted by Size: there are more than 1,000 rows.').waitFor();
    assert.equal(await page.locator('[aria-sort]').count(), 0);
    await assertAccessible(page, 'more recordings than are sorted');
  });

  await t.test('a join token is made with everything to use it', async () => {
    await page.getByRole('link', { name: 'Join' }).click();
    await page.getByRole('textbox', { name: 'Room', exact: true }).fill('stage');
    await ui.field('Identity').fill('camera-1');
    await ui.button('Create token').click();
    await page.getByRole('region', { name: 'token' }).waitFor();
    const token = await page.getByRole('region', { name: 'token' }).innerText();
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    assert.equal(claims.sub, 'camera-1');
    assert.equal(claims.video.room, 'live-stage');
    for (const [name, place] of [
      ['Open the publish page', '/publish/live/live-stage'],
      ['Open the watch page', '/watch/live/live-stage'],
    ] as const) {
      const href = await page.getByRole('link', { name }).getAttribute('href');
      assert.equal(new URL(href ?? '').pathname, place);
    }
    await assertAccessible(page, 'a join token');
  });

  await t.test('that LiveKit does not answer stands on the overview', async () => {
    await ui.section('Overview').click();
    await page
      .getByRole('region', { name: 'Problems' })
      .getByText('LiveKit at ws://127.0.0.1:9 isn’t responding')
      .waitFor();
    await assertAccessible(page, 'the overview with a problem');
    await ui.statusBar().getByText('LiveKit at ws://127.0.0.1:9').waitFor();
  });
});

/** Running programs that work in a folder. */
async function processesWith(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const [program, ...args] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (program?.endsWith('ffmpeg') && args.some((arg) => arg.includes(folder))) found.push(Number(pid));
  }
  return found;
}
