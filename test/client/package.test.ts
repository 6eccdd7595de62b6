// own process: the program that it tests awaits while it loads
// The package `@streamhub/client` as users get it: packed, installed in an empty folder, used in Node.js, in a browser and by TypeScript.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { stageClient } from '#build/client/build.ts';
import { browser, noChromium } from '#test/helpers/browser.ts';
import { blockScope, ROOT, sharedDaemon, temporaryDir } from '#test/helpers/daemon.ts';

const run = promisify(execFile);

/** The JavaScript samples of the API reference, each as a function. */
async function samplesOf(url: string): Promise<string> {
  const { paths } = (await (await fetch(`${url}/api/v1/openapi.json`)).json()) as {
    paths: Record<
      string,
      Record<string, { operationId: string; 'x-codeSamples': { label: string; source: string }[] }>
    >;
  };
  const functions = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .flatMap(({ operationId, 'x-codeSamples': samples }) => {
      const source = samples.find(({ label }) => label === 'JavaScript')?.source;
      if (source === undefined) return [];
      const [imported = '', ...rest] = source.split('\n');
      assert.equal(imported, "import { StreamHub } from '@streamhub/client';");
      return [`export async function ${operationId}() {\n${rest.join('\n')}\n}`];
    });
  assert.ok(functions.length > 150, `${functions.length} samples`);
  return `import { StreamHub } from '@streamhub/client';\n${functions.join('\n')}\n`;
}

describe('the package of the client', () => {
  const scope = blockScope();
  const daemon = sharedDaemon();
  let folder = '';
  let installed = '';
  before(async () => {
    const dir = await temporaryDir(scope);
    await stageClient(path.join(dir, 'stage'));
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', dir, path.join(dir, 'stage')]);
    folder = await temporaryDir(scope);
    writeFileSync(path.join(folder, 'package.json'), '{"private":true,"type":"module"}');
    const tarball = path.join(dir, stdout.trim());
    await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder });
    installed = path.join(folder, 'node_modules', '@streamhub', 'client');
  });

  test('has no dependencies, the version of this repository, a README and a licence', () => {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'));
    assert.equal(manifest.version, version);
    assert.equal(manifest.dependencies, undefined);
    const scoped = path.join(folder, 'node_modules', '@streamhub');
    assert.deepEqual(readdirSync(scoped), ['client']);
    for (const file of ['README.md', 'LICENSE', 'index.js']) assert.ok(readdirSync(installed).includes(file), file);
    const code = readFileSync(path.join(installed, 'index.js'), 'utf8');
    // one module: it imports nothing, and has no schemas
    assert.doesNotMatch(code, /^import |\bimport\(|typebox/m);
  });

  test('works in Node.js', async () => {
    writeFileSync(
      path.join(folder, 'use.mjs'),
      `import { DaemonError, StreamHub } from '@streamhub/client';
       const [url, token] = process.argv.slice(2);
       const hub = new StreamHub({ url, token });
       const app = await hub.createApp({ body: { name: 'from-node' } });
       const seen = [];
       for await (const { action } of hub.listAudit({ query: { app: app.name } })) seen.push(action);
       const again = await hub.createApp({ body: { name: 'from-node' } }).result();
       const csv = await (await hub.exportMonthUsage()).text();
       console.log(JSON.stringify({ name: app.name, seen, code: again.error instanceof DaemonError && again.error.code, csv: csv.includes('from-node') }));`,
    );
    const { stdout } = await run(process.execPath, ['use.mjs', daemon.url, daemon.token], { cwd: folder });
    assert.deepEqual(JSON.parse(stdout), {
      name: 'from-node',
      seen: ['app.create'],
      code: 'APP_EXISTS',
      csv: true,
    });
  });

  test('its types suit strict TypeScript, for browsers and for Node.js, and find mistakes', async () => {
    const good = `import { DaemonError, StreamHub, verifyCallback, type App, type InputOf, type Result } from '@streamhub/client';
const hub = new StreamHub({ url: 'https://streams.example.com', token: async () => 'sk_x', retries: 3 });
export async function use(signal: AbortSignal): Promise<App> {
  const body: InputOf<'createApp'>['body'] = { name: 'live' };
  const app: App = await hub.createApp({ body }, { signal });
  const apps: readonly App[] = await hub.listApps();
  for await (const one of hub.listApps()) one.name.toUpperCase();
  for await (const vod of hub.listVods({ params: { app: apps[0]!.name }, query: { status: 'ready' } })) vod.id.toFixed();
  const page = await hub.listVods({ params: { app: 'live' } });
  page.total.toFixed();
  const { data, headers } = await hub.getApp({ params: { name: 'live' } }).withResponse();
  data.name.concat(headers['etag'] ?? '');
  const answer: Result<App> = await hub.getApp({ params: { name: 'live' } }).result();
  if (!answer.ok && answer.error instanceof DaemonError && answer.error.code === 'APP_NOT_FOUND') throw answer.error;
  for await (const { type, message } of hub.streamEvents({ query: { topics: 'apps' } }, { lastEventId: 7 })) {
    type.concat(message?.app ?? '');
    if (type === 'app.created') message.data.displayName.concat(type);
    if (type === 'job.progress') message.data.job.state.concat(type);
    // @ts-expect-error a type of event decides what its data is
    if (type === 'job.progress') message.data.displayName;
  }
  const file = await hub.exportMonthUsage({}, { onProgress: ({ received }) => received.toFixed() });
  const stream: ReadableStream<Uint8Array> = file.stream();
  await stream.cancel();
  await hub.installPlugin({ file: new Uint8Array(1) });
  const nothing: undefined = await hub.deleteVod({ params: { app: 'live', id: 1 } });
  const job = await hub.waitForJob('x');
  job.state.concat(String(nothing));
  const message = await verifyCallback(new Headers(), '{}', 'secret');
  message.event.concat('');
  return app;
}
`;
    const bad = `import { DaemonError, StreamHub } from '@streamhub/client';
const hub = new StreamHub({ url: 'https://streams.example.com' });
// @ts-expect-error a path parameter is missing
void hub.getApp();
// @ts-expect-error another name
void hub.createApp({ body: { nmae: 'live' } });
// @ts-expect-error no such state
void hub.listVods({ params: { app: 'live' }, query: { status: 'redy' } });
// @ts-expect-error no such operation
void hub.listAps();
export const isMissing = (error: unknown): boolean =>
  // @ts-expect-error no such code
  error instanceof DaemonError && error.code === 'APP_NOT_FOND';
`;
    writeFileSync(path.join(folder, 'good.ts'), good);
    writeFileSync(path.join(folder, 'bad.ts'), bad);
    writeFileSync(path.join(folder, 'samples.ts'), await samplesOf(daemon.url));
    const options = { strict: true, noEmit: true, target: 'es2024', types: [] as string[] };
    const configs = {
      browser: {
        files: ['good.ts', 'bad.ts'],
        lib: ['es2024', 'dom', 'dom.iterable'],
        module: 'esnext',
        moduleResolution: 'bundler',
      },
      node: {
        files: ['good.ts', 'bad.ts', 'samples.ts'],
        lib: ['es2024'],
        module: 'nodenext',
        moduleResolution: 'nodenext',
        types: ['node'],
        typeRoots: [path.join(ROOT, 'node_modules/@types')],
      },
    };
    for (const [name, { files, ...more }] of Object.entries(configs)) {
      const config = path.join(folder, `tsconfig.${name}.json`);
      writeFileSync(config, JSON.stringify({ compilerOptions: { ...options, ...more }, files }));
      await run(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', config]).catch((error) => {
        throw new Error(`${name}: ${error.stdout}`);
      });
    }
  });

  test('works in a browser, on a page of the daemon’s address', { skip: noChromium }, async (t) => {
    const context = await (await browser(t)).newContext();
    t.after(() => context.close());
    context.setDefaultTimeout(40_000);
    const page = await context.newPage();
    const code = readFileSync(path.join(installed, 'index.js'), 'utf8');
    // what a reverse proxy before the daemon does: the page has the daemon's address
    for (const origin of [daemon.url, 'http://127.0.0.1:9']) {
      await context.route(`${origin}/page/`, (route) =>
        route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Page</title>' }),
      );
      await context.route(`${origin}/page/client.js`, (route) =>
        route.fulfill({ contentType: 'text/javascript', body: code }),
      );
    }
    const use = async ([url, token]: [string, string]): Promise<unknown> => {
      const module = './client.js';
      const client: typeof import('#shared/client/index.ts') = await import(
        /* @vite-ignore */ new URL(module, location.href).href
      );
      const { StreamHub, verifyCallback } = client;
      const hub = new StreamHub({ url, token, retries: 0 });
      const made = await hub.createApp({ body: { name: 'from-page' } }).result();
      if (!made.ok) return `${made.error.name} ${'reason' in made.error ? made.error.reason : made.error.code}`;
      const onOpen = (): void => void hub.createApp({ body: { name: 'second-app' } });
      let type = '';
      for await (const event of hub.streamEvents({ query: { topics: 'apps' } }, { onOpen }))
        if (event.message?.app === 'second-app') {
          type = event.type;
          break;
        }
      const csv = await (await hub.exportMonthUsage()).text();
      const refused = await verifyCallback(
        { 'x-streamhub-signature': `sha256=${'0'.repeat(64)}` },
        '{}',
        'secret',
      ).catch((error: Error & { reason: string }) => error.reason);
      const names: string[] = [];
      for await (const { name } of hub.listApps()) names.push(name);
      return { type, csv: csv.includes('from-page'), refused, listed: names.includes('from-page') };
    };
    await page.goto(`${daemon.url}/page/`);
    assert.deepEqual(await page.evaluate(use, [daemon.url, daemon.token] as [string, string]), {
      type: 'app.created',
      csv: true,
      refused: 'wrong-signature',
      listed: true,
    });
    // pages of another address are not let in
    await page.goto('http://127.0.0.1:9/page/');
    assert.equal(await page.evaluate(use, [daemon.url, daemon.token] as [string, string]), 'UnreachableError network');
  });
});
