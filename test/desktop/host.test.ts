import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import type { Page } from 'playwright-core';
import type { DesktopBridge } from '#shared/ipc/index.ts';
import { browser, noChromium } from '../helpers/browser.ts';
import { TEST_TOKEN, temporaryDir, testDaemon } from '../helpers/daemon.ts';
import { builtRenderer, type DesktopHost, desktopHost, desktopHostProcess, QUICK } from '../helpers/desktop-host.ts';
import { keychainMissing } from '../helpers/keychain.ts';

declare const window: { streamhub: DesktopBridge; shell: string[] };

async function open(
  t: { after(fn: () => unknown): void },
  host: DesktopHost,
): Promise<{ page: Page; violations: string[] }> {
  const chromium = await browser(t);
  const page = await chromium.newPage();
  const violations: string[] = [];
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) violations.push(message.text());
  });
  await page.addInitScript(host.bridgeScript);
  await page.goto(host.url);
  return { page, violations };
}

test('the real renderer runs over the real core, with the policy of the app', { skip: noChromium }, async (t) => {
  await builtRenderer();
  const daemon = await testDaemon(t);
  const host = await desktopHost(t, { timing: QUICK });
  const { page, violations } = await open(t, host);
  await page.waitForSelector('#root > *:not(style)');
  const frozen = await page.evaluate(() => {
    const { streamhub } = window;
    return Object.isFrozen(streamhub) && Object.values(streamhub).every((area) => Object.isFrozen(area));
  });
  assert.equal(frozen, true);
  const added = await page.evaluate(
    ([url, token]) =>
      window.streamhub.connections.add({ url, credential: { kind: 'token', token }, keep: 'session', name: 'Paris' }),
    [daemon.url, TEST_TOKEN] as const,
  );
  assert.ok(added.ok);
  const { id } = added.value;
  const answer = await page.evaluate(
    (connectionId) => window.streamhub.http.request({ connectionId, method: 'GET', path: '/api/v1/apps' }),
    id,
  );
  assert.ok(answer.ok && answer.value.status === 200);
  assert.ok(!(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))).includes(TEST_TOKEN));
  await page.evaluate(() => {
    window.shell = [];
    window.streamhub.desktop.onCommand((command) => window.shell.push(command.kind));
    return window.streamhub.desktop.ready();
  });
  await host.command({ kind: 'palette' });
  await page.waitForFunction(() => window.shell.includes('palette'));
  await page.evaluate(() => window.streamhub.desktop.openExternal({ url: 'https://example.com/' }));
  const { opened, health } = await host.recorded();
  assert.deepEqual(opened, ['https://example.com/']);
  assert.equal(health?.daemons[0]?.name, 'Paris');
  assert.deepEqual(violations, []);
});

test('a page calls the core in a process of its own with a real keyring', {
  skip: noChromium || keychainMissing(),
}, async (t) => {
  const daemon = await testDaemon(t);
  const renderer = await temporaryDir(t);
  await writeFile(path.join(renderer, 'index.html'), '<!doctype html><title>page</title>');
  const host = await desktopHostProcess(t, { keychain: true, timing: QUICK, renderer });
  const { page } = await open(t, host);
  const outcome = await page.evaluate(
    async ([url, token]) => {
      const { connections, keychain } = window.streamhub;
      const state = await keychain.state();
      const added = await connections.add({ url, credential: { kind: 'token', token }, keep: 'keychain' });
      return { state, added };
    },
    [daemon.url, TEST_TOKEN] as const,
  );
  assert.ok(outcome.state.ok && outcome.state.value.state === 'ready');
  assert.ok(outcome.added.ok && outcome.added.value.credential.kept === 'keychain');
});
