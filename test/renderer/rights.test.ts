import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { assertAccessible, browser, builtConsole, goInside, noChromium, openConsole } from '#test/helpers/browser.ts';
import { bucketPlace, giveBucket } from '#test/helpers/bucket.ts';
import { blockScope, type TestDaemon, testDaemon } from '#test/helpers/daemon.ts';
import { join, linkIn, MANY_ATTEMPTS, mailbox, makeTeam, PASSWORD } from '#test/helpers/people.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { type S3Server, startS3Server } from '#test/helpers/s3-server.ts';
import { until } from '#test/helpers/until.ts';
import { ConsolePage } from './console-page.ts';

const VICTIM = 'victim@example.com';

describe('what an installation with strangers and several buckets shows', { skip: noChromium }, () => {
  const owner = blockScope();
  let daemon: TestDaemon;
  let chromium: Browser;
  let page: Page;
  let ui: ConsolePage;
  const open = (place: string): Promise<void> => goInside(page, place);

  before(async () => {
    await builtConsole();
    daemon = await testDaemon(owner, { ...MANY_ATTEMPTS, STREAMHUB_ALLOW_SIGNUP: '1' });
    chromium = await browser(owner);
    page = await openConsole(owner, chromium, daemon.url, { token: daemon.token, path: '/account' });
    ui = new ConsolePage(page);
  });

  test('an app whose prefix overlaps says so in the list and on its page', async () => {
    for (const name of ['elder', 'younger']) await daemon.api.post('/apps', { name });
    // a config that is active already doesn't put the registry right again
    await daemon.api.get('/apps/younger/config/raw');
    const { registry } = daemon.services.apps;
    registry.replace({ ...registry.require('younger'), roomPrefix: 'elder-east', tenantId: 'tnt_other' });
    // what the page has read of it before may be kept for a while
    await page.goto(`${daemon.url}/apps`);
    await ui.row('younger').getByText('needs attention').waitFor();
    await ui.row('younger').click();
    await ui.alert().getByText('Give this app another prefix').waitFor();
    await assertAccessible(page, 'a problem of an app');
  });

  test('held prefixes are listed, and an operator frees one', async () => {
    await daemon.api.post('/apps', { name: 'gone' });
    await daemon.api.delete('/apps/gone');
    await page.goto(`${daemon.url}/apps`);
    await ui.button('Held prefixes (1)').click();
    const dialog = ui.dialog('Held room prefixes');
    await dialog.getByText('gone', { exact: true }).first().waitFor();
    await assertAccessible(page, 'the held prefixes');
    await dialog.getByRole('button', { name: 'Free the prefix gone' }).click();
    await ui.dialog('Free the prefix gone').getByRole('button', { name: 'Free prefix' }).click();
    await page.getByText('No prefix is held').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assert.deepEqual((await daemon.api.get('/room-prefixes/held')).body.data, []);
  });

  test('an invited person takes the address from an account that isn’t theirs', async () => {
    const host = await makeTeam(daemon, 'host');
    await daemon.api.as(null).post('/auth/signup', { email: VICTIM, password: PASSWORD });
    const { inviteUrl } = (await host.owner.api.post('/tenant/invites', { email: VICTIM })).body.data;
    const visitor = await openConsole(owner, chromium, daemon.url, {
      path: new URL(inviteUrl).pathname + new URL(inviteUrl).hash,
    });
    await visitor.getByLabel('Password of your account').waitFor();
    await visitor.getByLabel("The account with this address isn't mine").check();
    await assertAccessible(visitor, 'an invitation whose address someone else has');
    await visitor.getByLabel('Choose a password').fill('a password of the owner');
    await visitor.getByRole('button', { name: 'Accept the invitation' }).click();
    await visitor.getByRole('navigation', { name: 'Sections' }).waitFor();
    const people = (await daemon.api.get('/users?q=victim')).body.data;
    assert.equal(people.length, 1, 'the other account has the address no more');
  });

  test('a changed role, and a removal, reach the open pages of the person', async () => {
    const club = await makeTeam(daemon, 'club');
    await club.owner.api.post('/apps', { name: 'clubhouse' });
    const bob = await join(daemon, club.owner.api, 'bob@example.com', 'owner');
    const his = await openConsole(owner, chromium, daemon.url, { token: bob.api.token as string, path: '/apps' });
    const create = his.getByRole('button', { name: 'Create app' }).first();
    const row = new ConsolePage(his).row('clubhouse');
    await row.waitFor();
    assert.equal(await create.isDisabled(), false);
    await club.owner.api.patch(`/teams/mine/members/${bob.id}`, { role: 'viewer' });
    await until('the button is off', () => create.isDisabled());
    await row.waitFor();
    await club.owner.api.patch(`/teams/mine/members/${bob.id}`, { role: 'editor' });
    await until('the button is on', () => create.isEnabled());
    // a refusal makes the page ask for the rights again, also where no event came
    const asked = his.waitForRequest('**/auth/me');
    await his.route('**/api/v1/apps', (route) =>
      route.request().method() === 'POST'
        ? route.fulfill({ status: 403, json: { statusCode: 403, code: 'FORBIDDEN', message: 'Not allowed.' } })
        : route.continue(),
    );
    await create.click();
    await his.getByRole('dialog').getByLabel('Name', { exact: true }).fill('refused');
    await his.getByRole('dialog').getByRole('button', { name: 'Create app' }).click();
    await asked;
    await club.owner.api.delete(`/teams/mine/members/${bob.id}`);
    await row.waitFor({ state: 'hidden' });
  });

  test('a mailed sign-in link asks for the password of an account that shares a team', async (t) => {
    const box = await mailbox(t);
    const mailing = await testDaemon(t, { ...MANY_ATTEMPTS, ...box.env, STREAMHUB_ALLOW_SIGNUP: '1' });
    const email = 'founder@example.com';
    const signedUp = await mailing.api.as(null).post('/auth/signup', { email, password: PASSWORD, teamName: 'Films' });
    const founder = mailing.api.as(signedUp.body.data.token);
    await founder.post('/tenant/invites', { email: 'colleague@example.com' });
    await mailing.api.as(null).post('/auth/magic-link', { email });
    const { pathname, hash } = new URL(linkIn(await box.next(email)));
    const visitor = await openConsole(t, chromium, mailing.url, { path: pathname + hash });
    const signIn = visitor.getByRole('button', { name: 'Sign in' });
    await signIn.click();
    const password = visitor.getByLabel('Password of your account');
    await password.waitFor();
    await assertAccessible(visitor, 'a sign-in link to an account that shares a team');
    await visitor.getByLabel("The account with this address isn't mine").check();
    await visitor.getByLabel('Choose a password').waitFor();
    await visitor.getByLabel("The account with this address isn't mine").uncheck();
    await password.fill('not the password');
    await signIn.click();
    await new ConsolePage(visitor).alert().getByText('the password is wrong').waitFor();
    await password.fill(PASSWORD);
    await signIn.click();
    await visitor.getByRole('navigation', { name: 'Sections' }).waitFor();
    const people = (await mailing.api.get(`/users?q=${email}`)).body.data;
    assert.deepEqual(
      people.map((one: any) => [one.emailProven, one.teams.map(({ name }: any) => name)]),
      [[true, ['Films']]],
    );
  });

  test('recordings in another bucket, a link that is refused, and a public endpoint', async (t) => {
    const started = startS3Server();
    if (typeof started === 'string') return t.skip(started);
    const s3: S3Server = started;
    t.after(() => s3.stop());
    await daemon.api.post('/apps', { name: 'movies' });
    const old = await giveBucket(daemon.api, 'movies', s3);
    const place = bucketPlace(s3, old);
    await s3.put(old, ['streamhub/movies/film.mp4']);
    addVods(daemon.dataDir, 'movies', [{ key: 'streamhub/movies/film.mp4', place }]);
    const stranger = await s3.user('stranger');
    await giveBucket(daemon.api, 'movies', s3);
    await open('/apps/movies/storage');
    const elsewhere = page.getByText('1 recording in other buckets');
    await elsewhere.waitFor();
    await page.getByText(`1 recording in ${old}`).waitFor();
    await ui.field('Public endpoint').fill('https://files.example.com');
    await ui.button('Save storage').click();
    await page.getByText('Saved and active').waitFor();
    assert.equal((await daemon.api.get('/apps/movies/s3')).body.data.public_endpoint, 'https://files.example.com');
    await assertAccessible(page, 'storage with recordings elsewhere');
    // back to the bucket of the recording, with keys that may not read it
    const { status } = await daemon.api.put('/apps/movies/s3', { bucket: old, ...stranger, public_endpoint: '' });
    assert.equal(status, 200);
    await open('/apps/movies/recordings');
    await ui.row('recording').click();
    await page.getByText('The storage refuses links to it').waitFor();
    await assertAccessible(page, 'a recording whose link is refused');

    // the bucket is gone for good: the app is deleted, its objects stay
    await open('/apps/movies/recordings');
    await ui.button('Actions for movies').click();
    await page.getByRole('menuitem', { name: 'Delete app…' }).click();
    const dialog = ui.dialog('Delete app movies');
    await dialog.getByLabel(/Also delete 1 recording/).check();
    await dialog.getByLabel(/leave the objects/).check();
    await dialog.getByText(/objects stay in bucket/).waitFor();
    await assertAccessible(page, 'a deletion that leaves the objects');
    await dialog.getByLabel(/to go on/).fill('movies');
    await dialog.getByRole('button', { name: 'Delete app and recordings' }).click();
    await page.waitForURL('**/apps');
    await ui.row('movies').waitFor({ state: 'hidden' });
    assert.deepEqual(await s3.keys(old), ['streamhub/movies/film.mp4']);
  });
});
