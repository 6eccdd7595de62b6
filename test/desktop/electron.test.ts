import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { _electron } from 'playwright-core';
import type { DesktopBridge } from '#shared/ipc/index.ts';
import { ROOT, TEST_TOKEN, temporaryDir, testDaemon } from '../helpers/daemon.ts';

declare const window: {
  streamhub: DesktopBridge;
  process?: unknown;
  require?: unknown;
  open(url: string): unknown;
};

const program = process.env['ELECTRON_BIN'] ?? path.join(ROOT, 'node_modules/electron/dist/electron');
const missing = !existsSync(program)
  ? `Electron’s binary is not on this machine (${program}; set ELECTRON_BIN to its path)`
  : process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']
    ? 'there is no screen: run it under xvfb-run'
    : false;

test('real Electron: the window, its cage, the bridge, a daemon', { skip: missing }, async (t) => {
  const { NODE_TEST_CONTEXT: _nested, ...env } = process.env;
  await promisify(execFile)(path.join(ROOT, 'node_modules/.bin/electron-vite'), ['build'], { cwd: ROOT, env });
  const userData = await temporaryDir(t);
  const daemon = await testDaemon(t);
  const app = await _electron.launch({
    executablePath: program,
    args: [ROOT, `--user-data-dir=${userData}`, '--no-sandbox'],
    env: { ...(env as Record<string, string>) },
  });
  t.after(() => app.close());
  const page = await app.firstWindow();
  assert.equal(page.url().split('/').slice(0, 3).join('/'), 'app://streamhub');
  await page.waitForSelector('#root > *');

  const cage = await page.evaluate(() => ({
    node: typeof window.process !== 'undefined' || typeof window.require !== 'undefined',
    frozen: Object.isFrozen(window.streamhub),
    popup: window.open('https://example.com/') === null,
  }));
  assert.deepEqual(cage, { node: false, frozen: true, popup: true });
  const preferences = await app.evaluate(({ BrowserWindow }) => {
    const contents = BrowserWindow.getAllWindows()[0]?.webContents;
    return (contents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences();
  });
  assert.equal(preferences['sandbox'], true);
  assert.equal(preferences['contextIsolation'], true);
  assert.equal(preferences['nodeIntegration'], false);
  await page.evaluate(() => {
    location.href = 'https://example.com/';
  });
  assert.ok(page.url().startsWith('app://streamhub/'));

  const about = await page.evaluate(() => window.streamhub.desktop.about());
  assert.ok(about.ok && about.value.electron !== null);
  const added = await page.evaluate(
    ([url, token]) =>
      window.streamhub.connections.add({ url, credential: { kind: 'token', token }, keep: 'session', name: 'Smoke' }),
    [daemon.url, TEST_TOKEN] as const,
  );
  assert.ok(added.ok);
  await page.getByText('Smoke').first().waitFor();
  const answer = await page.evaluate(
    (connectionId) => window.streamhub.http.request({ connectionId, method: 'GET', path: '/api/v1/apps' }),
    added.value.id,
  );
  assert.ok(answer.ok && answer.value.status === 200);
});
