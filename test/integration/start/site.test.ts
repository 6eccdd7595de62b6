// The documentation at /docs: how it is served, and what a browser makes of it.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, test } from 'node:test';
import fastify from 'fastify';
import pino from 'pino';
import type { Page } from 'playwright-core';
import { BuiltPages } from '#daemon/operations/console/built-pages.ts';
import { SITE } from '#daemon/operations/console/clone-builder.ts';
import { docsRoutes } from '#daemon/operations/console/docs-routes.ts';
import { assertAccessible, browser, builtSite, noChromium } from '#test/helpers/browser.ts';
import { blockScope, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

async function assertFits(page: Page): Promise<void> {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} px wider than the window`);
}

describe('the documentation', () => {
  const scope = blockScope();

  test('is served under its own policy, compressed by the build, and cached by its hashes', async () => {
    await builtSite();
    const { url } = await testDaemon(scope);
    const get = (place: string, headers: Record<string, string> = {}) =>
      fetch(url + place, { headers, redirect: 'manual' });
    const start = await get('/docs');
    assert.deepEqual([start.status, start.headers.get('location')], [308, '/docs/']);
    assert.equal((await get('/docs/api-reference')).headers.get('location'), '/api/v1/docs');
    const index = await get('/docs/', { 'accept-encoding': 'br' });
    assert.equal(index.status, 200);
    assert.equal(index.headers.get('cache-control'), 'no-cache');
    assert.match(
      index.headers.get('content-security-policy') ?? '',
      /script-src 'self' 'sha256-[^']+' 'sha256-[^']+';/,
    );
    const etag = index.headers.get('etag') ?? '';
    // fetch would ask for a fresh answer by itself
    const again = await new Promise<number | undefined>((resolve, reject) => {
      request(`${url}/docs/`, { headers: { 'if-none-match': etag, 'accept-encoding': 'br' } }, (answer) =>
        resolve(answer.resume().statusCode),
      )
        .on('error', reject)
        .end();
    });
    assert.equal(again, 304);
    const html = await index.text();
    const script = /src="(\/docs\/assets\/app\.[^"]+\.js)"/.exec(html)?.[1] ?? '';
    const packed = await get(script, { 'accept-encoding': 'br' });
    assert.equal(packed.headers.get('content-encoding'), 'br');
    assert.match(packed.headers.get('cache-control') ?? '', /immutable/);
    for (const place of ['/docs/install', '/docs/install.html', '/docs/decisions/'])
      assert.equal((await get(place)).status, 200, place);
    const missing = await get('/docs/nothing', { accept: 'text/html' });
    assert.deepEqual([missing.status, missing.headers.get('content-type')], [404, 'text/html; charset=utf-8']);
    assert.equal(((await (await get('/docs/nothing')).json()) as { code: string }).code, 'ROUTE_NOT_FOUND');
    for (const place of ['/docs/..%2f..%2fpackage.json', '/docs/%00'])
      assert.ok([400, 404].includes((await get(place)).status), place);
  });

  test('a package without it says so, and where a build is possible that it runs', async (t) => {
    const app = fastify();
    const site = new BuiltPages(await temporaryDir(t), pino({ level: 'silent' }), SITE);
    docsRoutes(
      app as never,
      site,
      () => '',
      () => void site.builder.run(),
    );
    t.after(() => app.close());
    const absent = await app.inject('/docs/');
    assert.equal(absent.statusCode, 404);
    assert.match(absent.body, /has no documentation.*npm run build:site/s);
  });

  test('a browser reads it: search, both schemes, a phone, below a path, and nothing from elsewhere', {
    skip: noChromium,
  }, async (t) => {
    await builtSite();
    const daemon = await testDaemon(t, { PUBLIC_BASE_URL: 'http://127.0.0.1/hub' });
    const instance = await browser(t);
    const problems: string[] = [];
    const fills: string[] = [];
    for (const [scheme, size] of [
      ['light', { width: 1280, height: 800 }],
      ['dark', { width: 390, height: 800 }],
    ] as const) {
      const context = await instance.newContext({ viewport: size, colorScheme: scheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      page.on('pageerror', (error) => problems.push(error.message));
      page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
      page.on('request', (request) => {
        if (!request.url().startsWith(`${daemon.url}/`) && !request.url().startsWith('data:'))
          problems.push(request.url());
      });
      await page.goto(`${daemon.url}/hub/docs`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.keyboard.press('Control+k');
      await page.getByRole('searchbox').fill('drain');
      await page.getByRole('option').first().click();
      await page.getByRole('heading', { level: 1 }).waitFor();
      assert.match(page.url(), /\/hub\/docs\/./);
      assert.equal(await page.locator('html').evaluate((html) => html.classList.contains('dark')), scheme === 'dark');
      await assertFits(page);
      await assertAccessible(page, `the documentation, ${scheme}`);
      await page.goto(`${daemon.url}/hub/docs/architecture`);
      await page.locator('figure.diagram svg').first().waitFor();
      const diagrams = await page.locator('figure.diagram').evaluateAll((figures) =>
        figures.map((figure) => ({
          // as large as on a desktop: a phone scrolls the diagram, not the page
          smallest: Math.min(
            ...[...figure.querySelectorAll('text')].map((text) => text.getBoundingClientRect().height),
          ),
          background: getComputedStyle(figure.querySelector('rect') as SVGElement).fill,
        })),
      );
      assert.equal(diagrams.length, 3);
      for (const { smallest } of diagrams) assert.ok(smallest >= 11, `text of ${smallest} px`);
      fills.push(diagrams[0]?.background ?? '');
      await assertFits(page);
      await assertAccessible(page, `diagrams, ${scheme}`);
      await context.close();
    }
    assert.deepEqual(problems, []);
    assert.notEqual(fills[0], fills[1], 'diagrams have the colours of the scheme');
  });
});
