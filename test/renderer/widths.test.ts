// Every screen with long names, from a phone's width to a desk's.
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import type { CDPSession, Page } from 'playwright-core';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { APP, crowded } from '#test/helpers/long-names.ts';
import { until } from '#test/helpers/until.ts';
import { layoutFaults } from '#test/helpers/widths.ts';

// the icons' one file loads eight times as fast as their five thousand
registerHooks({
  resolve: (specifier, context, next) =>
    next(
      specifier === '@tabler/icons-react' ? '@tabler/icons-react/dist/cjs/tabler-icons-react.cjs' : specifier,
      context,
    ),
});
// by a name that the compiler doesn't follow: the pages are another project's
const renderer = (file: string): Promise<unknown> =>
  import(String(new URL(`../../desktop/renderer/${file}`, import.meta.url)));
const { daemonPages, linkPages } = (await renderer('app/features.ts')) as Record<
  'daemonPages' | 'linkPages',
  readonly { path: string }[]
>;
const { appTabs } = (await renderer('features/app/app-tabs.ts')) as { appTabs: readonly { id: string }[] };

const WIDTHS = [390, 768, 1024, 1440];

/** Waits until a page has what it asked for and shows it. */
async function settled(page: Page, open: Set<unknown>): Promise<void> {
  await until('the page is there', async () => {
    if (open.size > 0) return false;
    return page.evaluate(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      return (
        document.querySelector('h1') !== null &&
        document.querySelector('[aria-busy="true"], [class*="skeleton"]') === null
      );
    });
  });
}

/** What is wrong with the page in each width; a finger points in the narrowest. */
async function faultsOf(page: Page, cdp: CDPSession, widths: readonly number[]): Promise<string[]> {
  const found: string[] = [];
  for (const width of widths) {
    await cdp.send('Emulation.setTouchEmulationEnabled', { enabled: width === 390 });
    await page.setViewportSize({ width, height: 844 });
    let faults: string[] = [];
    // sizes follow the window a frame or two later
    await until('measured', async () => {
      const before = faults;
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      faults = await page.evaluate(layoutFaults);
      return faults.length === 0 || JSON.stringify(faults) === JSON.stringify(before);
    });
    found.push(...faults.map((fault) => `${width}: ${fault}`));
  }
  return found;
}

test('every screen with long names fits each width, for a finger and a mouse', { skip: noChromium }, async (t) => {
  await builtConsole();
  const { daemon, admin } = await crowded(t);
  const page = await openConsole(t, await browser(t), daemon.url, { token: admin.api.token as string });
  const cdp = await page.context().newCDPSession(page);
  const open = new Set<unknown>();
  page.on(
    'request',
    (request) => request.resourceType() === 'fetch' && !request.url().endsWith('/events') && open.add(request),
  );
  for (const end of ['requestfinished', 'requestfailed', 'response'] as const)
    page.on(end as 'response', (one) =>
      open.delete('request' in one ? (one as { request(): unknown }).request() : one),
    );

  const apps = daemonPages.flatMap(({ path: place }) =>
    place.includes('$tab') && place.includes('$app')
      ? appTabs.map(({ id }) => place.replace('$tab', id))
      : place.includes('$tab')
        ? []
        : [place],
  );
  const waiting = [...apps.map((place) => place.replace('$app', APP)), ...linkPages.map((one) => one.path)];
  const seen = new Set<string>();
  for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
    if (seen.has(place)) continue;
    seen.add(place);
    const at = place;
    await t.test(at, async () => {
      await goInside(page, at);
      await settled(page, open);
      // the tabs of a page are pages
      const tabs = await page
        .locator('#page nav a')
        .evaluateAll((links) => links.map((link) => link.getAttribute('href') ?? ''));
      waiting.push(...tabs.filter((tab) => tab.startsWith('/') && !tab.startsWith('/apps')));
      const faults = await faultsOf(page, cdp, WIDTHS);
      await faultsOf(page, cdp, [390]);
      const axe = await assertAccessible(page, at).then(
        () => [],
        (error: Error) => [error.message],
      );
      assert.deepEqual([...faults, ...axe], []);
    });
  }
  await t.test('every page was seen', () => assert.ok(seen.size > 25, [...seen].join(' ')));
});
