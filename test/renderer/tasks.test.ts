import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { LogRepository } from '#daemon/platform/logs/repository.ts';
import { browser, noChromium } from '#test/helpers/browser.ts';
import { bucketPlace, giveBucket } from '#test/helpers/bucket.ts';
import { ROOT, type TestDaemon, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { builtRenderer, desktopHost, QUICK } from '#test/helpers/desktop-host.ts';
import { addVods } from '#test/helpers/recordings.ts';
import { startS3Server } from '#test/helpers/s3-server.ts';
import { clickCounter } from './click-counter.ts';
import { ConsolePage } from './console-page.ts';

const CONFIG = `name: live
display_name: Live
room_prefix: live
recording:
  enabled: true
  split_minutes: 15
transcoding:
  enabled: false
`;
const CLUSTER_TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';

/** The most presses that each task may take; docs/tasks.md says how many it does. */
const BUDGET: Record<string, number> = {
  'See what is wrong on all daemons': 0,
  'Add a daemon': 3,
  'Change a setting and review it': 4,
  'Take a change back': 3,
  'Connect a storage bucket': 5,
  'Find yesterday’s error of an app': 4,
  'Drain a node': 3,
  'Make a token for a CI job': 4,
  'Compare an app on two daemons': 3,
  'Delete an app with its recordings': 4,
};

async function joinNode(daemon: TestDaemon, name: string, rooms: number): Promise<void> {
  const node = daemon.api.as(null);
  const joined = await node.post('/cluster/join', { name, ip: '203.0.113.1' }, { 'x-cluster-token': CLUSTER_TOKEN });
  const { nodeId, nodeToken } = joined.body.data;
  const livekit = { state: 'running', nodeId: 'ND_1', rooms, participants: rooms, clients: 0, foreignClients: 0 };
  const beat = await node.post(
    '/cluster/heartbeat',
    { nodeId, stats: { role: 'edge', cores: 8 }, agent: { version: '1', supervisor: 'systemd', livekit } },
    { 'x-cluster-token': nodeToken },
  );
  assert.equal(beat.status, 200, beat.text);
}

/** A folder of a daemon whose first app failed at noon of yesterday. */
async function folderWithYesterday(t: { after(fn: () => unknown): void }): Promise<string> {
  const dataDir = await temporaryDir(t);
  await mkdir(path.join(dataDir, 'logs'), { recursive: true });
  const table = LogRepository.open(path.join(dataDir, 'logs', 'server-logs.db'));
  const noon = new Date();
  noon.setDate(noon.getDate() - 1);
  noon.setHours(12, 0, 0, 0);
  const row = { ts: noon.getTime(), level: 50, source: 'storage', appId: 1, metaJson: null };
  table.insert([
    { ...row, message: 'the bucket refused the object' },
    { ...row, level: 30, message: 'a recording was stored' },
    { ...row, ts: noon.getTime() - 3 * 86_400_000, message: 'an older failure' },
  ]);
  table.close();
  return dataDir;
}

/** The presses that docs/tasks.md promises for each task. */
async function promised(): Promise<Record<string, number>> {
  const text = await readFile(path.join(ROOT, 'docs/tasks.md'), 'utf8');
  const rows = text.matchAll(/^## (.+)\n\n\*\*(\d+|no) clicks?\*\*/gm);
  return Object.fromEntries([...rows].map(([, title, count]) => [title, count === 'no' ? 0 : Number(count)]));
}

test('the ten daily tasks, each within its presses', { skip: noChromium }, async (t) => {
  const docs = await promised();
  assert.deepEqual(Object.keys(docs), Object.keys(BUDGET), 'docs/tasks.md lists the tasks');
  const s3 = startS3Server();
  if (typeof s3 === 'string') return t.skip(s3);
  t.after(() => s3.stop());
  await builtRenderer();

  const stale = { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN, STREAMHUB_CLUSTER_STALE_S: '2' };
  const lagosDir = await temporaryDir(t);
  const quitoDir = await folderWithYesterday(t);
  const [paris, berlin, lagos, oslo, quito] = await Promise.all([
    testDaemon(t),
    testDaemon(t, stale),
    testDaemon(t, {}, { dataDir: lagosDir }),
    testDaemon(t),
    testDaemon(t, { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN, STREAMHUB_CLUSTER_STALE_S: '3600' }, { dataDir: quitoDir }),
  ]);
  await joinNode(berlin, 'edge-berlin-1', 0);
  await joinNode(quito, 'edge-quito-1', 3);
  for (const name of ['old', 'stage']) assert.equal((await quito.api.post('/apps', { name })).status, 201);
  await quito.api.put('/apps/live/config/raw', { yaml: CONFIG });
  await paris.api.put('/apps/live/config/raw', { yaml: CONFIG.replace('15', '45') });
  const bucket = await giveBucket(quito.api, 'old', s3);
  const place = bucketPlace(s3, bucket);
  const keys = ['old/one.mp4', 'old/two.mp4'];
  await s3.put(bucket, keys);
  addVods(
    quitoDir,
    'old',
    keys.map((key) => ({ key, place })),
  );

  const host = await desktopHost(t, { timing: QUICK });
  for (const [name, { url, token }] of Object.entries({ Paris: paris, Berlin: berlin, Lagos: lagos, Oslo: oslo })) {
    const credential = { kind: 'token', token };
    const added = await host.core.dispatch('connections:add', { url, name, credential, keep: 'session' });
    assert.ok(added.ok);
  }
  await writeFile(path.join(lagosDir, 'apps/live/config.yaml'), 'name: live\nrecording: [\n');
  await oslo.stop();

  const chromium = await browser(t);
  const page = await chromium.newPage({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' });
  page.setDefaultTimeout(60_000);
  const ui = new ConsolePage(page);
  await page.addInitScript(host.bridgeScript);
  const presses = await clickCounter(page);
  await page.goto(`${host.url}/icon.svg`);

  let hasFailed: string | false = false;
  /** Does a task from where the one before ended, or from a page of the daemon at hand. */
  const task = (name: string, does: () => Promise<void>): Promise<void> =>
    t.test(name, { skip: hasFailed }, async (t) => {
      hasFailed = 'a task before it failed';
      await presses.start();
      const begin = performance.now();
      await does();
      const count = await presses.count();
      t.diagnostic(`${name}: ${count} presses, ${Math.round(performance.now() - begin)} ms`);
      assert.ok(count <= (BUDGET[name] ?? 0), `${count} presses, ${BUDGET[name]} allowed`);
      assert.equal(count, docs[name], 'what docs/tasks.md says');
      hasFailed = false;
    }) as Promise<void>;
  const palette = async (words: string, found: string | RegExp): Promise<void> => {
    await ui.button(/Search or run a command/).click();
    await page.getByPlaceholder('Search apps, nodes and pages, or run a command').fill(words);
    await page.getByRole('button', { name: found }).first().waitFor();
    await page.keyboard.press('Enter');
  };

  await task('See what is wrong on all daemons', async () => {
    await page.goto(host.url);
    const problems = page.getByRole('region', { name: 'Problems' });
    await problems.getByText('The daemon isn’t responding').waitFor();
    await problems.getByText('Node edge-berlin-1 isn’t reporting').waitFor();
    await problems.getByText('The config of live is not active').first().waitFor();
    await ui.row('Paris').getByText('Connected').waitFor();
    await ui.statusBar().getByText('3 of 4 connected').waitFor();
  });

  await task('Add a daemon', async () => {
    await page.getByRole('navigation', { name: 'Daemons' }).getByRole('link', { name: 'Add a daemon' }).click();
    await ui.field('Address').fill(quito.url.replace('http://', ''));
    await ui.field('Name').fill('Quito');
    await page.getByLabel('Token', { exact: true }).fill(quito.token);
    await ui.button('Test connection').click();
    await page.getByText('All well; it can be added').waitFor();
    await ui.button('Add daemon').click();
    await ui.heading('Overview').waitFor();
  });

  await task('Change a setting and review it', async () => {
    await ui.section('Apps').getByText('3').waitFor();
    await palette('live config', /^live › Config/);
    await page.getByText('valid', { exact: true }).waitFor();
    await page.locator('.cm-line', { hasText: 'split_minutes: 15' }).first().click();
    await page.keyboard.press('End');
    await page.keyboard.press('Control+Shift+ArrowLeft');
    await page.keyboard.insertText('30');
    await page.locator('.cm-line', { hasText: 'split_minutes: 30' }).waitFor();
    await ui.button('Review').click();
    await page.locator('.cm-merge-b .cm-changedLine', { hasText: 'split_minutes: 30' }).waitFor();
    await ui.button('Save config').click();
    await page.getByText('Saved and active').waitFor();
    assert.match((await quito.api.get('/apps/live/config/raw')).body.data.yaml, /split_minutes: 30/);
  });

  await task('Take a change back', async () => {
    const history = page.getByRole('complementary', { name: 'History' });
    await history
      .getByRole('button', { name: /recording\.split_minutes/ })
      .first()
      .click();
    await ui.dialog().locator('.cm-merge-a .cm-changedLine', { hasText: 'split_minutes: 15' }).waitFor();
    await ui.dialog().getByRole('button', { name: 'Restore this version' }).click();
    await ui.dialog().waitFor({ state: 'hidden' });
    assert.equal((await quito.api.get('/apps/live/config/raw')).body.data.yaml, CONFIG);
  });

  await task('Connect a storage bucket', async () => {
    const own = await s3.bucket();
    await palette('stage storage', /^stage › Storage/);
    await page.getByRole('radio', { name: /MinIO/ }).click();
    await page
      .getByRole('combobox', { name: 'Endpoint', exact: true })
      .or(page.getByRole('textbox', { name: 'Endpoint', exact: true }))
      .fill(s3.endpoint);
    await page.getByRole('textbox', { name: 'Bucket' }).fill(own);
    await ui.field('Access key').fill(s3.key);
    await page.getByLabel('Secret key', { exact: true }).fill(s3.secret);
    await ui.button('Test storage').click();
    await page.getByText(`Bucket ${own} works`).waitFor();
    await ui.button('Save storage').click();
    await page.getByText('Saved and active').waitFor();
    assert.equal((await quito.api.get('/apps/stage/s3')).body.data.bucket, own);
  });

  await task('Find yesterday’s error of an app', async () => {
    await palette('live logs', /^live › Logs/);
    await page.getByRole('radiogroup', { name: 'Level' }).getByText('error', { exact: true }).click();
    await page.getByLabel('Time', { exact: true }).selectOption('Yesterday');
    await ui.row('the bucket refused the object').waitFor();
    await page.getByText('1 line', { exact: true }).waitFor();
  });

  await task('Drain a node', async () => {
    await palette('edge-quito', /^edge-quito-1/);
    await ui.button('Drain node…').click();
    await ui.dialog('Drain node edge-quito-1').getByText('It carries 3 rooms').waitFor();
    await ui.dialog('Drain node edge-quito-1').getByRole('button', { name: 'Drain node' }).click();
    await ui.dialog('edge-quito-1').getByText('No new room is placed there').waitFor();
    // the node can say so before the answer closes the dialog, which would take the key
    await ui.dialog('Drain node edge-quito-1').waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');
  });

  await task('Make a token for a CI job', async () => {
    await ui.section('Access').click();
    await ui.button('Create token').click();
    await ui.dialog().getByLabel('Name').fill('ci');
    await ui.dialog().getByRole('button', { name: 'Create token' }).click();
    await ui.dialog().getByRole('button', { name: 'Copy token' }).click();
    await page.getByText('Copied').waitFor();
    const [copied] = (await host.recorded()).copied.slice(-1);
    assert.equal((await quito.api.as(copied ?? '').get('/auth/me')).body.data.scope, 'app');
    await page.keyboard.press('Escape');
  });

  await task('Compare an app on two daemons', async () => {
    await ui.section('Compare').click();
    await ui.field('App on the left').selectOption('live');
    assert.equal(await ui.field('Daemon on the right').inputValue(), await idOf('Paris'));
    await page.locator('.cm-merge-b .cm-changedLine', { hasText: 'split_minutes: 45' }).waitFor();
  });
  async function idOf(name: string): Promise<string> {
    return host.core.connections.list().connections.find((one) => one.name === name)?.id ?? '';
  }

  await task('Delete an app with its recordings', async () => {
    await ui.section('Apps').click();
    await ui.button('Actions for old').click();
    await page.getByRole('menuitem', { name: 'Delete app…' }).click();
    await ui
      .dialog()
      .getByLabel(/Also delete 2 recordings/)
      .click();
    await page.keyboard.press('Tab');
    await page.keyboard.insertText('old');
    await page.keyboard.press('Enter');
    await ui.row('old').waitFor({ state: 'hidden' });
    await page.waitForFunction(() => !document.body.innerText.includes('1 job'));
    assert.deepEqual(await s3.keys(bucket), []);
  });
});
