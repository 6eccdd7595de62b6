import { setTimeout as wait } from 'node:timers/promises';
import { browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { event, LIVEKIT_KEYS, participant, room, sendWebhook, track } from '#test/helpers/livekit-webhook.ts';
import type { BenchCase } from '../harness.ts';

const STREAMS = 100;
/** Between two changes, so that each finds a page at rest. */
const APART_MS = 300;
const KEYS = { key: LIVEKIT_KEYS.LIVEKIT_API_KEY, secret: LIVEKIT_KEYS.LIVEKIT_API_SECRET };

/** How long it takes from a webhook of LiveKit to a new row of the console, in a real Chromium. */
const bench: BenchCase = {
  name: 'screen',
  async run({ daemon }) {
    if (noChromium !== false) throw new Error(noChromium);
    await builtConsole();
    const ends: (() => unknown)[] = [];
    const t = { after: (end: () => unknown) => void ends.push(end) };
    try {
      const { url, token } = await daemon({ ...LIVEKIT_KEYS, LIVEKIT_URL: 'ws://127.0.0.1:9' });
      const page = await openConsole(t, await browser(t), url, { token, path: '/apps/live/streams' });
      await page.getByText('Nothing is live').waitFor();
      // the newest stream is the first row; the page notes when it drew each one
      await page.evaluate(() => {
        const seen: Record<string, number> = {};
        Object.assign(globalThis, { seen });
        const look = (): void => {
          for (const [name] of document.body.innerText.matchAll(/camera-\d{3}\b/g))
            seen[name] ??= performance.timeOrigin + performance.now();
        };
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
      });
      const times: number[] = [];
      for (let i = 0; i < STREAMS; i += 1) {
        const name = `camera-${String(i).padStart(3, '0')}`;
        const hall = room(`live-${name}`);
        const who = participant(name);
        await sendWebhook(url, event('participant_joined', { room: hall, participant: who }), KEYS);
        const published = event('track_published', { room: hall, participant: who, track: track(`TR_${name}`) });
        const start = performance.timeOrigin + performance.now();
        const { status } = await sendWebhook(url, published, KEYS);
        if (status !== 200) throw new Error(`the webhook was answered with ${status}`);
        const at = await page.waitForFunction(
          (wanted) => (globalThis as unknown as { seen: Record<string, number> }).seen[wanted],
          name,
          { polling: 10, timeout: 10_000 },
        );
        times.push(((await at.jsonValue()) as number) - start);
        await sendWebhook(url, event('participant_left', { room: hall, participant: who }), KEYS);
        await wait(APART_MS);
      }
      times.sort((a, b) => a - b);
      return [
        {
          what: 'webhook to a row on the screen, one change at a time, median',
          value: times[STREAMS / 2] as number,
          unit: 'ms',
        },
        { what: 'the same, p99', value: times[Math.floor(0.99 * STREAMS)] as number, unit: 'ms', target: 100 },
      ];
    } finally {
      for (const end of ends.reverse()) await end();
    }
  },
};
export default bench;
