import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOTP } from 'otpauth';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { ConsolePage } from './console-page.ts';

const PASSWORD = 'a long password';

test('from the setup link to a colleague with a second factor', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t);
  const chromium = await browser(t);
  const link = daemon.firstStart.setup?.url;
  assert.ok(link, 'a fresh daemon prints a setup link');
  const { pathname, hash } = new URL(link);
  const page = await openConsole(t, chromium, daemon.url, { path: pathname + hash.slice(0, 9) });
  const ui = new ConsolePage(page);
  let invitation = '';

  await t.test('the whole link is taken over one without its end', async () => {
    await page.getByText('This link is incomplete').waitFor();
    await page.goto(daemon.url + pathname + hash);
  });

  await t.test('the first person chooses a password and is in', async () => {
    await page.getByRole('heading', { name: 'Set up StreamHub' }).waitFor();
    await assertAccessible(page, 'the set-up page');
    await ui.field('Email address').fill('ana@example.com');
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await ui.button('Create account').click();
    await ui.heading('Overview').waitFor();
    await ui.button('Signed in as ana@example.com').waitFor();
  });

  await t.test('invites a colleague by a link', async () => {
    await ui.section('Access').click();
    await page.getByRole('link', { name: 'Your team' }).click();
    await ui.button('Invite someone').click();
    const dialog = ui.dialog(/^Invite to/);
    await dialog.getByLabel('Email address').fill('ben@example.com');
    await dialog.getByLabel('editor').check();
    await dialog.getByText('can’t delete apps or manage people').waitFor();
    await dialog.getByText('changes nothing').waitFor();
    await dialog.getByText('everything in the team').waitFor();
    await dialog.getByRole('button', { name: 'Invite' }).click();
    await dialog.getByText('Send this link yourself').waitFor();
    await dialog.getByText('Others may not be able to open this link').waitFor();
    await assertAccessible(page, 'an invitation');
    invitation = await dialog.getByRole('region', { name: 'invitation link' }).innerText();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
    await page.getByRole('heading', { name: 'Open invitations' }).waitFor();
  });

  await t.test('the colleague accepts, turns the second factor on and signs in with it', async (t) => {
    const { pathname, hash } = new URL(invitation);
    const other = await openConsole(t, chromium, daemon.url, { path: pathname + hash });
    const his = new ConsolePage(other);
    await other.getByText('ben@example.com, as editor').waitFor();
    await his.field('Name').fill('Ben');
    await other.getByLabel('Choose a password').fill(PASSWORD);
    await assertAccessible(other, 'accepting an invitation');
    await his.button('Accept the invitation').click();
    await his.heading('Overview').waitFor();
    await his.button('Signed in as ben@example.com').click();
    await other.getByRole('menuitem', { name: 'Account' }).click();
    await his.heading('Account').waitFor();
    await assertAccessible(other, 'the account');
    await his.button('Turn on').click();
    await his.button('Show QR code').click();
    const secret = his.dialog().getByRole('region', { name: 'secret' });
    assert.ok(await secret.evaluate((shown) => shown.scrollWidth <= shown.clientWidth), 'it is shown whole');
    const totp = new TOTP({ secret: await secret.innerText() });
    await his.dialog().getByLabel('Digit 1').click();
    // typed again after a wrong one, without a click
    await other.keyboard.type(wrongCode(totp));
    await his.dialog().getByRole('alert').getByText('The code is wrong.').waitFor();
    await other.keyboard.type(totp.generate());
    await his.dialog().getByText('Shown this once').waitFor();
    await assertAccessible(other, 'the recovery codes');
    const codes = (await his.dialog().getByRole('region', { name: 'recovery codes' }).innerText()).split(/\s+/);
    await his.button('I have them').click();
    await his.button('Turn off').waitFor();
    await his.button(/^Signed in as/).click();
    await other.getByRole('menuitem', { name: 'Sign out' }).click();
    await other.getByText('Password', { exact: true }).first().click();
    await his.field('Email address or admin name').fill('ben@example.com');
    await other.locator('input[type=password]').fill(PASSWORD);
    await his.button('Sign in').click();
    await other.getByText('This account uses two-factor authentication').waitFor();
    await assertAccessible(other, 'the second factor');
    for (const _ of [1, 2]) {
      const refused = other.waitForResponse(
        (answer) => answer.url().endsWith('/auth/login') && answer.status() === 401,
      );
      await other.keyboard.type(wrongCode(totp));
      await (await refused).finished();
      await other.getByLabel('Digit 1').and(other.locator(':focus')).waitFor();
    }
    await his.button('Use a recovery code').click();
    // as people note them down
    await his.field('Recovery code').fill(` ${codes[0]?.slice(0, 5)}-${codes[0]?.slice(5)} `);
    await his.button('Sign in').click();
    await his.heading('Account').waitFor();
  });

  await t.test('roles, sessions and the audit trail show it', async () => {
    await page.reload();
    await ui.row('ben@example.com').waitFor();
    await ui.field('Role of ben@example.com').selectOption('viewer');
    await ui.row('ben@example.com').getByText('member').waitFor();
    await page.getByText('The people of a team share its apps.').waitFor();
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByText('a superadmin everything').waitFor();
    await ui.row('ben@example.com').waitFor();
    await assertAccessible(page, 'the people');
    await ui.section('Audit').click();
    await ui.row('Accept invitation').first().waitFor();
    await ui.row('Change role').first().click();
    await ui.dialog('Change role').getByRole('cell', { name: 'viewer' }).waitFor();
    await assertAccessible(page, 'an audit entry');
    await page.keyboard.press('Escape');
    const who = ui.field('Who');
    await who.pressSequentially('ben');
    await who.press('ArrowLeft');
    await who.pressSequentially('xy');
    assert.equal(await who.inputValue(), 'bexyn', 'the caret stays where one types');
  });
});

/** Six digits that are not the code of now, nor of the step before or after. */
function wrongCode(totp: TOTP): string {
  const valid = [-30_000, 0, 30_000].map((away) => totp.generate({ timestamp: Date.now() + away }));
  return ['111111', '222222', '333333', '444444'].find((code) => !valid.includes(code)) as string;
}
