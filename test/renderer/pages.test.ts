// The pages for publishers and viewers, in two browsers, one with a camera, over a real LiveKit.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { LivekitMeter } from '#shared/livekit-metrics.ts';
import { assertAccessible, noChromium } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { samplesRunBy } from '#test/helpers/doc-samples.ts';
import { startLivekit } from '#test/helpers/livekit.ts';
import { moving, person } from '#test/helpers/media-browsers.ts';
import { until } from '#test/helpers/until.ts';

const PHONE = { width: 390, height: 844 };

const noSidewaysScroll = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

test('someone publishes, others watch, talk and react', { skip: noChromium }, async (t) => {
  const probe = await testDaemon(t);
  const port = new URL(probe.url).port;
  await probe.stop();
  const livekit = startLivekit(t, { webhooks: [`http://127.0.0.1:${port}/api/v1/webhooks/livekit`] });
  if (typeof livekit === 'string') return t.skip(livekit);
  const daemon = await testDaemon(t, { ...livekit.env, PORT: port });
  await daemon.api.patch('/apps/live', { features: { chat: true, reactions: true } });
  const { data: host } = (await daemon.api.post('/apps/live/tokens', { room: 'stage', name: 'Ana' })).body;
  const openPublisher = await person(t, true);
  const openViewer = await person(t, false);

  const viewer = await openViewer(`${daemon.url}/watch/live/live-stage`, { viewport: PHONE });
  const publisher = await openPublisher(host.publishUrl, { viewport: { width: 1280, height: 800 } });

  await t.test('a viewer who comes first waits', async () => {
    await viewer.getByText('Waiting for the stream').waitFor();
    await assertAccessible(viewer, 'the watch page that waits');
  });

  await t.test('the publisher sees the camera, the level and the qualities before going live', async () => {
    await moving(publisher, '#preview');
    await publisher.waitForFunction(() => document.querySelector<HTMLMeterElement>('#level')!.value > 0);
    const qualities = await publisher.locator('#quality option').allInnerTexts();
    assert.deepEqual(
      qualities.map((text) => text.split(' ')[0]),
      ['720p', '480p', '240p'],
    );
    assert.ok((await publisher.locator('#camera option').count()) > 0);
    await assertAccessible(publisher, 'the publish page');
  });

  await t.test('the picture arrives and moves', async () => {
    await publisher.getByRole('button', { name: 'Go live' }).click();
    await publisher.locator('#live').waitFor();
    await moving(viewer, '#tiles video');
    await viewer.getByText('1 viewer', { exact: true }).waitFor();
    await publisher.getByText('1 viewer', { exact: true }).waitFor();
    assert.ok(await noSidewaysScroll(viewer));
    await assertAccessible(viewer, 'the watch page');
    await assertAccessible(publisher, 'the publish page when live');
  });

  await t.test('both pages tell what they measure; the session has it', async () => {
    const session = (await daemon.api.get('/apps/live/sessions')).body.data[0];
    const { stays } = (await daemon.api.get(`/apps/live/sessions/${session.id}`)).body;
    const of = async (published: boolean) => {
      const { sid } = stays.data.find((stay: any) => stay.published === published && stay.kind === 'standard');
      return until('its samples', async () => {
        const { body } = await daemon.api.get(`/apps/live/sessions/${session.id}/quality/${sid}`);
        return body.data.samples.at(-1);
      });
    };
    const [sent, received] = [await of(true), await of(false)];
    assert.ok(sent.up.bps > 10_000 && sent.up.width > 0 && sent.up.codec !== '', JSON.stringify(sent));
    assert.ok(received.down.bps > 10_000 && received.down.height > 0, JSON.stringify(received));
    for (const { ice, rttMs } of [sent, received]) assert.deepEqual([ice, typeof rttMs], ['udp', 'number']);
    assert.equal((await daemon.api.get(`/apps/live/sessions/${session.id}/quality`)).body.data.measured, 2);
  });

  await t.test('messages and reactions reach the others; hidden staff is not counted', async () => {
    const staff = (await daemon.api.post('/apps/live/tokens', { room: 'stage', canPublish: false, hidden: true })).body;
    const hidden = await openViewer(staff.data.playUrl, { colorScheme: 'dark' });
    await moving(hidden, '#tiles video');
    await viewer.getByLabel('Your name').fill('Ben');
    await viewer.getByLabel('Message', { exact: true }).fill('Hello from <b>Ben</b>');
    await viewer.getByRole('button', { name: 'Send' }).click();
    const line = publisher.getByRole('log').getByText('Hello from <b>Ben</b>');
    await line.waitFor();
    assert.match(await line.innerText(), /^Ben/);
    await hidden.getByRole('log').getByText('Hello from <b>Ben</b>').waitFor();
    assert.equal(await hidden.getByRole('button', { name: 'Send' }).isVisible(), false);
    await publisher.evaluate(() => {
      const seen = new MutationObserver((changes) => {
        if (changes.some(({ addedNodes }) => addedNodes.length > 0)) document.body.dataset['reacted'] = 'yes';
      });
      seen.observe(document.querySelector('#floats')!, { childList: true });
    });
    await viewer.getByRole('button', { name: 'Applause' }).click();
    await publisher.locator('body[data-reacted=yes]').waitFor();
    assert.equal(await publisher.locator('#viewers').innerText(), '1 viewer');
    await assertAccessible(hidden, 'the watch page in dark');
    await hidden.context().close();
  });

  await t.test('embedded, with sound off and on, and without sideways scrolling', async () => {
    // any look into the page from here would count as a person's, which allows sound: the page itself tells
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const regional: string[] = [];
    const embedded = await openViewer(`${host.embedUrl.replace(/#.*/, '')}?region=paris`, {
      viewport: { width: 480, height: 270 },
      onOpen: async (page) => {
        page.on('request', (request) => {
          if (request.url().endsWith('/watch/live-stage?region=paris')) regional.push(request.url());
        });
        await page.exposeFunction('asked', resolve);
        await page.addInitScript(() => {
          const look = () => {
            if (document.getElementById('unmute')?.hidden === false) (window as unknown as { asked(): void }).asked();
          };
          new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
        });
      },
    });
    await asked;
    await moving(embedded, '#tiles video');
    assert.ok(regional.length > 0, 'the region of the link is asked for');
    await embedded.getByRole('button', { name: 'Tap to unmute' }).click();
    await embedded.getByRole('button', { name: 'Tap to unmute' }).waitFor({ state: 'hidden' });
    await embedded.getByRole('button', { name: 'Mute', exact: true }).click();
    await embedded.getByRole('button', { name: 'Unmute', exact: true }).waitFor();
    assert.ok(await noSidewaysScroll(embedded));
    await embedded.context().close();
  });

  await t.test('LiveKit tells how long it takes to pass on a packet', async () => {
    const meter = new LivekitMeter();
    const ms = await until('packets are timed', async () => {
      const seen = await meter.read(livekit.metricsUrl, 5000);
      return seen?.rates.forwardLatencyMs;
    });
    assert.ok(ms > 0 && ms < 5000, `${ms} ms`);
  });

  await t.test('the viewer is told when it ends, and sees it again when it goes on', async () => {
    await publisher.getByRole('button', { name: 'Stop' }).click();
    await viewer.getByText('The stream has ended').waitFor();
    await publisher.getByRole('button', { name: 'Go live' }).click();
    await moving(viewer, '#tiles video');
  });

  await t.test('both go on after LiveKit was killed', async () => {
    await viewer.evaluate(() => document.querySelector('#tiles video')?.setAttribute('data-old', ''));
    await livekit.pause({ kill: true });
    await livekit.resume();
    await moving(viewer, '#tiles video:not([data-old])');
    assert.equal(await publisher.locator('body').getAttribute('data-state'), 'playing');
    // each who watches costs a fifth of a processor
    await viewer.context().close();
  });

  await t.test('what the documents show for a page of yours works on one', async (t) => {
    const samples = samplesRunBy('test/renderer/pages.test.ts');
    for (const part of ['<iframe', 'room.connect', 'crypto.randomUUID', 'StreamHubTelemetry', '/my-server/token'])
      assert.ok(
        samples.some((text) => text.includes(part)),
        part,
      );
    let shown = '';
    const site = http.createServer(async (request, response) => {
      response.setHeader('content-type', request.method === 'POST' ? 'application/json' : 'text/html');
      if (request.method !== 'POST') return response.end(`<!doctype html><title>Page</title><body>${shown}`);
      const { body } = await daemon.api.post('/apps/live/tokens', { room: 'studio', canSubscribe: false });
      response.end(JSON.stringify(body.data));
    });
    site.listen(0, '127.0.0.1');
    t.after(() => site.close());
    await once(site, 'listening');
    for (const sample of samples) {
      const text = sample.replaceAll('https://hub.example.com', daemon.url);
      shown = text.startsWith('<') ? text : `<script type="module">${text}</script>`;
      const isPublisher = sample.includes('/my-server/token');
      const answers: string[] = [];
      const hasPlayer = sample.includes('track.attach');
      // without a click the viewer's browser plays nothing that could have sound
      const page = await (isPublisher || hasPlayer ? openPublisher : openViewer)(
        `http://127.0.0.1:${(site.address() as AddressInfo).port}`,
        {
          onOpen: async (page) => {
            page.on('response', (response) => answers.push(`${response.status()} ${new URL(response.url()).pathname}`));
          },
        },
      );
      const answered = (what: RegExp) => until(String(what), () => answers.some((answer) => what.test(answer)));
      if (isPublisher) {
        await page.getByRole('button', { name: 'Go live' }).click();
        await until('LiveKit has both tracks', async () => {
          const [ana] = await livekit.rooms.listParticipants('live-studio').catch(() => []);
          return ana?.tracks.length === 2;
        });
      } else if (sample.includes('<iframe')) await page.frameLocator('iframe').locator('#tiles video').waitFor();
      else if (hasPlayer) await moving(page, 'video');
      else if (sample.includes('telemetry.js')) await answered(/^20\d .*telemetry$/);
      else await answered(/^20\d .*\/viewers$/);
      await page.context().close();
    }
  });

  await t.test('without public playback a link needs a token', async () => {
    await daemon.api.patch('/apps/live', { features: { publicPlayback: false } });
    const stranger = await openViewer(`${daemon.url}/watch/live`);
    await stranger.getByText('This stream is private').waitFor();
    assert.equal(new URL(stranger.url()).pathname, '/watch/live/live');
    await assertAccessible(stranger, 'a private stream');
    const { data } = (await daemon.api.post('/apps/live/tokens', { room: 'stage', canPublish: false })).body;
    const invited = await openViewer(data.playUrl);
    await moving(invited, '#tiles video');
    const unable = await openViewer(data.playUrl.replace('/watch/', '/publish/'));
    await unable.getByText('You cannot publish with this link').waitFor();
  });

  await t.test('a browser without devices is told in words', async () => {
    const bare = await openViewer(host.publishUrl, { viewport: PHONE });
    await bare.locator('#camera-error').getByText('camera').waitFor();
    await bare.locator('#microphone-error').getByText('microphone').waitFor();
    assert.equal(await bare.getByRole('button', { name: 'Go live' }).isDisabled(), true);
    assert.ok(await noSidewaysScroll(bare));
    await assertAccessible(bare, 'the publish page without devices');
  });
});
