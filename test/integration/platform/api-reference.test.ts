import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '#shared/contract/index.ts';
import { browser, noChromium } from '../../helpers/browser.ts';
import { sharedDaemon } from '../../helpers/daemon.ts';

const daemon = sharedDaemon();

test('the API reference lists and finds every operation and contacts only the daemon', {
  skip: noChromium,
}, async (t) => {
  const context = await (await browser(t)).newContext({ viewport: { width: 1400, height: 900 } });
  t.after(() => context.close());
  context.setDefaultTimeout(40_000);
  const page = await context.newPage();
  const elsewhere: string[] = [];
  const failures: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (new URL(url).origin !== daemon.url && !url.startsWith('data:')) elsewhere.push(url);
  });
  page.on('pageerror', (error) => failures.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') failures.push(message.text());
  });

  await page.goto(`${daemon.url}/api/v1/docs`);
  const sidebar = page.getByRole('complementary', { name: 'Sidebar for StreamHub' });
  await sidebar.waitFor();
  // the first group is open from the start
  await sidebar.getByRole('button', { name: 'Open Group - Apps', exact: true }).click();
  // together: after each of them the browser would lay out the whole page
  await sidebar
    .getByRole('button', { name: /^Open Group - / })
    .evaluateAll((groups) => groups.map((group) => (group as HTMLElement).click()));
  const listed = await sidebar
    .getByRole('link', { name: /HTTP Method/ })
    .evaluateAll((links) =>
      links.map((link) => decodeURIComponent(link.getAttribute('href') ?? '').replace(/^#tag\/[^/]+\//, '')),
    );
  const callbacks = listed.filter((name) => name.startsWith('webhook/'));
  assert.ok(callbacks.includes('webhook/POST/stream-started'), callbacks.join());
  assert.deepEqual(
    listed.filter((name) => !callbacks.includes(name)).sort(),
    operations.map((op) => op.method + (op.root ? '' : '/api/v1') + op.path).sort(),
  );

  await sidebar.getByRole('button', { name: /^Open Search/ }).click();
  const search = page.getByRole('dialog', { name: 'Search' });
  await search.getByRole('combobox').fill('storage used by an app');
  await search.getByRole('option', { name: /Get the storage used by an app/ }).click();
  await page.waitForURL((url) => decodeURIComponent(url.hash).endsWith('/GET/api/v1/apps/{name}/sizes'));

  // a request from the page passes the policy and carries the token that was typed
  await page.getByRole('textbox', { name: 'Bearer Token' }).first().fill(daemon.token);
  await page.goto(`${daemon.url}/api/v1/docs#tag/apps/GET/api/v1/apps`);
  // samples with curl, the package of the client, and Python
  const cardWith = (text: string) => page.locator('.request-card', { hasText: text });
  const curl = cardWith("curl 'https://streams.example.com/api/v1/apps' ");
  await curl.locator('button', { hasText: /^\s*curl\s*$/ }).click();
  await page.getByRole('option', { name: 'JavaScript' }).click();
  await cardWith('hub.listApps()').waitFor();

  await page.getByRole('button', { name: /^Test Request \(get \/api\/v1\/apps\)$/i }).click();
  const answer = page.waitForResponse(`${daemon.url}/api/v1/apps`);
  await page.getByRole('dialog').getByRole('button', { name: /^Send/ }).first().click();
  assert.equal((await answer).status(), 200);

  assert.deepEqual(elsewhere, []);
  assert.deepEqual(failures, []);
});

test('the script of the API reference is readable for clients with and without gzip', async () => {
  const get = async (encoding: string) => {
    const url = `${daemon.url}/api/v1/docs/api-reference.js`;
    const response = await fetch(url, { headers: { 'accept-encoding': encoding } });
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/javascript/);
    return { encoding: response.headers.get('content-encoding'), text: await response.text() };
  };
  const [packed, plain] = [await get('gzip, br'), await get('identity')];
  assert.deepEqual([packed.encoding, plain.encoding], ['gzip', null]);
  assert.equal(packed.text, plain.text);
  assert.match(plain.text, /createApiReference/);
});
