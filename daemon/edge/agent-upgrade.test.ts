import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { until } from '#test/helpers/until.ts';
import { edgeCommand } from './command.ts';
import { type Identity, type Layout, layoutOf, makeFolders, readJson, writeJson } from './layout.ts';

/** A machine on which a new agent is on trial until then, and the old agent and its guard are gone. */
function onTrial(t: { after(fn: () => unknown): void }, until: number): { layout: Layout; marker: string } {
  const root = mkdtempSync(path.join(os.tmpdir(), 'streamhub-trial-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const layout = layoutOf(root);
  makeFolders(layout);
  const marker = path.join(root, 'marker');
  writeFileSync(layout.agent, 'the new one');
  writeFileSync(
    layout.agentPrevious,
    `import fs from 'node:fs'; fs.writeFileSync(${JSON.stringify(marker)}, process.argv[2]);`,
  );
  const sha256 = createHash('sha256').update('the new one').digest('hex');
  writeJson(layout.agentUpgrade, { id: 'u1', sha256, state: 'trying', until, watcher: { pid: 1, startTime: 'gone' } });
  const livekit = { binary: '/bin/false', url: 'ws://127.0.0.1:9', metricsUser: 'a', metricsPassword: 'b' };
  writeJson(layout.identity, {
    masterUrl: 'http://127.0.0.1:9',
    nodeId: 'n1',
    name: 'edge',
    nodeToken: 'x',
    heartbeatSeconds: 1,
    supervisor: 'child',
    scope: 'user',
    livekit: { ...livekit, metricsUrl: 'http://127.0.0.1:9/metrics' },
  } satisfies Identity);
  return { layout, marker };
}
const stateOf = ({ agentUpgrade }: Layout) => readJson<{ state: string; reason?: string }>(agentUpgrade);

test('before a start of its unit, the former agent takes back what was not answered in time', async (t) => {
  const early = onTrial(t, Date.now() + 60_000).layout;
  assert.equal(await edgeCommand(['take-back', '--prefix', early.root], null), 0);
  assert.equal(stateOf(early)?.state, 'trying');
  assert.equal(readFileSync(early.agent, 'utf8'), 'the new one');

  const { layout } = onTrial(t, Date.now() - 1);
  assert.equal(await edgeCommand(['take-back', '--prefix', layout.root], null), 0);
  assert.match(readFileSync(layout.agent, 'utf8'), /writeFileSync/);
  assert.deepEqual([stateOf(layout)?.state, existsSync(layout.agentPrevious)], ['failed', false]);
  assert.match(stateOf(layout)?.reason ?? '', /not answered in time/);
  assert.equal(await edgeCommand(['take-back', '--prefix', layout.root], null), 0);
});

test('a new agent that nobody watches any more gives up by itself and starts the former one', async (t) => {
  const { layout, marker } = onTrial(t, Date.now() - 60_000);
  assert.equal(await edgeCommand(['run', '--prefix', layout.root], null), 0);
  assert.equal(stateOf(layout)?.state, 'failed');
  await until('the former agent runs', () => existsSync(marker) && readFileSync(marker, 'utf8') === 'run');
});

test('the guard starts the former agent when both others are dead', async (t) => {
  const { layout, marker } = onTrial(t, Date.now() + 60_000);
  assert.equal(await edgeCommand(['guard', '--prefix', layout.root], null), 0);
  assert.deepEqual(stateOf(layout)?.reason, 'the new agent ended before it could report');
  await until('the former agent runs', () => existsSync(marker) && readFileSync(marker, 'utf8') === 'run');
});
