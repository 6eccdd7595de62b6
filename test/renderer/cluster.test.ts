import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOfKeys } from '#daemon/platform/livekit-keys.ts';
import { assertAccessible, browser, builtConsole, noChromium, openConsole } from '#test/helpers/browser.ts';
import { testDaemon } from '#test/helpers/daemon.ts';
import { nodeHistory } from '#test/helpers/node-history.ts';
import { ConsolePage } from './console-page.ts';

const CLUSTER_TOKEN = 'clt_0123456789abcdefghijklmnopqrstuv';
const KEYS = { livekitApiKey: 'APIcluster', livekitApiSecret: 'a-secret-of-a-test-0123456789abcdef' };

test('the cluster screen', { skip: noChromium }, async (t) => {
  await builtConsole();
  const daemon = await testDaemon(t, {
    STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN,
    LIVEKIT_API_KEY: KEYS.livekitApiKey,
    LIVEKIT_API_SECRET: KEYS.livekitApiSecret,
  });
  const node = daemon.api.as(null);
  const join = async (name: string, ip: string, region: string) =>
    (await node.post('/cluster/join', { name, ip, region }, { 'x-cluster-token': CLUSTER_TOKEN })).body.data;
  const beat = (of: { nodeId: string; nodeToken: string }, rooms: number, state = 'running', keys?: string[]) =>
    node.post(
      '/cluster/heartbeat',
      {
        nodeId: of.nodeId,
        stats: {
          role: 'edge',
          cores: 8,
          cpu: 0.42,
          memUsedRatio: 0.5,
          memTotal: 16e9,
          livekit: { rooms, participants: rooms * 5, txBytesPerSecond: 2e6 },
        },
        agent: {
          version: '1',
          supervisor: 'systemd',
          livekit: { state, nodeId: 'ND_1', rooms, participants: rooms * 5, clients: 0, foreignClients: 0 },
          ...(keys === undefined ? {} : { keys }),
        },
      },
      { 'x-cluster-token': of.nodeToken },
    );
  const first = await join('edge-fra-1', '203.0.113.1', 'eu-central');
  await beat(first, 3);
  const page = await openConsole(t, await browser(t), daemon.url, { token: daemon.token, path: '/cluster' });
  const ui = new ConsolePage(page);
  const panel = ui.dialog();

  await t.test('shows what a node reports', async () => {
    const row = ui.row('edge-fra-1');
    await row.getByText('active').waitFor();
    await row.getByText('42 %').waitFor();
    await row.getByText('16 Mbit/s').waitFor();
    await assertAccessible(page, 'the nodes');
  });

  await t.test('quality is shown over time, beside other nodes, and what is bad is marked', async () => {
    const measured = { score: 2.94, lossIn: 0.2, lossOut: 6.4, lossP95: 18, jitter: 8, rtt: 120, nack: 40, pli: 2 };
    const past = nodeHistory(daemon.dataDir);
    const minute = Math.floor(Date.now() / 60_000);
    past.write(...[2, 3, 4].map((ago) => ({ subject: first.nodeId, minute: minute - ago, ...measured })));
    past.close();
    const { findings } = (await daemon.api.get(`/cluster/nodes/${first.nodeId}/quality`)).body.data;
    assert.deepEqual(
      findings.map((one: { text: string }) => one.text),
      ['A quality score of 2.9', '6.4 % loss on the way to viewers'],
    );
    await page.getByRole('link', { name: 'Quality', exact: true }).click();
    const row = ui.row('edge-fra-1');
    await row.getByText('2 problems').waitFor();
    await row.getByText('6.4 %').waitFor();
    await page.getByText('6.4 % loss on the way to viewers from').waitFor();
    await page.getByLabel('Figure').selectOption('lossOut');
    await page.getByRole('img', { name: 'Loss to viewers over time; now edge-fra-1 6.4 %' }).waitFor();
    await page.getByText('limit 2 %').waitFor();
    await assertAccessible(page, 'the quality of nodes');
    await row.click();
    await panel.getByRole('img', { name: 'Packet loss over time; now To the node 0.2 %' }).waitFor();
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
    await page.getByRole('link', { name: 'Nodes', exact: true }).click();
  });

  await t.test('a node with old LiveKit keys says what to do', async () => {
    const { livekitApiKey, livekitApiSecret } = KEYS;
    await beat(first, 3, 'running', [digestOfKeys(livekitApiKey, 'the secret before')]);
    await ui.row('edge-fra-1').getByText('old LiveKit keys').waitFor();
    await ui.row('edge-fra-1').click();
    await panel.getByText('Create a join command and run it on the node').waitFor();
    await beat(first, 3, 'running', [digestOfKeys(livekitApiKey, livekitApiSecret)]);
    await ui.row('edge-fra-1').getByText('active').waitFor();
    await panel.getByText('Create a join command').waitFor({ state: 'hidden' });
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
  });

  await t.test('the wizard gives the line and sees the new node arrive', async () => {
    await ui.button('Add node').click();
    await panel.getByLabel('Node name').fill('edge-nyc-1');
    await ui.button('Create join command').click();
    const command = await panel.getByRole('region', { name: 'join command' }).innerText();
    assert.match(command, /STREAMHUB_JOIN_CODE=shj_.*install\.sh.*--node-name edge-nyc-1/s);
    await panel.getByText('1 machine left').first().waitFor();
    await panel.getByText('Waiting for the new node to join…').waitFor();
    await assertAccessible(page, 'the wizard');
    const second = await join('edge-nyc-1', '203.0.113.2', 'us-east');
    await beat(second, 0);
    await panel.getByText('edge-nyc-1 has joined and reports').waitFor();
    await ui.button('Show edge-nyc-1').click();
    await ui.dialog('edge-nyc-1').waitFor();
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
  });

  await t.test('draining says whom it touches, then counts down', async () => {
    await ui.row('edge-fra-1').click();
    await ui.button('Drain node…').click();
    const dialog = ui.dialog('Drain node edge-fra-1');
    await dialog.getByText('It carries 3 rooms with 15 participants now.').waitFor();
    await assertAccessible(page, 'the question before draining');
    await dialog.getByLabel('End them now').check();
    assert.equal(await dialog.getByRole('button', { name: 'Drain node' }).isDisabled(), true);
    await dialog.getByLabel('Wait as long as it takes').check();
    await dialog.getByRole('button', { name: 'Drain node' }).click();
    await ui.dialog('edge-fra-1').getByText('No new room is placed there').waitFor();
    // the agent hears of it with one report and has carried it out with the next
    await beat(first, 1, 'draining');
    await beat(first, 1, 'draining');
    await ui.dialog('edge-fra-1').getByText('1 room, 5 participants left').waitFor();
    await assertAccessible(page, 'a draining node');
    const nodes = (await daemon.api.get('/cluster/nodes')).body.data;
    assert.equal(nodes.find((one: { name: string }) => one.name === 'edge-fra-1').status, 'draining');
    await beat(first, 0, 'stopped');
    await ui.dialog('edge-fra-1').getByText('drained', { exact: true }).first().waitFor();
    const outOfOrder = '**/api/v1/cluster/nodes/*';
    await page.route(outOfOrder, (route) => route.fulfill({ status: 500, body: 'out of order' }));
    await ui.button('Return to service').click();
    await ui.dialog('edge-fra-1').getByRole('alert').getByText('The node continues as before.').waitFor();
    await page.unroute(outOfOrder);
    await ui.button('Return to service').click();
    await ui.dialog('edge-fra-1').getByText('active', { exact: true }).first().waitFor();
  });

  await t.test('a node is renamed and removed by its name', async () => {
    await ui.dialog('edge-fra-1').getByLabel('Name').fill('edge-fra-9');
    await ui.dialog('edge-fra-1').getByRole('button', { name: 'Save' }).click();
    await ui.dialog('edge-fra-9').waitFor();
    await ui.button('Remove…').click();
    const dialog = ui.dialog('Remove node edge-fra-9');
    assert.equal(await dialog.getByRole('button', { name: 'Remove node' }).isDisabled(), true);
    await dialog.getByLabel(/to go on/).fill('edge-fra-9');
    await dialog.getByRole('button', { name: 'Remove node' }).click();
    await ui.row('edge-fra-9').waitFor({ state: 'hidden' });
  });

  await t.test('figures of another shape than the agent’s are left out', async () => {
    const odd = await join('edge-odd-1', '203.0.113.3', 'eu-north');
    const stats = { cpu: 0.2, gpu: 'Tesla T4', disk: '80%' };
    await node.post('/cluster/heartbeat', { nodeId: odd.nodeId, stats }, { 'x-cluster-token': odd.nodeToken });
    await ui.row('edge-odd-1').click();
    const dialog = ui.dialog('edge-odd-1');
    await dialog.getByText('20 %').first().waitFor();
    assert.equal(await dialog.getByText('GPU', { exact: true }).count(), 0);
    await daemon.api.delete(`/cluster/nodes/${odd.nodeId}`);
    await ui.row('edge-odd-1').waitFor({ state: 'hidden' });
  });

  await t.test('where the next room would go is told with its reason', async () => {
    await ui.button('Preview placement').click();
    await ui.dialog('Placement of the next room').getByText('LiveKit decides').waitFor();
    await assertAccessible(page, 'the placement');
  });
});
