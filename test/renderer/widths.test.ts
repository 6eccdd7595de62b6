// Every screen with long names, from a phone's width to a desk's.
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import type { CDPSession, Page } from 'playwright-core';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { builtRenderer, desktopHost, QUICK } from '#test/helpers/desktop-host.ts';
import { APP, crowded, must } from '#test/helpers/long-names.ts';
import { until } from '#test/helpers/until.ts';
import { layoutFaults, watchCharts } from '#test/helpers/widths.ts';

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
const { daemonPages, desktopPages, linkPages } = (await renderer('app/features.ts')) as Record<
  'daemonPages' | 'desktopPages' | 'linkPages',
  readonly { path: string }[]
>;
const { appTabs } = (await renderer('features/app/app-tabs.ts')) as { appTabs: readonly { id: string }[] };

const LONG_NAME = 'Regional broadcasters of the north and the south '.repeat(2).trim();
const WIDTHS = [1440, 1024, 768, 390];

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

/** Opens what a page opens over itself, one after the other: its first row, and what its buttons create. */
async function eachOverlay(page: Page, look: (what: string) => Promise<void>): Promise<void> {
  const place = new URL(page.url()).pathname;
  const row = page.locator('#page [role="row"][data-opens]').first();
  // buttons of forms send them
  const buttons = page
    .locator('#page button:enabled:not(form button)')
    .filter({ hasText: /^(Create (?!bucket)|Add|Invite|Install|Ban|Preview placement)/ });
  const openers = [...((await row.count()) > 0 ? [row] : []), ...(await buttons.all())];
  const dialog = page.locator('[role="dialog"]').first();
  for (const opener of openers) {
    const what = (await opener.innerText()).split('\n', 1)[0] ?? '';
    // where nothing else is pressed
    await opener.click({ position: { x: 8, y: 4 } });
    const isOver = await until('it opens', async () => {
      if (new URL(page.url()).pathname !== place) return 'another page';
      return (await dialog.isVisible()) && 'a dialog';
    });
    // the rows of some lists are pages, which are looked at by themselves
    if (isOver === 'another page') await page.goBack();
    else {
      await look(what);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    }
  }
}

test('every screen with long names fits each width, for a finger and a mouse', {
  skip: noChromium,
  timeout: 600_000,
}, async (t) => {
  await builtConsole();
  const { daemon, admin } = await crowded(t);
  const chromium = await browser(t);
  const page = await openConsole(t, chromium, daemon.url, { token: admin.api.token as string });
  await page.evaluate(watchCharts);
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
  const waiting = [
    ...apps.map((place) => place.replace('$app', APP).replace('$session', '1')),
    ...linkPages.map((one) => one.path),
  ];
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
      const accessible = (what: string): Promise<void> =>
        assertAccessible(page, what).catch((error: Error) => void faults.push(error.message));
      // the widths end with the phone's
      await accessible(at);
      await eachOverlay(page, async (what) => {
        await settled(page, open);
        faults.push(...(await faultsOf(page, cdp, [390])).map((fault) => `${what}: ${fault}`));
      });
      assert.deepEqual(faults, []);
    });
  }
  await t.test('the drawer of a phone has every section', async () => {
    await goInside(page, '/');
    await settled(page, open);
    await page.getByRole('button', { name: 'Sections' }).click();
    const drawer = page.getByRole('dialog', { name: 'Sections' });
    await drawer.getByRole('link', { name: 'Storage' }).waitFor();
    assert.deepEqual(await faultsOf(page, cdp, [390]), []);
    await drawer.getByRole('link', { name: 'Storage' }).click();
    await page.waitForURL('**/storage');
    await drawer.waitFor({ state: 'detached' });
  });

  await t.test('a list that is read again keeps its place, its focus and its open menu', async () => {
    for (let n = 0; n < 40; n += 1)
      await must(
        daemon.api.post('/tenants', {
          name: `Team ${String(n).padStart(2, '0')}`,
          ownerEmail: `owner-${n}@example.com`,
        }),
      );
    for (const width of [1440, 390]) {
      await cdp.send('Emulation.setTouchEmulationEnabled', { enabled: width === 390 });
      await page.setViewportSize({ width, height: 844 });
      await goInside(page, '/access/people');
      const row = page.locator('[role="row"]').filter({ hasText: 'owner-20@example.com' });
      const scroll = width === 390 ? page.locator('#page') : page.locator('[role="grid"]').locator('..');
      await page.locator('[role="row"][data-index="5"]').waitFor();
      await until('the row is in sight', async () => {
        await scroll.evaluate((box) => box.scrollBy(0, 200));
        return row.isVisible();
      });
      await row.getByRole('button').click();
      await page.getByRole('menu').waitFor();
      await settled(page, open);
      const top = () => row.evaluate((element) => Math.round(element.getBoundingClientRect().top));
      const before = await top();
      const listed = Number(await page.locator('[role="grid"]').getAttribute('aria-rowcount'));
      await must(daemon.api.post('/tenants', { name: `A new team ${width}`, ownerEmail: `aaa-${width}@example.com` }));
      await page.locator(`[role="grid"][aria-rowcount="${listed + 1}"]`).waitFor();
      assert.equal(await top(), before);
      assert.equal(await page.getByRole('menu').isVisible(), true);
      await page.keyboard.press('Escape');
      await page.getByRole('menu').waitFor({ state: 'detached' });
      assert.equal(await row.evaluate((element) => element.contains(document.activeElement)), true);
    }
  });
  await t.test('every page was seen', () => assert.ok(seen.size > 25, [...seen].join(' ')));
  await t.test('the pages of the desktop alone', async (desktop) => {
    await page.close();
    await builtRenderer();
    const host = await desktopHost(desktop, { timing: QUICK });
    const other = await testDaemon(desktop);
    for (const [name, { url, token }] of [
      [LONG_NAME, daemon],
      ['Berlin', other],
    ] as const) {
      const credential = { kind: 'token', token };
      const added = await host.core.dispatch('connections:add', { url, name, credential, keep: 'session' });
      assert.ok(added.ok, JSON.stringify(added));
    }
    const app = await chromium.newPage({ reducedMotion: 'reduce' });
    await app.addInitScript(host.bridgeScript);
    const protocol = await app.context().newCDPSession(app);
    for (const { path: place } of desktopPages) {
      await desktop.test(place, async () => {
        await app.goto(host.url + place);
        await settled(app, new Set());
        assert.deepEqual(await faultsOf(app, protocol, WIDTHS), []);
        await assertAccessible(app, place);
      });
    }
    await app.close();
  });
});
