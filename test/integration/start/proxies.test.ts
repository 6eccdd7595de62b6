import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Browser } from 'playwright-core';
import { browser, builtConsole, builtSite, noChromium, openConsole } from '#test/helpers/browser.ts';
import { blockScope, Client, sharedDaemon, TEST_TOKEN, testDaemon } from '#test/helpers/daemon.ts';
import { readEvents } from '#test/helpers/event-reader.ts';
import { missing, PROXIES, startProxy } from '#test/helpers/proxies.ts';
import { freePort } from '#test/helpers/server-scripts.ts';

const BASE = '/streamhub';
/** Of one proxy after the other. */
const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const publicUrl = url + BASE;

describe('below the path of a proxy', { skip: noChromium }, () => {
  const scope = blockScope();
  const daemon = sharedDaemon({ PUBLIC_BASE_URL: publicUrl, STREAMHUB_CLUSTER_TOKEN: 'clt_0123456789abcdef' });
  const api = new Client(publicUrl, TEST_TOKEN);
  let chromium: Browser;
  before(async () => {
    await Promise.all([builtConsole(), builtSite()]);
    chromium = await browser(scope);
  });

  for (const name of PROXIES)
    for (const strips of [true, false])
      test(`of ${name} that ${strips ? 'takes the path off' : 'keeps the path'}, everything works`, {
        skip: missing(name),
      }, async (t) => {
        await startProxy(t, name, { target: daemon.url, base: BASE, strips, port });
        const app = `${name}-${strips ? 'strips' : 'keeps'}`;

        await t.test('the API, with links and headers that name the path', async () => {
          assert.equal((await api.get('/health')).status, 200);
          const { body } = await api.get('/cluster/info');
          assert.ok(body.data.joinCommand.includes(`${publicUrl}/install.sh`), body.data.joinCommand);
          assert.equal((await api.get(`/${'/install.sh'}`)).status, 200);
          const openapi = (await api.get('/openapi.json')).body;
          assert.deepEqual(openapi.servers, [{ url: publicUrl }]);
          const health = await api.get('/health');
          assert.equal(health.headers.get('strict-transport-security'), null);
          await api.post('/apps', { name: `gone-${app}` });
          const deleted = await api.delete(`/apps/gone-${app}`, { prefer: 'respond-async' });
          assert.equal(deleted.status, 202);
          const location = deleted.headers.get('location') as string;
          assert.ok(location.startsWith(`${BASE}/api/v1/jobs/`), location);
          assert.equal(
            (await fetch(url + location, { headers: { authorization: `Bearer ${TEST_TOKEN}` } })).status,
            200,
          );
        });

        await t.test('the event stream, without waiting for a full buffer', async () => {
          const events = await readEvents(t, publicUrl, TEST_TOKEN);
          await events.next('hello');
          await daemon.api.post('/apps', { name: `heard-${app}` });
          await events.next('app.created');
        });

        await t.test('the console: pages, links, and a page opened by its address', async (t) => {
          const page = await openConsole(t, chromium, publicUrl, { token: TEST_TOKEN });
          await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: /^Apps/ }).click();
          await page.getByRole('heading', { name: 'Apps', level: 1 }).waitFor();
          assert.equal(new URL(page.url()).pathname, `${BASE}/apps`);
          await page.goto(`${publicUrl}/apps/live/config`);
          await page.getByRole('heading', { name: 'live', level: 1 }).waitFor();
          const { id, token } = (await api.post('/tokens', { name: 'soon gone', scope: 'global' })).body;
          const ended = await openConsole(t, chromium, publicUrl, { token, path: '/apps' });
          await ended.getByRole('heading', { name: 'Apps', level: 1 }).waitFor();
          await api.delete(`/tokens/${id}`);
          await ended.getByRole('button', { name: 'Leave this page' }).click();
          await ended.waitForURL(`${publicUrl}/`);
        });

        await t.test('the API reference: its page and script as the daemon sends them', async () => {
          for (const file of ['/api/v1/docs', '/api/v1/docs/api-reference.js']) {
            const ask = (base: string) => fetchEncoded(base + file, 'gzip');
            const [there, here] = await Promise.all([ask(publicUrl), ask(daemon.url)]);
            for (const header of ['content-type', 'content-encoding', 'content-security-policy'])
              assert.equal(there.headers[header], here.headers[header], `${header} of ${file}`);
            assert.deepEqual([there.status, there.body.equals(here.body)], [200, true], file);
          }
        });

        await t.test('the documentation: compressed, checked by its version, and named below the path', async () => {
          const page = await fetchEncoded(`${publicUrl}/docs/quick-start`);
          assert.deepEqual([page.status, page.encoding, page.headers['cache-control']], [200, 'br', 'no-cache']);
          const links = [...page.text.matchAll(/ (?:href|src)="(\/[^"]*)"/g)].map(([, link]) => link as string);
          assert.deepEqual(
            links.filter((link) => !link.startsWith(`${BASE}/docs/`)),
            [],
          );
          const script = links.find((link) => /\/assets\/app\.[^/]+\.js$/.test(link)) ?? '';
          const asset = await fetchEncoded(url + script);
          assert.deepEqual([asset.encoding, /immutable/.test(asset.headers['cache-control'] ?? '')], ['br', true]);
          // the page names the theme, the theme the search, and the search its index
          let index = page;
          for (const name of ['theme', 'VPLocalSearchBox', '@localSearchIndexroot']) {
            const found = new RegExp(`${name}\\.[\\w-]+\\.js`).exec(index.text)?.[0];
            index = await fetchEncoded(`${publicUrl}/docs/assets/chunks/${found}`, 'gzip');
          }
          assert.deepEqual([index.status, index.encoding, /drain/.test(index.text)], [200, 'gzip', true]);
          for (const [place, { headers }] of [
            [`${publicUrl}/docs/quick-start`, page],
            [url + script, asset],
          ] as const) {
            const again = await fetchEncoded(place, 'br', { 'if-none-match': headers.etag ?? 'none' });
            assert.deepEqual([again.status, again.text], [304, ''], place);
          }
          // the console's page has no compressed form when it is small
          const { headers } = await fetchEncoded(`${publicUrl}/`);
          assert.equal(
            (await fetchEncoded(`${publicUrl}/`, 'br', { 'if-none-match': headers.etag ?? '' })).status,
            304,
          );
        });
      });

  test('the console reached past the proxy', async (t) => {
    const page = await openConsole(t, chromium, daemon.url, { token: TEST_TOKEN, path: '/apps' });
    await page.getByRole('heading', { name: 'Apps', level: 1 }).waitFor();
  });

  // every proxy sends what it is made of as it is (above)
  test('the API reference in a browser', { skip: missing('nginx') }, async (t) => {
    await startProxy(t, 'nginx', { target: daemon.url, base: BASE, strips: true, port });
    const page = await openConsole(t, chromium, publicUrl, { path: '/api/v1/docs' });
    const groups = page.getByRole('complementary', { name: 'Sidebar for StreamHub' });
    await groups.getByRole('button', { name: 'Open Group - Apps', exact: true }).waitFor();
  });
});

interface Encoded {
  status: number | undefined;
  encoding: string | undefined;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

/** What a browser is sent; fetch would unpack it, and ask for a fresh answer by itself. */
async function fetchEncoded(
  url: string,
  accepted: 'br' | 'gzip' = 'br',
  headers: Record<string, string> = {},
): Promise<Encoded> {
  const asked = request(url, { headers: { 'accept-encoding': accepted, accept: 'text/html,*/*', ...headers } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await buffer(answer);
  const encoding = answer.headers['content-encoding'];
  const packed = body.length === 0 ? undefined : encoding;
  const text = packed === 'br' ? brotliDecompressSync(body) : packed === 'gzip' ? gunzipSync(body) : body;
  return { status: answer.statusCode, encoding, headers: answer.headers, body, text: text.toString() };
}

test('at the root of a host nothing changes, and HTTPS is demanded only when asked for', async (t) => {
  const plain = await testDaemon(t);
  assert.equal((await plain.api.get('/health')).headers.get('strict-transport-security'), null);
  const strict = await testDaemon(t, { STREAMHUB_HSTS_SECONDS: '3600' });
  assert.equal((await strict.api.get('/health')).headers.get('strict-transport-security'), 'max-age=3600');
});

test('a proxy that is not trusted is told to operators, once', async (t) => {
  const daemon = await testDaemon(t, { STREAMHUB_TRUSTED_PROXIES: '192.0.2.1' });
  const warnings = async () => (await daemon.api.get('/system/settings')).body.data.warnings;
  assert.deepEqual(await warnings(), []);
  for (const forwarded of ['198.51.100.7', '198.51.100.8'])
    await daemon.api.get('/health', { 'x-forwarded-for': forwarded });
  const told = await warnings();
  assert.deepEqual(
    told.map(({ code, subject }: any) => [code, subject]),
    [['PROXY_NOT_TRUSTED', '127.0.0.1']],
  );
  assert.match(told[0].message, /STREAMHUB_TRUSTED_PROXIES/);
  const trusting = await testDaemon(t);
  await trusting.api.get('/health', { 'x-forwarded-for': '198.51.100.7' });
  assert.deepEqual((await trusting.api.get('/system/settings')).body.data.warnings, []);
});
