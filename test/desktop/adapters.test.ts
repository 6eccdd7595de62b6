import assert from 'node:assert/strict';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import type { DesktopBridge } from '#shared/ipc/index.ts';
import { until } from '#test/helpers/until.ts';
import { ROOT, TEST_TOKEN, temporaryDir, testDaemon } from '../helpers/daemon.ts';
import * as electron from '../helpers/electron-stand-in.ts';

const { app, asked, BrowserWindow, calls, ipcMain, SystemEvent } = electron;
const CLUSTER_TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';

type Frame = { url: string; parent: unknown };
interface MenuItem {
  label?: string;
  submenu?: MenuItem[];
  click?: () => void;
}

test('the app starts, locks its pages in, answers them, remembers its window and ends in order', async (t) => {
  const root = await temporaryDir(t);
  const userData = await temporaryDir(t);
  Object.assign(electron.places, { app: root, userData });
  await mkdir(path.join(root, 'out/renderer'), { recursive: true });
  await writeFile(path.join(root, 'out/renderer/index.html'), '<!doctype html><title>page</title>');
  await cp(path.join(ROOT, 'build/icons'), path.join(root, 'build/icons'), { recursive: true });
  electron.standIn();
  const daemon = await testDaemon(t, { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN, STREAMHUB_CLUSTER_STALE_S: '2' });
  await import('#desktop/main/index.ts');
  await import('#desktop/preload/index.ts');
  const page = electron.world['streamhub'] as DesktopBridge;
  app.becomeReady();
  await until('the app is as expected', () => asked('loadURL') !== undefined);
  const [window] = BrowserWindow.all;
  assert.ok(window);

  await t.test('its pages live at an origin of their own, served with their policy', async () => {
    const [schemes, wasReady] = asked('registerSchemesAsPrivileged') ?? [];
    assert.equal(wasReady, false, 'a scheme is registered before the app is ready');
    assert.deepEqual((schemes as { privileges: object }[])[0]?.privileges, {
      standard: true,
      secure: true,
      supportFetchAPI: true,
      codeCache: true,
    });
    assert.deepEqual(asked('loadURL'), ['app://streamhub/']);
    const get = (url: string) => electron.protocol.handlers.get('app')?.(new Request(url));
    const answer = await get('app://streamhub/d/one/apps');
    assert.equal(answer?.status, 200);
    assert.match(await (answer as Response).text(), /<title>page/);
    assert.match(answer?.headers.get('content-security-policy') ?? '', /script-src 'self'/);
    assert.equal((await get('app://elsewhere/'))?.status, 400);
    assert.equal((await get('app://streamhub/%2e%2e/%2e%2e/package.json'))?.status, 404);
  });

  await t.test('the window is a sandbox', () => {
    const { webPreferences, show } = window.options;
    assert.equal(show, false);
    const wanted = {
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      devTools: false,
    };
    for (const [name, value] of Object.entries(wanted)) assert.equal(webPreferences[name], value, name);
    assert.equal(webPreferences['preload'], path.join(root, 'out/preload/index.cjs'));
  });

  await t.test('navigation, windows, webviews, permissions, devices and downloads are denied', () => {
    const { webContents } = window;
    const prevented = (name: string, url: string): boolean => {
      const event = Object.assign(new SystemEvent(), { url });
      webContents.emit(name, event);
      return event.defaultPrevented;
    };
    for (const name of ['will-navigate', 'will-frame-navigate', 'will-redirect']) {
      assert.equal(prevented(name, 'https://example.com/'), true, name);
      assert.equal(prevented(name, 'app://streamhub/d/one'), false, name);
    }
    assert.equal(prevented('will-attach-webview', 'app://streamhub/'), true);
    assert.deepEqual(webContents.openHandler?.({ url: 'https://example.com/' }), { action: 'deny' });
    assert.deepEqual(asked('openExternal'), ['https://example.com/']);
    assert.deepEqual(webContents.openHandler?.({ url: 'file:///etc/passwd' }), { action: 'deny' });
    assert.deepEqual(asked('openExternal'), ['https://example.com/']);

    const own = electron.session.defaultSession;
    const handlers = own.handlers as Record<string, (...args: unknown[]) => unknown>;
    const requested = (permission: string, requestingUrl: string): unknown => {
      let answer: unknown;
      const tell = (value: unknown): void => void (answer = value);
      handlers['request']?.(webContents, permission, tell, { requestingUrl });
      return answer;
    };
    assert.equal(requested('media', 'app://streamhub/'), false);
    assert.equal(requested('fullscreen', 'app://streamhub/'), true);
    assert.equal(requested('fullscreen', 'https://example.com/'), false);
    assert.equal(handlers['check']?.(webContents, 'clipboard-read', 'app://streamhub'), false);
    assert.equal(handlers['device']?.({}), false);
    const download = new SystemEvent();
    own.emit('will-download', download);
    assert.equal(download.defaultPrevented, true);
  });

  await t.test('calls are answered to the own page’s top frame only', async () => {
    const about = await page.desktop.about();
    assert.ok(about.ok && about.value.userData === userData);
    const from = (frame: Frame | null) =>
      ipcMain.from(frame, 'streamhub:call', 'desktop:about', {}) as Promise<{ ok: boolean; error?: { code: string } }>;
    for (const frame of [
      null,
      { url: 'https://example.com/', parent: null },
      { url: 'app://elsewhere/', parent: null },
      { url: 'app://streamhub/', parent: { url: 'app://streamhub/' } },
    ])
      assert.equal((await from(frame)).error?.code, 'FORBIDDEN_SENDER', JSON.stringify(frame));
    assert.equal((await from({ url: 'app://streamhub/', parent: null })).ok, true);
  });

  await t.test('menu and tray follow the daemons, and a lost node is a notification that leads to it', async () => {
    const commands: { kind: string; path?: string }[] = [];
    page.desktop.onCommand((command) => void commands.push(command));
    const waiting = await page.desktop.ready();
    assert.ok(waiting.ok);
    const credential = { kind: 'token', token: TEST_TOKEN } as const;
    const added = await page.connections.add({ url: daemon.url, name: 'Paris', credential, keep: 'session' });
    assert.ok(added.ok);
    const labels = (items: MenuItem[]): string[] =>
      items.flatMap(({ label, submenu }) => [...(label === undefined ? [] : [label]), ...labels(submenu ?? [])]);
    await until('the app is as expected', () =>
      labels((asked('setApplicationMenu')?.[0] ?? []) as MenuItem[]).includes('Paris'),
    );
    await until('the app is as expected', () =>
      labels((asked('tray.setContextMenu')?.[0] ?? []) as MenuItem[]).some((label) =>
        label.startsWith('✕ Paris: LiveKit is not connected'),
      ),
    );
    assert.equal(String(asked('tray.setImage')?.[0]), path.join(root, 'build/icons/tray-trouble.png'));

    // the event stream is open before the node falls silent
    await until('the app is as expected', async () => {
      const list = await page.connections.list();
      return list.ok && list.value.connections[0]?.state.live === true;
    });
    const node = daemon.api.as(null);
    const joined = await node.post(
      '/cluster/join',
      { name: 'edge-1', ip: '203.0.113.1' },
      { 'x-cluster-token': CLUSTER_TOKEN },
    );
    const { nodeId, nodeToken } = joined.body.data;
    await node.post(
      '/cluster/heartbeat',
      { nodeId, stats: { role: 'edge', cores: 8 } },
      { 'x-cluster-token': nodeToken },
    );
    // on a slow machine the daemon's own node may fall silent too
    type Shown = [string, { title: string; body: string }, { emit(name: string): void }];
    const ofNode = () =>
      calls.find(([what, options]) => what === 'Notification' && (options as Shown[1]).body.includes('edge-1'));
    await until('the app is as expected', () => ofNode() !== undefined);
    const [, options, shown] = ofNode() as unknown as Shown;
    assert.match(options.title, /^Paris: (?:Node edge-1 isn’t reporting|2 nodes need attention)$/);
    assert.match(options.body, /Node edge-1 isn’t reporting\./);
    const tray = (): string => labels((asked('tray.setContextMenu')?.[0] ?? []) as MenuItem[]).join('\n');
    await until('the app is as expected', () => /^✕ Paris: LiveKit is not connected.* \(\+\d\)$/m.test(tray()));
    shown.emit('click');
    assert.match(commands.at(-1)?.path ?? '', /^\/alerts/);

    const menu = asked('setApplicationMenu')?.[0] as MenuItem[];
    const view = menu.flatMap(({ submenu }) => submenu ?? []).find(({ label }) => label === 'Command palette…');
    view?.click?.();
    assert.equal(commands.at(-1)?.kind, 'palette');
    app.emit('second-instance', new SystemEvent(), ['app', 'streamhub://connect?url=https%3A%2F%2Fstudio.example.com']);
    assert.equal(commands.at(-1)?.kind, 'add-connection');
  });

  await t.test('the window comes back where it was', async () => {
    assert.ok((await page.desktop.setPreferences({ closeToTray: false })).ok);
    window.bounds = { x: 300, y: 200, width: 900, height: 600 };
    window.emit('move');
    assert.equal(window.close(), true);
    await until('the app is as expected', () =>
      readFile(path.join(userData, 'window.json'), 'utf8').then(
        (text) => text.includes('900'),
        () => false,
      ),
    );
    app.emit('activate');
    await until('the app is as expected', () => BrowserWindow.all.length === 1);
    const [next] = BrowserWindow.all;
    assert.ok(next);
    const { x, y, width, height } = next.options;
    assert.deepEqual({ x, y, width, height }, window.bounds);
    assert.ok((await page.desktop.setPreferences({ closeToTray: true })).ok);
    assert.equal(next.close(), false, 'it is hidden, not closed');
    assert.equal(next.isShown, false);
  });

  await t.test('quitting waits until everything has come to rest', async () => {
    app.quit();
    assert.equal(
      calls.some(([what]) => what === 'ended'),
      false,
    );
    await until('the app is as expected', () => calls.some(([what]) => what === 'ended'));
    const list = JSON.parse(await readFile(path.join(userData, 'connections.json'), 'utf8'));
    assert.equal(list.data.connections.length, 1);
    assert.ok(!JSON.stringify(list).includes(TEST_TOKEN));
  });
});
