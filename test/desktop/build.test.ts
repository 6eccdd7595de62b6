import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { FuseState, getCurrentFuseWire } from '@electron/fuses';
import { build } from 'vite';
import { findRuntime } from '#desktop/main/local-daemon/runtime.ts';
import { builtConsole } from '../helpers/browser.ts';
import { ROOT, temporaryDir } from '../helpers/daemon.ts';
import { openApp, value } from './app.ts';

const run = promisify(execFile);
const { NODE_TEST_CONTEXT: _nested, ...env } = process.env;
const bin = (name: string) => path.join(ROOT, 'node_modules', '.bin', name);
const BUILTIN = new Set([...builtinModules, 'electron', 'bun']);

/** What a built file takes from outside. */
function imports(code: string): string[] {
  const found = code.matchAll(
    /(?:\brequire\(|^(?:import|export)\b[^;\n]*?\bfrom ?|^import ?)["'`]([\w@][^"'`\n ]*)["'`]/gm,
  );
  return [...new Set([...found].map(([, name]) => name ?? ''))];
}

test('main and preload are built whole: nothing but Electron and Node is left to load', async () => {
  await run(bin('electron-vite'), ['build', '--mode', 'host', '--logLevel', 'warn'], { cwd: ROOT, env });
  const preload = await readFile(path.join(ROOT, 'out/preload/index.cjs'), 'utf8');
  assert.deepEqual(imports(preload), ['electron']);
  assert.doesNotMatch(preload, /\bnew Function\b|\beval\(/);
  const main = await readFile(path.join(ROOT, 'out/main/index.js'), 'utf8');
  const outside = imports(main).filter((name) => !name.startsWith('node:') && !BUILTIN.has(name));
  assert.deepEqual(outside, []);
  assert.match(main, /from "electron"/);
  const { main: entry } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  assert.equal(entry, 'out/main/index.js');
});

test('the core works as it is bundled, libraries and all', async (t) => {
  const outDir = await temporaryDir(t);
  await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { alias: { '#shared': path.join(ROOT, 'shared') } },
    ssr: { noExternal: true },
    build: {
      outDir,
      emptyOutDir: true,
      ssr: path.join(ROOT, 'desktop/main/core.ts'),
      rollupOptions: { output: { entryFileNames: 'core.mjs' } },
    },
  });
  const program = `
    const { Core } = await import(${JSON.stringify(path.join(outDir, 'core.mjs'))});
    const shell = { versions: { app: '0', electron: null, chrome: null }, applyTheme() {}, healthChanged() {}, notify() {} };
    const core = new Core({ userData: process.argv[1], shell, emit() {}, runtime: 'none here', env: {} });
    await core.start();
    const ask = (channel, args) => core.dispatch(channel, args);
    const keychain = await ask('keychain:state', {});
    const test = await ask('connections:test', { target: { url: 'http://127.0.0.1:9' } });
    const terminal = await ask('terminal:available', {});
    await core.stop();
    console.log(JSON.stringify({ keychain, test, terminal }));`;
  const args = ['--input-type=module', '--eval', program, path.join(outDir, 'user')];
  const { stdout } = await run(process.execPath, args, { cwd: ROOT, env });
  const { keychain, test: report, terminal } = JSON.parse(stdout);
  assert.equal(keychain.ok, true);
  assert.equal(report.value.steps[1].status, 'failed');
  assert.equal(terminal.ok, true);
});

test('the fuses of a packed program lock it', async (t) => {
  const { FUSES, lock } = await import(path.join(ROOT, 'build/desktop/fuses.mjs'));
  const appOutDir = await temporaryDir(t);
  const program = path.join(appOutDir, 'streamhub-desktop');
  // as an Electron binary carries them: a mark, the version, how many, and one letter each
  const mark = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
  await writeFile(
    program,
    Buffer.concat([Buffer.from(`program${mark}`), Buffer.from([1, 9]), Buffer.from('100110010end')]),
  );
  const packager = { appInfo: { productFilename: 'StreamHub' }, executableName: 'streamhub-desktop' };
  await lock({ appOutDir, electronPlatformName: 'linux', arch: 1, packager });
  const wire = (await getCurrentFuseWire(program)) as unknown as Record<number, FuseState>;
  const set = Object.keys(FUSES)
    .filter((key) => /^\d+$/.test(key))
    .map((key) => [Number(key), wire[Number(key)] === FuseState.ENABLE]);
  assert.deepEqual(Object.fromEntries(set), {
    0: false,
    1: true,
    2: false,
    3: false,
    4: true,
    5: true,
    6: false,
    7: false,
    8: true,
  });
  await assert.rejects(lock({ appOutDir, electronPlatformName: 'win32', arch: 1, packager }), /no program/);
});

const withoutPackage = process.env['PACKAGE_TEST']
  ? false
  : 'packaging takes a minute and 300 MB: set PACKAGE_TEST=1 to run it';

test('a package holds the app, its native modules and a daemon that runs', { skip: withoutPackage }, async (t) => {
  const dir = await temporaryDir(t);
  // a stand-in for Electron's own files: what is packed around it is real
  const dist = path.join(dir, 'electron');
  await mkdir(path.join(dist, 'resources'), { recursive: true });
  const mark = Buffer.concat([
    Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'),
    Buffer.from([1, 9]),
    Buffer.from('100110010'),
  ]);
  await writeFile(path.join(dist, 'electron'), mark);
  await chmod(path.join(dist, 'electron'), 0o755);
  for (const file of ['LICENSE', 'LICENSES.chromium.html', 'chrome-sandbox'])
    await writeFile(path.join(dist, file), '');
  await run(process.execPath, [path.join(ROOT, 'build/build-daemon.mjs')], { cwd: ROOT, env });
  await builtConsole();
  await run(bin('electron-vite'), ['build', '--logLevel', 'warn'], { cwd: ROOT, env });
  const out = path.join(dir, 'dist');
  const flags = ['--linux', 'dir', '--config', 'build/desktop/electron-builder.mjs'];
  await run(bin('electron-builder'), [...flags, `-c.electronDist=${dist}`, `-c.directories.output=${out}`], {
    cwd: ROOT,
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
  const resources = path.join(out, 'linux-unpacked', 'resources');
  const { stdout: list } = await run(bin('asar'), ['list', path.join(resources, 'app.asar')], { env });
  for (const file of [
    '/package.json',
    '/out/main/index.js',
    '/out/preload/index.cjs',
    '/out/renderer/index.html',
    '/build/icons/tray-ok.png',
    '/node_modules/@napi-rs/keyring/index.js',
  ])
    assert.ok(list.split('\n').includes(file), file);
  assert.doesNotMatch(list, /\/node_modules\/(react|fastify|undici)\/|\/daemon\//);
  // the daemon of "this computer", as the packaged app starts it: its own Node, its bundle, its plugins, its console
  const root = path.join(resources, 'streamhub');
  const electron = {
    versions: { ...process.versions, electron: '0' },
    execPath: 'electron',
    platform: process.platform,
  };
  const runtime = findRuntime([root], electron);
  assert.deepEqual(runtime, {
    node: path.join(root, 'node_modules/node/bin/node'),
    entry: path.join(root, 'out/daemon/bin.mjs'),
  });
  const app = await openApp(t, { runtime });
  const running = await value(app.page.localDaemon.start({ keep: 'session' }));
  const connectionId = running.connectionId ?? '';
  await app.until(() => app.core.connections.get(connectionId).connection.state.status === 'online');
  const ask = async (place: string) => {
    const answer = await value(app.page.http.request({ connectionId, method: 'GET', path: `/api/v1${place}` }));
    assert.equal(answer.status, 200, answer.body ?? '');
    return JSON.parse(answer.body ?? '') as { data: { id: string; state: string }[] };
  };
  const plugins = (await ask('/plugins')).data;
  const failed = plugins.filter(({ state }) => state === 'failed').map(({ id }) => id);
  assert.deepEqual(failed, []);
  const builtIn = globSync('plugins/*/plugin.json', { cwd: ROOT }).length;
  assert.ok(plugins.length >= builtIn && builtIn > 0, `${plugins.length} of ${builtIn} built-in plugins`);
  const page = await fetch(running.url ?? '', { headers: { accept: 'text/html' } });
  assert.match(await page.text(), /<div id="root">/, 'the console is there');
});
