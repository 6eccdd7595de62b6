import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { assertAccessible, browser, noChromium } from '#test/helpers/browser.ts';
import { makeCertificate, tlsFront } from '#test/helpers/certificates.ts';
import { temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { builtRenderer, desktopHostProcess, QUICK } from '#test/helpers/desktop-host.ts';
import { textsBelow } from '#test/helpers/files.ts';
import { keychainMissing } from '#test/helpers/keychain.ts';
import { ConsolePage } from './console-page.ts';

const CLUSTER_TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';

/** A far machine that is none: it says whom it was asked for, and gives a real shell. */
const SSH = '#!/bin/sh\necho "signed in with: $*"\nPS1="far> " exec sh -i\n';

/** Every file of the app's folder; the data of the daemon of its own aside, which keeps hashes. */
async function filesWith(folder: string, text: string): Promise<string[]> {
  return (await textsBelow(folder)).filter((file) => file.text.includes(text)).map(({ file }) => file);
}

test('the app and its machine: keychain, certificate, terminal, a daemon of its own', {
  skip: noChromium || keychainMissing(),
}, async (t) => {
  await builtRenderer();
  const bin = await temporaryDir(t);
  await writeFile(path.join(bin, 'ssh'), SSH);
  await chmod(path.join(bin, 'ssh'), 0o755);
  const daemon = await testDaemon(t, { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN });
  const certificate = await makeCertificate('studio');
  const front = await tlsFront(t, daemon.url, certificate);
  const userData = await temporaryDir(t);
  const host = await desktopHostProcess(t, {
    keychain: true,
    timing: QUICK,
    userData,
    env: { PATH: `${bin}:${process.env['PATH']}`, GPU_DISABLE: 'true', STREAMHUB_CONSOLE_BUILD: 'off' },
  });
  const chromium = await browser(t);
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  page.setDefaultTimeout(60_000);
  await page.addInitScript(host.bridgeScript);
  await page.goto(host.url);
  const ui = new ConsolePage(page);
  const rail = page.getByRole('navigation', { name: 'Daemons' });

  await t.test('a daemon of its own is one press away and needs no server', async () => {
    await ui.heading('Welcome to StreamHub').waitFor();
    await ui.button('Start a daemon here').click();
    await ui.heading('Overview').waitFor();
    await rail.getByRole('link', { name: /This computer, Connected/ }).waitFor();
    await ui.section('Apps').click();
    await ui.row('live').waitFor();
  });

  await t.test('a certificate of its own is pinned after its fingerprint was compared', async () => {
    await rail.getByRole('link', { name: 'Add a daemon' }).click();
    await ui.field('Address').fill(front.url);
    await ui.field('Name').fill('Studio');
    await page.getByLabel('Token', { exact: true }).fill(daemon.token);
    await ui.button('Test connection').click();
    await page.getByText(certificate.fingerprint, { exact: true }).waitFor();
    assert.equal(await ui.button('Add daemon').isDisabled(), true);
    await assertAccessible(page, 'an unknown certificate');
    await page.getByLabel('I have compared it; trust this certificate').check();
    await page.getByLabel('Keep it in the Secret Service').waitFor();
    await ui.button('Add daemon').click();
    await rail.getByRole('link', { name: /Studio, Connected/ }).waitFor();
    assert.deepEqual(await filesWith(userData, daemon.token), [], 'no credential in a file');
    assert.ok((await filesWith(userData, certificate.fingerprint)).length > 0, 'the pin is remembered');
  });

  await t.test('a terminal in the wizard signs in to the new machine, and the line is pasted there', async () => {
    await ui.section('Cluster').click();
    await ui.button('Add node').click();
    await ui.button('Create join command').click();
    await ui.button('Open a terminal').click();
    await ui.field('Machine').fill('root@203.0.113.7:2222');
    await ui.button('Connect').click();
    const screen = page.locator('.xterm-accessibility');
    await screen.getByText('root@203.0.113.7').first().waitFor();
    await screen.getByText('far>').first().waitFor();
    await ui.button('Paste the command').click();
    await screen.getByText('STREAMHUB_JOIN_CODE').first().waitFor();
    await page.locator('.xterm-helper-textarea').focus();
    await page.keyboard.press('Control+C');
    await page.keyboard.type('exit 7');
    await page.keyboard.press('Enter');
    await page.getByText('The session has ended (7).').waitFor();
    await assertAccessible(page, 'the terminal');
    await page.keyboard.press('Escape');
  });

  await t.test('a locked keychain is named, and nothing is asked twice once it is open', async () => {
    await host.keyring('lock');
    await host.again();
    await page.goto(host.url);
    await ui.row('Studio').getByText('Keychain locked').waitFor();
    await rail.getByRole('link', { name: /Studio/ }).click();
    await ui.dialog('The keychain is locked').waitFor();
    await assertAccessible(page, 'a locked keychain');
    await page.goto(`${host.url}/add`);
    await page.getByText('The keychain is locked.').waitFor();
    await page.getByText('you stay signed in until the app ends').waitFor();
    await host.keyring('unlock');
    await rail.getByRole('link', { name: /Studio, Connected/ }).waitFor();
    await page.getByLabel('Keep it in the Secret Service').waitFor();
  });

  await t.test('what was kept for one session is not stored: it says so, and asks to sign in', async () => {
    const added = await page.evaluate(
      ([url, token]) =>
        (globalThis as any).streamhub.connections.add({
          url,
          name: 'Passing',
          credential: { kind: 'token', token },
          keep: 'session',
        }),
      [daemon.url, daemon.token] as const,
    );
    assert.ok(added.ok, JSON.stringify(added));
    await rail.getByRole('link', { name: /Passing, Connected/ }).waitFor();
    assert.deepEqual(await filesWith(userData, daemon.token), []);
    await host.again();
    await page.goto(host.url);
    await ui.row('Passing').getByText('Signed out').waitFor();
    await rail.getByRole('link', { name: /Passing/ }).click();
    await page.getByText('No credential is stored for Passing').first().waitFor();
    await assertAccessible(page, 'no credential');
  });

  await t.test('another certificate than the pinned one stops everything', async () => {
    front.use(await makeCertificate('somebody else'));
    await host.again();
    await page.goto(host.url);
    await ui.row('Studio').getByText('Certificate not trusted').waitFor();
    await rail.getByRole('link', { name: /Studio/ }).click();
    await ui.dialog('Another certificate on Studio').waitFor();
    await assertAccessible(page, 'a replaced certificate');
  });
});
