// Browsers with or without a camera, for the pages that publish and watch.
import assert from 'node:assert/strict';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { CHROMIUM, CHROMIUM_ARGS } from './chromium.ts';

const LIMIT_MS = 40_000;

interface OpenOptions extends BrowserContextOptions {
  /** Before the page is loaded. */
  onOpen?(page: Page): Promise<void>;
}

/** A Chromium with its own camera and microphone, or without any. */
export async function person(t: { after(fn: () => unknown): void }, hasDevices: boolean) {
  const args = hasDevices
    ? // each picture is encoded three times and decoded by each who watches
      ['--use-fake-device-for-media-stream=fps=5', '--use-fake-ui-for-media-stream']
    : ['--autoplay-policy=user-gesture-required'];
  const instance = await chromium.launch({ executablePath: CHROMIUM ?? '', args: [...CHROMIUM_ARGS, ...args] });
  const failures: string[] = [];
  t.after(async () => {
    await instance.close();
    assert.deepEqual(failures, [], 'errors of the pages');
  });
  return async (url: string, { onOpen, ...options }: OpenOptions = {}): Promise<Page> => {
    const context = await instance.newContext({ reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(LIMIT_MS);
    const page = await context.newPage();
    page.on('pageerror', (error) => failures.push(error.stack ?? error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && /Content Security Policy/.test(message.text())) failures.push(message.text());
    });
    await onOpen?.(page);
    await page.goto(url);
    return page;
  };
}

/** Waits until the picture of a page moves. */
export async function moving(page: Page, selector: string): Promise<void> {
  await page.waitForFunction(
    (place) => {
      const video = document.querySelector<HTMLVideoElement>(place);
      if (video === null || video.videoWidth === 0) return false;
      const known = Number(video.dataset['seen'] ?? Number.NaN);
      video.dataset['seen'] ??= String(video.currentTime);
      return video.currentTime > known;
    },
    selector,
    { polling: 200 },
  );
}
