import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type AgentState, layoutOf, makeFolders, readJson, writeJson } from '#daemon/edge/layout.ts';
import { isAlive, type ProcessRef, signal } from '#daemon/edge/process-table.ts';
import { BIN, temporaryDir, testDaemon } from '#test/helpers/daemon.ts';
import { until } from '#test/helpers/until.ts';

/** What fails in the agent's process again and again, outside of its turns. */
const TROUBLE = `setInterval(() => { throw new Error('a timer throws'); }, 20).unref();
setInterval(() => { void Promise.reject(new Error('a promise rejects')); }, 20).unref();`;
const CLUSTER_TOKEN = 'c'.repeat(40);

test('nothing ends an agent: a throwing timer, a rejected promise, files it cannot write, a full disk under its log', async (t) => {
  const daemon = await testDaemon(t, { STREAMHUB_CLUSTER_TOKEN: CLUSTER_TOKEN });
  const joined = await daemon.api
    .as(null)
    .post('/cluster/join', { name: 'edge-1', ip: '203.0.113.1' }, { 'x-cluster-token': CLUSTER_TOKEN });
  const { nodeId, nodeToken } = joined.body.data as { nodeId: string; nodeToken: string };
  const layout = layoutOf(await temporaryDir(t));
  makeFolders(layout);
  const binary = path.join(layout.root, 'bin', 'server');
  writeFileSync(binary, '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
  const livekit = {
    binary,
    url: 'ws://127.0.0.1:9',
    metricsUrl: 'http://127.0.0.1:9/metrics',
    metricsUser: 'u',
    metricsPassword: 'p',
  };
  const common = { masterUrl: daemon.url, nodeId, nodeToken, name: 'edge-1', heartbeatSeconds: 1, scope: 'user' };
  writeJson(layout.identity, { ...common, supervisor: 'child', livekit });
  // a folder in the way of the file: every write is refused
  mkdirSync(layout.state);
  const start = (t: TestContext, stdout: number | 'pipe') => {
    const preload = `data:text/javascript,${encodeURIComponent(TROUBLE)}`;
    const args = ['--import', preload, BIN, 'edge', 'run', '--prefix', layout.root];
    const child = spawn(process.execPath, args, { stdio: ['ignore', stdout, 'ignore'] });
    let lines = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      lines += chunk;
    });
    const end = async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill();
        await once(child, 'exit');
      }
      return child.exitCode;
    };
    t.after(end);
    return { end, lines: () => lines };
  };
  const reports = () => daemon.services.cluster.nodes.get(nodeId)?.seenAt ?? 0;
  const untilReports = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n += 1) {
      const before = reports();
      await until('the agent reports', () => reports() > before);
    }
  };

  const full = openSync('/dev/full', 'w');
  const first = start(t, full);
  closeSync(full);
  await untilReports(2);
  assert.equal(await first.end(), 0);

  const second = start(t, 'pipe');
  await untilReports(2);
  const lines = second.lines();
  const count = (words: RegExp) => lines.split('\n').filter((line) => words.test(line)).length;
  assert.equal(count(/unexpected error: .* \(a (?:timer throws|promise rejects)\)/), 1, lines);
  assert.equal(count(/state\.json: background work failed/), 1, lines);
  rmdirSync(layout.state);
  const stored = await until('what it remembers is written', () => readJson<AgentState>(layout.state)?.process);
  assert.ok(isAlive(stored as ProcessRef));
  assert.equal(await second.end(), 0);
  signal(stored as ProcessRef, 'SIGKILL');
});
