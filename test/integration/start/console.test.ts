import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import fastify from 'fastify';
import pino from 'pino';
import { BuiltPages } from '#daemon/operations/console/built-pages.ts';
import { consoleRoutes } from '#daemon/operations/console/routes.ts';
import { installErrorHandling } from '#daemon/platform/http/errors.ts';
import { builtConsole } from '#test/helpers/browser.ts';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';

/** As the wire has it: fetch would undo the compression, and ask for a fresh answer by itself. */
function asSent(url: string, encoding: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; body: Buffer }>((resolve, reject) => {
    request(url, { headers: { 'accept-encoding': encoding, ...headers } }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks) }));
    })
      .on('error', reject)
      .end();
  });
}

describe('the web console', () => {
  it('is served with its own policy, compressed, and cached by its hashes', async (t) => {
    await builtConsole();
    const { url } = await testDaemon(t);
    const get = (place: string, headers: Record<string, string> = {}) => fetch(url + place, { headers });
    const index = await get('/');
    assert.equal(index.status, 200);
    assert.equal(index.headers.get('cache-control'), 'no-cache');
    const policy = index.headers.get('content-security-policy') ?? '';
    assert.match(policy, /script-src 'self';/);
    assert.doesNotMatch(policy, /script-src[^;]*unsafe/);
    assert.match(policy, /connect-src 'self'/);
    assert.doesNotMatch(policy, /upgrade-insecure/);
    const html = await index.text();
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)/, 'no script inside the page');
    const script = /src="\.(\/assets\/[^"]+\.js)"/.exec(html)?.[1] ?? '';
    const plain = await get(script, { 'accept-encoding': 'identity' });
    assert.match(plain.headers.get('cache-control') ?? '', /immutable/);
    assert.match(plain.headers.get('content-type') ?? '', /javascript/);
    assert.equal(plain.headers.get('content-encoding'), null);
    const text = await plain.text();
    assert.equal(brotliDecompressSync((await asSent(url + script, 'br')).body).toString(), text);
    assert.equal(gunzipSync((await asSent(url + script, 'gzip')).body).toString(), text);
    const etag = plain.headers.get('etag') ?? '';
    assert.equal((await asSent(url + script, 'identity', { 'if-none-match': etag })).status, 304);
  });

  it('answers its own paths with the page, and leaves the API its 404', async (t) => {
    await builtConsole();
    const { url } = await testDaemon(t);
    const asBrowser = { accept: 'text/html,application/xhtml+xml' };
    for (const place of ['/apps', '/apps/live/config', '/d/1']) {
      const answer = await fetch(url + place, { headers: asBrowser });
      assert.match(await answer.text(), /<div id="root">/, place);
    }
    for (const place of ['/api/v1/nothing', '/assets/none-12345678.js', '/favicon.ico']) {
      const answer = await fetch(url + place, { headers: place.startsWith('/api') ? asBrowser : {} });
      assert.equal(answer.status, 404, place);
      assert.equal(((await answer.json()) as { code: string }).code, 'ROUTE_NOT_FOUND');
    }
    for (const place of ['/assets/..%2fpackage.json', '/..%2fpackage.json', '/%00']) {
      const answer = await fetch(url + place);
      assert.ok(answer.status === 404 || answer.status === 400, `${place}: ${answer.status}`);
    }
    const head = await fetch(url, { method: 'HEAD' });
    assert.equal(head.status, 200);
    assert.equal(await head.text(), '');
  });

  it('loads first with less than 400 KB', async (t) => {
    await builtConsole();
    const { url } = await testDaemon(t);
    const html = await (await fetch(url)).text();
    const places = [...html.matchAll(/(?:src|href)="\.(\/[^"]+)"/g)].map((match) => match[1] as string);
    let bytes = Buffer.byteLength(html);
    for (const place of places) {
      bytes += (await asSent(url + place, 'br')).body.length;
    }
    t.diagnostic(`first load without fonts: ${Math.round(bytes / 1000)} KB in ${places.length + 1} files`);
    assert.ok(places.length < 16, `${places.length} files are asked for at once`);
    assert.ok(bytes < 400_000 - 90_000, `${bytes} bytes, and two fonts of 90 KB together`);
  });

  it('says that it is being built until it is there, and that it cannot be had', async (t) => {
    const root = await temporaryDir(t);
    const service = new BuiltPages(root, pino({ level: 'silent' }));
    const app = fastify();
    installErrorHandling(app as never, root);
    consoleRoutes(app as never, service);
    t.after(() => app.close());
    const first = await app.inject('/');
    assert.equal(first.statusCode, 503);
    assert.match(first.body, /being built/);
    assert.equal(first.headers['cache-control'], 'no-store');
    const next = path.join(root, 'next');
    await mkdir(next);
    await writeFile(path.join(next, 'index.html'), '<!doctype html><title>built</title>');
    await mkdir(path.join(root, 'out'));
    await rename(next, path.join(root, 'out/console'));
    assert.match((await app.inject('/')).body, /built/);
    await rm(path.join(root, 'out'), { recursive: true });
    await service.builder.run();
    const empty = new BuiltPages(root, pino({ level: 'silent' }));
    await empty.builder.run();
    const other = fastify();
    installErrorHandling(other as never, root);
    consoleRoutes(other as never, empty);
    t.after(() => other.close());
    const absent = await other.inject('/');
    assert.equal(absent.statusCode, 404);
    assert.match(absent.body, /has no web console/);
  });
});
